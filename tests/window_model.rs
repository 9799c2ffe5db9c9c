//! The counts of a burst's windows against a plain list of times, with late events, ties, silences, gaps and
//! heartbeats.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use foreshock::{
    time::{EventTime, Span},
    window::{Burst, BurstSettings, SECONDS, Seen, length},
};
use proptest::prelude::*;

const BUCKET: Span = Span::from_millis(100);
const SECOND: Span = Span::from_secs(1);
/// Seconds for which a late event is still counted.
const GRACE: i64 = 60;

#[derive(Clone, Copy, Debug)]
enum Op {
    /// An event this many nanoseconds after the newest time; before it if negative.
    Event(i64),
    Heartbeat(i64),
    Gap(i64),
}

fn op() -> impl Strategy<Value = Op> {
    let forward =
        prop_oneof![3 => Just(0), 8 => 0_i64..300_000_000, 2 => 0_i64..5_000_000_000, 1 => 0_i64..200_000_000_000];
    let back = prop_oneof![4 => -3_000_000_000_i64..0, 2 => -63_000_000_000_i64..0, 1 => -200_000_000_000_i64..0];
    prop_oneof![
        10 => forward.clone().prop_map(Op::Event),
        4 => back.prop_map(Op::Event),
        1 => forward.clone().prop_map(Op::Heartbeat),
        1 => forward.prop_map(Op::Gap),
    ]
}

/// The times that were counted, and the newest time of all.
#[derive(Default)]
struct Model {
    times: Vec<EventTime>,
    now: Option<EventTime>,
}

impl Model {
    fn event(&mut self, at: EventTime) -> &'static str {
        let fate = match self.now {
            Some(now) if at < now && at.slot(SECOND) < now.slot(SECOND) - GRACE => return "lost",
            Some(now) if at < now => "late",
            Some(_) | None => "judged",
        };
        self.times.push(at);
        self.pass(at);
        fate
    }

    fn pass(&mut self, at: EventTime) {
        self.now = self.now.max(Some(at));
    }

    /// Counts the events in the current bucket and those before it, over the window's length.
    fn count(&self, window: usize) -> u32 {
        let Some(now) = self.now else { return 0 };
        let (head, width) = (now.slot(BUCKET), length(window).nanos() / BUCKET.nanos());
        let within = |at: &&EventTime| (head - width + 1..=head).contains(&at.slot(BUCKET));
        u32::try_from(self.times.iter().filter(within).count()).unwrap()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn windows_count_the_same_events_as_a_list_of_times(start in prop_oneof![Just(0_i64), -5_000_000_000_i64..5_000_000_000], ops in prop::collection::vec(op(), 0..200)) {
        let mut burst = Burst::new(BurstSettings::default(), f64::INFINITY);
        let mut model = Model::default();
        for op in ops {
            let now = model.now.unwrap_or(EventTime::from_nanos(start));
            match op {
                Op::Event(after) => {
                    let at = now.plus(Span::from_nanos(after));
                    let expected = model.event(at);
                    let got = match burst.handle(at) {
                        Seen::Judged(_) => "judged",
                        Seen::Late => "late",
                        Seen::Lost => "lost",
                    };
                    prop_assert_eq!(got, expected, "{:?}", op);
                }
                Op::Heartbeat(after) => {
                    burst.heartbeat(now.plus(Span::from_nanos(after)));
                    model.pass(now.plus(Span::from_nanos(after)));
                }
                Op::Gap(length) => {
                    burst.gap(now, now.plus(Span::from_nanos(length)));
                    model.pass(now.plus(Span::from_nanos(length)));
                }
            }
            prop_assert_eq!(burst.now(), model.now);
            for window in 0..SECONDS.len() {
                prop_assert_eq!(burst.window(window).0, model.count(window), "{:?}, window {}", op, window);
            }
        }
    }
}

/// Sends one event a second, and returns the number of seconds learned so far.
fn pace(burst: &mut Burst, from: i64, seconds: i64) -> u64 {
    (from..from + seconds).for_each(|second| {
        burst.handle(EventTime::from_nanos(second * 1_000_000_000));
    });
    burst.baseline().bins()
}

#[test]
fn a_second_is_learned_once_it_is_61_s_old_and_never_twice() {
    let mut burst = Burst::new(BurstSettings::default(), f64::INFINITY);
    // Second n is learned when second n + 61 begins: at the 200th event those from 0 to 138.
    assert_eq!(pace(&mut burst, 1_000, 200), 139);
    assert_eq!(pace(&mut burst, 1_200, 100), 239);
}
