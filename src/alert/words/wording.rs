//! The interface between the words of all alerts and the words of one detector.

use super::fit::Sentence;
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
};

/// The words for the findings of one detector. Each detector implements it in a file of its own.
pub(super) trait Wording {
    /// Names the kind of finding in lower case, without its subject, for alerts that join several: `thin book`.
    fn label(&self) -> &'static str;

    /// Returns the title of an alert that such a finding opened, in a few words. `finding` is the strongest one about the subject;
    /// there is none once it had to make room.
    fn title(&self, subject: &Subject, finding: Option<&Finding>) -> String;

    /// Returns what was found, against what is usual, and since when, in plain numbers: one sentence without its full stop, because
    /// more may follow.
    fn sentence(&self, subject: &Subject, part: &Part, context: &Context) -> Sentence;

    /// Returns the action to take about the finding.
    fn suggested(&self, finding: &Finding) -> &'static str;

    /// Says why a critical finding pages, as a clause that follows the sentence; `None` where title and sentence show
    /// it.
    fn why_it_pages(&self, _subject: &Subject) -> Option<&'static str> {
        None
    }
}
