//! Output that is far slower than input: the input waits in its topic, not in memory.

use std::sync::Arc;

use crate::support::environment::is_long;
use crate::support::flow::Flow;
use crate::support::paced_sender::Pace;
use crate::support::trial::Trial;

/// The client id of the service, by which the broker throttles it.
const CLIENT_ID: &str = "slow";
/// Bytes per second that the service may write, in the short form and in the long one. At this rate the output takes
/// many times as long as reading the input. In the long form it is more than the usual load produces, and half of what
/// ten times that load does.
const BYTES_PER_SECOND: (u32, u32) = (30_000, 10_000);
/// The usual load for 30 s, then ten times as much for a minute. The rest of the flow is sent at once.
const TENFOLD: Pace = &[(500, 30), (5_000, 60)];
/// Limit of the resident set. An engine of ten symbols with all that may wait in it takes some 60 MB, and up to 115 MB on huge
/// pages; the input, if it were kept in memory, would take 60 MB more.
const MEMORY_MAX_KB: u64 = 128 << 10;

#[test]
fn input_waits_in_its_topic_while_output_is_slow() {
    let flow = Flow::on_nodes(1);
    if is_long() {
        return ten_times_the_load_for_a_minute_waits_in_its_topic(&flow);
    }
    flow.brokers().throttle(CLIENT_ID, BYTES_PER_SECOND.0);
    let trial = trial(flow);
    let follower = trial.alerts.follow();
    let service = trial.start();
    assert_small(trial.finish_and_measure(service, follower));
}

/// The long form, at a real pace.
fn ten_times_the_load_for_a_minute_waits_in_its_topic(whole: &Flow) {
    whole.brokers().throttle(CLIENT_ID, BYTES_PER_SECOND.1);
    let (flow, sender) = whole.paced("slow.events", TENFOLD);
    let trial = trial(flow);
    let follower = trial.alerts.follow();
    let service = trial.start();
    sender.finish();
    trial.assert_input_left();
    assert_small(trial.finish_and_measure(service, follower));
}

fn trial(flow: Arc<Flow>) -> Trial {
    Trial::named_with(flow, "slow", &format!("\"client.id\" = \"{CLIENT_ID}\""))
}

fn assert_small(peak: u64) {
    assert!(peak < MEMORY_MAX_KB, "it took {peak} kB");
}
