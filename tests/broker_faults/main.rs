//! Brokers that die, come back, and are slow, on real ones: the service waits for them, says so once, stays small, and what
//! readers of committed records see is what a replay of the input gives.

#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

#[path = "../support/mod.rs"]
mod support;

mod refused;
mod slow;

use std::time::Duration;

use support::deadline::Deadline;
use support::feed::Pace;
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
    let flow = Flow::on_one_apart();
    let trial = Trial::named(flow.clone(), "away");
    let mut follower = trial.alerts.follow();
    let mut service = trial.start();
    service.wait_line(ASSIGNED);
    follower.wait(ALERTS_MIN);
    flow.brokers().kill(0);
    service.wait_line(LOST);
    let (before, back_at) = (service.memory_peak_kb(), Deadline::after(away()));
    // That time passes is what is tested: nothing else says that a session, or a transaction, is over.
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

/// What a process may grow by while it waits: what was read ahead when the broker went is still decoded and handled.
const GROWTH_MAX_KB: u64 = 32 << 10;

#[test]
fn one_of_three_brokers_is_not_missed() {
    let flow = Flow::on(3);
    if is_long() {
        return each_of_three_is_not_missed(&flow);
    }
    let trial = Trial::named(flow.clone(), "three");
    let mut follower = trial.alerts.follow();
    let mut service = trial.start();
    service.wait_line(ASSIGNED);
    follower.wait(ALERTS_MIN);
    // Of a node that lags behind on a loaded machine the others cannot take over.
    flow.brokers().wait_in_sync();
    // Of the three it is missed most: the offsets of each transaction go to it.
    let coordinator = flow.brokers().coordinator("three");
    flow.brokers().kill(coordinator);
    service.assert_running();
    trial.assert_input_left();
    trial.finish(service, follower);
}

/// What comes before the first alert at once or nearly so, the rest over two minutes.
const OVER_MINUTES: Pace = &[(20_000, 5), (1_800, 120)];
/// Alerts that come out while a broker is away.
const ALERTS_MEANWHILE: usize = 10;

/// The full form: each in turn is killed, missed by nobody, started again, and in sync before the next is killed.
fn each_of_three_is_not_missed(whole: &Flow) {
    let (flow, feed) = whole.paced("three.events", OVER_MINUTES);
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
        feed.assert_goes_on();
    }
    feed.finish();
    trial.finish(service, follower);
}
