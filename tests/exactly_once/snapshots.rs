//! Restarts from a snapshot: after a kill, after a clean end, after a kill inside a snapshot, with snapshots that
//! cannot be used, and with an input whose start has been deleted.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::sync::Arc;

use serde_json::Value;

use crate::support::flow::Flow;
use crate::support::service::Service;
use crate::support::state::Stored;
use crate::support::trial::Trial;

/// Logged, with the slot, when a snapshot has been loaded.
const LOADED: &str = "the state was loaded from a snapshot";
/// Logged when the service has reached the committed offsets.
const READ_AGAIN: &str = "the input was read again";
/// Logged, with the reason, for a snapshot that is not loaded.
const NOT_USED: &str = "a snapshot is not used";
/// Failpoints that stop the service in a transaction that opens an incident, after 20 or 5 earlier ones; snapshots have
/// been written by then.
const AFTER_20: &str = "before-commit=20*off->return";
const AFTER_5: &str = "before-commit=5*off->return";
const PARKED: &str = "failpoint before-commit";

/// Alerts that are committed when the second process is asked to end: more than the first process left.
const MORE_ALERTS: usize = 60;
/// Place of the version in the engine's bytes.
const VERSION: std::ops::Range<usize> = 8..12;

fn trial(name: &str) -> Trial {
    Trial::with_state_settings(Flow::shared(), name, "interval_s = 1\n")
}

/// The number of records that a snapshot covers: the sum of its manifest's positions.
fn covered(manifest: &Value) -> i64 {
    manifest["positions"].as_array().unwrap().iter().map(|position| position["next"].as_i64().unwrap()).sum()
}

/// Runs the service until a snapshot is written and the failpoint stops it in a transaction, and kills it there.
fn kill_after_a_snapshot(trial: &Trial, failpoint: &str) {
    let mut service = trial.start_with(failpoint);
    service.wait_line(PARKED);
    trial.state().wait_snapshots(1);
    service.kill();
}

#[test]
fn a_restart_reads_again_only_what_came_since_the_snapshot_and_nothing_after_a_clean_end() {
    let trial = trial("restarted");
    let mut follower = trial.alerts.follow();
    kill_after_a_snapshot(&trial, AFTER_20);
    let (covered, committed) = (covered(trial.state().manifests().last().unwrap()), trial.committed().unwrap());
    assert!(0 < covered && covered <= committed, "{covered} of {committed}");
    // The second process goes on a little and ends cleanly.
    let mut second = trial.start();
    second.wait_line(LOADED);
    let again = second.wait_json(READ_AGAIN);
    assert_eq!(again["records"].as_i64(), Some(committed - covered), "{again}");
    follower.wait(MORE_ALERTS);
    trial.assert_input_left();
    assert_eq!(second.terminate().code(), Some(0));
    let mut third = trial.start();
    third.wait_line(LOADED);
    let again = third.wait_json(READ_AGAIN);
    assert_eq!(again["records"].as_i64(), Some(0), "{again}");
    trial.finish(third, follower);
}

#[test]
fn a_kill_inside_a_snapshot_falls_back_to_the_other_slot() {
    let trial = trial("torn");
    let follower = trial.alerts.follow();
    // The third snapshot overwrites the first.
    let mut service = trial.start_with("in-snapshot=2*off->return");
    service.wait_line("failpoint in-snapshot");
    service.kill();
    assert_eq!(trial.state().manifests().len(), 2);
    let mut restarted = trial.start();
    assert_eq!(restarted.wait_json(LOADED)["slot"], "b");
    trial.finish(restarted, follower);
}

/// Starts the service, waits until it has read the input again, and returns the reasons why snapshots were not used.
fn reasons(trial: &Trial, failpoint: &str) -> (Service, Vec<String>) {
    let mut service = trial.start_with(failpoint);
    service.wait_line(READ_AGAIN);
    let log = service.log_so_far();
    assert!(!log.contains(LOADED), "{log}");
    let refused = log.lines().filter(|line| line.contains(NOT_USED));
    let reason = |line| serde_json::from_str::<Value>(line).unwrap()["reason"].as_str().unwrap().to_owned();
    (service, refused.map(reason).collect())
}

#[test]
fn the_service_logs_why_it_does_not_use_a_snapshot_and_goes_on() {
    let trial = trial("refused");
    let follower = trial.alerts.follow();
    kill_after_a_snapshot(&trial, AFTER_20);
    let good = trial.state().stored("a");
    let change = |key: &str, value: Value| {
        let mut manifest = good.manifest.clone();
        manifest[key] = value;
        Stored { manifest, bytes: good.bytes.clone() }
    };

    let mut damaged = good.bytes.clone();
    damaged[good.bytes.len() / 2] ^= 1;
    trial.state().store("a", &Stored { bytes: damaged, ..good.clone() });
    let mut newer = good.unpacked();
    newer[VERSION].copy_from_slice(&u32::MAX.to_le_bytes());
    trial.state().store("b", &good.with(zstd::encode_all(newer.as_slice(), 3).unwrap()));
    let (mut service, why) = reasons(&trial, AFTER_5);
    assert_eq!(why, ["unknown_version", "torn"]);
    service.wait_line(PARKED);
    service.kill();

    trial.state().store("a", &change("service", "another".into()));
    trial.state().store("b", &change("format", 99.into()));
    let (service, why) = reasons(&trial, "");
    assert_eq!(why, ["unknown_format", "foreign"]);
    trial.finish(service, follower);
}

#[test]
fn a_state_that_is_too_large_is_not_written_and_the_log_says_what_to_do() {
    let trial = Trial::with_state_settings(Flow::shared(), "large", "interval_s = 1\nbytes_max = 100\n");
    let mut service = trial.start();
    service.wait_line("raise `state.bytes_max`");
    assert_eq!(service.terminate().code(), Some(0));
    assert_eq!(trial.state().manifests().len(), 0);
}

#[test]
fn incidents_go_on_after_a_restart_when_the_start_of_the_input_has_been_deleted() {
    let whole = Flow::shared();
    let flow = whole.copied("kept.events");
    let trial = Trial::with_state_settings(Arc::clone(&flow), "kept", "interval_s = 1\n");
    let follower = trial.alerts.follow();
    kill_after_a_snapshot(&trial, AFTER_20);
    trial.delete_input_before(&trial.state().manifests().last().unwrap()["positions"]);
    let mut restarted = trial.start();
    restarted.wait_line(LOADED);
    // The replay needs the whole input.
    trial.finish_after(restarted, follower, || whole.restore_copy(&flow));
}
