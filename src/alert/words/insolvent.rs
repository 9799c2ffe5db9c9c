//! The words of `insolvent`.

use super::{
    fit::Sentence,
    phrases::{since, subject_name},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
    stats::math::log10,
};

pub(super) struct Insolvent;

impl Wording for Insolvent {
    fn label(&self) -> &'static str {
        "nothing left"
    }

    fn title(&self, subject: &Subject, _: Option<&Finding>) -> String {
        format!("Nothing left of {}", subject_name(subject))
    }

    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> Sentence {
        let (deficit, since) = (part.finding.statistic, since(&part.finding));
        let name = subject_name(subject);
        if deficit <= 0.0 {
            return Sentence::from(format!("{name} holds positions and its equity is zero since {since}"));
        }
        // Of the smallest deficit two digits are shown.
        let digits = if deficit < 1.0 { 1.0 - log10(deficit).floor() } else { 2.0 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of digits")]
        let digits = digits as usize;
        Sentence::from(format!("{name} holds positions and its equity is {deficit:.digits$} below zero since {since}"))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whether the venue is liquidating the account; if not, ask why"
    }
}
