//! The words of `leverage_jump`.

use super::{
    fit::Sentence,
    number::{against, exact, plain},
    phrases::{since, subject_name},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
};

/// The words of `leverage_jump`.
pub(super) struct LeverageJump;

impl Wording for LeverageJump {
    fn label(&self) -> &'static str {
        "leverage jump"
    }

    fn title(&self, subject: &Subject, _: Option<&Finding>) -> String {
        format!("Leverage jump of {}", subject_name(subject))
    }

    /// Says how much leverage there is, against the account's habit, and how much of the change the account and the
    /// marks each made.
    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> Sentence {
        let [f, intent, marks] = part.finding.features.as_slice() else { return Sentence::default() };
        let core = format!(
            "{} holds positions of {} times its equity{} as much, since {}",
            subject_name(subject),
            plain(f.value),
            against(f.value, f.expected),
            since(&part.finding)
        );
        Sentence::from(core).and(format!(
            "of late its own actions multiplied that by {} and prices by {}",
            plain(intent.value),
            exact((marks.value * 100.0).round() / 100.0),
        ))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see what the account bought or sold and whether its margin still covers a fast move; \
         ask its owner, and consider reduce-only"
    }
}
