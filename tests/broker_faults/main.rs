//! Brokers that die, come back, and are slow, on real ones: the service waits for them, says so once, stays small, and what
//! readers of committed records see is what a replay of the input gives.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

#[path = "../support/mod.rs"]
mod support;

mod refused;
mod slow;

use std::time::Duration;

use support::deadline::Deadline;
use support::flow::Flow;
use support::trial::Trial;

/// How long a broker may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Alerts that are out before harm is done.
const ALERTS_MIN: usize = 20;
/// Said when a process has all partitions.
const ASSIGNED: &str = "partitions were assigned";
/// Said once when Kafka no longer answers, and once when it does again.
const LOST: &str = "it is tried again until it works";
const FOUND: &str = "Kafka answers again";

/// Whether `make test-long` asks for the full forms.
fn is_long() -> bool {
    std::env::var_os("TEST_LONG").is_some()
}

/// Longer than a session, so that the group has forgotten the service; in full longer than a transaction may live.
fn away() -> Duration {
    if is_long() { Duration::from_mins(2) } else { Duration::from_secs(8) }
}

#[test]
fn a_broker_that_is_away_is_waited_for() {
    let flow = Flow::on(1);
    let trial = Trial::named(flow.clone(), "away");
    let mut follower = trial.alerts.follow();
    let mut service = trial.start();
    service.wait_line(ASSIGNED);
    follower.wait(ALERTS_MIN);
    flow.brokers().kill(0);
    service.wait_line(LOST);
    let (before, back_at) = (service.memory_peak_kb(), Deadline::after(away()));
    while !back_at.left().is_zero() {
        service.assert_running();
        follower.poll(Duration::from_millis(100));
    }
    let after = service.memory_peak_kb();
    assert!(after < before + GROWTH_MAX_KB, "it grew from {before} to {after} kB");
    flow.brokers().restart(0);
    trial.assert_input_left();
    service.wait_line(FOUND);
    assert_eq!(service.count_lines(LOST), 1, "{}", service.log_so_far());
    trial.finish(service, follower);
}

/// What a process may grow by while it waits: what was read ahead when the broker went is still decoded and handled.
const GROWTH_MAX_KB: u64 = 32 << 10;

#[test]
fn one_of_three_brokers_is_not_missed() {
    let flow = Flow::on(3);
    let trial = Trial::named(flow.clone(), "three");
    let mut follower = trial.alerts.follow();
    let mut service = trial.start();
    service.wait_line(ASSIGNED);
    let nodes = if is_long() { 3 } else { 1 };
    for node in 0..nodes {
        follower.wait(ALERTS_MIN * (node + 1));
        flow.brokers().kill(node);
        service.assert_running();
        if node + 1 < nodes {
            flow.brokers().restart(node);
        }
    }
    trial.assert_input_left();
    trial.finish(service, follower);
}
