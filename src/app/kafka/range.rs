//! Reads what stands between two offsets of each partition of a topic, and ends.
//!
//! For a replay, and for the service's restart, which reads its input again up to the committed offsets.

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

/// Hands each record of the ranges, all of one topic, to `take`, with the index of its range. Partitions come in any order,
/// offsets of one partition in theirs.
///
/// # Errors
/// Exit 69 where Kafka fails for good, 130 at an interrupt, and whatever `take` returns.
pub fn read(
    settings: &ClientConfig,
    ranges: &[Range],
    interrupt: &Interrupt,
    mut take: impl FnMut(usize, &BorrowedMessage<'_>) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut open: Vec<bool> = ranges.iter().map(|range| range.from < range.to).collect();
    if !open.contains(&true) {
        return Ok(());
    }
    let consumer = assign(settings, ranges)?;
    while open.contains(&true) {
        interrupt.check()?;
        match consumer.poll(POLL) {
            None => {}
            Some(Ok(record)) => {
                let Some(i) = ranges.iter().position(|range| range.partition == record.partition()) else { continue };
                if open[i] && record.offset() < ranges[i].to {
                    take(i, &record)?;
                }
                open[i] &= record.offset() + 1 < ranges[i].to;
            }
            // Markers of transactions stand at the end of a topic and are never handed out.
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                if let Some(i) = ranges.iter().position(|range| range.partition == partition) {
                    open[i] = false;
                }
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                return Err(unavailable("the Kafka client gave up", &error));
            }
            // librdkafka goes on by itself once the broker is back.
            Some(Err(error)) => tracing::warn!(%error, "reading is held up"),
        }
    }
    Ok(())
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
