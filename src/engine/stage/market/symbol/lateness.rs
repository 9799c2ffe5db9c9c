//! The order of events: an event's place in its symbol's sequence, and in time against others of its kind.

use std::hash::BuildHasher as _;

use foldhash::fast::FixedState;

use super::{
    super::sequence::{Sequence, SequencedEvent, Succession},
    Held, Symbol,
};
use crate::{
    engine::observe::Fate,
    event::{Body, Event, EventType, Origin, RecordRef},
    time::{EventTime, Span},
};

/// How old an event may be against the newest of its kind and still be counted (DESIGN, "Lateness").
const LATENESS_MAX: Span = Span::from_secs(60);

/// The age of an event against the newest of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// The event is the newest, or as old as the newest.
    Newest,
    /// The event is behind the newest, but within the grace: it counts.
    Disordered,
    /// The event is too old to count; the book follows it all the same.
    Late,
}

impl Age {
    /// Whether the event counts.
    #[must_use]
    pub const fn is_timely(self) -> bool {
        match self {
            Self::Newest | Self::Disordered => true,
            Self::Late => false,
        }
    }
}

/// The hash of an event's content. Its seed is fixed, because the hashes are part of the state.
const CONTENT: FixedState = FixedState::with_seed(0);

/// Settles the fate of events that began no new sequence.
fn release(held: impl Iterator<Item = Held>, settled: &mut Vec<(RecordRef, Fate)>) {
    settled.extend(held.filter(|held| held.is_open).map(|held| (held.origin.record, Fate::Late)));
}

impl Symbol {
    /// Finds an event's place in the symbol's sequence; events without a number are always next. `is_open`: the record's fate
    /// depends on this event alone. Records whose fate is now known are added to `settled`.
    pub fn succession(
        &mut self,
        event: &Event<'_>,
        origin: Origin,
        is_open: bool,
        settled: &mut Vec<(RecordRef, Fate)>,
    ) -> Succession {
        let Some(seq) = event.seq else { return Succession::Next };
        let prev = if let Body::BookDelta(delta) = &event.body { delta.prev_seq } else { None };
        let numbered = SequencedEvent { seq, prev, at: event.ts, content: CONTENT.hash_one(event) };
        let Some(sequence) = &mut self.sequence else {
            self.sequence = Some(Sequence::new(numbered));
            return Succession::Next;
        };
        let is_beneath =
            matches!(event.body, Body::BookSnapshot(_)) && seq <= sequence.last() && self.books.takes_late(seq);
        if is_beneath && self.held.iter().any(|held| held.is_beneath) {
            // Two late answers are no sign of a new sequence; the newer one may be its first event.
            sequence.release();
            release(self.held.drain(..), settled);
        }
        let mut succession = sequence.handle(numbered);
        let held = if succession == Succession::Held {
            // A snapshot that is applied beneath the deltas is not left open.
            let held = Held::new(event, seq, origin, (is_open && !is_beneath, is_beneath));
            if held.is_none() {
                sequence.release();
                succession = Succession::Late;
            }
            held
        } else {
            None
        };
        let still_held = sequence.held() - usize::from(held.is_some());
        let kept = if succession == Succession::Restart { self.held.len() } else { still_held };
        release(self.held.drain(..self.held.len() - kept), settled);
        self.held.extend(held);
        if is_beneath && matches!(succession, Succession::Held | Succession::Late) {
            sequence.remember(numbered);
            return Succession::Next;
        }
        succession
    }

    /// Forgets the numbers so far, because the numbers of the venue begin anew. Returns the events that are held.
    pub fn begin_anew(&mut self) -> Vec<Held> {
        self.sequence = None;
        self.books.renumber();
        std::mem::take(&mut self.held)
    }

    /// Gives up the events that are held: no new sequence begins with them.
    pub fn release_held(&mut self, settled: &mut Vec<(RecordRef, Fate)>) {
        if let Some(sequence) = &mut self.sequence {
            sequence.release();
        }
        release(self.held.drain(..), settled);
    }

    /// Whether events are held.
    #[must_use]
    pub const fn holds_events(&self) -> bool {
        !self.held.is_empty()
    }

    /// Judges an event's time against the newest of its kind.
    pub fn age(&mut self, event: &Event<'_>) -> Age {
        if event.ts > self.newest_at {
            if self.newest_at > EventTime::from_nanos(i64::MIN) {
                self.usual_gap.observe(event.ts.since(self.newest_at));
            }
            self.newest_at = event.ts;
        }
        let newest = &mut self.newest[stream(event.body.kind()) as usize];
        if event.ts >= *newest {
            *newest = event.ts;
            return Age::Newest;
        }
        if newest.since(event.ts) > LATENESS_MAX { Age::Late } else { Age::Disordered }
    }
}

/// The stream of a type: the types whose events are in order among each other. All order types are one stream, and so are both
/// book types.
const fn stream(kind: EventType) -> EventType {
    match kind {
        EventType::OrderNew | EventType::OrderReplace | EventType::OrderCancel | EventType::OrderReject => {
            EventType::OrderNew
        }
        EventType::BookSnapshot | EventType::BookDelta => EventType::BookSnapshot,
        EventType::Trade
        | EventType::Leverage
        | EventType::Position
        | EventType::Balance
        | EventType::Mark
        | EventType::Funding
        | EventType::OpenInterest
        | EventType::Liquidation
        | EventType::InsuranceFund
        | EventType::Instrument
        | EventType::Engine
        | EventType::TradingStatus
        | EventType::Heartbeat
        | EventType::Unknown => kind,
    }
}
