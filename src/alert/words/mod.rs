//! The words of an alert: title, summary, news, description, and what to do, written for the person whom it wakes.
//!
//! A summary is about the incident: its headline (`super::headline`), why it pages, whose it is, what was found with it, whether it
//! gets worse. The news are about what the revision is the first to report, and the description has what the summary has no room for. Sentences have one kind of number,
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
mod trend;
mod wording;

pub(super) use self::trend::trend;
use self::{
    findings::{DetectorGroup, by_start, groups_in_brief, groups_text, other_findings, why_it_pages},
    fit::{DESCRIPTION_MAX, PLACE_MAX, SUMMARY_MAX, Sentence, cut},
    list::wording,
    phrases::{of_active_symbols, to_millisecond},
};
use super::{Breadth, Context, Trend, TrendState};
use crate::{
    correlate::{FindingKey, Incident, Part, Revision, Status},
    detect::{Detector, Severity},
    trust::{Mode, Standing},
};

/// The action to take where several detectors agree.
const JOINT_SUGGESTION: &str = "several things come together: hold back forced orders that can wait, ask the accounts and makers \
     that are named, and consider reduce-only, wider bands, or a halt of the symbols concerned";

/// The clause of a description about the past, which only a reader of the alerts topic knows and says in its place.
pub const PAST_UNKNOWN: &str = "whether it happened before is not known here";

/// The clause of a description of an incident that does not page.
const TICKET: &str = "it is a ticket and pages nobody";

/// The answers of an alert that its sentences repeat.
pub(super) struct Asides<'a> {
    /// Whether the incident gets worse.
    pub trend: &'a Trend,
    /// How broad it is.
    pub breadth: Option<Breadth>,
    /// The mode that was in force.
    pub standing: &'a Standing,
}

/// The words of an alert.
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

/// Composes the words for a revision of an incident, given the finding that it is about.
pub(super) fn compose(
    headline: (&FindingKey, &Part),
    revision: &Revision,
    context: &Context,
    asides: &Asides<'_>,
) -> Words {
    let incident = &revision.incident;
    let (key, part) = headline;
    let found = wording(key.0).sentence(&key.1, part, context);
    let groups = DetectorGroup::all(by_start(incident, Severity::Warning));
    // Trouble with the input keeps its own advice, whatever else was found.
    let is_joint = groups.len() > 1 && key.0 != Detector::Feed;
    let others = if is_joint {
        format!("building since {}: {}", to_millisecond(incident.starts_at()), groups_text(&groups))
    } else {
        other_findings(incident, key)
    };
    let core = Sentence::from(format!("{}{}", ending(revision), found.core));
    let why = why_information(incident).unwrap_or_else(|| why_it_pages(incident).to_owned());
    let is_over = asides.trend.state == TrendState::Over;
    let course = if is_over { String::new() } else { asides.trend.text.clone() };
    let ticket = if incident.severity() == Severity::Warning { TICKET } else { "" };
    let breadth = of_active_symbols(asides.breadth);
    // Why it pages comes first. Of one finding, by whom and on which side is said before what else was found; of several, what they
    // are.
    let (whose, more) = found.more.split_at(if is_joint { 0 } else { found.more.len().min(2) });
    let first = whose.iter().cloned().fold(core.clone().and(why.clone()), Sentence::and);
    let room = SUMMARY_MAX.saturating_sub(first.within(SUMMARY_MAX).chars().count() + 2);
    let brief = if is_joint { format!("with {}", groups_in_brief(&groups)) } else { String::new() };
    let others_fit = if others.chars().count() <= room { others.clone() } else { brief };
    let short = more.iter().cloned().fold(first.and(others_fit), Sentence::and);
    let short = short.and(trend::in_brief(asides.trend)).and(breadth.clone());
    let long = found.more.iter().cloned().fold(core.and(why).and(ticket.to_owned()), Sentence::and);
    let long = long.and(others).and(course).and(breadth).and(input(key.0, asides.standing));
    let long = long.and(PAST_UNKNOWN.to_owned()).and(where_to_look(key.0));
    Words {
        title: title::title(incident),
        summary: short.within(SUMMARY_MAX),
        description: long.within(DESCRIPTION_MAX),
        news: news::news(revision, context),
        suggested: if is_joint { JOINT_SUGGESTION } else { wording(key.0).suggested(&part.finding) },
    }
}

/// Says whether the input is to be trusted; nothing where the alert is about the input itself.
fn input(lead: Detector, standing: &Standing) -> String {
    if lead == Detector::Feed {
        return String::new();
    }
    match standing.mode {
        Mode::Normal => "nothing is wrong with the input".to_owned(),
        Mode::Degraded | Mode::Blind => {
            let reasons: Vec<&str> = standing.reasons.iter().map(|cause| cause.name()).collect();
            format!("the input is {}: {}", standing.mode.name(), reasons.join(", "))
        }
    }
}

/// Says where to look and how to silence it, for whom no addresses are configured.
fn where_to_look(lead: Detector) -> String {
    let dashboard = if lead == Detector::Feed { "Pipeline and objectives" } else { "Incident response" };
    let name = lead.name();
    format!(
        "see docs/runbooks/{name}.md and the dashboard Foreshock / {dashboard}; silence it at the Alertmanager by its label `incident`"
    )
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
