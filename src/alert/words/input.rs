//! What is wrong with the service's own input, in words, and what to do about it.

use super::to_millisecond;
use crate::{
    alert::Context,
    detect::{Counted, Feature, Finding},
    event::RecordRange,
    trust::Cause,
};

/// What is wrong with the first partition, since when, and with how many more.
pub(super) fn sentence(finding: &Finding, context: &Context) -> String {
    let (Some(f), Some(record)) = (finding.features.first(), finding.evidence.records.first()) else {
        return String::new();
    };
    let partition = partition(context, record);
    let who = finding.evidence.streams.first().and_then(Option::as_deref).unwrap_or("unknown");
    let what = match cause(f) {
        Some(Cause::Gap) => format!("{:.0} gaps in the sequence numbers on {partition}: records are missing", f.value),
        Some(Cause::Lag) => format!("records of {partition} are handled {:.1} s after they were written", f.value),
        Some(Cause::Silence) | None => format!("nothing came from {partition} for {:.1} s", f.value),
        Some(Cause::Skew) => format!("events on {partition} are stamped {:.1} s into the future", f.value),
        Some(Cause::SilentProducer) => {
            format!(
                "producer {who} has sent no heartbeat to {partition} for {:.1} s, while the rest of it goes on",
                f.value
            )
        }
        Some(Cause::SilentSymbols) => {
            format!("{:.0} % of the symbols of {partition} have fallen silent, {who} among them", 100.0 * f.value)
        }
        Some(Cause::Duplicates) => {
            format!("{:.1} % of the last minute's records of {partition} came twice", 100.0 * f.value)
        }
        Some(Cause::Late) => {
            format!("{:.1} % of the last minute's records of {partition} came too late to be counted", 100.0 * f.value)
        }
    };
    let since = to_millisecond(finding.starts_at);
    match finding.features.len() - 1 {
        0 => format!("{what}; its clock stood at {since}"),
        more => format!("{what}, and {more} more such troubles; the earliest clock stood at {since}"),
    }
}

fn partition(context: &Context, record: &RecordRange) -> String {
    match context.sources.get(record.source.0 as usize) {
        Some(source) => source.partition.map_or_else(|| source.name.clone(), |p| format!("{}:{p}", source.name)),
        None => "the input".to_owned(),
    }
}

const fn cause(feature: &Feature) -> Option<Cause> {
    match feature.name {
        Counted::Trouble(cause) => Some(cause),
        Counted::Cancels
        | Counted::SustainedCancels
        | Counted::Trades
        | Counted::SustainedTrades
        | Counted::TradedNotional
        | Counted::SustainedNotional
        | Counted::Depth(_)
        | Counted::DepthChange(_)
        | Counted::EmptySide
        | Counted::TradesUnseen
        | Counted::ThinSymbols
        | Counted::BurstingSymbols
        | Counted::Leverage
        | Counted::LeverageByIntent
        | Counted::LeverageByMarks
        | Counted::Deficit => None,
    }
}

/// What to do about it.
pub(super) fn advice(finding: &Finding) -> &'static str {
    match finding.features.first().and_then(cause) {
        Some(Cause::Gap) => {
            "find where records were lost: the producer's log, retention, a topic that was made anew; \
             findings on what was lost are missing"
        }
        Some(Cause::Lag) => {
            "see whether the broker or this process is the slow one (consumer lag, CPU); warnings come late until it has caught up"
        }
        Some(Cause::Silence) | None => {
            "see whether the producer of the order flow and the broker are up; until records come, no warning can come"
        }
        Some(Cause::Skew) => {
            "see whose clock is wrong, the venue's or the producer's; times in alerts are off by as much"
        }
        Some(Cause::SilentProducer | Cause::SilentSymbols) => {
            "see whether that part of the venue, or its producer, is down; nothing is seen of it meanwhile. One that was taken off \
             is no longer waited for after an hour"
        }
        Some(Cause::Duplicates) => {
            "see whether a producer sends again without idempotence, or two send the same; what has a sequence number is \
             counted once, everything else twice"
        }
        Some(Cause::Late) => {
            "see which producer reads a backlog, or whose clock is behind; what came too late is in no window"
        }
    }
}
