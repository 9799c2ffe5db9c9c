//! The words of `thin_book`.

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

pub(super) struct ThinBook;

impl Wording for ThinBook {
    fn label(&self) -> &'static str {
        "thin book"
    }

    fn title(&self, subject: &Subject, _: Mode) -> String {
        format!("Thin book on {}", subject_name(subject))
    }

    /// Says how little rests near the touch or, where that is the rarer, how far it fell at once.
    fn sentence(&self, subject: &Subject, part: &Part, _: &Context) -> String {
        let [level, change] = part.finding.features.as_slice() else { return String::new() };
        let band = level.name.name().trim_start_matches("depth_").replace('_', " ");
        let (on, since) = (subject_name(subject), since(&part.finding));
        if change.p < level.p {
            return format!(
                "what rests within {band} of the middle on {on} fell within a second to {:.0} % of itself, where {:.0} to {:.0} % are usual: \
                 orders worth {:.0} are left, since {since}",
                change.value * 100.0,
                change.low * 100.0,
                change.high * 100.0,
                level.value,
            );
        }
        format!(
            "orders worth {:.0} rest within {band} of the middle on {on}, where {:.0} are expected and {:.0} to {:.0} are usual, thinner since {since}",
            level.value, level.expected, level.low, level.high,
        )
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "see whose quotes are gone and ask them; forced orders now move the price several times as far: \
         hold back liquidations that can wait, and consider wider bands"
    }
}
