//! Breaks of a partition's log: the decision where the log does not continue at the position that was read, and its log line.

use crate::{
    app::{Exit, Failure, kafka::consumer::Moved, service::partitions::Partition},
    event::{LogPosition, SourceId},
    time::EventTime,
    trust::{Decision, Loss, NewLog},
};

/// Largest number of missing offsets that is no loss: a partition may end with the marker of a transaction, which no reader sees
/// and which retention removes with the records before it.
const HOLE_MAX: i64 = 1;

impl Partition {
    /// Moves the partition to the offset at which the consumer goes on. Returns the decision that records the move; `None` if no
    /// record is missing. `unread` is the number of records that are known to be left in the old log. `after_offset` is the last
    /// record that was handled, and `clock` the partition's own clock at that record.
    pub fn break_log(
        &mut self,
        Moved { partition: index, from, is_new_log }: Moved,
        unread: u64,
        (after_offset, clock): (Option<u64>, Option<EventTime>),
    ) -> Result<Option<Decision>, Failure> {
        let source = SourceId::of_index(index);
        let (topic, number, read_to) = (self.topic.as_str(), self.number, self.next);
        let missing = u64::try_from(from - read_to).unwrap_or_default();
        self.next = from;
        if is_new_log {
            let generation = self.generation + 1;
            if generation > LogPosition::GENERATION_MAX {
                let what =
                    format!("`{topic}:{number}` was made again {generation} times: set another `transactional_id`");
                return Err(Failure::new(Exit::Failed, what));
            }
            self.generation = generation;
            tracing::warn!(
                topic,
                partition = number,
                generation,
                read_to,
                unread,
                "another log has begun under the partition's name, because its topic was deleted and made again: it is read from its start"
            );
            Ok(Some(Decision::NewLog(NewLog { source, after_offset, generation, unread, clock })))
        } else if missing > HOLE_MAX.unsigned_abs() {
            tracing::warn!(topic, partition = number, read_to, missing, "records were deleted before they were read");
            Ok(Some(Decision::Loss(Loss { source, after_offset, offsets: missing, clock })))
        } else {
            if missing > 0 {
                tracing::info!(
                    topic,
                    partition = number,
                    read_to,
                    "one offset is missing: it is taken for a transaction's marker"
                );
            }
            Ok(None)
        }
    }
}
