//! The score of a run: planted episodes found, false incidents, and the lead of each warning.
//!
//! An episode is *planted* if its label is not benign. The episode is *found* if an incident that names its account or its
//! symbol (any incident, where the label has no symbol) was detected from its start to a minute after its end: an incident from
//! before the start is luck, one from long after the end is too late. An incident is *false* if it overlaps no planted episode
//! of a symbol or account that it names; a benign label excuses no incident, it only marks where staying quiet was hard.
//! Detectors are not compared with kinds: an incident joins the findings of several detectors, and each of them helps on-call.
//!
//! An incident that is open when an episode begins finds it too, if a finding of the episode's kind has joined the incident: a
//! crisis is one incident with many episodes in it. The warning then counts from the episode's start. The early warning of a
//! *cascade* is any incident that names its symbol before its start (CONTRACT) and is open then; it counts from its detection.
//!
//! The *lead* is the time from the warning to the label's end. At the start of an episode nothing can be seen yet, so a lead to
//! the start would never be positive; at the end the harm is done, and the lead is the time that the warning left to act. The lead
//! is negative where the warning came after the end. For a cascade it ends at the start, when the forced selling begins.

use std::fmt;

use super::Label;
use crate::time::{EventTime, Span};

/// Time after an episode's end in which a detection still counts and an incident still belongs to the episode: a window of
/// 60 s, the longest of the burst statistic, holds the whole episode for that long.
pub const GRACE: Span = Span::from_secs(60);

/// The kind of an episode of forced selling.
const CASCADE: &str = "cascade";

/// The properties of an incident that the score needs. The caller passes incidents whose severity reached warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentView {
    /// Time of the first detection.
    pub detected_at: EventTime,
    /// Time at which the evidence begins.
    pub starts_at: EventTime,
    /// Time at which the incident ends; absent while it is open.
    pub ends_at: Option<EventTime>,
    /// Symbols that the incident names.
    pub symbols: Vec<String>,
    /// Accounts that the incident names.
    pub accounts: Vec<String>,
    /// Detectors whose findings the incident joins.
    pub detectors: Vec<String>,
}

/// Numbers of planted episodes, of found ones and of false incidents, and the leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Number of labels that are not benign.
    pub planted: usize,
    /// Number of these labels that an incident found.
    pub found: usize,
    /// Number of incidents that overlap no planted episode.
    pub false_alarms: usize,
    /// Lead of each found label, in the labels' order.
    pub leads: Vec<Span>,
}

/// Scores incidents against labels.
#[must_use]
pub fn score(labels: &[Label], incidents: &[IncidentView], grace: Span) -> Score {
    let planted: Vec<&Label> = labels.iter().filter(|label| !label.benign).collect();
    let leads: Vec<Span> = planted
        .iter()
        .filter_map(|label| first_detection(label, incidents, grace).map(|at| deadline(label).since(at)))
        .collect();
    let is_false = |incident: &&IncidentView| !planted.iter().any(|label| overlap(label, incident, grace));
    Score { planted: planted.len(), found: leads.len(), false_alarms: incidents.iter().filter(is_false).count(), leads }
}

/// Returns the time from which the first warning of an episode counts; `None` where no incident found it.
fn first_detection(label: &Label, incidents: &[IncidentView], grace: Span) -> Option<EventTime> {
    let until = label.end.plus(grace);
    incidents
        .iter()
        .filter(|incident| names(incident, label) && incident.detected_at <= until)
        .filter(|incident| {
            let open = incident.ends_at.is_none_or(|end| end >= label.start);
            label.start <= incident.detected_at || (open && joins(incident, &label.kind))
        })
        // An incident that was open before warns from the episode's start, and a cascade's early warning from its detection.
        .map(
            |incident| if label.kind == CASCADE { incident.detected_at } else { incident.detected_at.max(label.start) },
        )
        .min()
}

/// Whether an incident holds a finding of an episode's kind; for a cascade any finding counts.
fn joins(incident: &IncidentView, kind: &str) -> bool {
    // A cluster consists of thin books.
    let cluster = |detector: &String| kind == "thin_book" && detector == "thin_book_cluster";
    kind == CASCADE || incident.detectors.iter().any(|detector| detector == kind || cluster(detector))
}

/// Returns the time to which an episode's lead is counted.
fn deadline(label: &Label) -> EventTime {
    if label.kind == CASCADE { label.start } else { label.end }
}

/// Whether an incident names an episode's symbol or account and overlaps it, with some grace after its end.
fn overlap(label: &Label, incident: &IncidentView, grace: Span) -> bool {
    let begun = incident.starts_at <= label.end.plus(grace);
    let over = incident.ends_at.is_some_and(|end| end < label.start);
    names(incident, label) && begun && !over
}

/// Whether an incident names an episode's account or its symbol; a label without a symbol is named by every incident.
fn names(incident: &IncidentView, label: &Label) -> bool {
    let account = label.account.as_ref().is_some_and(|account| incident.accounts.contains(account));
    account || label.symbol.as_ref().is_none_or(|symbol| incident.symbols.contains(symbol))
}

impl Score {
    /// Returns the median lead, for an even number of leads the mean of the middle two; `None` where no episode was found.
    #[must_use]
    pub fn median_lead(&self) -> Option<Span> {
        let mut leads = self.leads.clone();
        leads.sort_unstable();
        let upper = *leads.get(leads.len() / 2)?;
        let lower = leads[(leads.len() - 1) / 2];
        Some(Span::from_nanos(lower.nanos().midpoint(upper.nanos())))
    }
}

