//! The words of `price_shock`.

use compact_str::CompactString;

use super::{
    fit::Sentence,
    number::{length, percent, plain},
    phrases::{first_names, since, subject_name},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Feature, Finding, Subject},
};

pub(super) struct PriceShock;

impl Wording for PriceShock {
    fn label(&self) -> &'static str {
        "price shock"
    }

    fn title(&self, subject: &Subject, _: Option<&Finding>) -> String {
        format!("Price shock on {}", subject_name(subject))
    }

    /// Says how far the price has moved over each window that agrees; of the market, on how many symbols and which moved first.
    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> Sentence {
        let (finding, since) = (&part.finding, since(&part.finding));
        if *subject != Subject::Market {
            let moves: Vec<String> = finding.features.iter().map(moved).collect();
            let name = subject_name(subject);
            return Sentence::from(format!("the price of {name} has moved {}, since {since}", moves.join(" and ")));
        }
        let [price, shocked, ..] = finding.features.as_slice() else { return Sentence::default() };
        let direction = if price.value < 0.0 { "fall" } else { "rise" };
        let core = format!(
            "prices {direction} on {} more symbols than not, averaged over five minutes, normally up to {}, since {since}",
            percent(price.value.abs()),
            percent(price.high),
        );
        let names = first_names(finding.evidence.symbols.iter().map(CompactString::as_str));
        let shocked = percent(shocked.value);
        Sentence::from(core)
            .and(format!("first {names}"))
            .and(format!("{shocked} of the symbols move as they do in one of a hundred of their own times"))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whether news explains it and whether marks and index follow; watch depth and liquidations, and hold back forced \
         orders that can wait"
    }

    fn why_it_pages(&self, subject: &Subject) -> Option<&'static str> {
        (*subject == Subject::Market).then_some("it pages because trades and prices go one way on most symbols")
    }
}

/// Returns a move as `51.2 basis points down in 10 s (normally up to 12)`.
fn moved(feature: &Feature) -> String {
    let direction = if feature.value < 0.0 { "down" } else { "up" };
    let usual = plain(feature.low.abs().max(feature.high.abs()));
    format!(
        "{} basis points {direction} in {} (normally up to {usual})",
        plain(feature.value.abs()),
        length(feature.window)
    )
}
