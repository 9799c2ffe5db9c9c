//! The words of `leverage_jump`.

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

pub(super) struct LeverageJump;

impl Wording for LeverageJump {
    fn label(&self) -> &'static str {
        "leverage jump"
    }

    fn title(&self, subject: &Subject, _: Mode) -> String {
        format!("Leverage jump of {}", subject_name(subject))
    }

    /// Says how much leverage there is, against the account's habit, and how much of the change the account and the
    /// marks each made.
    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> String {
        let [f, intent, marks] = part.finding.features.as_slice() else { return String::new() };
        format!(
            "{} has {:.1} times its equity in positions, where {:.1} are expected and {:.1} to {:.1} are usual; \
             recently its own actions multiplied this leverage by {:.1} and mark prices by {:.2}, since {}",
            subject_name(subject),
            f.value,
            f.expected,
            f.low,
            f.high,
            intent.value,
            marks.value,
            since(&part.finding)
        )
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see what the account bought or sold and whether its margin still covers a fast move; \
         ask its owner, and consider reduce-only"
    }
}
