//! Reads the records between two offsets of each partition, and ends.
//!
//! A replay reads this way, and so does a restart of the service, which reads its input again up to the committed offsets. Several
//! topics are read side by side, the one with the oldest record first, because the signals of one topic wait for the clocks of
//! the others.

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    config::ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::BorrowedMessage,
};

use super::{ANSWER_MAX, topics::Range, unavailable};
use crate::app::{Failure, Interrupt};

/// How often a wait for records checks the interrupt.
const POLL: std::time::Duration = std::time::Duration::from_millis(100);

/// Calls `take` with each record of the ranges and the index of its range. Ranges of one topic must be adjacent. Records of one
/// partition come in the order of their offsets, partitions in any order.
///
/// # Errors
/// Exit 69 where Kafka fails for good, 130 at an interrupt, and the error that `take` returns.
pub fn read(
    settings: &ClientConfig,
    ranges: &[Range],
    interrupt: &Interrupt,
    mut take: impl FnMut(usize, &BorrowedMessage<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut readers = Vec::new();
    let mut first = 0;
    for ranges in ranges.chunk_by(|a, b| a.topic == b.topic) {
        readers.extend(Reader::open(settings, ranges, first)?);
        first += ranges.len();
    }
    while let Some(reader) = readers.iter_mut().filter(|reader| reader.open.contains(&true)).min_by_key(|r| r.at) {
        interrupt.check()?;
        reader.poll(&mut take)?;
    }
    Ok(())
}

/// Returns the ranges up to these offsets, each within its range. `None`: up to the range's end.
#[must_use]
pub fn up_to(ranges: &[Range], end: impl Fn(usize) -> Option<u64>) -> Vec<Range> {
    let cut = |(nth, range): (usize, &Range)| {
        // An offset beyond all others is that of no record.
        let end = end(nth).map_or(range.to, |end| i64::try_from(end).unwrap_or(i64::MAX));
        Range { to: end.min(range.to).max(range.from), ..range.clone() }
    };
    ranges.iter().enumerate().map(cut).collect()
}

/// Reads the ranges of one topic, with a client of its own, because the client reports the end of a partition without its topic.
struct Reader<'a> {
    consumer: BaseConsumer,
    ranges: &'a [Range],
    /// Index of the first range among all.
    first: usize,
    /// Whether each range has records left.
    open: Vec<bool>,
    /// The last record's own time in milliseconds, which tells how far the topic was read.
    at: i64,
}

impl<'a> Reader<'a> {
    /// Begins to read; `None` where the ranges are empty.
    fn open(settings: &ClientConfig, ranges: &'a [Range], first: usize) -> Result<Option<Self>, Failure> {
        let open: Vec<bool> = ranges.iter().map(|range| range.from < range.to).collect();
        if !open.contains(&true) {
            return Ok(None);
        }
        Ok(Some(Self { consumer: assign(settings, ranges)?, ranges, first, open, at: i64::MIN }))
    }

    /// Reads the next record, or waits a moment for it.
    fn poll(
        &mut self,
        take: &mut impl FnMut(usize, &BorrowedMessage<'_>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let of = |partition: i32| self.ranges.iter().position(|range| range.partition == partition);
        match self.consumer.poll(POLL) {
            None => {}
            Some(Ok(record)) => {
                self.at = self.at.max(record.timestamp().to_millis().unwrap_or(i64::MIN));
                let Some(i) = of(record.partition()) else { return Ok(()) };
                if self.open[i] && record.offset() < self.ranges[i].to {
                    take(self.first + i, &record)?;
                }
                self.open[i] &= record.offset() + 1 < self.ranges[i].to;
            }
            // A partition may end with transaction markers, which the client never returns.
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                if let Some(i) = of(partition) {
                    self.open[i] = false;
                }
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                return Err(unavailable("the Kafka client gave up", &error));
            }
            // librdkafka goes on by itself once the broker is back.
            Some(Err(error)) => tracing::warn!(%error, "reading is held up"),
        }
        Ok(())
    }
}

fn assign(settings: &ClientConfig, ranges: &[Range]) -> Result<BaseConsumer, Failure> {
    let fail = |e: &KafkaError| unavailable("cannot read the range", e);
    let mut settings = settings.clone();
    let consumer: BaseConsumer = settings.set("enable.partition.eof", "true").create().map_err(|e| fail(&e))?;
    if let Some(range) = ranges.first() {
        // With metadata fetched first, the first record comes after 10 to 57 ms and not after 505.
        consumer.fetch_metadata(Some(&range.topic), ANSWER_MAX).map_err(|e| fail(&e))?;
    }
    let mut assignment = TopicPartitionList::new();
    for range in ranges.iter().filter(|range| range.from < range.to) {
        let offset = Offset::Offset(range.from);
        assignment.add_partition_offset(&range.topic, range.partition, offset).map_err(|e| fail(&e))?;
    }
    consumer.assign(&assignment).map_err(|e| fail(&e))?;
    Ok(consumer)
}

/// Finds, for each range, the offset of its first record at or after a time; the range's end where there is none.
///
/// # Errors
/// Exit 69 where Kafka does not answer.
pub fn at_time(settings: &ClientConfig, ranges: &[Range], millis: i64) -> Result<Vec<i64>, Failure> {
    let fail = |e: &KafkaError| unavailable("cannot ask for the offsets of a time", e);
    let consumer: BaseConsumer = settings.create().map_err(|e| fail(&e))?;
    let mut question = TopicPartitionList::new();
    for range in ranges {
        let time = Offset::Offset(millis);
        question.add_partition_offset(&range.topic, range.partition, time).map_err(|e| fail(&e))?;
    }
    let answer = consumer.offsets_for_times(question, ANSWER_MAX).map_err(|e| fail(&e))?;
    let offset = |range: &Range| match answer.find_partition(&range.topic, range.partition)?.offset() {
        Offset::Offset(offset) => Some(offset.clamp(range.from, range.to)),
        // No record is that young.
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
    };
    Ok(ranges.iter().map(|range| offset(range).unwrap_or(range.to)).collect())
}
