//! Faults of real brokers: they are killed, come back, or are slow. The service waits, logs the fault once, does not
//! grow, and readers of committed records see the outputs that a replay of the input gives.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

#[path = "../support/mod.rs"]
mod support;

mod refused;
mod slow;

use std::time::Duration;

use support::deadline::Deadline;
use support::environment::is_long;
use support::flow::Flow;
use support::paced_sender::Pace;
use support::trial::Trial;

/// Time for an answer of a broker.
const ANSWER_MAX: Duration = Duration::from_secs(30);
/// Alerts that are committed before the test does harm.
const ALERTS_MIN: usize = 20;
/// Logged when a process has all partitions.
const ASSIGNED: &str = "partitions were assigned";
/// Logged once when Kafka no longer answers, and once when it answers again.
const LOST: &str = "it is tried again until it works";
const FOUND: &str = "Kafka answers again";

/// Time without the broker: longer than a session, so that the group has removed the service; in the long form longer
/// than the time-out of a transaction.
fn away() -> Duration {
    if is_long() { Duration::from_mins(2) } else { Duration::from_secs(8) }
}

#[test]
fn the_service_waits_for_a_broker_that_is_away() {
    let flow = Flow::on_broker_beside_controller();
    let trial = Trial::named(flow.clone(), "away");
    let mut follower = trial.alerts.follow();
    let mut service = trial.start();
    service.wait_line(ASSIGNED);
    follower.wait(ALERTS_MIN);
    flow.brokers().kill(0);
    service.wait_line(LOST);
    let (before, back_at) = (service.memory_peak_kb(), Deadline::after(away()));
    // Only the passing of time ends a session or a transaction: the broker is away and sends no sign that the test
    // could await.
    while !back_at.left().is_zero() {
        service.assert_running();
        follower.poll(Duration::from_millis(100));
    }
    let after = service.memory_peak_kb();
    eprintln!("away for {:?}: {before} kB before, {after} kB after", away());
    assert!(after < before + GROWTH_MAX_KB, "it grew from {before} to {after} kB");
    flow.brokers().restart(0);
    trial.assert_input_left();
    service.wait_line(FOUND);
    assert_eq!(service.count_lines(LOST), 1, "{}", service.log_so_far());
    trial.finish(service, follower);
}

/// Most memory by which the process may grow while it waits: records that were fetched before are still decoded and
/// handled.
const GROWTH_MAX_KB: u64 = 32 << 10;

#[test]
fn the_service_goes_on_when_one_of_three_brokers_is_killed() {
    let flow = Flow::on_nodes(3);
    if is_long() {
        return the_service_goes_on_when_each_of_three_brokers_is_killed(&flow);
    }
    let trial = Trial::named(flow.clone(), "three");
    let mut follower = trial.alerts.follow();
    let mut service = trial.start();
    service.wait_line(ASSIGNED);
    follower.wait(ALERTS_MIN);
    // The other nodes can take over only partitions that they have in full, which takes time on a loaded machine.
    flow.brokers().wait_in_sync();
    // The node that matters most to the service: it receives the offsets of each transaction.
    let coordinator = flow.brokers().coordinator("three");
    flow.brokers().kill(coordinator);
    service.assert_running();
    trial.assert_input_left();
    trial.finish(service, follower);
}

/// Sends the records before the first alert within five seconds, and the rest over two minutes.
const OVER_MINUTES: Pace = &[(20_000, 5), (1_800, 120)];
/// Alerts that are committed while a broker is away.
const ALERTS_MEANWHILE: usize = 10;

/// The long form: each broker in turn is killed, started again, and in sync before the next is killed.
fn the_service_goes_on_when_each_of_three_brokers_is_killed(whole: &Flow) {
    let (flow, sender) = whole.paced("three.events", OVER_MINUTES);
    let trial = Trial::named(flow, "three");
    let mut follower = trial.alerts.follow();
    let mut service = trial.start();
    service.wait_line(ASSIGNED);
    follower.wait(ALERTS_MIN);
    for node in 0..3 {
        whole.brokers().kill(node);
        follower.wait(follower.seen().len() + ALERTS_MEANWHILE);
        service.assert_running();
        whole.brokers().restart(node);
        whole.brokers().wait_in_sync();
        sender.assert_still_sending();
    }
    sender.finish();
    trial.finish(service, follower);
}
