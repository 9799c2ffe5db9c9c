//! The words of `thin_book`.

use super::{
    fit::Sentence,
    number::{against, percent},
    phrases::{amount, since, subject_name},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
    event::Side,
};

pub(super) struct ThinBook;

impl Wording for ThinBook {
    fn label(&self) -> &'static str {
        "thin book"
    }

    fn title(&self, subject: &Subject, _: Option<&Finding>) -> String {
        format!("Thin book on {}", subject_name(subject))
    }

    /// Says how little rests near the touch or, where that is the rarer, how far it fell at once.
    fn sentence(&self, subject: &Subject, part: &Part, context: &Context) -> Sentence {
        let [level, change] = part.finding.features.as_slice() else { return Sentence::default() };
        let band = level.name.name().trim_start_matches("depth_").replace('_', " ");
        let (on, since) = (subject_name(subject), since(&part.finding));
        let side = part.finding.evidence.thin_side.map_or("", |side| match side {
            Side::Buy => "the bids are the thinner side",
            Side::Sell => "the asks are the thinner side",
        });
        let worth = amount(level.value, context);
        if change.p < level.p {
            let core = format!(
                "what rests within {band} of the middle on {on} fell within a second to {} of itself, since {since}",
                percent(change.value),
            );
            let usual = format!("normally it keeps {} or more", percent(change.low));
            return Sentence::from(core).and(format!("orders worth {worth} are left")).and(usual).and(side.to_owned());
        }
        let normally = against(level.value, level.expected);
        let core = format!("orders worth {worth} rest within {band} of the middle on {on}{normally}, since {since}");
        Sentence::from(core).and(side.to_owned())
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whose quotes are gone and ask them; forced orders now move the price several times as far: \
         hold back liquidations that can wait, and consider wider bands"
    }
}
