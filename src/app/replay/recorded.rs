//! The recorded inputs of a replay, and the settings under which it begins.
//!
//! If the settings changed while the service ran, a replay follows them: it begins under those before the first change. That is so
//! where its own configuration is one of those that were in force, as in the command that an alert names. A replay under settings of
//! its own, which ask what would have been, keeps them throughout.

use std::{collections::BTreeSet, path::Path};

use crate::{
    app::{Failure, Interrupt, audit, cli, progress},
    config::Config,
    engine::{Plan, Recorded, Stretches},
};

/// Reads the recorded inputs of the service, from a file of that name or from the topic. Returns them and the plan under which the
/// replay begins.
pub fn inputs(
    args: &cli::Replay,
    config: &Config,
    plan: Plan,
    interrupt: &Interrupt,
) -> Result<(Stretches, Plan), Failure> {
    let mut recorded: Vec<Recorded> = entries(args, config, interrupt)?.into_iter().map(|entry| entry.input).collect();
    let changes = recorded.iter().filter(|recorded| is_change(recorded)).count();
    if changes > 0 && !were_in_force(&plan.hash(), &recorded) {
        progress::print_line(&format!(
            "replay: the settings of the service changed {changes} times, and those of this replay are none of them: they hold throughout"
        ));
        recorded.retain(|recorded| !is_change(recorded));
    }
    let stretches = Stretches::new(recorded, &plan.sources);
    if stretches.unknown() > 0 {
        let unknown = stretches.unknown();
        progress::print_line(&format!("replay: {unknown} inputs are left out: their partitions are not replayed"));
    }
    for reason in stretches.unreadable() {
        progress::print_line(&format!("replay: a change of the settings by another build is left out: {reason}"));
    }
    let plan = match stretches.first_settings() {
        Some(settings) => {
            let changes = stretches.changes();
            progress::print_line(&format!("replay: {changes} changes of the settings are followed"));
            plan.with(settings.clone())
        }
        None => plan,
    };
    Ok((stretches, plan))
}

/// The hashes of all settings that a replay will have, from those with which it begins.
pub fn configs(begin: &Plan, inputs: &Stretches) -> BTreeSet<String> {
    let later = inputs.settings().map(|settings| begin.clone().with(settings.clone()).hash());
    later.chain([begin.hash()]).collect()
}

fn entries(args: &cli::Replay, config: &Config, interrupt: &Interrupt) -> Result<Vec<audit::Entry>, Failure> {
    let Some(name) = &args.inputs else { return Ok(Vec::new()) };
    // Without a configuration the service's name is unknown; then the log must be of one service only.
    let service = args.config.as_ref().map(|_| config.kafka.transactional_id.as_str());
    let path = Path::new(name);
    if path.exists() || args.kafka.is_none() {
        audit::of_file(path, service)
    } else {
        audit::of_topic(&config.kafka, name, service, interrupt)
    }
}

const fn is_change(recorded: &Recorded) -> bool {
    matches!(recorded, Recorded::Settings { .. })
}

/// Whether settings with this hash were in force at some time.
fn were_in_force(config: &str, recorded: &[Recorded]) -> bool {
    recorded.iter().any(|recorded| match recorded {
        Recorded::Settings { before, now, .. } => before.config == config || now.config == config,
        Recorded::Idle { .. }
        | Recorded::Ceiling { .. }
        | Recorded::Mode { .. }
        | Recorded::NewLog { .. }
        | Recorded::Loss { .. }
        | Recorded::Skip { .. } => false,
    })
}
