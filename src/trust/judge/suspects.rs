//! Symbols that had an unusable record lately, with the share of their records that could be used.
//!
//! A symbol is counted from its first unusable record on, so a feed without faults keeps nothing here. The counts are of this
//! minute and of the one before, together one to two minutes. A thin symbol has too few records in that time, so its unusable
//! records in a row count too, over an hour at most.

use std::collections::BTreeMap;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{counts::Tally, used::Use};
use crate::{
    event::RecordRef,
    time::{EventTime, Span},
    trust::Example,
};

/// Symbols that are suspected at once. Beyond the limit a new one is counted and not followed; its records still count for the
/// feed.
const SUSPECTS_MAX: usize = 1_000;
/// How long a symbol is counted before it is judged: a batch that is sent a second time is many duplicates at one instant.
const JUDGED_AFTER: Span = Span::from_secs(5);
/// The fewest unusable records that are a trouble of their symbol: a thin symbol has a few in a minute by chance.
const UNUSABLE_MIN: u32 = 5;
/// How long records in a row are counted after the newest: a symbol without an event for so long is no longer expected.
const IN_ROW_WITHIN: Span = Span::from_secs(3_600);
/// The length of a minute, by which records are counted.
const MINUTE: Span = Span::from_secs(60);

/// The suspected symbols by name.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Suspects {
    symbols: BTreeMap<CompactString, Suspect>,
    /// The number of symbols that were not followed because of [`SUSPECTS_MAX`].
    omitted: u64,
}

/// A symbol that had an unusable record.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Suspect {
    since: EventTime,
    this_minute: Tally,
    minute_before: Tally,
    /// The number of unusable records since the last usable one.
    in_row: u32,
    /// When the newest unusable record came.
    newest_at: EventTime,
    example: Example,
}

/// A symbol most of whose records are unusable.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct TroubledSymbol<'a> {
    pub(super) symbol: &'a CompactString,
    /// The unusable share of its records.
    pub(super) share: f64,
    pub(super) example: Example,
    pub(super) counts: Tally,
}

impl Suspects {
    /// Counts a record of a symbol.
    pub(super) fn count(&mut self, used: Use, symbol: &str, record: RecordRef, clock: Option<EventTime>) {
        let reason = match used {
            Use::Open => return,
            Use::Counted | Use::Heartbeat | Use::Unknown if self.symbols.is_empty() => return,
            Use::Counted | Use::Heartbeat | Use::Unknown | Use::Late | Use::Duplicate | Use::HeldBack => None,
            Use::Rejected(reason) => Some(reason),
        };
        let is_usable = matches!(used, Use::Counted | Use::Heartbeat | Use::Unknown);
        if let Some(suspect) = self.symbols.get_mut(symbol) {
            suspect.this_minute.add(used);
            if is_usable {
                suspect.in_row = 0;
            } else {
                suspect.in_row = suspect.in_row.saturating_add(1);
                suspect.newest_at = clock.map_or(suspect.newest_at, |clock| clock.max(suspect.newest_at));
                suspect.example = Example { record, reason };
            }
            return;
        }
        let Some(since) = clock.filter(|_| !is_usable) else { return };
        if self.symbols.len() >= SUSPECTS_MAX {
            self.omitted += 1;
            return;
        }
        let (mut this_minute, minute_before) = (Tally::default(), Tally::default());
        this_minute.add(used);
        let example = Example { record, reason };
        let suspect = Suspect { since, this_minute, minute_before, in_row: 1, newest_at: since, example };
        self.symbols.insert(CompactString::new(symbol), suspect);
    }

    /// Moves on to a time. When a minute ends, symbols without an unusable record in it are forgotten.
    pub(super) fn advance(&mut self, before: EventTime, to: EventTime) {
        let minutes = to.slot(MINUTE).saturating_sub(before.slot(MINUTE));
        // While half of the room is left, thin symbols are kept for longer.
        let has_room = self.symbols.len() < SUSPECTS_MAX / 2;
        for _ in 0..minutes.clamp(0, 2) {
            self.symbols.retain(|_, suspect| {
                suspect.minute_before = std::mem::take(&mut suspect.this_minute);
                suspect.minute_before.unusable() > 0
                    || (has_room && suspect.in_row > 0 && to.since(suspect.newest_at) < IN_ROW_WITHIN)
            });
        }
    }

    /// Returns the symbols most of whose records are unusable.
    pub(super) fn troubled(&self, clock: EventTime) -> impl Iterator<Item = TroubledSymbol<'_>> {
        self.symbols.iter().filter_map(move |(symbol, suspect)| {
            let counts = suspect.this_minute.plus(&suspect.minute_before);
            let share = f64::from(counts.unusable()) / f64::from(counts.records.max(1));
            let is_judged = clock.since(suspect.since) >= JUDGED_AFTER;
            let is_most = counts.unusable() >= UNUSABLE_MIN && share > 0.5;
            let share = if is_most { share } else { 1.0 };
            (is_judged && (is_most || suspect.in_row >= UNUSABLE_MIN)).then_some(TroubledSymbol {
                symbol,
                share,
                example: suspect.example,
                counts,
            })
        })
    }

    /// Returns how many symbols are suspected.
    pub(super) fn len(&self) -> usize {
        self.symbols.len()
    }

    /// Returns how many symbols were not followed because there were too many.
    pub(super) const fn omitted(&self) -> u64 {
        self.omitted
    }
}
