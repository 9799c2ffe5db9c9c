//! Titles: an incident in a few words that stay the same while it lasts.
//!
//! A title is made of the finding that opened the incident and, once it has become another kind of thing, of what made it that: a
//! second detector, a further symbol, the whole market. Findings that join later are told in the news and change no title, so that
//! a reader recognises the incident in a list. An incident that becomes critical by a finding which the title does not name becomes
//! another thing too: that finding leads the title from then on, because it is why somebody is woken.

use super::{
    fit::{TITLE_MAX, first_that_fits},
    list::wording,
    phrases::{subject_name, where_and_by_whom},
};
use crate::{
    correlate::{FindingKey, Incident},
    detect::{Detector, Severity, Subject},
};

/// Returns the title of an incident.
pub(super) fn title(incident: &Incident) -> String {
    let opening = (incident.opening().detector, incident.opening().subject.clone());
    let (lead, other) = leading(incident, &opening);
    let (detector, subject) = lead;
    let finding = incident.parts().get(lead).map(|part| &part.finding);
    let alone = wording(*detector).title(subject, finding);
    // Trouble with the input keeps its own title, whatever else was found.
    if *detector == Detector::Feed {
        return first_that_fits(&[alone], TITLE_MAX);
    }
    let texts = match other {
        None if is_of_several_symbols(incident, subject) => vec![format!("{alone} and other symbols"), alone],
        None => vec![alone],
        Some((other, Subject::Market)) if *subject != Subject::Market => {
            let label = wording(*other).label();
            let short = format!("Market-wide: {}, {label}", wording(*detector).label());
            vec![format!("Market-wide: {}, {label}", lower(&alone)), short]
        }
        Some((other, about)) => {
            let label = wording(*other).label();
            let own = wording(*detector).label();
            let whole = if about == subject {
                format!("{} and {label} {}", upper(own), where_and_by_whom(subject))
            } else {
                format!("{alone}, {label} {}", where_and_by_whom(about))
            };
            vec![whole, format!("{alone}, {label}"), format!("{} and {label} of {}", upper(own), subject_name(subject))]
        }
    };
    first_that_fits(&texts, TITLE_MAX)
}

/// Returns the finding that leads the title, and the one that stands behind it.
///
/// The first finding that was critical leads, unless the title names it anyhow. First by the revision that published it as critical,
/// because a title must not change with each finding that becomes critical later.
fn leading<'a>(incident: &'a Incident, opening: &'a FindingKey) -> (&'a FindingKey, Option<&'a FindingKey>) {
    let companion = incident.companion();
    let critical = incident.parts().iter().filter(|(_, part)| part.severity == Severity::Critical);
    let first = critical.min_by_key(|(_, part)| part.published_in).map(|(key, _)| key);
    let is_named = |key: &FindingKey| key == opening || Some(key) == companion;
    let Some(lead) = first.filter(|key| opening.0 != Detector::Feed && !is_named(key)) else {
        return (opening, companion);
    };
    let is_another = |key: &&FindingKey| key.0 != lead.0 || (key.1 == Subject::Market && lead.1 != Subject::Market);
    (lead, companion.into_iter().chain([opening]).find(is_another))
}

/// Whether a finding about one symbol has turned out to be about several.
fn is_of_several_symbols(incident: &Incident, subject: &Subject) -> bool {
    let Subject::Symbol(first) = subject else { return false };
    let warning = incident.parts().iter().filter(|(_, part)| part.warns());
    warning.filter_map(|((_, subject), _)| subject.symbol()).any(|symbol| symbol != first)
}

fn upper(label: &str) -> String {
    let mut label = label.to_owned();
    if let Some(first) = label.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    label
}

fn lower(title: &str) -> String {
    let mut title = title.to_owned();
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_lowercase();
    }
    title
}
