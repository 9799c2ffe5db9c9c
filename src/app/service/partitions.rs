//! The partitions that a worker reads: how far each was read and committed.

use rdkafka::{Offset, TopicPartitionList, consumer::Consumer as _, error::KafkaError};

use super::positions::{Metadata, Moved, Position};
use crate::{
    app::{
        Exit, Failure,
        kafka::{
            consumer::{Handle, Start},
            state::PartitionOffset,
        },
    },
    engine::Fates,
    event::LogPosition,
};

/// A partition, and how far it was read.
pub struct Partition {
    pub topic: String,
    pub number: i32,
    /// The number of the log that is read, and the next offset to be read in it.
    pub generation: u32,
    pub next: i64,
    /// The log's number and the next offset as they were last committed.
    committed: (u32, i64),
    /// The topic's id, where it is known.
    pub topic_id: Option<String>,
    /// Whether anything can be read.
    is_there: bool,
}

impl Partition {
    /// The partition as a restart finds it.
    pub fn new(position: &Position) -> Self {
        let Position { held, generation, next, topic_id, is_there, .. } = position;
        Self {
            topic: held.range.topic.clone(),
            number: held.range.partition,
            generation: *generation,
            next: *next,
            committed: (*generation, *next),
            topic_id: topic_id.clone(),
            is_there: *is_there,
        }
    }

    /// Whether everything that was read is committed.
    pub fn is_committed(&self) -> bool {
        self.committed == (self.generation, self.next)
    }

    /// Records that everything that was read is committed.
    pub const fn commit(&mut self) {
        self.committed = (self.generation, self.next);
    }

    /// Whether anything of it can be read.
    pub const fn is_there(&self) -> bool {
        self.is_there
    }

    /// The offset at which the consumer begins to read.
    pub fn start(&self, moved: Option<Moved>) -> Start {
        Start {
            topic: self.topic.clone(),
            partition: self.number,
            offset: self.is_there.then_some(moved.map_or(self.next, |moved| moved.from)),
            topic_id: self.topic_id.clone(),
        }
    }

    /// The committed position, for a snapshot.
    pub fn position(&self) -> PartitionOffset {
        let (generation, next) = self.committed;
        let (topic, topic_id) = (self.topic.clone(), self.topic_id.clone());
        PartitionOffset { topic, partition: self.number, next, generation, topic_id }
    }
}

/// Returns the next offset of each partition that has something to commit, with the fates of its records so far as metadata, which
/// a restart reads. A partition whose topic is gone is left out, because its topic would refuse the offset.
pub fn offsets(partitions: &[Partition], fates: &[Fates]) -> Result<TopicPartitionList, KafkaError> {
    let mut list = TopicPartitionList::new();
    for (partition, fates) in partitions.iter().zip(fates).filter(|(partition, _)| !partition.is_committed()) {
        list.add_partition_offset(&partition.topic, partition.number, Offset::Offset(partition.next))?;
        if let Some(mut added) = list.find_partition(&partition.topic, partition.number) {
            let (generation, topic_id) = (partition.generation, partition.topic_id.clone());
            let metadata = Metadata { fates: Some(*fates), generation, topic_id };
            added.set_metadata(serde_json::to_string(&metadata).expect("metadata are numbers and texts"));
        }
    }
    Ok(list)
}

/// The ids of topics that the client has learned since.
pub fn learn_ids(partitions: &mut [Partition], reader: &Handle) {
    for partition in partitions.iter_mut().filter(|partition| partition.topic_id.is_none()) {
        partition.topic_id = reader.context().topic_ids.of(&partition.topic);
    }
}

/// A record's position as the engine takes it.
///
/// # Errors
/// Exit 1 where the broker hands out an offset that is no offset.
pub fn packed(generation: u32, offset: i64) -> Result<u64, Failure> {
    let position = u64::try_from(offset).ok().and_then(|offset| LogPosition { generation, offset }.packed());
    position.ok_or_else(|| {
        Failure::new(Exit::Failed, format!("the broker handed out the offset {offset} in log {generation}"))
    })
}
