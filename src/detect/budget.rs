//! The ticket budgets: how often detectors may be wrong together, and the share of each (DETECTION 3 and 4).
//!
//! There are two budgets, each of `warnings_per_day` false tickets: one per symbol together with its parties, and one for all
//! accounts and owners over all symbols together.
//!
//! `Detector::ticket_share` has the numbers of a symbol's detectors, and the constants below those of `cancel_burst` of parties.
//! The share of the accounts, or of the owners, is divided by the number of those with a full window. That of `trade_burst` is
//! divided between arrivals and notional (`burst::kind`).
//!
//! The scan has a third of the share of a window and the CUSUM the rest (`window::Calibrated`). The statistics of a burst look at
//! the same flow and are often wrong together; their shares are added all the same, so the sum is an upper bound as far as each
//! keeps its own. Notional has a smaller part than arrivals because an arrival's amount is mostly noise. A wide spread has less
//! than a thin book because the two find the same thing.
//!
//! A detector of a slow metric fires at the p-value that its share leaves for one test each minute. A burst calibrates itself by
//! its share as false alarms a day (`window`). `leverage_jump` has no share: its limit is a fixed number of deviations, and what
//! it reports is what an account did.

use super::Detector;
use crate::{trust::Mode, window::BurstSettings};

/// One test each minute of the day.
const TESTS_PER_DAY: f64 = 1_440.0;
/// Information comes at ten times the chance of a ticket.
const INFO: f64 = 10.0;
/// A tenth of the false alarms where the mode is not normal (DETECTION 6 says that thresholds rise, not how far).
const STRICTER: f64 = 0.1;
/// The share of its accounts in a symbol's budget, in hundredths; its owners have the same. With a twentieth instead, one of a
/// hundred accounts that withdraws three hundred orders within two seconds would be below its level.
const PARTIES: u32 = 15;
/// The share of accounts in everybody's budget, in hundredths; owners have the same.
const EVERYBODY: u32 = 50;

/// The hundredths of a symbol's budget that are allotted.
const GIVEN: u32 = {
    let (mut given, mut index) = (2 * PARTIES, 0);
    while index < Detector::ALL.len() {
        given += Detector::ALL[index].0.ticket_share();
        index += 1;
    }
    given
};
const _: () = assert!(GIVEN == 100, "a symbol's budget is given away once");

/// The part of a budget that is so many hundredths of it.
fn hundredths(warnings_per_day: f64, share: u32) -> f64 {
    warnings_per_day * f64::from(share) / 100.0
}

/// Returns the settings of a burst of a symbol: its share of the symbol's budget.
#[must_use]
pub fn of_symbol(detector: Detector, settings: BurstSettings) -> BurstSettings {
    BurstSettings { warnings_per_day: hundredths(settings.warnings_per_day, detector.ticket_share()), ..settings }
}

/// Returns the settings of the accounts, or of the owners, of one symbol: their share of the symbol's budget.
#[must_use]
pub fn of_parties_on_symbol(settings: BurstSettings) -> BurstSettings {
    BurstSettings { warnings_per_day: hundredths(settings.warnings_per_day, PARTIES), ..settings }
}

/// Returns the settings of all accounts, or of all owners: their share of everybody's budget.
#[must_use]
pub fn of_everybody(settings: BurstSettings) -> BurstSettings {
    BurstSettings { warnings_per_day: hundredths(settings.warnings_per_day, EVERYBODY), ..settings }
}

/// The p-values at which one detector of a symbol reports.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TicketLevels {
    /// The greatest p-value that warns (a ticket).
    pub warning: f64,
    /// The greatest p-value that is worth information.
    pub info: f64,
}

impl TicketLevels {
    /// The levels of a detector whose symbol may have so many false tickets a day, in a mode.
    #[must_use]
    pub fn of(detector: Detector, warnings_per_day: f64, mode: Mode) -> Self {
        let strict = match mode {
            Mode::Normal => 1.0,
            Mode::Degraded | Mode::Blind => STRICTER,
        };
        let warning = strict * hundredths(warnings_per_day, detector.ticket_share()) / TESTS_PER_DAY;
        Self { warning, info: warning * INFO }
    }
}
