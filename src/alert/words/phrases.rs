//! Phrases that the words of several detectors share: subjects, instants and lists as people read them.

use std::borrow::{Borrow, Cow};

use crate::{
    detect::{Finding, Subject},
    time::EventTime,
};

/// How many names a sentence lists before it stops.
const NAMES_MAX: usize = 5;

/// Returns a subject as people call it: `S1`, `account a1 on S1`, `the market`.
pub(super) fn subject_name(subject: &Subject) -> Cow<'_, str> {
    match subject {
        Subject::Symbol(name) => Cow::Borrowed(name),
        Subject::Account(name) => Cow::Owned(format!("account {name}")),
        Subject::Owner(name) => Cow::Owned(format!("owner {name}")),
        Subject::AccountSymbol(account, symbol) => Cow::Owned(format!("account {account} on {symbol}")),
        Subject::OwnerSymbol(owner, symbol) => Cow::Owned(format!("owner {owner} on {symbol}")),
        Subject::Market => Cow::Borrowed("the market"),
        Subject::Pipeline | Subject::Records => Cow::Borrowed("the input"),
    }
}

/// Returns where something was done and by whom, as far as the subject says: `on S1 by account a1`, or one of the two.
pub(super) fn where_and_by_whom(subject: &Subject) -> String {
    match subject {
        Subject::Account(_) | Subject::Owner(_) => format!("by {}", subject_name(subject)),
        Subject::AccountSymbol(account, symbol) => format!("on {symbol} by account {account}"),
        Subject::OwnerSymbol(owner, symbol) => format!("on {symbol} by owner {owner}"),
        Subject::Symbol(_) | Subject::Market | Subject::Pipeline | Subject::Records => {
            format!("on {}", subject_name(subject))
        }
    }
}

/// Returns the first of these names, separated by commas: as many as a sentence lists.
pub(super) fn first_names<N: Borrow<str>>(names: impl Iterator<Item = N>) -> String {
    names.take(NAMES_MAX).collect::<Vec<_>>().join(", ")
}

/// Returns the first of these names as [`first_names`] does, and how many more there are.
pub(super) fn names_and_more<N: Borrow<str>>(names: impl ExactSizeIterator<Item = N>) -> String {
    let more = names.len().saturating_sub(NAMES_MAX);
    let and_more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{and_more}", first_names(names))
}

/// Returns since when a finding has been building, to the millisecond.
pub(super) const fn since(finding: &Finding) -> EventTime {
    to_millisecond(finding.starts_at)
}

/// Returns an instant without what is below a millisecond: more digits only slow the reader down.
pub(super) const fn to_millisecond(at: EventTime) -> EventTime {
    EventTime::from_nanos(at.nanos() - at.nanos().rem_euclid(1_000_000))
}
