//! Faults of the feed: what happens to the exchange's messages on their way to the reader.
//!
//! The exchange itself is never at fault: a fault changes which of its messages the reader gets, and how. Each fault has labels
//! that say what must be reported of it, and what must not: a benign label names a detector that the fault must not set off.
//!
//! - `late_snapshot`: the symbol is sent as levels instead of orders, from the beginning. Its snapshot comes a second and a
//!   half after the deltas, with the number of an earlier one, of which nothing is to be reported. At its minute a delta is
//!   lost, which is to be reported as a gap (label `feed`), and the next snapshot comes as late: the book comes back within
//!   seconds, and is not to be reported as thin.
//! - `lost_cancels`: for two seconds the symbol's cancels are lost, and their numbers are given to the next events. The
//!   book by orders becomes crossed through the orders that are left over. They are dropped and counted; only a book that this
//!   does not mend is a trouble of the symbol, so there is no label of `feed`. The book is not to be reported as thin.
//! - `halt`: the venue halts the symbol for five minutes and says so. It takes the resting orders out, lets them in again in
//!   an auction of a minute, which prints a trade without an aggressor, and opens the symbol. Nothing is to be reported during
//!   the halt and for ten minutes after it.
//! - `close`: the same for all symbols at once, for eight minutes. In Kafka the status goes to every partition.
//! - `pause`: the same without a status and without an auction; heartbeats go on. The service may report that the feed is
//!   silent, because it cannot tell a closed venue from a dead producer, so there is no label of `feed`.
//! - `expiry`: the orders of the symbol expire, and it is silent for the rest of the run. Nothing is to be reported.
//! - `wrong_clock`: for five minutes the stamps of the symbol are an hour ahead. That is to be reported (label `feed`), and
//!   its flow is no burst.
//!
//! Another fault is a variant of [`FeedFault`] with its row in `ALL`, and a file here that implements [`Distortion`].

mod closure;
mod distortion;
mod late_snapshot;
mod lost_cancels;
mod wrong_clock;

use std::collections::VecDeque;

use self::{
    closure::{Closure, Kind},
    distortion::Distortion,
    late_snapshot::LateSnapshot,
    lost_cancels::LostCancels,
    wrong_clock::WrongClock,
};
use super::{fault::FeedFault, item::Item, names, plan::SimulationPlan, random::secs};
use crate::{
    evaluate::Label,
    event::Name,
    time::{EventTime, Span},
};

/// How long after a reopening nothing is to be reported of it: as long as levels are raised.
const AFTERWARDS: Span = Span::from_secs(600);
/// The detectors that a closure must not set off.
const FLOW_AND_BOOK: [&str; 6] =
    ["cancel_burst", "trade_burst", "thin_book", "spread_widening", "one_sided_book", "stale_book"];

/// The faults of a run.
#[derive(Debug, Default)]
pub(super) struct Faults {
    all: Vec<Box<dyn Distortion + Send>>,
    arrived: VecDeque<Item>,
}

impl Faults {
    /// Makes the faults of a plan, each on another symbol in turn, and their labels.
    pub(super) fn new(plan: &SimulationPlan) -> (Self, Vec<Label>) {
        let (mut faults, mut labels) = (Self::default(), Vec::new());
        for (index, planned) in (0..plan.symbols).cycle().zip(&plan.faults) {
            let minute = planned.at_minute.unwrap_or(plan.minutes as f64 / 2.0);
            let (symbol, at) = (names::symbol(index), plan.start.plus(secs(minute * 60.0)));
            let mut label_of = |of: Name<'_>, kind: &str, start: EventTime, lasts: Span, benign| {
                let symbol = Some(of.to_string());
                labels.push(Label { kind: kind.into(), symbol, account: None, start, end: start.plus(lasts), benign });
            };
            let mut label = |kind: &str, start, lasts, benign| label_of(symbol.clone(), kind, start, lasts, benign);
            let closure = match planned.fault {
                FeedFault::LateSnapshot => {
                    label("feed", plan.start, late_snapshot::LASTS, true);
                    label("feed", at, late_snapshot::LASTS, false);
                    for start in [plan.start, at] {
                        for kind in ["thin_book", "one_sided_book"] {
                            label(kind, start, late_snapshot::LASTS, true);
                        }
                    }
                    faults.all.push(Box::new(LateSnapshot::new(symbol, plan.start, at)));
                    continue;
                }
                FeedFault::LostCancels => {
                    for kind in ["thin_book", "spread_widening"] {
                        label(kind, at, lost_cancels::LASTS, true);
                    }
                    faults.all.push(Box::new(LostCancels::new(symbol, at)));
                    continue;
                }
                FeedFault::WrongClock => {
                    label("feed", at, wrong_clock::LASTS, false);
                    for kind in FLOW_AND_BOOK {
                        label(kind, at, wrong_clock::LASTS, true);
                    }
                    faults.all.push(Box::new(WrongClock::new(symbol, at)));
                    continue;
                }
                FeedFault::Halt => Kind::Halt,
                FeedFault::Close => Kind::Close,
                FeedFault::Pause => Kind::Pause,
                FeedFault::Expiry => Kind::Expiry,
            };
            let until = closure.lasts().map_or(plan.end(), |lasts| at.plus(lasts).plus(AFTERWARDS));
            for of in (0..plan.symbols).filter(|other| closure.is_of_venue() || *other == index).map(names::symbol) {
                for kind in FLOW_AND_BOOK.into_iter().chain((closure != Kind::Pause).then_some("feed")) {
                    label_of(of.clone(), kind, at, until.since(at), true);
                }
            }
            faults.all.push(Box::new(Closure::new(closure, symbol, at)));
        }
        (faults, labels)
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The next message that has arrived.
    pub(super) fn pop(&mut self) -> Option<Item> {
        self.arrived.pop_front()
    }

    /// Sends a message on its way through all faults.
    pub(super) fn send(&mut self, item: Item) {
        let mut on_the_way = VecDeque::from([item]);
        for fault in &mut self.all {
            let before = std::mem::take(&mut on_the_way);
            for item in before {
                fault.pass(item, &mut on_the_way);
            }
        }
        self.arrived.extend(on_the_way);
    }
}
