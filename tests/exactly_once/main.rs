//! Exactly-once output on a real broker: readers of committed records see the outputs that a replay of the input gives,
//! and a kill between producing and committing neither loses nor repeats any of them.
//!
//! The input is a simulated flow of three partitions with hostile records in it (`support::flow`). One function
//! compares the outcome of every fault (`support::outcome`). A new fault is a new test: start a [`Trial`], do harm,
//! `finish`.
//!
//! To see that these tests can fail, make the service commit offsets before outputs: in `src/app/service`, before the
//! call of `publisher.commit(…)`, insert
//! ```text
//! let _ = reader.commit(&offsets, rdkafka::consumer::CommitMode::Sync);
//! ```
//! and run `cargo test --features failpoints --test exactly_once`. The input of the killed transaction is then never
//! handled again, and `a_kill_between_produce_and_commit_loses_and_repeats_nothing` must fail: revisions of an incident
//! are missing.

mod kills;
mod reloads;
mod silence;
mod snapshots;
#[path = "../support/mod.rs"]
mod support;
mod takeover;

use std::collections::BTreeSet;

use support::flow::Flow;
use support::outcome::alert;
use support::topic::{Isolation, Record, Topic};
use support::trial::Trial;

/// Least number of incidents that are committed before the kill.
const COMMITTED_MIN: usize = 10;
/// Failpoint reached by a transaction that opens an incident, when the broker has its outputs and nothing is committed.
const FAILPOINT: &str = "before-commit";

#[test]
fn alerts_equal_the_replay_of_the_topic() {
    let trial = Trial::with_defaults(Flow::shared());
    let follower = trial.alerts.follow();
    let service = trial.start();
    trial.finish(service, follower);
}

#[test]
fn a_kill_between_produce_and_commit_loses_and_repeats_nothing() {
    let trial = Trial::named(Flow::shared(), "killed");
    let follower = trial.alerts.follow();
    let mut service = trial.start_with(&format!("{FAILPOINT}={COMMITTED_MIN}*off->return"));
    service.wait_line(&format!("failpoint {FAILPOINT}"));
    assert_an_open_transaction_opens_an_incident(&trial.alerts);
    service.kill();
    let restarted = trial.start();
    trial.finish(restarted, follower);
}

#[test]
fn a_process_whose_client_hangs_logs_it_and_ends_and_its_successor_goes_on() {
    let trial = Trial::named_with(Flow::shared(), "stuck", "\"transaction.timeout.ms\" = \"10000\"");
    let follower = trial.alerts.follow();
    let mut service = trial.start_with("in-call=20*off->pause");
    service.wait_line("a transaction is held up");
    service.wait_line("has not returned from a transaction");
    let (status, last) = service.ended();
    assert_eq!(status.code(), Some(69), "{last}");
    trial.assert_input_left();
    let successor = trial.start();
    trial.finish(successor, follower);
}

#[test]
fn a_process_whose_client_hangs_ends_on_sigterm() {
    let trial = Trial::named(Flow::shared(), "stuck-told");
    let follower = trial.alerts.follow();
    let mut service = trial.start_with("in-call=20*off->pause");
    service.wait_line("a transaction is held up");
    let (status, log) = service.end();
    assert_eq!(status.code(), Some(0), "{log}");
    assert!(log.contains("left to be rolled back"), "{log}");
    let successor = trial.start();
    trial.finish(successor, follower);
}

/// Proves that some incidents are committed, and that the broker has one more, in an open transaction.
fn assert_an_open_transaction_opens_an_incident(alerts: &Topic) {
    let committed = alerts.records(Isolation::ReadCommitted);
    let opened = committed.iter().filter(|record| opens_incident(record)).count();
    assert!(opened >= COMMITTED_MIN, "only {opened} incidents are committed");
    let visible: BTreeSet<(i32, i64)> = committed.iter().map(Record::position).collect();
    let mut all = alerts.records(Isolation::ReadUncommitted);
    all.retain(|record| !visible.contains(&record.position()));
    assert!(all.iter().any(opens_incident), "the open transaction holds no new incident: {all:?}");
}

fn opens_incident(record: &Record) -> bool {
    alert(record)["revision"] == 1
}
