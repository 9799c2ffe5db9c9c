//! Coverage of the detectors now: how many subjects of each kind are in which state.
//!
//! Subjects are counted on request, never for each event. A count visits every symbol and every account once.

use std::collections::BTreeMap;

use compact_str::CompactString;

use crate::detect::{CoverageState, Detector};

/// A kind of subject whose members are counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Covered {
    /// Symbols, each in its own partition.
    Symbol,
    /// Accounts over all partitions.
    Account,
    /// The market as a whole.
    Market,
    /// Partitions, or the files of a replay.
    Partition,
}

impl Covered {
    /// Every kind with its name.
    pub const ALL: [(Self, &'static str); 4] = [
        (Self::Symbol, "symbol"),
        (Self::Account, "account"),
        (Self::Market, "market"),
        (Self::Partition, "partition"),
    ];
}

/// How many subjects are in which state, by the state's index.
pub type StateCounts = [u64; CoverageState::ALL.len()];

/// The coverage of all detectors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    counts: BTreeMap<(Detector, Covered), StateCounts>,
    /// The first symbol by name whose price is not above zero.
    not_priced: Option<CompactString>,
}

impl Coverage {
    /// The subjects of every detector that are counted. Accounts and owners on one symbol, and owners over all, are not: they
    /// are as many as accounts, and are covered as those are.
    pub const ROWS: [(Detector, Covered); 12] = [
        (Detector::CancelBurst, Covered::Symbol),
        (Detector::CancelBurst, Covered::Account),
        (Detector::Feed, Covered::Partition),
        (Detector::TradeBurst, Covered::Symbol),
        (Detector::ThinBook, Covered::Symbol),
        (Detector::OneSidedBook, Covered::Symbol),
        (Detector::StaleBook, Covered::Symbol),
        (Detector::ThinBookCluster, Covered::Market),
        (Detector::LeverageJump, Covered::Account),
        (Detector::Insolvent, Covered::Account),
        (Detector::SpreadWidening, Covered::Symbol),
        (Detector::PriceShock, Covered::Symbol),
    ];

    /// Counts subjects.
    pub(super) fn add(&mut self, row: (Detector, Covered), state: CoverageState, subjects: u64) {
        self.counts.entry(row).or_default()[state as usize] += subjects;
    }

    /// Counts a symbol.
    pub(super) fn add_symbol(&mut self, detector: Detector, state: CoverageState, symbol: &str) {
        self.add((detector, Covered::Symbol), state, 1);
        if state == CoverageState::PriceNotPositive && self.not_priced.as_deref().is_none_or(|first| symbol < first) {
            self.not_priced = Some(CompactString::new(symbol));
        }
    }

    /// Counts the subjects of a detector as not judged, because it is switched off.
    pub(super) fn disable(&mut self, detector: Detector) {
        for (_, counts) in self.counts.iter_mut().filter(|((of, _), _)| *of == detector) {
            let subjects = counts.iter().sum();
            *counts = StateCounts::default();
            counts[CoverageState::Disabled as usize] = subjects;
        }
    }

    /// The counts of a row.
    #[must_use]
    pub fn of(&self, row: (Detector, Covered)) -> StateCounts {
        self.counts.get(&row).copied().unwrap_or_default()
    }

    /// The first symbol by name of which a detector pauses because its price is not above zero.
    #[must_use]
    pub fn not_priced(&self) -> Option<&str> {
        self.not_priced.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_has_a_row_and_every_kind_its_index() {
        for (detector, name) in Detector::ALL {
            assert!(Coverage::ROWS.iter().any(|row| row.0 == detector), "{name}");
        }
        for (index, (kind, _)) in Covered::ALL.into_iter().enumerate() {
            assert_eq!(kind as usize, index);
        }
    }
}
