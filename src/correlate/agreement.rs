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
//! Two findings of a cold start never agree: p-values of a cold start come from a model, so almost any second ticket would
//! reach the page; DETECTION 6 wants no page from a cold start. Facts are not cold: nothing about them is learned. The detector of
//! the service's own input agrees with none, because trouble with the input is no evidence about the market.

use std::collections::BTreeMap;

use super::part::FindingKey;
use crate::{
    detect::{Detector, Finding},
    stats::joint::acat,
};

/// The joint p-value at which two findings that agree page. With a test each minute on some seven hundred symbols, chance
/// alone reaches it once a day in all (DETECTION 4 wants one false page a day).
pub const PAGE_P: f64 = 1e-6;

/// Two findings that page together.
#[derive(Clone, Debug, PartialEq)]
pub struct Agreement {
    /// The findings; the first one is calibrated.
    pub findings: [FindingKey; 2],
    /// Their joint p-value.
    pub p: f64,
}

/// The strongest findings of one view.
#[derive(Clone, Copy, Default)]
struct View<'a> {
    /// The strongest of all its findings, with its p-value.
    any: Option<(&'a FindingKey, f64)>,
    /// The strongest of its calibrated findings, with its p-value.
    calibrated: Option<(&'a FindingKey, f64)>,
}

/// Returns the two findings that agree with the lowest joint p-value, if any do. All findings given here warn.
pub(super) fn agreement<'a>(findings: impl Iterator<Item = (&'a FindingKey, &'a Finding)>) -> Option<Agreement> {
    let mut views: BTreeMap<Detector, View<'a>> = BTreeMap::new();
    for (key, finding) in findings.filter(|(key, _)| key.0.view() != Detector::Feed) {
        let view = views.entry(key.0.view()).or_default();
        let stronger = |known: Option<(&'a FindingKey, f64)>| known.is_none_or(|(_, p)| finding.p < p);
        if stronger(view.any) {
            view.any = Some((key, finding.p));
        }
        if finding.is_calibrated() && stronger(view.calibrated) {
            view.calibrated = Some((key, finding.p));
        }
    }
    let mut best: Option<Agreement> = None;
    for (detector, one) in &views {
        for other in views.iter().filter(|(other, _)| *other != detector).map(|(_, other)| other) {
            let (Some((first, p)), Some((second, q))) = (one.calibrated.filter(|(_, p)| *p < 1.0), other.any) else {
                continue;
            };
            let Some(joint) = acat([p, q]).filter(|joint| *joint <= PAGE_P) else { continue };
            if best.as_ref().is_none_or(|best| joint < best.p) {
                best = Some(Agreement { findings: [first.clone(), second.clone()], p: joint });
            }
        }
    }
    best
}
