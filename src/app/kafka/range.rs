//! Reads what stands between two offsets of each partition, and ends.
//!
//! For a replay, and for the service's restart, which reads its input again up to the committed offsets. Several topics are read
//! side by side, the one whose records are oldest first: what one topic's signals wait for comes from the others.

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    config::ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::BorrowedMessage,
};

use super::{ANSWER_MAX, topics::Range, unavailable};
use crate::app::{Failure, Interrupt};

/// How often a wait for records looks at the interrupt.
const POLL: std::time::Duration = std::time::Duration::from_millis(100);

/// Hands each record of the ranges to `take`, with the index of its range; ranges of one topic stand together. Partitions come in
/// any order, offsets of one partition in theirs.
///
/// # Errors
/// Exit 69 where Kafka fails for good, 130 at an interrupt, and whatever `take` returns.
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

/// Reads the ranges of one topic. A client of its own, because the end of a partition is told without its topic.
struct Reader<'a> {
    consumer: BaseConsumer,
    ranges: &'a [Range],
    /// The index of the first of them.
    first: usize,
    /// Which have something left.
    open: Vec<bool>,
    /// The last record's own time, in milliseconds: which topic is behind.
    at: i64,
}

impl<'a> Reader<'a> {
    /// `None` where there is nothing to read.
    fn open(settings: &ClientConfig, ranges: &'a [Range], first: usize) -> Result<Option<Self>, Failure> {
        let open: Vec<bool> = ranges.iter().map(|range| range.from < range.to).collect();
        if !open.contains(&true) {
            return Ok(None);
        }
        Ok(Some(Self { consumer: assign(settings, ranges)?, ranges, first, open, at: i64::MIN }))
    }

    /// Takes the next record, or waits a moment for it.
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
            // Markers of transactions stand at the end of a topic and are never handed out.
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
        // Asked for before, the first record comes after 10 to 57 ms rather than 505.
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

/// The offset of the first record at or after a time, for each range: from there on, or up to there.
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
        // Nothing that young is there.
        Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_) => None,
    };
    Ok(ranges.iter().map(|range| offset(range).unwrap_or(range.to)).collect())
}
