//! The closed list of the words of each detector.

use super::{
    cancel_burst::CancelBurst, feed::Feed, insolvent::Insolvent, leverage_jump::LeverageJump,
    one_sided_book::OneSidedBook, price_shock::PriceShock, spread_widening::SpreadWidening, stale_book::StaleBook,
    thin_book::ThinBook, thin_book_cluster::ThinBookCluster, trade_burst::TradeBurst, wording::Wording,
};
use crate::detect::Detector;

/// Returns the words of a detector.
pub(super) const fn wording(detector: Detector) -> &'static dyn Wording {
    match detector {
        Detector::CancelBurst => &CancelBurst,
        Detector::Feed => &Feed,
        Detector::TradeBurst => &TradeBurst,
        Detector::ThinBook => &ThinBook,
        Detector::SpreadWidening => &SpreadWidening,
        Detector::OneSidedBook => &OneSidedBook,
        Detector::StaleBook => &StaleBook,
        Detector::ThinBookCluster => &ThinBookCluster,
        Detector::LeverageJump => &LeverageJump,
        Detector::Insolvent => &Insolvent,
        Detector::PriceShock => &PriceShock,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_two_detectors_have_one_label() {
        let labels: BTreeSet<&str> = Detector::ALL.iter().map(|(detector, _)| wording(*detector).label()).collect();
        assert_eq!(labels.len(), Detector::ALL.len());
    }

    #[test]
    fn a_label_reads_well_in_the_middle_of_a_sentence() {
        for (detector, name) in Detector::ALL {
            let label = wording(detector).label();
            assert!(label.starts_with(|c: char| c.is_ascii_lowercase()), "{name}: `{label}`");
        }
    }
}
