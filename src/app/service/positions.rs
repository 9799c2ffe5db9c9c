//! Positions: where the service goes on in each partition after a restart, and whether the partition still goes on there.
//!
//! Three places say how far a partition was read: the group's committed offset with its metadata, the newest snapshot, and the
//! audit log, which has the number of each log that began. Kafka forgets the committed offset with the topic. A partition has
//! another log than before if the id of its topic has changed; where an id is not known, if the position lies beyond the end of
//! what the partition holds.
//!
//! The judgement is a plain function of these facts; `restore` collects them.

use rdkafka::{Offset, topic_partition_list::TopicPartitionListElem};
use serde::{Deserialize, Serialize};

use crate::{
    app::kafka::{
        state::{Held, OldLog, PartitionOffset},
        topics::Range,
    },
    engine::Fates,
};

/// The metadata of a committed offset.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Metadata {
    /// How many of the partition's records had which fate.
    pub fates: Option<Fates>,
    /// The number of the log that the offset is in.
    #[serde(default)]
    pub generation: u32,
    /// The topic's id, where the client knew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_id: Option<String>,
}

impl Metadata {
    /// Reads the metadata; `None` if there is none, or another program wrote it. Earlier builds wrote the fates alone.
    fn parse(text: &str) -> Option<Self> {
        let fates = || serde_json::from_str(text).ok().map(|fates| Self { fates: Some(fates), ..Self::default() });
        serde_json::from_str(text).ok().or_else(fates)
    }
}

/// The position that the group has committed of a partition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Committed {
    /// The next offset.
    pub offset: Option<i64>,
    /// Its metadata, where the service wrote any.
    pub metadata: Option<Metadata>,
}

impl Committed {
    /// Reads an answer of the broker.
    pub fn of(found: Option<&TopicPartitionListElem<'_>>) -> Self {
        let offset = match found.map(TopicPartitionListElem::offset) {
            Some(Offset::Offset(offset)) => Some(offset),
            Some(Offset::Beginning | Offset::End | Offset::Stored | Offset::Invalid | Offset::OffsetTail(_)) | None => {
                None
            }
        };
        Self { offset, metadata: found.and_then(|found| Metadata::parse(found.metadata())) }
    }
}

/// The entry of the audit log that says that another log of a partition began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Begun {
    /// The number of the log.
    pub generation: u32,
    /// The offset of the last record of the log before that was handled.
    pub after_offset: Option<u64>,
}

/// The state of a partition, as it is known when the service begins.
#[derive(Clone, Debug, PartialEq)]
pub struct Facts {
    /// The offsets that the partition holds now.
    pub holds: Range,
    /// The topic's id now, where it is known.
    pub topic_id: Option<String>,
    /// The position that the group has committed.
    pub committed: Committed,
    /// The partition's position in the newest snapshot.
    pub saved: Option<PartitionOffset>,
    /// The last log that began, by the audit log.
    pub begun: Option<Begun>,
}

/// The position at which a partition goes on.
#[derive(Clone, Debug, PartialEq)]
pub struct Position {
    /// The partition, for the judgement of snapshots.
    pub held: Held,
    /// The number of the log that was read.
    pub generation: u32,
    /// The next offset in it.
    pub next: i64,
    /// The offset at which reading begins instead, if the partition does not go on there.
    pub moved: Option<Moved>,
    /// The topic's id, where it is known.
    pub topic_id: Option<String>,
    /// The fates of the partition's records up to the position, as they were committed.
    pub fates: Option<Fates>,
    /// Whether the topic exists, so that its records can be read.
    pub is_there: bool,
}

/// The offset at which a partition goes on if its log does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moved {
    /// The next offset.
    pub from: i64,
    /// Whether it is in another log.
    pub is_new_log: bool,
}

impl Position {
    /// Judges where a partition goes on.
    #[must_use]
    pub fn of(facts: Facts) -> Self {
        let Facts { holds, topic_id, committed, saved, begun } = facts;
        let Committed { offset, metadata } = committed;
        let metadata = metadata.unwrap_or_default();
        let generations =
            [metadata.generation, saved.as_ref().map_or(0, |s| s.generation), begun.map_or(0, |b| b.generation)];
        let generation = generations.into_iter().max().unwrap_or(0);
        let saved = saved.filter(|saved| saved.generation == generation);
        let known_id = metadata.topic_id.or_else(|| saved.as_ref()?.topic_id.clone());
        let read_to = offset.or(saved.as_ref().map(|saved| saved.next));
        let is_new_log = match (&known_id, &topic_id) {
            (Some(known), Some(now)) => known != now,
            (_, _) => read_to.is_some_and(|read_to| read_to > holds.to),
        };
        let Range { from: low, .. } = holds;
        let range = |to| Range { to, ..holds.clone() };
        let at = |held, next, moved| Self {
            held,
            generation,
            next,
            moved,
            topic_id: topic_id.clone(),
            fates: metadata.fates,
            is_there: true,
        };
        if is_new_log {
            let old = Some(OldLog { generation, committed: offset });
            let moved = Some(Moved { from: low, is_new_log });
            return at(Held { range: range(low), generation: generation + 1, old }, read_to.unwrap_or(low), moved);
        }
        // Without a committed offset the partition is new, or the group was set back: it is read from its start.
        let next = offset.unwrap_or(low);
        let moved = (next < low).then_some(Moved { from: low, is_new_log });
        // A snapshot of the end of the log before can be used while this log is whole.
        let old = begun.filter(|begun| begun.generation == generation && low == 0).map(|begun| OldLog {
            generation: generation.saturating_sub(1),
            committed: begun.after_offset.and_then(|after| i64::try_from(after).ok()).map(|after| after + 1),
        });
        at(Held { range: range(next), generation, old }, next, moved)
    }

