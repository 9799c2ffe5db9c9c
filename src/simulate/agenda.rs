//! What is due in one market, by time; what is due at the same time comes in the order in which it was asked for.

use std::collections::BTreeMap;

use crate::{
    event::{CancelReason, Side},
    time::{EventTime, Span},
};

/// Something that an agent is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// The fair value moves on, and makers look at it.
    Drift,
    /// The fair value jumps, as it does now and then.
    Jump,
    /// A taker arrives.
    Take,
    /// Somebody takes what a move left mispriced.
    Sweep,
    /// One of the crowd places an order.
    Place,
    /// A crowd order goes, for this reason.
    Withdraw(u64, CancelReason),
    /// A maker pulls all its quotes at once, to quote anew.
    Pull(usize),
    /// A maker brings one quote to where it should be.
    Quote(usize, usize),
    /// The venue publishes its mark.
    Mark,
    /// The venue publishes its load.
    Load,
    /// A planted episode places its next order.
    PlantOrder(usize),
    /// A planted episode pulls its next order.
    PullOrder(usize),
    /// The fair value jumps by so many ticks: at the opening, or planted.
    JumpBy(i64),
    /// A maker stands back on one side after a fill.
    StandBack(usize, Side),
    /// The fair value jumps, and takers hear of it.
    News(i64),
    /// One of a rush of takers, which goes on until then.
    Rush(EventTime),
    /// The makers pull everything and are away for so long.
    Away(Span),
    /// The makers lean away from one side, or from none any more.
    Lean(Option<Side>),
    /// Makers and crowd begin to withdraw.
    Thin,
    /// One maker withdraws.
    Retreat(usize),
    /// Makers and crowd come back.
    Refill,
    /// An account on its way to another leverage takes its next step.
    Lever(usize),
    /// The venue closes the next part of a position.
    Force(usize),
}

/// Jobs by time.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    due: BTreeMap<(EventTime, u64), Job>,
    asked: u64,
}

impl Agenda {
    /// Asks for a job at a time.
    pub(super) fn add(&mut self, at: EventTime, job: Job) {
        self.due.insert((at, self.asked), job);
        self.asked += 1;
    }

    /// Takes the next job due before `end`.
    pub(super) fn next_before(&mut self, end: EventTime) -> Option<(EventTime, Job)> {
        let entry = self.due.first_entry()?;
        let at = entry.key().0;
        (at < end).then(|| (at, entry.remove()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_come_by_time_then_as_asked_and_none_from_the_end_on() {
        let at = EventTime::from_nanos;
        let mut agenda = Agenda::default();
        agenda.add(at(5), Job::Mark);
        agenda.add(at(3), Job::Jump);
        agenda.add(at(3), Job::Take);
        agenda.add(at(9), Job::Load);
        let order: Vec<_> = std::iter::from_fn(|| agenda.next_before(at(9))).collect();
        assert_eq!(order, [(at(3), Job::Jump), (at(3), Job::Take), (at(5), Job::Mark)]);
    }
}
