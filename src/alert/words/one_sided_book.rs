//! The words of `one_sided_book`.

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

pub(super) struct OneSidedBook;

impl Wording for OneSidedBook {
    fn label(&self) -> &'static str {
        "one-sided book"
    }

    fn title(&self, subject: &Subject, _: Mode) -> String {
        format!("One-sided book on {}", subject_name(subject))
    }

    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> String {
        format!("one side of the book of {} has been empty since {}", subject_name(subject), since(&part.finding))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whether the makers are connected; orders on the other side have nobody to trade with: consider a halt"
    }
}
