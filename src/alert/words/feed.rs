//! The words of `feed`: what is wrong with the service's own input.

use super::{
    fit::{PLACE_MAX, Sentence, cut_front, short},
    number::{exact, percent, plain},
    phrases::{since, to_millisecond},
    wording::Wording,
};
use crate::{
    alert::Context,
    correlate::Part,
    detect::{Counted, Feature, Finding, Subject},
    event::{Reason, RecordRef},
    time::{EventTime, Span},
    trust::Cause,
};

pub(super) struct Feed;

impl Wording for Feed {
    fn label(&self) -> &'static str {
        "untrusted input"
    }

    /// The title says what was so at the finding's strongest, whatever the mode has become since.
    fn title(&self, _: &Subject, finding: Option<&Finding>) -> String {
        let blinding = finding.filter(|finding| finding.evidence.is_blind).map(|finding| &finding.features[..]);
        let causes = || blinding.into_iter().flatten().filter_map(cause);
        let title = if causes().any(|cause| cause == Cause::NothingUsable) {
            "Blind: nothing that arrives can be used"
        } else if causes().any(|cause| cause == Cause::Silence) {
            "Blind: no order flow arrives"
        } else {
            "Order flow cannot be trusted"
        };
        title.to_owned()
    }

    /// Says what is wrong with the first partition, since when, and how many more troubles there are.
    fn sentence(&self, subject: &Subject, part: &Part, context: &Context) -> Sentence {
        let finding = &part.finding;
        let nth = leading(finding);
        let (Some(f), Some(record)) = (finding.features.get(nth), finding.evidence.records.get(nth)) else {
            return Sentence::default();
        };
        let partition = context.source_text(record.source).unwrap_or_else(|| "the input".to_owned());
        let partition = cut_front(&partition, PLACE_MAX);
        let stream = finding.evidence.streams.get(nth).and_then(Option::as_deref);
        let reason = finding.evidence.reasons.get(nth).copied().flatten();
        let example = context.record_text(RecordRef { source: record.source, offset: record.to });
        let example = cut_front(&example, PLACE_MAX);
        let all = finding.features.iter().zip(&finding.evidence.records);
        let mut lost = all.filter(|(f, of)| nth > 0 && cause(f) == Some(Cause::Gap) && of.source == record.source);
        let missing = lost.next().map(|(f, _)| f.value);
        let is_pipeline = *subject == Subject::Pipeline;
        let place = Place { partition: &partition, stream, reason, example: &example, missing, is_pipeline };
        let (trouble, since) = (trouble(f, &place), since(finding));
        let began = to_millisecond(began(f, part));
        let sentence = Sentence::from(format!("{trouble}, since {began}"));
        match finding.features.len() - 1 - usize::from(missing.is_some()) {
            0 if began == since => sentence,
            0 => sentence.and(format!("its clock stood at {since}")),
            more => {
                let troubles =
                    if more == 1 { "one more such trouble".to_owned() } else { format!("{more} more such troubles") };
                let sentence = sentence.and(format!("with it {troubles}"));
                sentence.and(format!("the earliest clock stood at {since}"))
            }
        }
    }

    fn why_it_pages(&self, _: &Subject) -> Option<&'static str> {
        Some("it pages because warnings may be missing until it is over")
    }

    fn suggested(&self, finding: &Finding) -> &'static str {
        match finding.features.get(leading(finding)).and_then(cause) {
            Some(Cause::Gap) => {
                "find where records were lost: the producer's log, retention, a topic that was made anew; \
                 findings on what was lost are missing. Of a partition that is not read, see whether its leader is up and whether \
                 another process is in the group"
            }
            Some(Cause::Poison) => {
                "look at the record in the dead letters (its reason is `poison`), and report it with the log of the process \
                 that stopped: it is a fault of this service. Findings lack that record"
            }
            Some(Cause::NewLog) => {
                "see who deleted the topic and made it again, and whether the old one held records that were not read: \
                 they are lost. Books and sequences begin anew; what the old log taught of usual rates is kept"
            }
            Some(Cause::Lag) => {
                "see whether the broker or this process is the slow one (consumer lag, CPU); warnings come late until it \
                 has caught up"
            }
            Some(Cause::Silence) | None => {
                "see whether the producer of the order flow and the broker are up; until records come, no warning can come"
            }
            Some(Cause::Skew) => {
                "see whose clock is wrong, the venue's or the producer's; what is stamped far ahead is in no window"
            }
            Some(Cause::MachineClock) => {
                "see whether this machine's clock is set (NTP); what is stamped more than 5 s ahead of it is in no window"
            }
            Some(Cause::SilentProducer | Cause::SilentSymbols) => {
                "see whether that part of the venue, or its producer, is down; nothing is seen of it meanwhile. A producer that \
                 was taken off is no longer waited for after an hour, symbols after ten minutes"
            }
            Some(Cause::Duplicates) => {
                "see whether a producer sends again without idempotence, or two send the same; what has a sequence number is \
                 counted once, everything else twice"
            }
            Some(Cause::Late) => {
                "see which producer reads a backlog, or whose clock is behind; what came too late is in no window"
            }
            Some(Cause::Rejected | Cause::NothingUsable) => {
                "read the record named as the example, or the dead letters, and ask its producer what changed; what is \
                 rejected is not seen"
            }
            Some(Cause::UnknownType) => {
                "read the record named as the example: its type is misspelt, or new, and nothing of it is seen; types that are not \
                 meant for this service belong on another topic"
            }
            Some(Cause::Unusable) => {
                "read the record named as the example, and ask what is different about this symbol; little is seen of it meanwhile"
            }
            Some(Cause::Book) => {
                "see whether the symbol's snapshots still come; until the book is whole again, nothing is found by it"
            }
            Some(Cause::Behind) => {
                "see whether that producer's clock is wrong (a time zone), or fills up an outage; the others no longer wait for \
                 it, so its findings come late"
            }
        }
    }
}

