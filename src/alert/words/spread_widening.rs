//! The words of `spread_widening`.

use super::{
    fit::Sentence,
    number::{against, plain},
    phrases::{since, subject_name},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
};

/// The words of `spread_widening`.
pub(super) struct SpreadWidening;

impl Wording for SpreadWidening {
    fn label(&self) -> &'static str {
        "wide spread"
    }

    fn title(&self, subject: &Subject, _: Option<&Finding>) -> String {
        format!("Wide spread on {}", subject_name(subject))
    }

    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> Sentence {
        let [spread] = part.finding.features.as_slice() else { return Sentence::default() };
        Sentence::from(format!(
            "the spread of {} is {} basis points{}, since {}",
            subject_name(subject),
            plain(spread.value),
            against(spread.value, spread.expected),
            since(&part.finding),
        ))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whose quotes are gone and ask them; whoever must trade now pays the spread: hold back liquidations that can wait"
    }
}
