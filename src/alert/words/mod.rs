//! The words of an alert: title, summary, news, description, and what to do, written for the person whom it wakes.
//!
//! A summary is about the incident: its strongest finding, what was found with it, and why it pages. The news are about what the
//! revision is the first to report, and the description has what the summary has no room for. Sentences have one kind of number,
//! what was seen against what is normal; chances, nats and deviations are in the fields. What is common to all alerts stands here;
//! each detector's own words have a file here that implements `Wording`. A new detector needs that file and its line in `list`.

mod burst;
mod cancel_burst;
mod feed;
mod findings;
mod fit;
mod insolvent;
mod leverage_jump;
mod list;
mod news;
mod number;
mod one_sided_book;
mod phrases;
mod price_shock;
mod spread_widening;
mod stale_book;
mod thin_book;
mod thin_book_cluster;
mod title;
mod trade_burst;
mod wording;

use self::{
    findings::{DetectorGroup, by_start, groups_in_brief, groups_text, other_findings, why_it_pages},
    fit::{DESCRIPTION_MAX, PLACE_MAX, SUMMARY_MAX, Sentence, cut},
    list::wording,
    phrases::to_millisecond,
};
use super::Context;
use crate::{
    correlate::{FindingKey, Incident, Part, Revision, Status},
    detect::{Detector, Severity},
};

/// The action to take where several detectors agree.
const JOINT_SUGGESTION: &str = "several things come together: hold back forced orders that can wait, ask the accounts and makers \
     that are named, and consider reduce-only, wider bands, or a halt of the symbols concerned";

/// The words of an alert.
#[derive(Default)]
pub(super) struct Words {
    /// The incident in a few words.
    pub title: String,
    /// The incident in one sentence.
    pub summary: String,
    /// The incident with all that the summary has no room for.
    pub description: String,
    /// News since the last revision; `None` in the first one.
    pub news: Option<String>,
    /// The action to take.
    pub suggested: &'static str,
}

/// Composes the words for a revision of an incident, given its strongest finding.
pub(super) fn compose(strongest: (&FindingKey, &Part), revision: &Revision, context: &Context) -> Words {
    let incident = &revision.incident;
    let (key, part) = strongest;
    let found = wording(key.0).sentence(&key.1, part, context);
    let groups = DetectorGroup::all(by_start(incident, Severity::Warning));
    // Trouble with the input keeps its own advice, whatever else was found.
    let is_joint = groups.len() > 1 && key.0 != Detector::Feed;
    let others = if is_joint {
        format!("building since {}: {}", to_millisecond(incident.starts_at()), groups_text(&groups))
    } else {
        other_findings(incident, key)
    };
    let core = format!("{}{}", ending(revision), found.core);
    let why = why_information(incident).unwrap_or_else(|| why_it_pages(incident));
    // Why it pages comes first. Of one finding, by whom is said before what else was found; of several, what they are.
    let (whom, more) = found.more.split_at(if is_joint { 0 } else { found.more.len().min(1) });
    let first =
        whom.iter().fold(Sentence::from(core.clone()).and(why.clone()), |text, clause| text.and(clause.clone()));
    let room = SUMMARY_MAX.saturating_sub(first.within(SUMMARY_MAX).chars().count() + 2);
    let brief = if is_joint { format!("with {}", groups_in_brief(&groups)) } else { String::new() };
    let others_fit = if others.chars().count() <= room { others.clone() } else { brief };
    let short = more.iter().fold(first.and(others_fit), |text, clause| text.and(clause.clone()));
    let long =
        found.more.iter().fold(Sentence::from(core), |text, clause| text.and(clause.clone())).and(others).and(why);
    Words {
        title: title::title(incident),
        summary: short.within(SUMMARY_MAX),
        description: long.within(DESCRIPTION_MAX),
        news: news::news(revision, strongest, context),
        suggested: if is_joint { JOINT_SUGGESTION } else { wording(key.0).suggested(&part.finding) },
    }
}

/// Returns why an incident is information, whatever its findings say: it is in shadow, or in maintenance.
fn why_information(incident: &Incident) -> Option<String> {
    if incident.is_shadow() {
        return Some("in shadow, so it pages nobody".to_owned());
    }
    incident.maintenance().map(|names| format!("in maintenance ({}), so it pages nobody", cut(names, PLACE_MAX)))
}

/// Returns how a summary begins where the incident has ended; nothing while it goes on.
fn ending(revision: &Revision) -> &'static str {
    match revision.status {
        Status::Firing | Status::Amended => "",
        Status::Resolved => "over; at its strongest: ",
        Status::Withdrawn if revision.incident.absorbed_by().is_some() => "now part of another; at its strongest: ",
        Status::Withdrawn => "no longer followed; at its strongest: ",
    }
}
