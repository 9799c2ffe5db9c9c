//! Why an incident pages, with the numbers by which that can be checked from the alert alone.

use super::{Criterion, PagesBecause, Rule, identity::subject_text};
use crate::{
    correlate::{FindingKey, Incident, PAGE_P, Part},
    detect::{Severity, Threshold},
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
        return Some(PagesBecause { rule: Rule::Finding, criteria, joint_p: None, joint_p_max: None });
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
        criteria: of_both.collect(),
        joint_p: agreement.as_ref().map(|agreement| agreement.p),
        joint_p_max: Some(PAGE_P),
    })
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
        unit: level.unit.name().to_owned(),
        source: level.source.name().to_owned(),
        at,
    }
}
