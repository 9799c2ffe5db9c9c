//! An event that is held until it is known whether a new sequence began with it.
//!
//! An event borrows from its record, which is gone by then. So the event is held as the line that it would be in a file,
//! and is decoded again. That is slow and does not matter: events are held only where a producer starts over.

use serde::{Deserialize, Serialize};

use crate::{
    event::{Body, DecodeLimits, Event, Origin, decode},
    time::EventTime,
};

/// A time that decoding takes. The event's own time is kept apart, because the decoder refuses times before the year 2000
/// and the engine does not.
const ANY_TIME: EventTime = EventTime::from_nanos(1_767_225_600_000_000_000);
/// Limits that refuse nothing: the event was within its limits when it was first taken.
const NO_LIMITS: DecodeLimits = DecodeLimits { record_bytes_max: usize::MAX, levels_max: usize::MAX };

/// An event that is held. A symbol holds at most two, each no larger than its record.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Held {
    /// The sequence number of the event.
    pub seq: u64,
    /// The record that it came with.
    pub origin: Origin,
    /// Whether the record's fate depends on what becomes of the event.
    pub is_open: bool,
    /// Whether the event is a snapshot that was applied at once, beneath the deltas with higher numbers.
    pub is_beneath: bool,
    at: EventTime,
    /// The event as a line; `None` for an event of an unknown type, which has nothing but time and number.
    line: Option<Box<[u8]>>,
}

impl Held {
    /// Holds an event; `None` if the event cannot be written as a line that reads back as the same event. An adapter might
    /// make such an event; no record holds one.
    #[must_use]
    pub fn new(event: &Event<'_>, seq: u64, origin: Origin, (is_open, is_beneath): (bool, bool)) -> Option<Self> {
        let line = if matches!(event.body, Body::Unknown) {
            None
        } else {
            Some(serde_json::to_vec(&Event { ts: ANY_TIME, ..event.clone() }).ok()?.into_boxed_slice())
        };
        let held = Self { seq, origin, is_open, is_beneath, at: event.ts, line };
        let is_same = matches!(event.body, Body::Unknown) || held.read().as_ref() == Some(event);
        is_same.then_some(held)
    }

    /// The event.
    ///
    /// # Panics
    /// Never: that the line reads back was tried when the event was held.
    #[must_use]
    pub fn event(&self) -> Event<'_> {
        self.read().expect("a held line was read back once")
    }

    fn read(&self) -> Option<Event<'_>> {
        let Some(line) = &self.line else {
            let seq = Some(self.seq);
            return Some(Event { ts: self.at, symbol: None, seq, account: None, owner: None, body: Body::Unknown });
        };
        let event = decode(line, NO_LIMITS).ok()?;
        Some(Event { ts: self.at, ..event })
    }
}
