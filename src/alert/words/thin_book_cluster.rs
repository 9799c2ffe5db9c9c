//! The words of `thin_book_cluster`.

use compact_str::CompactString;

use super::{
    fit::Sentence,
    number::percent,
    phrases::{first_names, since},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Finding, Subject},
};

pub(super) struct ThinBookCluster;

impl Wording for ThinBookCluster {
    fn label(&self) -> &'static str {
        "many books thin at once"
    }

    fn title(&self, _: &Subject, _: Option<&Finding>) -> String {
        "Many books are thin at once".to_owned()
    }

    /// Says how many books are thin, which were the first, and which makers withdrew.
    fn sentence(&self, _: &Subject, part: &Part, _: &Context) -> Sentence {
        let finding = &part.finding;
        let Some(f) = finding.features.first() else { return Sentence::default() };
        let names = |names: &[CompactString]| first_names(names.iter().map(CompactString::as_str));
        let makers = match finding.evidence.accounts.as_slice() {
            [] => String::new(),
            makers => format!("{} withdrew on most of them", names(makers)),
        };
        let core = format!(
            "{} of all books are thin at once, normally {}, since {}",
            percent(f.value),
            percent(f.expected),
            since(finding),
        );
        Sentence::from(core).and(makers).and(format!("first {}", names(&finding.evidence.symbols)))
    }

    fn suggested(&self, _: &Finding) -> &'static str {
        "ask the makers in common whether they have pulled out and why; \
         forced orders now move every one of these prices: hold back liquidations that can wait"
    }
}
