//! Changes of the configuration: a reload while the service works, a kill before the snapshot that follows it, a reload that is
//! refused, and a restart with another file. The alerts must be those of a replay that follows the recorded changes.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::flow::Flow;
use crate::support::outcome::alert;
use crate::support::service::Service;
use crate::support::topic::{Isolation, Topic};
use crate::support::trial::Trial;

/// The settings that the tests change to: what a burst of withdrawals makes known is marked as shadow, and bursts of trades are learned
/// anew.
const IN_SHADOW: &str = "[detect.cancel_burst]\nstate = \"shadow\"\n[detect.trade_burst]\nwarnings_per_day = 0.2\n";
/// Logged when the settings of the engine have changed.
const CHANGED: &str = "other settings are in force";
/// Stops the service for some seconds in a transaction that opens an incident, after 15 earlier ones, and stops the writing of
/// the second snapshot for ever. The first is taken at the start, the second after a reload.
const HELD: &str = "before-commit=15*off->1*return(8000)->off;in-snapshot=1*off->return";
/// Long enough that no snapshot but the first is due by itself.
const SELDOM: &str = "interval_s = 3600\n";

/// The alerts by the hash of their settings: how many are marked as shadow, and how many are not.
fn by_settings(alerts: &Topic) -> BTreeMap<String, (usize, usize)> {
    let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
    for record in alerts.records(Isolation::ReadCommitted) {
        let alert = alert(&record);
        let (shadow, others) = counts.entry(alert["audit"]["config"].as_str().unwrap().to_owned()).or_default();
        *(if alert["shadow"] == true { shadow } else { others }) += 1;
    }
    counts
}

/// Reloads a configuration, and waits until the log says what came of it.
fn reload(trial: &Trial, service: &mut Service, config: &str, awaited: &str) -> serde_json::Value {
    trial.configure_anew(config);
    service.hang_up();
    service.wait_json(awaited)
}

#[test]
fn a_reload_acts_from_its_place_on_and_a_kill_before_its_snapshot_repeats_it_there() {
    let flow = Flow::shared();
    let trial = Trial::with_state_settings(Arc::clone(&flow), "reloaded", SELDOM);
    let follower = trial.alerts.follow();
    let mut service = trial.start_with(HELD);
    service.wait_line("failpoint before-commit");
    trial.state().wait_snapshots(1);
    let shadow = trial.config() + IN_SHADOW;
    let changed = reload(&trial, &mut service, &shadow, "a setting changes");
    assert_eq!(changed["key"], "detect.cancel_burst.state", "{changed}");
    service.wait_line(CHANGED);
    // The change is committed, and its snapshot is not: the restart begins with the first one, under the older settings.
    service.wait_line("failpoint in-snapshot");
    service.kill();
    assert_eq!(trial.state().manifests().len(), 1);
    trial.assert_input_left();
    let alerts = trial.alerts.clone();
    let mut restarted = trial.start();
    restarted.wait_line("the input was read again");
    trial.finish(restarted, follower);
    let counts = by_settings(&alerts);
    let [(before, _), (after, _)] = [false, true].map(|shadow| {
        let of = |counts: &(usize, usize)| if shadow { counts.0 > 0 } else { counts.0 == 0 && counts.1 > 0 };
        let found = counts.iter().find(|(_, counts)| of(counts));
        found.unwrap_or_else(|| panic!("{counts:?}"))
    });
    assert!(before != after && counts.len() == 2, "{counts:?}");
}

#[test]
fn a_reload_with_a_mistake_or_a_key_that_needs_a_restart_changes_nothing() {
    let flow = Flow::shared();
    let trial = Trial::with_state_settings(Arc::clone(&flow), "not-reloaded", SELDOM);
    let follower = trial.alerts.follow();
    let mut service = trial.start();
    service.wait_line("the service is ready");
    let (config, refused) = (trial.config(), "the configuration is not reloaded");
    let mistaken = config.clone() + "[detect.cancel_burst]\na_min = \"many\"\n";
    let line = mistaken.lines().count();
    let said = reload(&trial, &mut service, &mistaken, refused)["message"].to_string();
    assert!(said.contains(&format!(":{line}:")) && said.contains("detect.cancel_burst.a_min"), "{said}");
    let other_group = config.replace("group = \"not-reloaded\"", "group = \"another\"") + IN_SHADOW;
    let said = reload(&trial, &mut service, &other_group, refused)["message"].to_string();
    assert!(said.contains("restart to change `kafka.group`"), "{said}");
    reload(&trial, &mut service, &config, "nothing differs");
    assert_eq!(service.count_lines(CHANGED), 0);
    trial.finish(service, follower);
}

#[test]
fn a_restart_with_other_settings_reads_older_records_under_those_of_their_time() {
    let flow = Flow::shared();
    let trial = Trial::with_state_settings(Arc::clone(&flow), "edited", SELDOM);
    let follower = trial.alerts.follow();
    let mut service = trial.start_with("before-commit=15*off->return");
    service.wait_line("failpoint before-commit");
    service.kill();
    trial.configure_anew(&(trial.config() + IN_SHADOW));
    let mut restarted = trial.start();
    restarted.wait_line("the settings of this process's configuration are not those in force");
    restarted.wait_line(CHANGED);
    let alerts = trial.alerts.clone();
    trial.finish(restarted, follower);
    let counts = by_settings(&alerts);
    assert_eq!(counts.len(), 2, "{counts:?}");
}
