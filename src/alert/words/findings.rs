//! The findings of an incident as a sentence lists them, and why they page.

use std::collections::BTreeMap;

use super::{list::wording, phrases::subjects_and_more};
use crate::{
    alert::headline::headline,
    correlate::{FindingKey, Incident},
    detect::{Detector, Severity, Subject},
};

/// Returns why an incident pages, as a clause that follows the sentence; nothing where it does not page or the title
/// shows why.
pub(super) fn why_it_pages(incident: &Incident) -> &'static str {
    if incident.severity() < Severity::Critical {
        return "";
    }
    match headline(incident) {
        Some(((detector, subject), part)) if part.severity == Severity::Critical => {
            wording(*detector).why_it_pages(subject).unwrap_or_default()
        }
        Some(_) => "it pages because detectors that warn each by itself agree",
        None => "",
    }
}

/// Returns the findings beside the one that the sentence is about: first those that warn, then those of mere
/// information.
pub(super) fn other_findings(incident: &Incident, described: &FindingKey) -> String {
    let others = by_start(incident, Severity::Info).into_iter().filter(|key| *key != described);
    let (warnings, slight): (Vec<_>, Vec<_>) = others.partition(|key| incident.parts()[*key].severity > Severity::Info);
    let clause = |lead: &str, keys: Vec<_>| {
        (!keys.is_empty()).then(|| format!("{lead} {}", groups_text(&DetectorGroup::all(keys))))
    };
    let clauses = [clause("with it", warnings), clause("unusual too, though no ticket by itself:", slight)];
    clauses.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Returns the keys of the findings of this severity or a higher one, in the order in which the findings began.
pub(super) fn by_start(incident: &Incident, least: Severity) -> Vec<&FindingKey> {
    let mut parts: Vec<_> = incident.parts().iter().filter(|(_, part)| part.severity >= least).collect();
    parts.sort_by_key(|(_, part)| part.starts_at);
    parts.into_iter().map(|(key, _)| key).collect()
}

/// The findings of one detector, as a list names them.
pub(super) struct DetectorGroup<'a> {
    label: &'static str,
    subjects: Vec<&'a Subject>,
}

impl<'a> DetectorGroup<'a> {
    /// Groups findings by detector; within a group the subjects keep their order.
    pub fn all(keys: Vec<&'a FindingKey>) -> Vec<Self> {
        let mut groups: BTreeMap<Detector, Self> = BTreeMap::new();
        for (detector, subject) in keys {
            let new = || Self { label: wording(*detector).label(), subjects: Vec::new() };
            groups.entry(*detector).or_insert_with(new).subjects.push(subject);
        }
        groups.into_values().collect()
    }

    /// Returns the group as text: `thin book of S1, S2, S3, S4, S5 and 7 more`.
    fn text(&self) -> String {
        if self.subjects == [&Subject::Market] {
            return self.label.to_owned();
        }
        format!("{} of {}", self.label, subjects_and_more(&self.subjects))
    }
}

/// Returns groups as text: `thin book of S1, S2, leverage jump of account a1`.
pub(super) fn groups_text(groups: &[DetectorGroup<'_>]) -> String {
    groups.iter().map(DetectorGroup::text).collect::<Vec<_>>().join(", ")
}

/// Returns groups in few words: `thin book (12), leverage jump`.
pub(super) fn groups_in_brief(groups: &[DetectorGroup<'_>]) -> String {
    let brief = |group: &DetectorGroup<'_>| match group.subjects.len() {
        0 | 1 => group.label.to_owned(),
        several => format!("{} ({several})", group.label),
    };
    groups.iter().map(brief).collect::<Vec<_>>().join(", ")
}
