//! The score of a run: planted episodes found, incidents about nothing, and the lead of each warning.
//!
//! An episode is *planted* if its label is not benign. It is *found* if an incident that names its symbol (any incident,
//! where the label has none) was detected from its start to a little after its end: an incident from before it began is
//! luck, one from long after is news. An incident is *false* if it overlaps no planted episode of a symbol that it names;
//! a benign label excuses nothing, it only marks where looking quiet was hard. Detectors are not compared with kinds: an
//! incident joins what several detectors saw, and on-call is helped by any of them.
//!
//! An incident that is open when an episode begins finds it too, if it has come to join that kind of finding there: a crisis is one
//! incident with many episodes in it. Then, as for a *cascade*, whose early warning is any incident that names its symbol before it
//! starts (CONTRACT), the warning was there from the beginning.
//!
//! The *lead* is counted to the label's end. At the start there is nothing yet to see, so a lead to the start is never
//! positive; the end is when the harm is done, and what lies before it is the time that a warning left to act. It is
//! negative where the warning came after the end. A cascade's is counted to its start, because then the forced selling begins.

use std::fmt;

use super::Label;
use crate::time::{EventTime, Span};

/// How long after an episode's end its detection still counts, and an incident still belongs to it: a window of 60 s, the
/// longest of the burst statistic, holds the whole episode for that long.
pub const LATENESS: Span = Span::from_secs(60);

/// The kind of an episode of forced selling.
const CASCADE: &str = "cascade";

/// What the score needs to know of an incident. The caller passes those whose severity reached warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IncidentView {
    /// When it was first detected.
    pub detected_at: EventTime,
    /// Where its evidence begins.
    pub starts_at: EventTime,
    /// Where it ends; still open where absent.
    pub ends_at: Option<EventTime>,
    /// The symbols that it names.
    pub symbols: Vec<String>,
    /// The accounts that it names.
    pub accounts: Vec<String>,
    /// The detectors that it joins.
    pub detectors: Vec<String>,
}

/// What was planted, found and false, and the leads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// Labels that are not benign.
    pub planted: usize,
    /// Those of them that an incident found.
    pub found: usize,
    /// Incidents that overlap no planted label.
    pub false_alarms: usize,
    /// One per found label, in the labels' order: from the first detection to the label's end.
    pub leads: Vec<Span>,
}

/// Scores incidents against labels.
#[must_use]
pub fn score(labels: &[Label], incidents: &[IncidentView], lateness: Span) -> Score {
    let planted: Vec<&Label> = labels.iter().filter(|label| !label.benign).collect();
    let leads: Vec<Span> = planted
        .iter()
        .filter_map(|label| first_detection(label, incidents, lateness).map(|at| due(label).since(at)))
        .collect();
    let about_nothing = |incident: &&IncidentView| !planted.iter().any(|label| overlap(label, incident, lateness));
    Score {
        planted: planted.len(),
        found: leads.len(),
        false_alarms: incidents.iter().filter(about_nothing).count(),
        leads,
    }
}

fn first_detection(label: &Label, incidents: &[IncidentView], lateness: Span) -> Option<EventTime> {
    let until = label.end.plus(lateness);
    incidents
        .iter()
        .filter(|incident| names(incident, label) && incident.detected_at <= until)
        .filter(|incident| {
            let open = incident.ends_at.is_none_or(|end| end >= label.start);
            label.start <= incident.detected_at || (open && joins(incident, &label.kind))
        })
        // What was open before has warned from the first moment on, and a cascade's early warning from its own first.
        .map(
            |incident| if label.kind == CASCADE { incident.detected_at } else { incident.detected_at.max(label.start) },
        )
        .min()
}

/// Whether an incident holds a finding of an episode's kind.
fn joins(incident: &IncidentView, kind: &str) -> bool {
    // A cluster is of thin books.
    let cluster = |detector: &String| kind == "thin_book" && detector == "thin_book_cluster";
    kind == CASCADE || incident.detectors.iter().any(|detector| detector == kind || cluster(detector))
}

/// When it is too late to warn of an episode.
fn due(label: &Label) -> EventTime {
    if label.kind == CASCADE { label.start } else { label.end }
}

fn overlap(label: &Label, incident: &IncidentView, lateness: Span) -> bool {
    let begun = incident.starts_at <= label.end.plus(lateness);
    let over = incident.ends_at.is_some_and(|end| end < label.start);
    names(incident, label) && begun && !over
}

fn names(incident: &IncidentView, label: &Label) -> bool {
    let account = label.account.as_ref().is_some_and(|account| incident.accounts.contains(account));
    account || label.symbol.as_ref().is_none_or(|symbol| incident.symbols.contains(symbol))
}

impl Score {
    /// The median lead, of an even number the mean of the middle two; `None` where nothing was found.
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
    /// The line that scripts read: `planted N, found N, false N, lead S s`; with nothing found the lead is 0.0.
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
        score(labels, incidents, LATENESS).to_string()
    }

    #[test]
    fn nothing_planted_and_nothing_said_is_all_zeros() {
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
    fn of_two_incidents_for_one_label_the_first_gives_the_lead_and_neither_is_false() {
        let incidents = [incident(&["S1"], 108, Some(112)), incident(&["S1"], 103, Some(105))];
        assert_eq!(line(&[label("S1", 100, 110)], &incidents), "planted 1, found 1, false 0, lead 7.0 s");
    }

    #[test]
    fn one_incident_finds_two_labels_that_it_spans() {
        let labels = [label("S1", 100, 110), label("S2", 101, 106)];
        let score = score(&labels, &[incident(&["S1", "S2"], 103, Some(120))], LATENESS);
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
            assert_eq!(score(&planted, &[other], LATENESS).found, found, "{detected}");
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
    fn an_incident_from_before_of_another_kind_is_not_false_but_finds_nothing() {
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
        let all = score(&labels, &[joined(&["leverage_jump", "thin_book"])], LATENESS);
        assert_eq!((all.found, all.false_alarms), (3, 0));
        assert_eq!(all.leads, [20, 60, 90].map(Span::from_secs));
        let one = score(&labels, &[joined(&["leverage_jump"])], LATENESS);
        assert_eq!(one.leads, [20, 90].map(Span::from_secs), "nobody said that the book was thin");
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
