//! The sentence about a burst, which cancels and trades share.

use super::{
    fit::{Sentence, short},
    number::{against, exact, length, percent, plain},
    phrases::{amount, to_millisecond, where_and_by_whom},
};
use crate::{
    alert::Context,
    correlate::{CALM, Part},
    detect::{Counted, Evidence, Feature, Subject, Sweep, Unit},
    event::Side,
    time::EventTime,
};

/// The least share of the samples with which an account is named in the sentence: half of them.
const NAMED_SHARE: f64 = 0.5;
/// The least share of a side with which it is all of them: what would be rounded to 100 %.
const ALL_SHARE: f64 = 0.995;

/// Returns how many there were, where, in how long, against what is usual, and since when; then who did it, and on which side.
pub(super) fn sentence(subject: &Subject, part: &Part, context: &Context) -> Sentence {
    let finding = &part.finding;
    let Some(f) = finding.features.first() else { return Sentence::default() };
    let or_more = if f.is_capped { " or more" } else { "" };
    let core = format!(
        "{}{or_more} {} {} in {}{}, since {}",
        plain(f.value),
        unit(f),
        where_and_by_whom(subject),
        length(f.window),
        against(f.value, f.expected),
        to_millisecond(start(part))
    );
    let orders = finding.features.iter().find(|other| f.unit == Unit::MedianTrades && other.name == Counted::Trades);
    let orders = orders.map_or_else(String::new, |orders| format!("by {} orders that took", plain(orders.value)));
    let sweep = finding.evidence.sweep.as_ref().map_or_else(String::new, swept);
    let sides = sides(&finding.evidence, context);
    Sentence::from(core).and(by_whom(&finding.evidence, f.value)).and(sides).and(orders).and(sweep)
}

/// Returns the worth of what was withdrawn, and its side of the book: `worth 12300 USD, 93 % bids`. Nothing if the book knew fewer than
/// half of the orders: the others may have been on the other side.
fn sides(evidence: &Evidence, context: &Context) -> String {
    let (withdrawn, of) = (&evidence.withdrawn, evidence.shares.of);
    let known = withdrawn.orders[0].saturating_add(withdrawn.orders[1]);
    let Some(bids) = withdrawn.bids_share().filter(|_| known >= of.div_ceil(2)) else { return String::new() };
    let (share, side) = if bids >= 0.5 { (bids, "bids") } else { (1.0 - bids, "asks") };
    let share = if share >= ALL_SHARE { "all".to_owned() } else { percent(share) };
    format!("worth {}, {share} {side}", amount(withdrawn.total(), context))
}

/// Returns the name of what is counted, as a sentence has it.
fn unit(feature: &Feature) -> &'static str {
    if feature.unit == Unit::MedianTrades {
        "median trades"
    } else if matches!(feature.name, Counted::Trades | Counted::SustainedTrades) {
        "orders that took"
    } else {
        "cancels"
    }
}

/// Returns the account with most of it, where that is at least half: `173 of 174 orders by a109`. Where the sentence counts another
/// window, it is `of the last 210 orders`: those since the pace rose. If all are of one account, `all by a109`.
fn by_whom(evidence: &Evidence, counted: f64) -> String {
    let of = evidence.shares.of;
    if let Some((account, _)) = evidence.shares.by.first().filter(|(_, n)| *n == of && of > 1) {
        return format!("all by {}", short(account));
    }
    let named = evidence.shares.by.first().filter(|(_, n)| f64::from(*n) >= NAMED_SHARE * f64::from(of) && of > 1);
    let all = if (f64::from(of) - counted).abs() < 0.5 { "" } else { "the last " };
    named.map_or_else(String::new, |(account, n)| format!("{n} of {all}{of} orders by {}", short(account)))
}

/// Returns the largest order that took: `the largest sold 12.5 from 100.1 down to 99.8, 8 levels`.
fn swept(sweep: &Sweep) -> String {
    let did = sweep.side.map_or("took", |side| if side == Side::Buy { "bought" } else { "sold" });
    let (quantity, from, to) = (exact(sweep.quantity), exact(sweep.from), exact(sweep.to));
    match sweep.levels {
        0 | 1 => format!("the largest {did} {quantity} at {from}"),
        levels => format!("the largest {did} {quantity} from {from} to {to}, {levels} levels"),
    }
}

/// Returns when a burst began.
///
/// The strongest finding does not show it: with a longer window it reaches back into ordinary flow, with a shorter one
/// it begins later. The first finding does. Only a finding that begins more than [`CALM`] after the first is a burst of
/// its own.
fn start(part: &Part) -> EventTime {
    let is_another = part.finding.starts_at.since(part.starts_at) > CALM;
    if is_another { part.finding.starts_at } else { part.starts_at }
}
