//! The ticket budget of a symbol: how often its detectors may be wrong together, and the share of each (DETECTION 3 and 4).
//!
//! A detector of a slow metric fires at the p-value that its share of the budget leaves for one test each minute. Detectors of
//! bursts calibrate themselves by false alarms a day instead (`window::BurstSettings`).

use super::Detector;
use crate::trust::Mode;

/// One test each minute of the day.
const TESTS_PER_DAY: f64 = 1_440.0;
/// Information comes at ten times the chance of a ticket.
const INFO: f64 = 10.0;
/// A tenth of the false alarms where the mode is not normal (DETECTION 6 says that thresholds rise, not how far).
const STRICTER: f64 = 0.1;

/// The number of detectors that share a symbol's budget equally.
const SHARERS: u32 = {
    let (mut sharers, mut index) = (0, 0);
    while index < Detector::ALL.len() {
        sharers += Detector::ALL[index].0.shares_ticket_budget() as u32;
        index += 1;
    }
    sharers
};

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
    pub fn of(warnings_per_day: f64, mode: Mode) -> Self {
        let strict = match mode {
            Mode::Normal => 1.0,
            Mode::Degraded | Mode::Blind => STRICTER,
        };
        let warning = strict * warnings_per_day / f64::from(SHARERS) / TESTS_PER_DAY;
        Self { warning, info: warning * INFO }
    }
}
