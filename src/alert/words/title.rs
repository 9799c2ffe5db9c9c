//! Titles: an incident in a few words that stay the same while it lasts.
//!
//! A title is made of the finding that opened the incident and, once it has become another kind of thing, of what made it that: a
//! second detector, a further symbol, the whole market. Findings that join later are told in the news and change no title, so that
//! a reader recognises the incident in a list.

use super::{
    fit::{TITLE_MAX, first_that_fits},
    list::wording,
    phrases::{subject_name, where_and_by_whom},
};
use crate::{
    correlate::Incident,
    detect::{Detector, Subject},
};

/// Returns the title of an incident.
pub(super) fn title(incident: &Incident) -> String {
    let opening = incident.opening();
    let (detector, subject) = (opening.detector, &opening.subject);
    let finding = incident.parts().get(&(detector, subject.clone())).map(|part| &part.finding);
    let alone = wording(detector).title(subject, finding);
    // Trouble with the input keeps its own title, whatever else was found.
    if detector == Detector::Feed {
        return first_that_fits(&[alone], TITLE_MAX);
    }
    let texts = match incident.companion() {
        None if is_of_several_symbols(incident) => vec![format!("{alone} and other symbols"), alone],
        None => vec![alone],
        Some((other, Subject::Market)) if *subject != Subject::Market => {
            let label = wording(*other).label();
            let short = format!("Market-wide: {}, {label}", wording(detector).label());
            vec![format!("Market-wide: {}, {label}", lower(&alone)), short]
        }
        Some((other, about)) => {
            let label = wording(*other).label();
            let own = wording(detector).label();
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

/// Whether a finding about one symbol has turned out to be about several.
fn is_of_several_symbols(incident: &Incident) -> bool {
    let Subject::Symbol(first) = incident.subject() else { return false };
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