    /// The offset up to which the partition was read.
    #[must_use]
    pub fn offset(&self) -> PartitionOffset {
        let Range { topic, partition, .. } = self.held.range.clone();
        PartitionOffset {
            topic,
            partition,
            next: self.next,
            generation: self.generation,
            topic_id: self.topic_id.clone(),
        }
    }

    /// Makes the position of a partition whose topic is gone: that of the snapshot.
    #[must_use]
    pub fn gone(saved: PartitionOffset) -> Self {
        let PartitionOffset { topic, partition, next, generation, topic_id } = saved;
        let range = Range { topic, partition, from: next, to: next };
        let held = Held { range, generation, old: None };
        Self { held, generation, next, moved: None, topic_id, fates: None, is_there: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(holds: (i64, i64), committed: Option<i64>, saved: Option<i64>) -> Facts {
        let (topic, partition) = ("t".to_owned(), 0);
        let saved = saved.map(|next| PartitionOffset {
            topic: topic.clone(),
            partition,
            next,
            generation: 0,
            topic_id: Some("old".to_owned()),
        });
        Facts {
            holds: Range { topic, partition, from: holds.0, to: holds.1 },
            topic_id: None,
            committed: Committed { offset: committed, metadata: None },
            saved,
            begun: None,
        }
    }

    fn moved(facts: Facts) -> Option<(i64, bool)> {
        Position::of(facts).moved.map(|moved| (moved.from, moved.is_new_log))
    }

    #[test]
    fn a_position_within_what_is_kept_goes_on_there() {
        let position = Position::of(facts((3, 20), Some(10), Some(5)));
        assert_eq!((position.next, position.generation, position.moved), (10, 0, None));
        assert_eq!((position.held.range.from, position.held.range.to), (3, 10));
    }

    #[test]
    fn a_new_partition_is_read_from_its_start() {
        let position = Position::of(facts((3, 20), None, None));
        assert_eq!((position.next, position.moved), (3, None));
    }

    #[test]
    fn what_retention_has_passed_is_a_loss_and_a_position_behind_the_end_is_in_another_log() {
        assert_eq!(moved(facts((15, 20), Some(10), Some(10))), Some((15, false)));
        assert_eq!(moved(facts((0, 9), Some(10), Some(10))), Some((0, true)));
        assert_eq!(moved(facts((0, 9), None, Some(10))), Some((0, true)), "Kafka forgot the offset with the topic");
    }

    #[test]
    fn the_topic_s_id_tells_another_log_whatever_the_offsets() {
        let now = |id: &str, facts| Facts { topic_id: Some(id.to_owned()), ..facts };
        assert_eq!(moved(now("new", facts((0, 1_000), None, Some(10)))), Some((0, true)));
        assert_eq!(moved(now("old", facts((0, 1_000), None, Some(10)))), None, "the group was set back");
        let metadata = Metadata { topic_id: Some("old".to_owned()), ..Metadata::default() };
        let committed = Committed { offset: Some(10), metadata: Some(metadata) };
        assert_eq!(moved(Facts { committed, ..now("new", facts((0, 1_000), None, None)) }), Some((0, true)));
    }

    #[test]
    fn the_newest_number_of_a_log_counts_whoever_knows_it() {
        let begun = Some(Begun { generation: 2, after_offset: Some(6) });
        let position = Position::of(Facts { begun, ..facts((0, 20), Some(4), Some(7)) });
        assert_eq!((position.generation, position.next), (2, 4));
        assert_eq!(position.held.old, Some(OldLog { generation: 1, committed: Some(7) }));
    }

    #[test]
    fn metadata_reads_as_written_now_and_earlier() {
        let fates = Fates::default();
        let metadata = Metadata { fates: Some(fates), generation: 3, topic_id: Some("id".to_owned()) };
        assert_eq!(Metadata::parse(&serde_json::to_string(&metadata).unwrap()), Some(metadata));
        let earlier = Metadata::parse(&serde_json::to_string(&fates).unwrap());
        assert_eq!(earlier, Some(Metadata { fates: Some(fates), ..Metadata::default() }));
        assert_eq!((Metadata::parse(""), Metadata::parse("somebody's")), (None, None));
    }
}
