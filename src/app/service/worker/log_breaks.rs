//! Breaks of a log: the decision about a partition that does not go on where it was read up to, and its line in the log.

use crate::{
    app::{Exit, Failure, kafka::consumer::Moved, service::partitions::Partition},
    event::{LogPosition, SourceId},
    time::EventTime,
    trust::{Decision, Loss, NewLog},
};

/// A hole of so many offsets is no loss: a partition may end with the marker of a transaction, which no reader sees and which
/// retention removes with the records before it.
const HOLE_MAX: i64 = 1;

impl Partition {
    /// Goes on where the consumer does. Returns the decision that says so; `None` where nothing is missing. `unread`: what is known to
    /// have been left in the old log; `clock`: the partition's own at its last record, `after_offset`.
    pub fn break_log(
        &mut self,
        Moved { partition: place, from, is_new_log }: Moved,
        unread: u64,
        (after_offset, clock): (Option<u64>, Option<EventTime>),
    ) -> Result<Option<Decision>, Failure> {
        let source = SourceId::of_index(place);
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
