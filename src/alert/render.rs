//! From an incident's revision to the alert that is published: identity, numbers, lists within their limits.

use std::{collections::BTreeSet, fmt::Write};

use sha2::{Digest, Sha256};

use super::{Action, Alert, Audit, Evidence, Feature, Impact, Records, Trust, words::words};
use crate::{
    correlate::{Incident, Revision, Status},
    detect::{Subject, ThresholdSource, Unit, WarmUp},
    event::{Place, Source},
    stats::math,
    trust::Standing,
};

/// The longest list of accounts, orders and trades (CONTRACT).
const LIST_MAX: usize = 20;

/// What an alert says that does not come from its incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// `sha256:` and the hash of the detection settings.
    pub config: String,
    /// The sources that positions refer to.
    pub sources: Vec<Source>,
    /// The command that reads the same input again.
    pub replay: String,
}

impl Context {
    /// A position as people write it: `topic:partition:offset`, in files `file:line`.
    #[must_use]
    pub fn written(&self, place: Place) -> String {
        let Some(source) = self.sources.get(place.source.0 as usize) else { return place.offset.to_string() };
        match source.partition {
            Some(partition) => format!("{}:{partition}:{}", source.name, place.offset),
            None => format!("{}:{}", source.name, place.offset),
        }
    }
}

/// The alert of a revision, in the mode that was in force.
#[must_use]
pub fn render(revision: &Revision, context: &Context, standing: &Standing) -> Alert {
    let incident = &revision.incident;
    let findings = incident.findings();
    let strongest = findings.iter().min_by(|a, b| a.1.p.total_cmp(&b.1.p));
    let ended = matches!(revision.status, Status::Resolved | Status::Withdrawn);
    let words =
        strongest.map(|(detector, finding)| words(*detector, finding, incident, revision.status, (context, standing)));
    let (title, summary, suggested) =
        words.map_or_else(Default::default, |w| (w.title, w.summary, w.suggested.to_owned()));
    let threshold = strongest
        .map_or(super::Threshold { value: 0.0, unit: Unit::Nats, source: ThresholdSource::Default }, |(_, f)| {
            f.threshold
        });
    Alert {
        id: identity(incident, context),
        fingerprint: fingerprint(incident),
        revision: incident.revision(),
        status: revision.status,
        severity: incident.severity(),
        title,
        summary,
        starts_at: incident.starts_at(),
        ends_at: incident.cleared_at().filter(|_| ended),
        detected_at: incident.detected_at(),
        revised_at: revision.at,
        emitted_at: None,
        latency_ms: None,
        detectors: findings.keys().copied().collect(),
        symbols: symbols(incident),
        accounts: accounts(incident),
        owners: Vec::new(),
        p: incident.p(),
        // −log10 of 1 is −0.
        score: (-math::log10(incident.p())).max(0.0),
        features: features(incident),
        threshold,
        evidence: evidence(incident, context),
        impact: Impact::default(),
        trust: trust(incident, standing),
        audit: Audit { config: context.config.clone(), build: None, chain: None },
        action: Action { suggested, runbook: None, dashboard: None, silence: None },
    }
}

/// A record opens one incident of a subject. Of the pipeline's the place is only where its input stood, and it may stand there when
/// the next one opens (a gap that was over before its partition fell silent): the instant tells them apart.
fn identity(incident: &Incident, context: &Context) -> String {
    let opening = incident.opening();
    let place = context.written(opening.place);
    let place = match incident.subject() {
        Subject::Symbol(_) => place,
        Subject::Pipeline => format!("{place}@{}", incident.detected_at()),
    };
    hash(16, &[&opening.config, &subject(incident), opening.detector.name(), &place])
}

fn fingerprint(incident: &Incident) -> String {
    hash(8, &[&subject(incident), incident.opening().detector.name()])
}

fn subject(incident: &Incident) -> String {
    match incident.subject() {
        Subject::Symbol(name) => format!("symbol:{name}"),
        Subject::Pipeline => "pipeline".to_owned(),
    }
}

fn symbols(incident: &Incident) -> Vec<String> {
    match incident.subject() {
        Subject::Symbol(name) => vec![name.to_string()],
        Subject::Pipeline => Vec::new(),
    }
}

/// The first bytes of the SHA-256 of parts that a line feed keeps apart, in hexadecimal. Names have no control characters.
fn hash(bytes: usize, parts: &[&str]) -> String {
    hexadecimal(&Sha256::digest(parts.join("\n"))[..bytes])
}

/// Two digits a byte.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn accounts(incident: &Incident) -> Vec<String> {
    let names: BTreeSet<&str> = incident
        .findings()
        .values()
        .flat_map(|f| f.evidence.accounts.iter().map(compact_str::CompactString::as_str))
        .collect();
    names.into_iter().take(LIST_MAX).map(str::to_owned).collect()
}

fn features(incident: &Incident) -> Vec<Feature> {
    let all = || incident.findings().iter().flat_map(|(d, finding)| finding.features.iter().map(move |f| (*d, f)));
    let sum: f64 = all().map(|(_, f)| -math::ln(f.p)).sum();
    all()
        .map(|(detector, f)| Feature {
            detector,
            name: f.name.name().to_owned(),
            window_ms: f.window.millis(),
            value: f.value,
            expected: f.expected,
            low: f.low,
            high: f.high,
            unit: f.unit.name().to_owned(),
            share: if sum > 0.0 { -math::ln(f.p) / sum } else { 0.0 },
            would_not_fire_below: f.would_not_fire_below,
        })
        .collect()
}

fn evidence(incident: &Incident, context: &Context) -> Evidence {
    let findings = incident.findings().values();
    let mut orders: Vec<String> = findings.clone().flat_map(|f| &f.evidence.orders).map(ToString::to_string).collect();
    orders.sort_unstable();
    orders.dedup();
    let total = findings.clone().map(|f| f.evidence.orders_total).sum::<u64>().max(orders.len() as u64);
    orders.truncate(LIST_MAX);
    let records = findings.flat_map(|f| &f.evidence.records).filter_map(|range| {
        let source = context.sources.get(range.source.0 as usize)?;
        Some(Records { topic: source.name.clone(), partition: source.partition, from: range.from, to: range.to })
    });
    Evidence {
        records: records.collect(),
        orders_total: Some(total).filter(|&total| total > orders.len() as u64),
        orders,
        trades: Vec::new(),
        replay: context.replay.clone(),
    }
}

fn trust(incident: &Incident, standing: &Standing) -> Trust {
    let warm_up = incident.findings().values().map(|f| f.warm_up).min().unwrap_or(WarmUp::Learning);
    Trust { mode: standing.mode, reasons: standing.reasons.clone(), warm_up, borrowed_share: 0.0 }
}
