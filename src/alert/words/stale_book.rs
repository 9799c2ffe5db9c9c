//! The words of `stale_book`.

use super::{
    fit::Sentence,
    phrases::{since, subject_name},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
};

pub(super) struct StaleBook;

impl Wording for StaleBook {
    fn label(&self) -> &'static str {
        "stale book"
    }

    fn title(&self, subject: &Subject, _: Option<&Finding>) -> String {
        format!("Stale book on {}", subject_name(subject))
    }

    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> Sentence {
        let (trades, since) = (part.finding.statistic, since(&part.finding));
        let name = subject_name(subject);
        Sentence::from(format!("{trades} trades on {name} since its book last changed at {since}"))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whether the book feed of the symbol has stopped; \
         nothing that is said of its depth holds until it moves again"
    }
}
