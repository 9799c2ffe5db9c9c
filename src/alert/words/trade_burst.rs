//! The words of `trade_burst`.

use compact_str::CompactString;

use super::{
    burst,
    fit::Sentence,
    number::percent,
    phrases::{first_names, since, where_and_by_whom},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
};

/// The words of `trade_burst`.
pub(super) struct TradeBurst;

impl Wording for TradeBurst {
    fn label(&self) -> &'static str {
        "trade burst"
    }

    fn title(&self, subject: &Subject, _: Option<&Finding>) -> String {
        format!("Trade burst {}", where_and_by_whom(subject))
    }

    /// The market's finding says on how many symbols one side prevails; a symbol's counts trades.
    fn sentence(&self, subject: &Subject, part: &Part, context: &Context) -> Sentence {
        let (Subject::Market, [flow, ..]) = (subject, part.finding.features.as_slice()) else {
            return burst::sentence(subject, part, context);
        };
        let side = if flow.value < 0.0 { "sellers" } else { "buyers" };
        let core = format!(
            "{side} prevail on {} more symbols than not, averaged over five minutes, normally up to {}, since {}",
            percent(flow.value.abs()),
            percent(flow.high),
            since(&part.finding),
        );
        let first = first_names(part.finding.evidence.symbols.iter().map(CompactString::as_str));
        Sentence::from(core).and(format!("first {first}"))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see what is being traded and by whom, and whether news explains it; \
         watch depth, marks and liquidations"
    }

    fn why_it_pages(&self, subject: &Subject) -> Option<&'static str> {
        (*subject == Subject::Market).then_some("it pages because trades and prices go one way on most symbols")
    }
}
