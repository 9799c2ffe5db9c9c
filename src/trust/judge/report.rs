//! The report of a feed: its troubles, and their meaning for all findings.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    event::RecordRef,
    time::EventTime,
    trust::{FeedStanding, Mode, SilentProducer, SilentSymbols, Trouble},
};

/// The report of a feed on its own troubles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The troubles, those that page first, then those of the widest scope.
    pub troubles: Arc<[Trouble]>,
    /// The meaning of the troubles for all findings.
    pub standing: FeedStanding,
}

/// The inputs of a judgement that the judge does not count itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known<'a> {
    /// The producer that has been silent longest.
    pub(crate) silent_producer: Option<&'a SilentProducer>,
    /// The symbols that are silent.
    pub(crate) silent_symbols: Option<&'a SilentSymbols>,
    /// Symbols that are open.
    pub(crate) open: u32,
    /// The last record.
    pub(crate) last: RecordRef,
}

/// The last judgement and the last report.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct LastReport {
    pub(super) judged_at: Option<EventTime>,
    pub(super) reported_at: Option<EventTime>,
    pub(super) report: Option<Report>,
    /// The mode of the whole feed by its own troubles.
    pub(super) mode: Mode,
}