impl fmt::Display for Score {
    /// Writes the line that scripts read: `planted N, found N, false N, lead S s`; where no episode was found the lead is 0.0.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lead = self.median_lead().unwrap_or(Span::ZERO).secs_f64();
        write!(f, "planted {}, found {}, false {}, lead {lead:.1} s", self.planted, self.found, self.false_alarms)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> EventTime {
        EventTime::from_nanos(0).plus(Span::from_secs(secs))
    }

    fn label(symbol: &str, start: i64, end: i64) -> Label {
        Label {
            kind: "cancel_burst".into(),
            symbol: Some(symbol.into()),
            account: None,
            start: at(start),
            end: at(end),
            benign: false,
        }
    }

    fn incident(symbols: &[&str], detected: i64, ends: Option<i64>) -> IncidentView {
        IncidentView {
            detected_at: at(detected),
            starts_at: at(detected - 1),
            ends_at: ends.map(at),
            symbols: symbols.iter().map(ToString::to_string).collect(),
            accounts: Vec::new(),
            detectors: vec!["cancel_burst".into()],
        }
    }

    fn line(labels: &[Label], incidents: &[IncidentView]) -> String {
        score(labels, incidents, GRACE).to_string()
    }

    #[test]
    fn without_labels_and_incidents_the_score_is_all_zeros() {
        assert_eq!(line(&[], &[]), "planted 0, found 0, false 0, lead 0.0 s");
    }

    #[test]
    fn without_labels_every_incident_is_false() {
        assert_eq!(
            line(&[], &[incident(&["S1"], 10, None), incident(&[], 20, Some(30))]),
            "planted 0, found 0, false 2, lead 0.0 s"
        );
    }

    #[test]
    fn the_first_of_two_incidents_for_one_label_gives_the_lead_and_neither_is_false() {
        let incidents = [incident(&["S1"], 108, Some(112)), incident(&["S1"], 103, Some(105))];
        assert_eq!(line(&[label("S1", 100, 110)], &incidents), "planted 1, found 1, false 0, lead 7.0 s");
    }

    #[test]
    fn one_incident_finds_two_labels_that_it_spans() {
        let labels = [label("S1", 100, 110), label("S2", 101, 106)];
        let score = score(&labels, &[incident(&["S1", "S2"], 103, Some(120))], GRACE);
        assert_eq!((score.found, score.false_alarms), (2, 0));
        assert_eq!(score.leads, [Span::from_secs(7), Span::from_secs(3)]);
        assert_eq!(score.median_lead(), Some(Span::from_secs(5)), "the mean of the middle two");
    }

    #[test]
    fn an_incident_of_another_symbol_finds_nothing_and_is_false() {
        assert_eq!(
            line(&[label("S1", 100, 110)], &[incident(&["S2"], 105, None)]),
            "planted 1, found 0, false 1, lead 0.0 s"
        );
    }

    #[test]
    fn a_label_without_a_symbol_is_found_by_any_incident() {
        let market = Label { symbol: None, ..label("", 100, 110) };
        assert_eq!(line(&[market], &[incident(&[], 105, None)]), "planted 1, found 1, false 0, lead 5.0 s");
    }

    #[test]
    fn detection_counts_from_the_start_to_a_minute_after_the_end() {
        let planted = [label("S1", 100, 110)];
        for (detected, found) in [(99, 0), (100, 1), (170, 1), (171, 0)] {
            let other = IncidentView { detectors: vec!["feed".into()], ..incident(&["S1"], detected, None) };
            assert_eq!(score(&planted, &[other], GRACE).found, found, "{detected}");
        }
    }

    #[test]
    fn a_warning_after_the_end_has_a_negative_lead() {
        assert_eq!(
            line(&[label("S1", 100, 110)], &[incident(&["S1"], 115, Some(120))]),
            "planted 1, found 1, false 0, lead -5.0 s"
        );
    }

    #[test]
    fn an_incident_of_another_kind_from_before_the_start_finds_nothing_and_is_not_false() {
        let other = IncidentView { detectors: vec!["thin_book".into()], ..incident(&["S1"], 90, Some(101)) };
        assert_eq!(line(&[label("S1", 100, 110)], &[other]), "planted 1, found 0, false 0, lead 0.0 s");
    }

    #[test]
    fn a_crisis_is_one_incident_that_finds_each_of_its_episodes_and_warns_of_the_cascade() {
        let kind = |kind: &str, start, end| Label { kind: kind.into(), ..label("S1", start, end) };
        let labels = [kind("leverage_jump", 100, 130), kind("thin_book", 160, 220), kind("cascade", 200, 230)];
        let joined = |detectors: &[&str]| IncidentView {
            detectors: detectors.iter().map(ToString::to_string).collect(),
            ..incident(&["S1"], 110, Some(240))
        };
        let all = score(&labels, &[joined(&["leverage_jump", "thin_book"])], GRACE);
        assert_eq!((all.found, all.false_alarms), (3, 0));
        assert_eq!(all.leads, [20, 60, 90].map(Span::from_secs));
        let one = score(&labels, &[joined(&["leverage_jump"])], GRACE);
        assert_eq!(one.leads, [20, 90].map(Span::from_secs), "no incident joined a thin book");
    }

    #[test]
    fn a_label_is_found_by_its_account_alone() {
        let planted = Label { account: Some("a7".into()), ..label("S1", 100, 110) };
        let seen = IncidentView { accounts: vec!["a7".into()], ..incident(&[], 104, None) };
        assert_eq!(line(&[planted], &[seen]), "planted 1, found 1, false 0, lead 6.0 s");
    }

    #[test]
    fn a_benign_label_excuses_no_incident() {
        let benign = Label { benign: true, ..label("S1", 100, 110) };
        assert_eq!(line(&[benign], &[incident(&["S1"], 105, None)]), "planted 0, found 0, false 1, lead 0.0 s");
    }
}
