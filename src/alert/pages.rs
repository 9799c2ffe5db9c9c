//! Why an incident pages, and which levels were reached, with the numbers by which that can be checked from the alert alone.

use super::{Criterion, Level, PagesBecause, Rule, headline::headline, identity::subject_text};
use crate::{
    correlate::{FindingKey, Incident, PAGE_P, Part},
    detect::{Detector, Severity, Subject, Threshold},
    time::EventTime,
};

/// The most statistics that are listed: the longest list of an alert (CONTRACT).
const CRITERIA_MAX: usize = 20;

/// Returns why an incident pages; `None` unless it is critical.
pub(super) fn pages_because(incident: &Incident) -> Option<PagesBecause> {
    if incident.severity() < Severity::Critical {
        return None;
    }
    let mut critical: Vec<_> =
        incident.parts().iter().filter(|(_, part)| part.severity == Severity::Critical).collect();
    critical.sort_by(|a, b| a.1.finding.p.total_cmp(&b.1.finding.p));
    if !critical.is_empty() {
        let criteria = critical.into_iter().flat_map(|(key, part)| of_finding(key, part)).take(CRITERIA_MAX).collect();
        let explanation =
            headline(incident).map_or_else(String::new, |((detector, _), _)| rule_of(*detector).to_owned());
        return Some(PagesBecause { rule: Rule::Finding, explanation, criteria, joint_p: None, joint_p_max: None });
    }
    let agreement = incident.agreement();
    let of_both = agreement.iter().flat_map(|agreement| &agreement.findings).filter_map(|key| {
        let part = incident.parts().get(key)?;
        // The first number is the one that the detector judges.
        let name = part.finding.features.first()?.name.name();
        Some(criterion(key, name, part.finding.statistic, part.finding.threshold, part.starts_at))
    });
    Some(PagesBecause {
        rule: Rule::Agreement,
        explanation: "each of the two findings has reached its level of a warning, they look at the market in different ways, and \
                      their joint chance is at most joint_p_max"
            .to_owned(),
        criteria: of_both.collect(),
        joint_p: agreement.as_ref().map(|agreement| agreement.p),
        joint_p_max: Some(PAGE_P),
    })
}

/// Returns the level that a finding's statistic had to reach, and for which severity.
pub(super) fn level((detector, subject): &FindingKey, part: &Part) -> Level {
    let (statistic, threshold) = (part.finding.statistic, part.finding.threshold);
    let severity = match (detector, subject) {
        // A trouble of the input, and a move of the market, have one level for whatever severity they give.
        (Detector::Feed, _) | (Detector::TradeBurst | Detector::PriceShock, Subject::Market) => part.severity,
        (
            Detector::CancelBurst
            | Detector::TradeBurst
            | Detector::PriceShock
            | Detector::ThinBook
            | Detector::SpreadWidening
            | Detector::OneSidedBook
            | Detector::StaleBook
            | Detector::ThinBookCluster
            | Detector::LeverageJump
            | Detector::Insolvent,
            _,
        ) => Severity::Warning,
    };
    Level { threshold, severity, times: times(statistic, threshold.value) }
}

/// Returns a statistic as a multiple of its level.
fn times(statistic: f64, level: f64) -> Option<f64> {
    (level > 0.0).then(|| statistic / level)
}

/// Returns in words when a finding of this detector is critical by itself.
const fn rule_of(detector: Detector) -> &'static str {
    match detector {
        Detector::CancelBurst => {
            "two views agree: the count in a short window and the sustained count each reached its critical level (level) within a \
             minute, and one of them its level for a warning too (threshold); both levels are in nats, the surprise of a count"
        }
        Detector::Feed => "the input cannot be used or is missing, so that warnings may be missing",
        Detector::TradeBurst | Detector::PriceShock => {
            "trades and prices go one way on most symbols: each has reached the level given here, and their mean its own (threshold)"
        }
        Detector::ThinBook
        | Detector::SpreadWidening
        | Detector::OneSidedBook
        | Detector::StaleBook
        | Detector::ThinBookCluster
        | Detector::LeverageJump
        | Detector::Insolvent => "the finding is critical by itself",
    }
}

/// Returns the statistics that a finding is critical by.
fn of_finding(key: &FindingKey, part: &Part) -> Vec<Criterion> {
    let all = part.finding.evidence.critical.iter();
    all.map(|of| criterion(key, of.name.name(), of.value, of.level, of.at)).collect()
}

fn criterion((detector, subject): &FindingKey, name: &str, value: f64, level: Threshold, at: EventTime) -> Criterion {
    Criterion {
        detector: *detector,
        subject: subject_text(subject),
        name: name.to_owned(),
        value,
        level: level.value,
        times: times(value, level.value),
        unit: level.unit.name().to_owned(),
        source: level.source.name().to_owned(),
        at,
    }
}
