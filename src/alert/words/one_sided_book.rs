//! The words of `one_sided_book`.

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

pub(super) struct OneSidedBook;

impl Wording for OneSidedBook {
    fn label(&self) -> &'static str {
        "one-sided book"
    }

    fn title(&self, subject: &Subject, _: Option<&Finding>) -> String {
        format!("One-sided book on {}", subject_name(subject))
    }

    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> Sentence {
        let (name, since) = (subject_name(subject), since(&part.finding));
        Sentence::from(format!("one side of the book of {name} has been empty since {since}"))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whether the makers are connected; orders on the other side have nobody to trade with: consider a halt"
    }
}
