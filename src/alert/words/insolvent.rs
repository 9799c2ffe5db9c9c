//! The words of `insolvent`.

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

pub(super) struct Insolvent;

impl Wording for Insolvent {
    fn label(&self) -> &'static str {
        "nothing left"
    }

    fn title(&self, subject: &Subject, _: Mode) -> String {
        format!("Nothing left of {}", subject_name(subject))
    }

    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> String {
        let (deficit, since) = (part.finding.statistic, since(&part.finding));
        format!("{} holds positions and its equity is {deficit:.2} below zero since {since}", subject_name(subject))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whether the venue is liquidating the account; if not, ask why"
    }
}
