//! The interface between the words of all alerts and the words of one detector.

use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
    trust::Mode,
};

/// The words for the findings of one detector. Each detector implements it in a file of its own.
pub(super) trait Wording {
    /// Names the kind of finding in lower case, without its subject, for alerts that join several: `thin book`.
    fn label(&self) -> &'static str;

    /// Returns the title of an alert about this finding alone, in a few words. `mode` is the mode that is in force.
    fn title(&self, subject: &Subject, mode: Mode) -> String;

    /// Returns what was found, against what is usual, and since when: one sentence without its full stop, because more
    /// may follow.
    fn sentence(&self, subject: &Subject, part: &Part, context: &Context) -> String;

    /// Returns the action to take about the finding.
    fn suggested(&self, finding: &Finding) -> &'static str;

    /// Says why a critical finding pages, as a clause that follows the sentence; `None` where title and sentence show
    /// it.
    fn why_it_pages(&self, _subject: &Subject) -> Option<String> {
        None
    }
}
