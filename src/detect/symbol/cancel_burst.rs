//! `cancel_burst` of a symbol: orders are withdrawn far faster than is usual for it.
//!
//! Counts withdrawals: `order_cancel` by the account or without a reason, and `order_replace` to another price or a lower
//! quantity; never what expired or what the venue withdrew (`book::OrderFact` says which). How they are judged is the business
//! of [`Burst`]. Parties (accounts, owners, either on one symbol) have the same detector in another form
//! (`super::super::participant`): there the burst must be one of withdrawals alone, or every busy maker would be one.

use serde::{Deserialize, Serialize};

use super::{Moment, SymbolDetector, SymbolNow};
use crate::{
    detect::{Burst, BurstKind, CoverageState, Detection, Detector, Sample, Verdict, budget::of_symbol},
    stats::tail_prior::Pools,
    time::EventTime,
};

/// The detector of one symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CancelBurst(Burst);

impl CancelBurst {
    /// The burst behind the detector: its window, and who withdrew most of late.
    #[must_use]
    pub const fn burst(&self) -> &Burst {
        &self.0
    }

    /// Shows the new exceedances of the burst's tails to the feed's pools, and takes over what these have of other symbols.
    pub fn exchange(&mut self, pools: &mut [Pools]) {
        self.0.exchange(pools);
    }
}

impl SymbolDetector for CancelBurst {
    fn new(settings: &Detection) -> Self {
        Self(Burst::new(BurstKind::Cancels, of_symbol(Detector::CancelBurst, settings.cancel_burst)))
    }

    fn retune(&mut self, before: &Detection, settings: &Detection) {
        if before.cancel_burst != settings.cancel_burst {
            self.0.retune(of_symbol(Detector::CancelBurst, settings.cancel_burst));
        }
    }

    fn withdrawn(&mut self, moment: &Moment, sample: &Sample<'_>) -> Option<Verdict> {
        self.0.handle(sample, &[1], moment.mode, |_| true)
    }

    fn reopen(&mut self, at: EventTime) {
        self.0.reopen(at);
    }

    fn gap(&mut self, from: EventTime, until: EventTime) {
        self.0.gap(from, until);
    }

    fn deadline(&self) -> Option<EventTime> {
        self.0.deadline()
    }

    fn expire(&mut self, now: EventTime) -> Option<Verdict> {
        self.0.expire(now)
    }

    fn coverage(&self, _now: &SymbolNow) -> (Detector, CoverageState) {
        (Detector::CancelBurst, self.0.coverage())
    }

    fn end(&mut self) -> Option<Verdict> {
        self.0.end()
    }
}
