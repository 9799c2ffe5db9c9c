//! News: what a revision is the first to report, in one sentence.
//!
//! A revision is published because the severity rose, a finding joined or became more severe, the incident became ten times less
//! likely, its symbols doubled, or it ended. Each of these is said, with the numbers of the finding that brought it. The first
//! revision has no news: its summary says everything.

use super::{
    findings::why_it_pages,
    fit::{DESCRIPTION_MAX, Sentence},
    list::wording,
    number::length,
    phrases::to_millisecond,
};
use crate::{
    alert::{Context, headline::strongest, identity::incident_id},
    correlate::{FindingKey, Incident, Part, Published, Revision, Status},
    detect::{Detector, Severity},
};

/// Returns the news of a revision; `None` in the first one.
pub(super) fn news(revision: &Revision, context: &Context) -> Option<String> {
    let incident = &revision.incident;
    let before = incident.before()?;
    let ended = || {
        let at = incident.cleared_at().unwrap_or(revision.at);
        let lasted = length(at.since(incident.starts_at()));
        format!("since {} after {lasted}", to_millisecond(at))
    };
    let sentence = match (revision.status, incident.absorbed_by()) {
        (Status::Firing | Status::Amended, _) => grown(incident, before, context),
        (Status::Resolved, _) => Sentence::from(format!("over {}", ended())),
        (Status::Withdrawn, Some(opening)) => {
            Sentence::from(format!("now part of incident {}, which goes on", incident_id(opening, context)))
        }
        (Status::Withdrawn, None) => {
            Sentence::from(format!("no longer followed {}: newer incidents needed its place", ended()))
        }
    };
    Some(sentence.within(DESCRIPTION_MAX))
}

/// Returns how an incident that goes on has grown since the revision before.
fn grown(incident: &Incident, before: &Published, context: &Context) -> Sentence {
    let mut clauses = Vec::new();
    if incident.severity() > before.severity {
        clauses.push(format!("{}, was {}", incident.severity().name(), before.severity.name()));
        clauses.push(why_it_pages(incident).to_owned());
    }
    let newest = newest(incident);
    if let Some((key, part)) = newest {
        let found = wording(key.0).sentence(&key.1, part, context).core;
        let lead = if is_new(key.0, incident) { "now also" } else { "now" };
        clauses.push(format!("{lead} {}: {found}", wording(key.0).label()));
    }
    let symbols = incident.published_symbols();
    if symbols > before.symbols {
        clauses.push(format!("{symbols} symbols, {} before", before.symbols));
    }
    if newest.is_none()
        && incident.p() < before.p
        && let Some(((detector, subject), part)) = strongest(incident)
    {
        clauses.push(format!("more unusual than before: {}", wording(*detector).sentence(subject, part, context).core));
    }
    let mut clauses = clauses.into_iter().filter(|clause| !clause.is_empty());
    let first = clauses.next().unwrap_or_else(|| "nothing new, the incident is still open".to_owned());
    clauses.fold(Sentence::from(first), Sentence::and)
}

/// Returns the most severe of the findings that a revision is the first to report, and of several the strongest. Findings of
/// mere information are not news.
fn newest(incident: &Incident) -> Option<(&FindingKey, &Part)> {
    let is_new =
        |(_, part): &(&FindingKey, &Part)| part.published_in == incident.revision() && part.severity > Severity::Info;
    let order = |a: &Part, b: &Part| b.severity.cmp(&a.severity).then(a.finding.p.total_cmp(&b.finding.p));
    incident.parts().iter().filter(is_new).min_by(|a, b| order(a.1, b.1))
}

/// Whether no revision before this one reported a finding of the detector.
fn is_new(detector: Detector, incident: &Incident) -> bool {
    let mut of_detector = incident.parts().iter().filter(|(key, _)| key.0 == detector);
    of_detector.all(|(_, part)| part.joined_in == incident.revision())
}
