//! Output that goes out far slower than input comes in: the input waits in its topic, not in memory.

use std::sync::Arc;

use crate::is_long;
use crate::support::feed::Pace;
use crate::support::flow::Flow;
use crate::support::trial::Trial;

/// The service's name with the broker, by which it is held up.
const CLIENT_ID: &str = "slow";
/// Alerts, dead letters and snapshots at this rate take many times as long as the input takes to be read. In full it is
/// more than the usual load makes, and half of what ten times as much does.
const BYTES_PER_SECOND: (u32, u32) = (30_000, 10_000);
/// The usual load, and ten times as much for a minute. What is left of the flow comes at once after it.
const TENFOLD: Pace = &[(500, 30), (5_000, 60)];
/// An engine of ten symbols with all that is allowed to wait takes some 60 MB. The input alone, if it were taken in, would take
/// as much again.
const MEMORY_MAX_KB: u64 = 110 << 10;

#[test]
fn input_waits_in_its_topic_while_output_is_slow() {
    let flow = Flow::on(1);
    if is_long() {
        return ten_times_the_load_for_a_minute_waits_in_its_topic(&flow);
    }
    flow.brokers().throttle(CLIENT_ID, BYTES_PER_SECOND.0);
    let trial = trial(flow);
    let follower = trial.alerts.follow();
    let service = trial.start();
    assert_small(trial.finish_and_measure(service, follower));
}

/// The full form, at a real pace.
fn ten_times_the_load_for_a_minute_waits_in_its_topic(whole: &Flow) {
    whole.brokers().throttle(CLIENT_ID, BYTES_PER_SECOND.1);
    let (flow, feed) = whole.paced("slow.events", TENFOLD);
    let trial = trial(flow);
    let follower = trial.alerts.follow();
    let service = trial.start();
    feed.finish();
    trial.assert_input_left();
    assert_small(trial.finish_and_measure(service, follower));
}

fn trial(flow: Arc<Flow>) -> Trial {
    Trial::named_with(flow, "slow", &format!("\"client.id\" = \"{CLIENT_ID}\""))
}

fn assert_small(peak: u64) {
    assert!(peak < MEMORY_MAX_KB, "it took {peak} kB");
}
