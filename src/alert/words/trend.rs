//! The trend of an incident in words and numbers: whether it gets worse.
//!
//! A burst has its own pace: that of the last part is compared with the part before. Other findings are published again only when
//! they have become worse, so a later revision says so by itself; a first one can only say for how long it has lasted.

use super::{
    feed,
    number::{length, plain},
};
use crate::{
    alert::{Trend, TrendState},
    correlate::{Part, Revision, Status},
    detect::{Detector, Pace},
    time::Span,
};

/// The least ratio of two paces that is a change: cancels and trades cluster, so their counts vary by a third by chance.
const CHANGE: f64 = 1.5;
/// The age up to which an incident has just begun: detectors need some ten seconds to see a course.
const JUST_BEGUN: Span = Span::from_secs(10);
/// The age below which an incident is as old as its first record.
const INSTANT: Span = Span::from_millis(10);
/// Two revisions closer together than this have no length between them that says anything.
const SAME_MOMENT: Span = Span::from_secs(1);
/// The age of a measured pace up to which it is the present one.
const PRESENT: Span = Span::from_secs(5);

/// Returns the trend as of a revision, given the finding that the alert is about.
pub(in crate::alert) fn trend(revision: &Revision, lead: &Part) -> Trend {
    let incident = &revision.incident;
    let is_over = matches!(revision.status, Status::Resolved | Status::Withdrawn);
    let until = incident.cleared_at().filter(|_| is_over).unwrap_or(revision.at);
    let began = if incident.opening().detector == Detector::Feed { feed::began_of(lead) } else { incident.starts_at() };
    let lasted = until.since(began.min(incident.starts_at())).max(Span::ZERO);
    let pace = lead.finding.evidence.pace.filter(|pace| !is_over && revision.at.since(pace.at) <= PRESENT);
    let (state, text) = if is_over {
        (TrendState::Over, format!("over after {}", length(lasted)))
    } else if let Some(pace) = &pace {
        of_pace(pace)
    } else {
        of_revision(revision, lasted)
    };
    Trend {
        state,
        text,
        lasted_ms: lasted.millis(),
        late_per_s: pace.map(|pace| pace.late_per_s),
        late_ms: pace.map(|pace| pace.late.millis()),
        before_per_s: pace.map(|pace| pace.before_per_s),
    }
}

/// Returns the trend in the fewest words, for a summary: `getting faster`.
pub(super) fn in_brief(trend: &Trend) -> String {
    match trend.state {
        TrendState::JustBegun => trend.text.clone(),
        TrendState::Rising | TrendState::Steady | TrendState::Falling => {
            trend.text.split_once(':').map_or(&*trend.text, |(lead, _)| lead).to_owned()
        }
        // The beginning of a sentence says already that it is over; that nothing is known is in the description.
        TrendState::NotKnown | TrendState::Over => String::new(),
    }
}

/// Says how the pace of late compares with that before.
fn of_pace(pace: &Pace) -> (TrendState, String) {
    let (late, before) = (plain(pace.late_per_s), plain(pace.before_per_s));
    let (state, lead) = if pace.late_per_s >= CHANGE * pace.before_per_s {
        (TrendState::Rising, "getting faster")
    } else if pace.late_per_s * CHANGE <= pace.before_per_s {
        (TrendState::Falling, "slowing down")
    } else {
        (TrendState::Steady, "steady")
    };
    (state, format!("{lead}: {late} a second in the last {}, {before} before", length(pace.late)))
}

/// Says what follows from the revision itself.
fn of_revision(revision: &Revision, lasted: Span) -> (TrendState, String) {
    let incident = &revision.incident;
    match incident.before() {
        None if lasted < INSTANT => (TrendState::JustBegun, "just begun".to_owned()),
        None if lasted < JUST_BEGUN => (TrendState::JustBegun, format!("just begun: {}", length(lasted))),
        None => {
            let text = format!("whether it gets worse is not known yet: it has lasted {}", length(lasted));
            (TrendState::NotKnown, text)
        }
        Some(before) => {
            let is_worse = incident.severity() > before.severity
                || incident.p() < before.p
                || incident.published_symbols() > before.symbols;
            let since = revision.at.since(before.at);
            let then =
                if since < SAME_MOMENT { "in the last report".to_owned() } else { format!("{} before", length(since)) };
            if is_worse {
                (TrendState::Rising, format!("worse than {then}"))
            } else {
                (TrendState::Steady, format!("no worse than {then}"))
            }
        }
    }
}
