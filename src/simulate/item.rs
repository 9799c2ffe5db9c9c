//! The messages of the exchange.

use crate::{
    event::{Body, Event, Heartbeat, Name},
    time::EventTime,
};

/// One message of the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::large_enum_variant, reason = "nearly all items are events, and they are passed on one by one")]
pub enum Item {
    /// An event of one symbol or account, for that key's partition.
    Event(Event<'static>),
    /// A statement that no event up to this time will follow: for every partition, or once into a file.
    Heartbeat(EventTime),
}

impl Item {
    /// The item as an event; a heartbeat has no key.
    #[must_use]
    pub fn into_event(self) -> Event<'static> {
        match self {
            Self::Event(event) => event,
            Self::Heartbeat(ts) => Event {
                ts,
                symbol: None,
                seq: None,
                account: None,
                owner: None,
                body: Body::Heartbeat(Heartbeat { producer: Name::new("simulate") }),
            },
        }
    }
}
