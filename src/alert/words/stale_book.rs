//! The words of `stale_book`.

use super::{
    phrases::{since, subject_name},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
    trust::Mode,
};

pub(super) struct StaleBook;

impl Wording for StaleBook {
    fn label(&self) -> &'static str {
        "stale book"
    }

    fn title(&self, subject: &Subject, _: Mode) -> String {
        format!("Stale book on {}", subject_name(subject))
    }

    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> String {
        let (trades, since) = (part.finding.statistic, since(&part.finding));
        format!("{trades} trades on {} since its book last changed at {since}", subject_name(subject))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whether the book feed of the symbol has stopped; \
         nothing that is said of its depth holds until it moves again"
    }
}