/// The trouble that the words are about: the first, but another log before the gap that the old one left.
fn leading(finding: &Finding) -> usize {
    finding.features.iter().position(|feature| cause(feature) == Some(Cause::NewLog)).unwrap_or(0)
}

/// Returns when the trouble that the words are about began.
pub(super) fn began_of(part: &Part) -> EventTime {
    let feature = part.finding.features.get(leading(&part.finding));
    feature.map_or(part.finding.starts_at, |feature| began(feature, part))
}

/// Returns when a trouble began. What lasts is as old as its number says; of anything else it is known when it was first found.
fn began(feature: &Feature, part: &Part) -> EventTime {
    match cause(feature) {
        Some(Cause::NothingUsable | Cause::SilentProducer | Cause::Book) => {
            #[expect(clippy::cast_possible_truncation, reason = "no longer than a clock has run")]
            let lasted = Span::from_millis((feature.value * 1e3).round() as i64);
            part.finding.starts_at.minus(lasted)
        }
        // The clock has stood still since then.
        Some(Cause::Silence) | None => part.finding.starts_at,
        Some(
            Cause::Gap
            | Cause::Lag
            | Cause::Skew
            | Cause::SilentSymbols
            | Cause::Duplicates
            | Cause::Late
            | Cause::NewLog
            | Cause::Poison
            | Cause::Rejected
            | Cause::Unusable
            | Cause::Behind
            | Cause::MachineClock
            | Cause::UnknownType,
        ) => part.starts_at.min(part.finding.starts_at),
    }
}

/// The place of a trouble.
struct Place<'a> {
    partition: &'a str,
    /// The producer or symbol concerned, where it is not all of the partition.
    stream: Option<&'a str>,
    /// The reason for which a record was rejected.
    reason: Option<Reason>,
    /// The record that shows it.
    example: &'a str,
    /// The offsets of an old log that were not read, where some are known.
    missing: Option<f64>,
    /// Whether the service says so by its clock, and not the records.
    is_pipeline: bool,
}

