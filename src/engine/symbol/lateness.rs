//! Where an event stands in its symbol's sequence, and in time against others of its kind.

use super::{
    super::{
        observe::Counters,
        sequence::{Numbered, Sequence, Succession},
    },
    Symbol,
};
use crate::{
    event::{Body, Event, EventType},
    time::{EventTime, Span},
};

/// How old an event may be against the newest of its kind and still be counted (DESIGN, "Lateness").
const LATENESS_MAX: Span = Span::from_secs(60);

/// How an event stands in time against those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It may be counted.
    Timely,
    /// It is too old to be counted; the book follows it all the same.
    Late,
}

impl Symbol {
    /// Places an event in the symbol's sequence; events without a number are always next.
    pub fn place(&mut self, event: &Event<'_>) -> Succession {
        let Some(seq) = event.seq else { return Succession::Next };
        let prev = if let Body::BookDelta(delta) = &event.body { delta.prev_seq } else { None };
        let snapshot = matches!(event.body, Body::BookSnapshot(_));
        let numbered = Numbered { seq, prev, at: event.ts, snapshot };
        if let Some(sequence) = &mut self.sequence {
            return sequence.handle(numbered);
        }
        self.sequence = Some(Sequence::new(numbered));
        Succession::Next
    }

    /// Judges an event's time against the newest of its kind.
    pub fn age(&mut self, event: &Event<'_>, counters: &mut Counters) -> Age {
        if event.ts > self.heard_at {
            if self.heard_at > EventTime::from_nanos(i64::MIN) {
                self.usual_gap.take(event.ts.since(self.heard_at));
            }
            self.heard_at = event.ts;
        }
        let newest = &mut self.newest[stream(event.body.kind()) as usize];
        if event.ts >= *newest {
            *newest = event.ts;
            return Age::Timely;
        }
        if newest.since(event.ts) > LATENESS_MAX {
            return Age::Late;
        }
        counters.disordered += 1;
        Age::Timely
    }
}

/// The kinds of input whose events are in order among each other: all order types are one stream, and so are both book types.
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
        | EventType::Heartbeat
        | EventType::Unknown => kind,
    }
}
