//! Counts of the last minute's records by their use, in slots of five seconds.

use serde::{Deserialize, Serialize};

use super::used::Use;
use crate::{
    time::{EventTime, Span},
    trust::Cause,
};

/// The width of a slot: fine enough for a minute that moves on.
const SLOT: Span = Span::from_secs(5);
/// How many slots are a minute.
const SLOTS: usize = 12;
/// The share of a minute's records from which on rejected, late or duplicate records are a trouble: the windows are wrong by as
/// much.
pub(super) const SHARE: f64 = 0.01;
/// The fewest such records in a minute that are a trouble.
const SHARE_MIN: u32 = 20;
/// The causes that have a share of their own.
pub(super) const CAUSES: [Cause; 3] = [Cause::Duplicates, Cause::Late, Cause::Rejected];

/// The counts of one slot, or of several together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    pub(super) records: u32,
    /// Rejected, late and duplicate records, in the order of [`CAUSES`].
    pub(super) bad: [u32; CAUSES.len()],
    /// Records whose stamps are not believed.
    pub(super) held_back: u32,
    /// Records of unknown types. They are no less usable for that, so they are not among the unusable.
    unknown: u32,
}

impl Tally {
    pub(super) const fn add(&mut self, used: Use) {
        self.records = self.records.saturating_add(1);
        let count = match used {
            Use::Counted | Use::Heartbeat | Use::Open => return,
            Use::Duplicate => &mut self.bad[0],
            Use::Late => &mut self.bad[1],
            Use::Rejected(_) => &mut self.bad[2],
            Use::HeldBack => &mut self.held_back,
            Use::Unknown => &mut self.unknown,
        };
        *count = count.saturating_add(1);
    }

    pub(super) fn plus(mut self, other: &Self) -> Self {
        self.records = self.records.saturating_add(other.records);
        self.held_back = self.held_back.saturating_add(other.held_back);
        self.unknown = self.unknown.saturating_add(other.unknown);
        for (sum, n) in self.bad.iter_mut().zip(other.bad) {
            *sum = sum.saturating_add(n);
        }
        self
    }

    /// Records that could not be used.
    pub(super) fn unusable(&self) -> u32 {
        self.bad.iter().fold(self.held_back, |sum, n| sum.saturating_add(*n))
    }

    /// Returns the share of each cause, where it is a trouble. `explained` are the records of symbols that have a trouble of their
    /// own, which are left out.
    pub(super) fn shares(&self, explained: &Self) -> [Option<f64>; CAUSES.len()] {
        std::array::from_fn(|nth| self.share(self.bad[nth].saturating_sub(explained.bad[nth])))
    }

    /// Returns the share of records of unknown types, where it is a trouble.
    pub(super) fn unknown_share(&self) -> Option<f64> {
        self.share(self.unknown)
    }

    fn share(&self, bad: u32) -> Option<f64> {
        let share = f64::from(bad) / f64::from(self.records.max(1));
        (bad >= SHARE_MIN && share >= SHARE).then_some(share)
    }
}

/// The slots of the last minute; the newest is the last.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Counts {
    slots: [Tally; SLOTS],
    newest: Option<i64>,
}

impl Counts {
    /// Counts a record in the newest slot.
    pub(super) const fn add(&mut self, used: Use) {
        self.slots[SLOTS - 1].add(used);
    }

    /// Moves on to a time.
    pub(super) fn advance(&mut self, to: EventTime) {
        let slot = to.slot(SLOT);
        let steps = self.newest.map_or(0, |newest| slot.saturating_sub(newest));
        for _ in 0..steps.clamp(0, const { SLOTS.cast_signed() as i64 }) {
            self.slots.rotate_left(1);
            self.slots[SLOTS - 1] = Tally::default();
        }
        self.newest = self.newest.max(Some(slot));
    }

    /// Returns the counts of the last minute.
    pub(super) fn minute(&self) -> Tally {
        self.slots.iter().fold(Tally::default(), Tally::plus)
    }
}