/// Returns a share of records as a percentage, with a digit more where it is small.
fn share(share: f64) -> String {
    if share < 0.1 { format!("{} %", plain(share * 100.0)) } else { percent(share) }
}

/// Says what is wrong with a partition.
fn trouble(feature: &Feature, place: &Place<'_>) -> String {
    let Place { partition, stream, reason, example, missing, is_pipeline } = place;
    let (value, count, part) = (exact((feature.value * 10.0).round() / 10.0), feature.value, share(feature.value));
    let name = short(stream.unwrap_or("unknown"));
    let reason = reason.map_or_else(String::new, |reason| format!(" (`{}`)", reason.name()));
    match cause(feature) {
        Some(Cause::Gap) => match stream {
            Some(unread) if *is_pipeline => {
                let unread = cut_front(unread, PLACE_MAX);
                format!("the partition {unread} exists and is not read: {count:.0} offsets of it are unseen so far")
            }
            Some(symbol) => {
                let symbol = short(symbol);
                let gaps = if count < 1.5 { "a gap".to_owned() } else { format!("{count:.0} gaps") };
                format!("{gaps} in the sequence numbers of {symbol} on {partition}: records are missing")
            }
            None => {
                format!("{count:.0} offsets of {partition} were deleted before they were read: records are missing")
            }
        },
        Some(Cause::Poison) => {
            format!(
                "{count:.0} records of {partition} are left out, {example} among them: the service stopped twice at each"
            )
        }
        Some(Cause::NewLog) => {
            let words = |offsets: f64| format!("; {offsets:.0} offsets of the old one were not read");
            let lost = missing.map_or_else(String::new, words);
            format!("another log has begun under the name {partition}: the topic was deleted and made again{lost}")
        }
        Some(Cause::Lag) => format!("records of {partition} are handled {value} s after they were written"),
        Some(Cause::Silence) | None => format!("nothing came from {partition} for {value} s"),
        Some(Cause::Skew) => format!("events on {partition} are stamped {value} s into the future"),
        Some(Cause::MachineClock) => {
            format!(
                "most events on {partition} are stamped up to {value} s ahead of this machine's clock, so its clock is wrong"
            )
        }
        Some(Cause::SilentProducer) => {
            format!("producer {name} has sent no heartbeat to {partition} for {value} s, while the rest of it goes on")
        }
        Some(Cause::SilentSymbols) => {
            format!("{part} of the symbols of {partition} have fallen silent, {name} among them")
        }
        Some(Cause::Duplicates) => format!("{part} of the last minute's records of {partition} came twice"),
        Some(Cause::Late) => {
            format!("{part} of the last minute's records of {partition} came too late to be counted")
        }
        Some(Cause::Rejected) => {
            format!("{part} of the last minute's records of {partition} were rejected, {example}{reason} among them")
        }
        Some(Cause::UnknownType) => {
            format!(
                "{part} of the last minute's records of {partition} are of a type that is not known, {example} among them"
            )
        }
        Some(Cause::Unusable) => {
            format!("{part} of the records of {name} on {partition} cannot be used, {example}{reason} among them")
        }
        Some(Cause::NothingUsable) => {
            format!("of the records of {partition} none could be used for {value} s, {example}{reason} among them")
        }
        Some(Cause::Book) => {
            format!("the book of {name} on {partition} has not been usable for {count:.0} s")
        }
        Some(Cause::Behind) => {
            format!("the clock of {partition} is {value} s behind the others, which no longer wait for it")
        }
    }
}

/// Returns the cause that a number measures; `None` for the numbers of other detectors.
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
        | Counted::MarketFlow
        | Counted::MarketPrice
        | Counted::ShockedSymbols
        | Counted::CommonMove
        | Counted::PriceMove
        | Counted::Leverage
        | Counted::LeverageByIntent
        | Counted::LeverageByMarks
        | Counted::Deficit
        | Counted::Spread => None,
    }
}
