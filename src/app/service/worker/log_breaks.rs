//! Partitions that do not go on where they were read up to: what is decided about them, and what is said.

use rdkafka::consumer::Consumer as _;

use super::{
    super::partitions::{Partition, learn_ids},
    Worker,
};
use crate::{
    app::{
        Exit, Failure,
        kafka::consumer::{Handle, Moved},
    },
    event::{LogPosition, SourceId},
    trust::{Decision, Loss, NewLog},
};

/// A hole of so many offsets is no loss: a partition may end with the marker of a transaction, which no reader sees and which
/// retention removes with the records before it.
const HOLE_MAX: i64 = 1;

impl Worker {
    /// Goes on in partitions of which the restore found that they do not go on where they were read up to. To be called once
    /// the engine's counters are followed: what happens here is news, and was not counted by the process before.
    pub fn break_logs(&mut self, moved: Vec<Moved>) -> Result<(), Failure> {
        moved.into_iter().try_for_each(|moved| self.break_log(moved, 0))
    }

    /// Goes on where the consumer does, in partitions that do not go on where they were read up to.
    pub fn move_on(&mut self, moved: Vec<Moved>, reader: &Handle) -> Result<(), Failure> {
        for moved in moved {
            let Partition { topic, number, next, .. } = &self.partitions[moved.partition];
            let unread = reader.context().ends.of(topic, *number).map_or(0, |end| end.lag(*next, true));
            self.break_log(moved, unread.unsigned_abs())?;
            self.partitions[moved.partition].topic_id = None;
        }
        learn_ids(&mut self.partitions, reader);
        Ok(())
    }

    /// Says that a partition does not go on where it was read up to, and hands that to the engine. `unread`: what is known to have
    /// been left in the old log.
    pub(super) fn break_log(
        &mut self,
        Moved { partition: place, from, is_new_log }: Moved,
        unread: u64,
    ) -> Result<(), Failure> {
        let (source, after_offset) = (SourceId::of_index(place), self.engine.last_offset(SourceId::of_index(place)));
        let clock = self.engine.own_clock(source);
        let partition = &mut self.partitions[place];
        let (topic, number, read_to) = (partition.topic.as_str(), partition.number, partition.next);
        let missing = u64::try_from(from - read_to).unwrap_or_default();
        partition.next = from;
        let decision = if is_new_log {
            let generation = partition.generation + 1;
            if generation > LogPosition::GENERATION_MAX {
                let what =
                    format!("`{topic}:{number}` was made again {generation} times: set another `transactional_id`");
                return Err(Failure::new(Exit::Failed, what));
            }
            partition.generation = generation;
            tracing::warn!(
                topic,
                partition = number,
                generation,
                read_to,
                unread,
                "another log has begun under the partition's name, because its topic was deleted and made again: it is read from its start"
            );
            Decision::NewLog(NewLog { source, after_offset, generation, unread, clock })
        } else if missing > HOLE_MAX.unsigned_abs() {
            tracing::warn!(topic, partition = number, read_to, missing, "records were deleted before they were read");
            Decision::Loss(Loss { source, after_offset, offsets: missing, clock })
        } else {
            if missing > 0 {
                tracing::info!(
                    topic,
                    partition = number,
                    read_to,
                    "one offset is missing: it is taken for a transaction's marker"
                );
            }
            return Ok(());
        };
        // What came before cannot be read again.
        self.snapshots.hurry();
        self.hand_in(decision)
    }
}
