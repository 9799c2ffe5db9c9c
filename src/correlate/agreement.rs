//! Agreement: when two findings of an incident page together.
//!
//! Two findings agree if different views of the market found them, at least one of them is calibrated, and their joint
//! p-value reaches [`PAGE_P`]. One such pair makes the incident critical.
//!
//! The rule looks at pairs because it must not depend on the order in which findings come, nor be lost when a further one
//! joins. The joint p-value of all findings has neither property: ACAT is a mean, so a weak third finding raises it, and
//! an incident would page or not by whether that finding came before the second strong one. The joint p-value of the best
//! pair only falls as findings join, and it is the lowest that any order could have shown.
//!
//! Two findings of a cold start never agree: their p-values are those of a model, and with any second ticket a model's
//! figure nearly always reaches the page (DETECTION 6 raises every level of a cold start; it wants no page from it). Facts
//! are not cold: nothing about them is learned. The detector of the service's own input agrees with none, because trouble
//! with the input is no evidence about the market.

use std::collections::BTreeMap;

use crate::{
    detect::{Detector, Finding},
    stats::joint::acat,
};

/// The joint p-value at which two findings that agree page. With a test each minute on some seven hundred symbols, chance
/// alone reaches it once a day in all (DETECTION 4 wants one false page a day).
const PAGE_P: f64 = 1e-6;

/// The least p-values of one view.
#[derive(Clone, Copy)]
struct View {
    /// Over all its findings.
    any: f64,
    /// Over those that are calibrated; 1 if there are none.
    calibrated: f64,
}

/// Whether two of the findings agree. Each comes with its detector; all of them warn.
pub(super) fn pages<'a>(findings: impl Iterator<Item = (Detector, &'a Finding)>) -> bool {
    let mut views: BTreeMap<Detector, View> = BTreeMap::new();
    for (detector, finding) in findings.filter(|(detector, _)| detector.view() != Detector::Feed) {
        let view = views.entry(detector.view()).or_insert(View { any: 1.0, calibrated: 1.0 });
        view.any = view.any.min(finding.p);
        if finding.is_calibrated() {
            view.calibrated = view.calibrated.min(finding.p);
        }
    }
    let agree = |one: &View, other: &View| {
        one.calibrated < 1.0 && acat([one.calibrated, other.any]).is_some_and(|joint| joint <= PAGE_P)
    };
    views.iter().any(|(detector, one)| views.iter().any(|(other, two)| other != detector && agree(one, two)))
}
