//! Phrases that the words of several detectors share: subjects, instants and lists as people read them.

use std::borrow::Borrow;

use super::{fit::short, number::plain};
use crate::{
    alert::{Breadth, Context},
    detect::{Finding, Subject},
    time::EventTime,
};

/// How many names a sentence lists before it stops.
const NAMES_MAX: usize = 5;

/// Returns a subject as people call it: `S1`, `account a1 on S1`, `the market`.
pub(super) fn subject_name(subject: &Subject) -> String {
    match subject {
        Subject::Symbol(name) => short(name),
        Subject::Account(name) => format!("account {}", short(name)),
        Subject::Owner(name) => format!("owner {}", short(name)),
        Subject::AccountSymbol(account, symbol) => format!("account {} on {}", short(account), short(symbol)),
        Subject::OwnerSymbol(owner, symbol) => format!("owner {} on {}", short(owner), short(symbol)),
        Subject::Market => "the market".to_owned(),
        Subject::Pipeline | Subject::Records => "the input".to_owned(),
    }
}

/// Returns where something was done and by whom, as far as the subject says: `on S1 by account a1`, or one of the two.
pub(super) fn where_and_by_whom(subject: &Subject) -> String {
    match subject {
        Subject::Account(_) | Subject::Owner(_) => format!("by {}", subject_name(subject)),
        Subject::AccountSymbol(account, symbol) => format!("on {} by account {}", short(symbol), short(account)),
        Subject::OwnerSymbol(owner, symbol) => format!("on {} by owner {}", short(symbol), short(owner)),
        Subject::Symbol(_) | Subject::Market | Subject::Pipeline | Subject::Records => {
            format!("on {}", subject_name(subject))
        }
    }
}

/// Returns the first of these names, separated by commas: as many as a sentence lists.
pub(super) fn first_names<N: Borrow<str>>(names: impl Iterator<Item = N>) -> String {
    names.take(NAMES_MAX).map(|name| short(name.borrow())).collect::<Vec<_>>().join(", ")
}

/// Returns the first of these subjects, and how many more there are: `S1, S2, account a1 and 7 more`.
pub(super) fn subjects_and_more(subjects: &[&Subject]) -> String {
    let more = subjects.len().saturating_sub(NAMES_MAX);
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let first: Vec<String> = subjects.iter().take(NAMES_MAX).map(|subject| subject_name(subject)).collect();
    format!("{}{and_more}", first.join(", "))
}

/// Returns an amount with its currency, where the configuration names it: `12300 USD`.
pub(super) fn amount(notional: f64, context: &Context) -> String {
    let currency = context.currency.as_deref().map_or_else(|| "in quote currency".to_owned(), short);
    format!("{} {currency}", plain(notional))
}

/// Returns how many of the active symbols an incident concerns; nothing where that is not known.
pub(super) fn of_active_symbols(breadth: Option<Breadth>) -> String {
    let known = breadth.and_then(|breadth| Some((breadth.symbols, breadth.active_symbols?)));
    match known {
        None => String::new(),
        Some((symbols, active)) => format!("{symbols} of {active} symbols that trade"),
    }
}

/// Returns since when a finding has been building, to the millisecond.
pub(super) const fn since(finding: &Finding) -> EventTime {
    to_millisecond(finding.starts_at)
}

/// Returns an instant without what is below a millisecond: more digits only slow the reader down.
pub(super) const fn to_millisecond(at: EventTime) -> EventTime {
    EventTime::from_nanos(at.nanos().saturating_sub(at.nanos().rem_euclid(1_000_000)))
}
