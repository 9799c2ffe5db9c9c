//! The words of an alert: title, summary, and what to do, written for the person whom it wakes.
//!
//! A summary has one sentence. It is about the finding that is new in the revision, so that a reader who follows the
//! incident reads the news, or else about the strongest finding. What is common to all alerts stands here; each
//! detector's own words have a file here that implements [`Wording`]. A new detector needs that file and its line in
//! [`wording()`].

mod burst;
mod cancel_burst;
mod feed;
mod insolvent;
mod leverage_jump;
mod one_sided_book;
mod phrases;
mod price_shock;
mod spread_widening;
mod stale_book;
mod thin_book;
mod thin_book_cluster;
mod trade_burst;
mod wording;

use std::collections::{BTreeMap, BTreeSet};

use self::{
    phrases::{names_and_more, subject_name, to_millisecond},
    wording::Wording,
};
use super::{Context, identity::incident_id};
use crate::{
    correlate::{FindingKey, Incident, Part, Revision, Status},
    detect::{Detector, Severity, Subject},
    trust::Mode,
};

/// How many symbols the title of an alert of several detectors lists.
const TITLE_SYMBOLS_MAX: usize = 3;

/// The action to take where several detectors agree.
const JOINT_SUGGESTION: &str = "several things come together: hold back forced orders that can wait, ask the accounts and makers that are \
     named, and consider reduce-only, wider bands, or a halt of the symbols concerned";

/// The words of an alert.
pub(super) struct Words {
    /// The incident in a few words.
    pub title: String,
    /// The incident in one sentence.
    pub summary: String,
    /// The action to take.
    pub suggested: &'static str,
}

/// Returns the words of a detector.
const fn wording(detector: Detector) -> &'static dyn Wording {
    match detector {
        Detector::CancelBurst => &cancel_burst::CancelBurst,
        Detector::Feed => &feed::Feed,
        Detector::TradeBurst => &trade_burst::TradeBurst,
        Detector::ThinBook => &thin_book::ThinBook,
        Detector::SpreadWidening => &spread_widening::SpreadWidening,
        Detector::OneSidedBook => &one_sided_book::OneSidedBook,
        Detector::StaleBook => &stale_book::StaleBook,
        Detector::ThinBookCluster => &thin_book_cluster::ThinBookCluster,
        Detector::LeverageJump => &leverage_jump::LeverageJump,
        Detector::Insolvent => &insolvent::Insolvent,
        Detector::PriceShock => &price_shock::PriceShock,
    }
}

/// Composes the words for a revision of an incident, given its strongest finding and the mode in force.
pub(super) fn compose(strongest: (&FindingKey, &Part), revision: &Revision, context: &Context, mode: Mode) -> Words {
    let incident = &revision.incident;
    let (key, part) = newest(revision).unwrap_or(strongest);
    let sentence = wording(key.0).sentence(&key.1, part, context);
    let (state, why) = (state(revision, context), why_it_pages(incident));
    let ((detector, subject), Part { finding, .. }) = strongest;
    let groups = DetectorGroup::all(by_start(incident, Severity::Warning));
    // Trouble with the input keeps its own title and advice, whatever else was found.
    if groups.len() > 1 && *detector != Detector::Feed {
        let since = to_millisecond(incident.starts_at());
        return Words {
            title: joint_title(&groups, incident),
            summary: format!("{state}{sentence}; building since {since}: {}{why}", groups_text(&groups)),
            suggested: JOINT_SUGGESTION,
        };
    }
    let words = wording(*detector);
    Words {
        title: words.title(subject, mode),
        summary: format!("{state}{sentence}{}{why}", other_findings(incident, key)),
        suggested: words.suggested(finding),
    }
}

/// Returns the most severe of the findings that an amended revision is the first to report, and of several the
/// strongest. Findings of mere information are not news.
fn newest(revision: &Revision) -> Option<(&FindingKey, &Part)> {
    let incident = &revision.incident;
    if revision.status != Status::Amended {
        return None;
    }
    let is_new =
        |(_, part): &(&FindingKey, &Part)| part.published_in == incident.revision() && part.severity > Severity::Info;
    let order = |a: &Part, b: &Part| b.severity.cmp(&a.severity).then(a.finding.p.total_cmp(&b.finding.p));
    incident.parts().iter().filter(is_new).min_by(|a, b| order(a.1, b.1))
}

