//! Producers that start over: nothing of any session is lost, whatever is sent twice or out of order.

#[path = "support/lines.rs"]
mod lines;

use foreshock::engine::Keys;
use lines::replay;
use proptest::prelude::*;

const START: i64 = 1_760_000_400_000_000_000;

/// The fate of one event on its way.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The event arrives.
    Plain,
    /// The event arrives, and then an earlier one of its session does again.
    Again { back: usize },
    /// The event arrives after the next one of its session.
    Swapped,
}

fn way() -> impl Strategy<Value = Way> {
    prop_oneof![
        8 => Just(Way::Plain),
        2 => (0_usize..20).prop_map(|back| Way::Again { back }),
        1 => Just(Way::Swapped)
    ]
}

/// The fates that are expected, and how many gaps and restarts.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    accepted: u64,
    late: u64,
    duplicate: u64,
    gaps: u64,
    restarts: u64,
}

/// All sessions on their way: the lines that arrive, and what is expected of them.
#[derive(Default)]
struct Stream {
    lines: Vec<String>,
    expected: Expected,
    millis: i64,
    last: u64,
}

impl Stream {
    /// A session of events with consecutive numbers; its first two are below the last number of the session before.
    fn session(&mut self, first: u64, events: &[(i64, Way)]) {
        if self.last > 0 {
            self.expected.restarts += 1;
        }
        let first = 1 + first % self.last.saturating_sub(1).max(1);
        let mut accepted: Vec<String> = Vec::new();
        let mut swapped: Option<String> = None;
        for (nth, &(step, way)) in events.iter().enumerate() {
            // Time moves on before a session and now and then within it: only some events share an instant.
            self.millis += if nth % 5 == 0 { 1 } else { step };
            self.last = first + nth as u64;
            let (ts, seq, id) = (START + self.millis * 1_000_000, self.last, self.lines.len());
            let line = format!(
                r#"{{"type":"order_new","ts":{ts},"symbol":"S","seq":{seq},"order":"{id}-{seq}","side":"buy","price":"1","qty":"1"}}"#
            );
            // The first events of a session arrive in order; the rule cannot tell otherwise.
            let may_swap = nth > 3 && nth + 1 < events.len() && swapped.is_none();
            if matches!(way, Way::Swapped) && may_swap {
                swapped = Some(line);
                continue;
            }
            self.lines.push(line.clone());
            self.expected.accepted += 1;
            accepted.push(line);
            if let Some(late) = swapped.take() {
                self.lines.push(late);
                self.expected.late += 1;
                self.expected.gaps += 1;
            }
            if let Way::Again { back } = way
                && let Some(again) = accepted.iter().rev().nth(back)
            {
                self.lines.push(again.clone());
                self.expected.duplicate += 1;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn nothing_of_any_session_is_lost(
        sessions in prop::collection::vec((any::<u64>(), prop::collection::vec((0_i64..3, way()), 3..60)), 1..6)
    ) {
        let mut stream = Stream::default();
        for (first, events) in &sessions {
            stream.session(*first, events);
        }
        let found = replay(&stream.lines);
        let [accepted, rejected, late, duplicate, shed] = found.fates();
        let counters = found.counters();
        let restarts = counters.restarts;
        let outcome = Expected { accepted, late, duplicate, gaps: counters.gaps, restarts };
        prop_assert_eq!(&outcome, &stream.expected);
        prop_assert_eq!((rejected, shed), (0, 0));
        prop_assert_eq!(found.alerts.len(), 0);
        let (_, orders) = found.engine.occupancy().into_iter().find(|(kind, _)| *kind == Keys::Order).unwrap();
        prop_assert_eq!(orders.held, stream.expected.accepted, "each accepted order rests");
    }
}
