//! The words of `cancel_burst`.

use super::{burst, fit::Sentence, phrases::where_and_by_whom, wording::Wording};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
};

pub(super) struct CancelBurst;

impl Wording for CancelBurst {
    fn label(&self) -> &'static str {
        "cancel burst"
    }

    fn title(&self, subject: &Subject, _: Option<&Finding>) -> String {
        format!("Cancel burst {}", where_and_by_whom(subject))
    }

    fn sentence(&self, subject: &Subject, part: &Part, context: &Context) -> Sentence {
        burst::sentence(subject, part, context)
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whose orders were withdrawn and whether the book thins behind them; \
         if one account does it, ask its owner and consider a throttle"
    }

    fn why_it_pages(&self, _: &Subject) -> Option<&'static str> {
        Some("it pages because the short and the sustained cancels both passed their levels")
    }
}
