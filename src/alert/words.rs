//! What an alert says in words: title, one sentence, and what to do. Written for whoever it wakes.

use super::Context;
use crate::{
    correlate::{Incident, Status},
    detect::{Counted, Detector, Feature, Finding, Subject},
    event::RecordRange,
    time::{EventTime, Span},
    trust::{Cause, Mode, Standing},
};

/// The words of an alert.
pub struct Words {
    /// A few.
    pub title: String,
    /// One plain sentence.
    pub summary: String,
    /// What to do.
    pub suggested: &'static str,
}

/// Finds the words for the strongest finding of an incident.
#[must_use]
pub fn words(
    detector: Detector,
    finding: &Finding,
    incident: &Incident,
    status: Status,
    said: (&Context, &Standing),
) -> Words {
    let (context, standing) = said;
    let now = match status {
        Status::Firing | Status::Amended => "",
        Status::Resolved => "over: ",
        Status::Withdrawn => "no longer followed: ",
    };
    let (title, sentence, suggested) = match detector {
        Detector::CancelBurst => (
            format!("Cancel burst on {}", name(incident.subject())),
            burst(finding, incident),
            "see whose orders were withdrawn and whether the book thins behind them; \
             if one account does it, ask its owner and consider a throttle",
        ),
        Detector::Feed => {
            let blind = standing.mode == Mode::Blind;
            let title = if blind { "Blind: no order flow arrives" } else { "Order flow cannot be trusted" };
            (title.to_owned(), feed(finding, context), advice(finding))
        }
    };
    Words { title, summary: format!("{now}{sentence}"), suggested }
}

/// The subject's own name.
fn name(subject: &Subject) -> &str {
    match subject {
        Subject::Symbol(name) => name,
        Subject::Pipeline => "the input",
    }
}

/// How much, where, in how long, against what is usual, and since when.
fn burst(finding: &Finding, incident: &Incident) -> String {
    let Some(f) = finding.features.first() else { return String::new() };
    let seconds = Span::from_millis(f.window.millis()).secs_f64();
    format!(
        "{} {} on {} within {seconds} s, where {:.1} are expected and {} to {} are usual, since {}",
        f.value,
        f.name.name().replace('_', " "),
        name(incident.subject()),
        f.expected,
        f.low,
        f.high,
        to_millisecond(incident.starts_at())
    )
}

/// What is wrong with the first partition, since when, and with how many more.
fn feed(finding: &Finding, context: &Context) -> String {
    let (Some(f), Some(record)) = (finding.features.first(), finding.evidence.records.first()) else {
        return String::new();
    };
    let partition = partition(context, record);
    let what = match cause(f) {
        Some(Cause::Gap) => format!("{:.0} gaps in the sequence numbers on {partition}: records are missing", f.value),
        Some(Cause::Lag) => format!("records of {partition} are handled {:.1} s after they were written", f.value),
        Some(Cause::Silence) | None => format!("nothing came from {partition} for {:.1} s", f.value),
        Some(Cause::Skew) => format!("events on {partition} are stamped {:.1} s into the future", f.value),
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
        Counted::Cancels | Counted::SustainedCancels => None,
    }
}

fn advice(finding: &Finding) -> &'static str {
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
    }
}

/// People read milliseconds.
const fn to_millisecond(at: EventTime) -> EventTime {
    EventTime::from_nanos(at.nanos() - at.nanos().rem_euclid(1_000_000))
}
