//! The headline: which of an incident's findings its alert is about.
//!
//! A person who is woken asks first why. So the headline is the finding that pages, where one does, and not one that is less likely
//! but only a ticket: title and summary must not name another thing than `pages_because`. Of several that page it is the first, by the
//! revision that published it as critical, because the title does not change either; of those of one revision the one with the
//! lowest p-value. Of two that page together it is the one with the lower p-value.

use crate::{
    correlate::{FindingKey, Incident, Part},
    detect::Severity,
};

/// Returns the finding with the lowest p-value, with its key.
pub(super) fn strongest(incident: &Incident) -> Option<(&FindingKey, &Part)> {
    incident.parts().iter().min_by(by_p)
}

/// Returns the finding that the alert is about, with its key.
pub(super) fn headline(incident: &Incident) -> Option<(&FindingKey, &Part)> {
    let pages = incident.parts().iter().filter(|(_, part)| part.severity == Severity::Critical);
    let agrees = || incident.agreement().into_iter().flat_map(|agreement| agreement.findings);
    let of_both = || agrees().filter_map(|key| incident.parts().get_key_value(&key)).min_by(by_p);
    let first = pages.min_by(|a, b| a.1.published_in.cmp(&b.1.published_in).then_with(|| by_p(a, b)));
    first.or_else(of_both).or_else(|| strongest(incident))
}

fn by_p(a: &(&FindingKey, &Part), b: &(&FindingKey, &Part)) -> std::cmp::Ordering {
    a.1.finding.p.total_cmp(&b.1.finding.p)
}
