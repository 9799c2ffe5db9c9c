//! Chooses the newest snapshot that can be used.

use super::begin::{Begin, Ground, plan_under};
use crate::{
    app::{
        Failure, clock,
        kafka::{
            state::{Candidate, Found, Held, Manifest, PartitionOffset, Refusal},
            topics::Range,
        },
        service::positions::Position,
    },
    config::Config,
    engine::{Engine, Settings, Snapshot},
};

/// Returns the positions in the newest snapshot of this service.
pub fn saved(config: &Config, found: &Found) -> Vec<PartitionOffset> {
    let candidates = found.candidates();
    let manifests = candidates.iter().filter_map(|candidate| candidate.manifest.as_ref().ok());
    let mut ours = manifests.filter(|manifest| manifest.service == config.kafka.transactional_id);
    ours.next().map_or_else(Vec::new, |manifest| manifest.positions.clone())
}

/// Returns the engine of the newest snapshot that can be used, and the slot of the next snapshot.
pub fn choose(ground: Ground<'_>, found: &Found, positions: &[Position]) -> Result<Begin, Failure> {
    let held: Vec<Held> = positions.iter().map(|position| position.held.clone()).collect();
    for candidate in &found.candidates() {
        match load(ground, found, candidate, &held)? {
            Ok((engine, manifest)) => {
                let age_s = clock::wall().since(manifest.taken_at).secs_f64();
                let (slot, bytes, build) = (candidate.slot.name(), manifest.bytes, manifest.build.as_str());
                tracing::info!(slot, age_s, bytes, build, "the state was loaded from a snapshot");
                if manifest.config != engine.context().config {
                    tracing::warn!(
                        "the settings of the snapshot are not known: what came since is read under those of the configuration"
                    );
                }
                let base = Some((engine, manifest.positions));
                return Ok(Begin { base, slot: candidate.slot.other(), from_snapshot: true });
            }
            Err(refusal) => {
                let (slot, reason) = (candidate.slot.name(), refusal.name());
                tracing::warn!(slot, reason, "a snapshot is not used: {refusal}");
            }
        }
    }
    if held.iter().any(|held| held.range.from < held.range.to) {
        tracing::info!("no snapshot can be used: the input is read from its start");
    }
    Ok(Begin { base: None, slot: found.free_slot(), from_snapshot: false })
}

fn load(
    Ground { config, interrupt, .. }: Ground<'_>,
    found: &Found,
    candidate: &Candidate,
    held: &[Held],
) -> Result<Result<(Engine, Manifest), Refusal>, Failure> {
    let judged = candidate.manifest.clone().and_then(|manifest| manifest.judge(config, held).map(|()| manifest));
    let manifest = match judged {
        Ok(manifest) => manifest,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let fetched = found.fetch(candidate, &manifest, config, interrupt)?;
    let engine = fetched.and_then(|snapshot: Snapshot| {
        let ranges: Vec<Range> = held.iter().map(|held| held.range.clone()).collect();
        // Those of another build may have other keys, and earlier builds wrote none.
        let written = manifest.settings.as_ref().and_then(|written| Settings::read(written).ok());
        let plan = plan_under(config, &ranges, written.unwrap_or_else(|| config.settings()));
        let engine = Engine::restore(&plan, snapshot);
        engine.map_err(Refusal::from)
    });
    Ok(engine.map(|engine| (engine, manifest)))
}
