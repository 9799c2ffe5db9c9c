//! The words of `price_shock`.

use compact_str::CompactString;

use super::{
    phrases::{first_names, since, subject_name},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Feature, Finding, Subject},
    trust::Mode,
};

pub(super) struct PriceShock;

impl Wording for PriceShock {
    fn label(&self) -> &'static str {
        "price shock"
    }

    fn title(&self, subject: &Subject, _: Mode) -> String {
        format!("Price shock on {}", subject_name(subject))
    }

    /// Says how far the price has moved over each window that agrees; of the market, on how many symbols and which moved first.
    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> String {
        let (finding, since) = (&part.finding, since(&part.finding));
        if *subject != Subject::Market {
            let moves: Vec<String> = finding.features.iter().map(moved).collect();
            return format!("the price of {} has moved {}, since {since}", subject_name(subject), moves.join(" and "));
        }
        let [price, shocked, ..] = finding.features.as_slice() else { return String::new() };
        let direction = if price.value < 0.0 { "fall" } else { "rise" };
        format!(
            "prices {direction} on {:.0} % more symbols than not, averaged over five minutes, where {:.0} % are usual, since \
             {since}; {:.0} % of the symbols move as they do in one of a hundred of their own times; first {}",
            price.value.abs() * 100.0,
            price.high * 100.0,
            shocked.value * 100.0,
            first_names(finding.evidence.symbols.iter().map(CompactString::as_str)),
        )
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whether news explains it and whether marks and index follow; watch depth and liquidations, and hold back forced orders \
         that can wait"
    }
}

fn moved(feature: &Feature) -> String {
    let seconds = feature.window.secs_f64();
    format!(
        "{:.1} basis points in {seconds} s, where {:.1} to {:.1} are usual",
        feature.value, feature.low, feature.high
    )
}
