//! Output that goes out far slower than input comes in: the input waits in its topic, not in memory.

use crate::is_long;
use crate::support::flow::Flow;
use crate::support::trial::Trial;

/// The service's name with the broker, by which it is held up.
const CLIENT_ID: &str = "slow";
/// Some 400 kB of alerts and dead letters at this rate take so many times as long as the input takes to be read; in full over a
/// minute.
const BYTES_PER_SECOND: (u32, u32) = (30_000, 5_000);
/// An engine of ten symbols with all that is allowed to wait takes some 60 MB. The input alone, if it were taken in, would take
/// as much again.
const MEMORY_MAX_KB: u64 = 110 << 10;

#[test]
fn input_waits_in_its_topic_while_output_is_slow() {
    let flow = Flow::on(1);
    let rate = if is_long() { BYTES_PER_SECOND.1 } else { BYTES_PER_SECOND.0 };
    flow.brokers().throttle(CLIENT_ID, rate);
    let trial = Trial::named_with(flow, "slow", &format!("\"client.id\" = \"{CLIENT_ID}\""));
    let follower = trial.alerts.follow();
    let service = trial.start();
    let peak = trial.finish_and_measure(service, follower);
    assert!(peak < MEMORY_MAX_KB, "it took {peak} kB");
}
