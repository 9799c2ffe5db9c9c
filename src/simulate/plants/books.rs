//! Thin books, alone and in a cluster, and their benign look-alikes; and the listing of a symbol.

use super::script::{Draft, benign, label};
use crate::{
    evaluate::Label,
    event::Side,
    simulate::{agents::Action, random::floor, scenario::Scenario},
    time::{EventTime, Span},
};

/// Shortest and longest time for which a book stays thin.
const THIN: (Span, Span) = (Span::from_secs(120), Span::from_secs(240));
/// The same for a cluster, from its last book on.
const CLUSTER: (Span, Span) = (Span::from_secs(110), Span::from_secs(190));
/// Greatest time from the first to the last book of a cluster.
const CLUSTER_SPREAD: Span = Span::from_secs(50);
/// Share of the symbols in a cluster: the detector needs .35.
const CLUSTER_SHARE: f64 = 0.4;
/// Least number of symbols in a cluster, where there are so many: the detector needs eight.
const CLUSTER_MIN: u32 = 8;
/// Shortest and longest time for which makers are away.
const AWAY: (Span, Span) = (Span::from_millis(800), Span::from_millis(1_500));
/// Shortest and longest time for which makers skew their quotes.
const SKEWED: (Span, Span) = (Span::from_secs(180), Span::from_secs(270));
/// Length of the labels of a listing.
const NEW: Span = Span::from_secs(600);

/// Plants a thin book.
pub(super) fn thin_book(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let length = draft.rng.span(THIN.0, THIN.1);
    draft.script.act(symbol, start, Action::ThinBook(length));
    draft.script.labels.push(label(Scenario::ThinBook.name(), symbol, start, start.plus(length)));
}

/// Plants a cluster of thin books.
pub(super) fn thin_book_cluster(draft: &mut Draft<'_>, first: u32, start: EventTime) {
    let end = start.plus(CLUSTER_SPREAD).plus(draft.rng.span(CLUSTER.0, CLUSTER.1));
    thin_book_cluster_until(draft, first, start, end);
}

/// Plants thin books on one symbol after another, beginning with `first`; all refill at the end. There is one label for the
/// market, and one for each book.
pub(super) fn thin_book_cluster_until(draft: &mut Draft<'_>, first: u32, start: EventTime, end: EventTime) {
    let symbols = draft.plan.symbols;
    let market = label(Scenario::ThinBookCluster.name(), first, start, end);
    draft.script.labels.push(Label { symbol: None, ..market });
    let share = floor((CLUSTER_SHARE * f64::from(symbols)).ceil());
    let books = share.max(i64::from(CLUSTER_MIN)).min(i64::from(symbols));
    // Each book begins in a step of its own, all steps of the same size, so that the first book is beyond doubt.
    let step = CLUSTER_SPREAD.nanos() / books;
    for k in 0..books {
        let symbol = u32::try_from((i64::from(first) + k) % i64::from(symbols)).unwrap_or(0);
        let start = start.plus(Span::from_nanos(k * step + draft.rng.between(0, step / 4) * i64::from(k > 0)));
        draft.script.act(symbol, start, Action::ThinBook(end.since(start)));
        draft.script.labels.push(label(Scenario::ThinBook.name(), symbol, start, end));
    }
}

/// Plants makers that are away for about a second: a benign look-alike of a thin book.
pub(super) fn maker_pull(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let length = draft.rng.span(AWAY.0, AWAY.1);
    draft.script.act(symbol, start, Action::MakersAway(length));
    draft.script.labels.push(benign(Scenario::ThinBook.name(), symbol, start, start.plus(length)));
}

/// Plants makers that skew their quotes away from one side: a benign look-alike of a thin book.
pub(super) fn inventory_skew(draft: &mut Draft<'_>, symbol: u32, start: EventTime) {
    let length = draft.rng.span(SKEWED.0, SKEWED.1);
    let side = if draft.rng.chance(0.5) { Side::Buy } else { Side::Sell };
    draft.script.act(symbol, start, Action::SkewQuotes(side, length));
    draft.script.labels.push(benign(Scenario::ThinBook.name(), symbol, start, start.plus(length)));
}

/// Plants the listing of a symbol beyond the plan's own: a benign look-alike of a thin book and of a burst of cancels.
pub(super) fn listing(draft: &mut Draft<'_>, start: EventTime) {
    let symbol = draft.plan.symbols + u32::try_from(draft.script.listings.len()).unwrap_or(0);
    draft.script.listings.push(start);
    let end = start.plus(NEW).min(draft.plan.end());
    for kind in [Scenario::ThinBook, Scenario::CancelBurst] {
        draft.script.labels.push(benign(kind.name(), symbol, start, end));
    }
}
