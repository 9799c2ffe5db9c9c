//! The use of a record for the judgement of its feed.

use crate::event::Reason;

/// The fate of a record, as far as it shows how well a feed does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// The record counts.
    Counted,
    /// The record counts, and says nothing of the market: a heartbeat.
    Heartbeat,
    /// The record counts, but its type is unknown, so it has no other effect.
    Unknown,
    /// The record was rejected.
    Rejected(Reason),
    /// The record came too late.
    Late,
    /// The record was seen before.
    Duplicate,
    /// The stamp of an event in it is not believed.
    HeldBack,
    /// Later records decide its fate.
    Open,
}
