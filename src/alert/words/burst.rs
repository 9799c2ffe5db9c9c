//! The sentence about a burst, which cancels and trades share.

use super::phrases::{to_millisecond, where_and_by_whom};
use crate::{
    correlate::{CALM, Part},
    detect::{Subject, Unit},
    time::{EventTime, Span},
};

/// Returns how many there were, where, in how long, against what is usual, and since when.
pub(super) fn sentence(subject: &Subject, part: &Part) -> String {
    let Some(f) = part.finding.features.first() else { return String::new() };
    let seconds = Span::from_millis(f.window.millis()).secs_f64();
    let counted = f.name.name().replace('_', " ");
    let or_more = if f.is_capped { " or more" } else { "" };
    let how_many = if f.unit == Unit::MedianTrades {
        format!("{counted} worth {}{or_more} median trades", f.value)
    } else {
        format!("{}{or_more} {counted}", f.value)
    };
    let digits = if f.expected < 1.0 { 2 } else { 1 };
    format!(
        "{how_many} {} within {seconds} s, where {:.digits$} are expected and {} to {} are usual, since {}",
        where_and_by_whom(subject),
        f.expected,
        f.low,
        f.high,
        to_millisecond(start(part))
    )
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