/// Returns how a summary begins where the incident has ended; nothing while it goes on.
fn state(revision: &Revision, context: &Context) -> String {
    match (revision.status, revision.incident.absorbed_by()) {
        (Status::Firing | Status::Amended, _) => String::new(),
        (Status::Resolved, _) => "over; at its strongest: ".to_owned(),
        (Status::Withdrawn, None) => "no longer followed; at its strongest: ".to_owned(),
        (Status::Withdrawn, Some(opening)) => {
            format!("now part of incident {}; at its strongest: ", incident_id(opening, context))
        }
    }
}

/// Returns why an incident pages, as a clause that follows the sentence; nothing where it does not page or the title
/// shows why.
fn why_it_pages(incident: &Incident) -> String {
    if incident.severity() < Severity::Critical {
        return String::new();
    }
    let mut critical = incident.parts().iter().filter(|(_, part)| part.severity == Severity::Critical).peekable();
    if critical.peek().is_none() {
        return "; it pages because detectors that warn each by itself agree".to_owned();
    }
    let why = critical.find_map(|((detector, subject), _)| wording(*detector).why_it_pages(subject));
    why.map_or_else(String::new, |why| format!("; {why}"))
}

/// Returns the findings beside the one that the sentence is about: first those that warn, then those of mere
/// information.
fn other_findings(incident: &Incident, described: &FindingKey) -> String {
    let others = by_start(incident, Severity::Info).into_iter().filter(|key| *key != described);
    let (warnings, slight): (Vec<_>, Vec<_>) = others.partition(|key| incident.parts()[*key].severity > Severity::Info);
    let clause = |lead: &str, keys: Vec<_>| {
        if keys.is_empty() { String::new() } else { format!("; {lead} {}", groups_text(&DetectorGroup::all(keys))) }
    };
    clause("with it", warnings) + &clause("unusual too, though no ticket by itself:", slight)
}

/// Returns the keys of the findings of this severity or a higher one, in the order in which the findings began.
fn by_start(incident: &Incident, least: Severity) -> Vec<&FindingKey> {
    let mut parts: Vec<_> = incident.parts().iter().filter(|(_, part)| part.severity >= least).collect();
    parts.sort_by_key(|(_, part)| part.starts_at);
    parts.into_iter().map(|(key, _)| key).collect()
}

/// The findings of one detector, as a list names them.
struct DetectorGroup<'a> {
    label: &'static str,
    subjects: Vec<&'a Subject>,
}

impl<'a> DetectorGroup<'a> {
    /// Groups findings by detector; within a group the subjects keep their order.
    fn all(keys: Vec<&'a FindingKey>) -> Vec<Self> {
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
        format!("{} of {}", self.label, names_and_more(self.subjects.iter().map(|subject| subject_name(subject))))
    }
}

/// Returns groups as text: `thin book of S1, S2, leverage jump of account a1`.
fn groups_text(groups: &[DetectorGroup<'_>]) -> String {
    groups.iter().map(DetectorGroup::text).collect::<Vec<_>>().join(", ")
}

/// Returns the title of an alert of several detectors: `Cancel burst, thin book, leverage jump on S4, S5, S6 and 9 more
/// symbols`. The symbols that it lists are those where the incident began.
fn joint_title(groups: &[DetectorGroup<'_>], incident: &Incident) -> String {
    let mut labels = groups.iter().map(|group| group.label).collect::<Vec<_>>().join(", ");
    if let Some(first) = labels.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    let mut seen = BTreeSet::new();
    let touched = by_start(incident, Severity::Warning).into_iter().filter_map(|(_, subject)| subject.symbol());
    let symbols: Vec<&str> = touched.filter(|&symbol| seen.insert(symbol)).collect();
    let (listed, more) = symbols.split_at(symbols.len().min(TITLE_SYMBOLS_MAX));
    match more.len() {
        0 if listed.is_empty() => labels,
        0 => format!("{labels} on {}", listed.join(", ")),
        1 => format!("{labels} on {} and 1 more symbol", listed.join(", ")),
        more => format!("{labels} on {} and {more} more symbols", listed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
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
