//! The words of `spread_widening`.

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

pub(super) struct SpreadWidening;

impl Wording for SpreadWidening {
    fn label(&self) -> &'static str {
        "wide spread"
    }

    fn title(&self, subject: &Subject, _: Mode) -> String {
        format!("Wide spread on {}", subject_name(subject))
    }

    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> String {
        let [spread] = part.finding.features.as_slice() else { return String::new() };
        format!(
            "the spread of {} is {:.1} basis points, where {:.1} are expected and {:.1} to {:.1} are usual, since {}",
            subject_name(subject),
            spread.value,
            spread.expected,
            spread.low,
            spread.high,
            since(&part.finding),
        )
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whose quotes are gone and ask them; whoever must trade now pays the spread: hold back liquidations that can wait"
    }
}
