//! The manifest of a snapshot, and the judgement by it whether the snapshot can be used.

use serde::{Deserialize, Serialize};

use super::{CHUNK_BYTES, UNPACKED_BYTES_MAX};
use crate::{app::kafka::topics::Range, config::Config, engine::Unusable, time::WallTime};

/// The format of the manifests that this build writes and reads. Fields may be added; a field with a new meaning needs a new
/// format.
const FORMAT: u32 = 1;

/// The last record of a snapshot, by which the snapshot is judged before a chunk of it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// The service that wrote the snapshot: its transactional id.
    pub service: String,
    /// Number of chunks.
    pub chunks: u32,
    /// Size of all chunks together.
    pub bytes: u64,
    /// Size of the decompressed state.
    pub unpacked_bytes: u64,
    /// Hash of all chunks together.
    pub sha256: String,
    /// Time at which the state was copied, by the clock of that machine.
    pub taken_at: WallTime,
    /// Hash of the detection settings.
    pub config: String,
    /// The settings, with the keys of the configuration file: what came after the snapshot was read under them. Absent in what
    /// earlier builds wrote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<serde_json::Value>,
    /// The build that wrote the snapshot.
    pub build: String,
    /// The input's partitions, in the engine's order, with the offsets up to which they were read and committed.
    pub positions: Vec<PartitionOffset>,
    /// Whether the service committed nothing after this snapshot before it gave its partitions back.
    #[serde(default)]
    pub is_last: bool,
}

/// The offset up to which a partition was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartitionOffset {
    /// The topic.
    pub topic: String,
    /// The partition's number.
    pub partition: i32,
    /// Offset of the first record that is not in the state.
    pub next: i64,
    /// The number of the partition's log that the offset is in.
    #[serde(default)]
    pub generation: u32,
    /// The topic's id, where the client knew it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_id: Option<String>,
}

/// A partition in the state in which a restart finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The first offset kept, and the one up to which records were committed. The second may be outside of what is kept.
    pub range: Range,
    /// The number of the log that the offsets are in.
    pub generation: u32,
    /// The log before this one, if the topic was made again: its records are gone.
    pub old: Option<OldLog>,
}

/// A log that is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldLog {
    /// The number of the log.
    pub generation: u32,
    /// The offset up to which it was committed, where that is known: Kafka forgets it with the topic.
    pub committed: Option<i64>,
}

/// The reason why a snapshot is not used; it is logged with its name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The manifest is another program's record, or damaged.
    #[error("its manifest cannot be read: {0}")]
    UnreadableManifest(String),
    /// The manifest was written by a later build.
    #[error("its manifest has format {0}, and this build reads {FORMAT}")]
    UnknownFormat(u32),
    /// The snapshot was copied from another service.
    #[error("it belongs to the service `{0}`")]
    Foreign(String),
    /// The snapshot is larger than the limit.
    #[error("it has {0} bytes, more than `state.bytes_max`: raise that to use it")]
    TooLarge(u64),
    /// The snapshot was written over, or never written completely.
    #[error("it is not whole: {0}")]
    Torn(String),
    /// The snapshot is ahead of the committed offsets: the group was set back, or another group's offsets are used.
    #[error("it has read `{topic}`, partition {partition}, up to {next}, further than was committed")]
    Ahead {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset up to which it was read.
        next: i64,
    },
    /// The snapshot belongs to an older log of a topic that was made again, and not to its end.
    #[error(
        "it has read `{topic}`, partition {partition}, up to {next} of a log that is gone, and what followed is gone too"
    )]
    OldLog {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset up to which it was read.
        next: i64,
    },
    /// The input after the snapshot is gone: the service was away for longer than the input is kept.
    #[error("it has read `{topic}`, partition {partition}, up to {next}, and what follows is no longer kept there")]
    InputGone {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// The offset up to which it was read.
        next: i64,
    },
    /// The engine cannot use the snapshot.
    #[error(transparent)]
    Unusable(#[from] Unusable),
}

impl Refusal {
    /// The name, for logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::UnreadableManifest(_) => "unreadable_manifest",
            Self::UnknownFormat(_) => "unknown_format",
            Self::Foreign(_) => "foreign",
            Self::TooLarge(_) => "too_large",
            Self::Torn(_) => "torn",
            Self::Ahead { .. } => "ahead",
            Self::OldLog { .. } => "old_log",
            Self::InputGone { .. } => "input_gone",
            Self::Unusable(unusable) => unusable.name(),
        }
    }
}

/// The facts about a snapshot's chunks that its manifest holds.
pub(super) struct Contents {
    pub chunks: u32,
    pub bytes: u64,
    pub unpacked_bytes: u64,
    pub sha256: String,
}

impl Manifest {
    /// The manifest of chunks that the broker has.
    pub(super) fn new(
        service: &str,
        contents: Contents,
        taken_at: WallTime,
        (config, settings): (String, serde_json::Value),
        (positions, is_last): (Vec<PartitionOffset>, bool),
    ) -> Self {
        let Contents { chunks, bytes, unpacked_bytes, sha256 } = contents;
        Self {
            format: FORMAT,
            service: service.to_owned(),
            chunks,
            bytes,
            unpacked_bytes,
            sha256,
            taken_at,
            config,
            settings: Some(settings),
            build: crate::app::build().to_owned(),
            positions,
            is_last,
        }
    }

    /// Reads a manifest.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, Refusal> {
        /// The part that every format has.
        #[derive(Deserialize)]
        struct Versioned {
            format: u32,
        }
        let unreadable = |e: serde_json::Error| Refusal::UnreadableManifest(e.to_string());
        let Versioned { format } = serde_json::from_slice(payload).map_err(unreadable)?;
        if format != FORMAT {
            return Err(Refusal::UnknownFormat(format));
        }
        serde_json::from_slice(payload).map_err(unreadable)
    }

    /// Judges whether the snapshot can be used for an input with these partitions.
    ///
    /// # Errors
    /// The reason why it cannot.
    pub fn judge(&self, config: &Config, held: &[Held]) -> Result<(), Refusal> {
        if self.service != config.kafka.transactional_id {
            return Err(Refusal::Foreign(self.service.clone()));
        }
        if self.bytes > config.state.bytes_max as u64 || self.unpacked_bytes > UNPACKED_BYTES_MAX {
            return Err(Refusal::TooLarge(self.bytes));
        }
        if u64::from(self.chunks) != self.bytes.div_ceil(CHUNK_BYTES as u64) {
            return Err(Refusal::Torn(format!("{} chunks do not make {} bytes", self.chunks, self.bytes)));
        }
        judge_positions(&self.positions, self.is_last, held)
    }
}

/// Judges whether a state that was read up to these positions can be used for an input with these partitions. `is_last`: nothing was
/// committed after it.
///
/// # Errors
/// The reason why it cannot.
pub fn judge_positions(positions: &[PartitionOffset], is_last: bool, held: &[Held]) -> Result<(), Refusal> {
    positions.iter().try_for_each(|position| judge_position(position, is_last, held))
}

fn judge_position(position: &PartitionOffset, is_last: bool, held: &[Held]) -> Result<(), Refusal> {
    let (topic, partition, next) = (position.topic.clone(), position.partition, position.next);
    let same = |held: &&Held| held.range.topic == topic && held.range.partition == partition;
    let Some(Held { range, generation, old }) = held.iter().find(same) else {
        return Err(Unusable::OtherSources(format!("`{topic}:{partition}`")).into());
    };
    if position.generation != *generation {
        // A snapshot of a log that is gone can be used only if it was taken at the end of that log.
        let ends_here = |old: &OldLog| {
            old.generation == position.generation && old.committed.map_or(is_last, |committed| committed == next)
        };
        let is_usable = old.as_ref().is_some_and(ends_here);
        return if is_usable { Ok(()) } else { Err(Refusal::OldLog { topic, partition, next }) };
    }
    if next > range.to {
        return Err(Refusal::Ahead { topic, partition, next });
    }
    // Where nothing is to be read again, nothing is missing.
    if next < range.from && next < range.to {
        return Err(Refusal::InputGone { topic, partition, next });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let contents = Contents { chunks: 2, bytes: 1_000_000, unpacked_bytes: 3_000_000, sha256: String::new() };
        let position =
            |partition, next| PartitionOffset { topic: "t".to_owned(), partition, next, generation: 0, topic_id: None };
        let positions = vec![position(0, 10), position(1, 0)];
        let config = ("sha256:".to_owned(), Config::default().settings().written());
        Manifest::new("foreshock", contents, WallTime::from_nanos(7), config, (positions, false))
    }

    fn judged(manifest: &Manifest, ranges: [(i64, i64); 2]) -> Option<&'static str> {
        let range = |(partition, (from, to))| Range { topic: "t".to_owned(), partition, from, to };
        let held = |range| Held { range, generation: 0, old: None };
        let held: Vec<Held> = (0..).zip(ranges).map(range).map(held).collect();
        manifest.judge(&Config::default(), &held).err().map(|refusal| refusal.name())
    }

    #[test]
    fn a_snapshot_is_used_where_the_input_holds_what_it_lacks() {
        assert_eq!(judged(&manifest(), [(0, 10), (0, 0)]), None);
        assert_eq!(judged(&manifest(), [(10, 10_000), (0, 5)]), None);
        assert_eq!(judged(&manifest(), [(11, 10_000), (0, 5)]), Some("input_gone"));
        assert_eq!(judged(&manifest(), [(12, 10), (0, 5)]), None, "nothing is to be read again");
        assert_eq!(judged(&manifest(), [(0, 9), (0, 5)]), Some("ahead"));
    }

    #[test]
    fn a_snapshot_of_a_log_that_is_gone_is_used_where_it_is_of_its_end() {
        let judged = |manifest: &Manifest, committed, generation| {
            let range = |partition, to| Range { topic: "t".to_owned(), partition, from: 0, to };
            let old = Some(OldLog { generation: 0, committed });
            let held =
                [Held { range: range(0, 3), generation, old }, Held { range: range(1, 5), generation: 0, old: None }];
            manifest.judge(&Config::default(), &held).err().map(|refusal| refusal.name())
        };
        let last = Manifest { is_last: true, ..manifest() };
        assert_eq!(judged(&manifest(), Some(10), 1), None);
        assert_eq!(judged(&manifest(), Some(12), 1), Some("old_log"));
        assert_eq!((judged(&manifest(), None, 1), judged(&last, None, 1)), (Some("old_log"), None));
        assert_eq!(judged(&last, None, 0), Some("ahead"), "the same log, with a position behind the committed one");
    }

    #[test]
    fn a_snapshot_of_others_or_with_impossible_numbers_is_refused() {
        let refused = |change: fn(&mut Manifest)| {
            let mut manifest = manifest();
            change(&mut manifest);
            judged(&manifest, [(0, 10), (0, 0)])
        };
        assert_eq!(refused(|m| m.service = "other".to_owned()), Some("foreign"));
        assert_eq!(refused(|m| m.bytes = 1 << 40), Some("too_large"));
        assert_eq!(refused(|m| m.unpacked_bytes = 1 << 40), Some("too_large"));
        assert_eq!(refused(|m| m.chunks = 1), Some("torn"));
        assert_eq!(refused(|m| m.positions[1].partition = 2), Some("other_sources"));
    }

    #[test]
    fn a_manifest_reads_as_written_and_another_format_is_named() {
        let json = serde_json::to_string(&manifest()).unwrap();
        assert_eq!(Manifest::parse(json.as_bytes()), Ok(manifest()));
        let added = json.replacen('{', "{\"added_later\":1,", 1);
        assert_eq!(Manifest::parse(added.as_bytes()), Ok(manifest()));
        assert_eq!(Manifest::parse(br#"{"format":2,"chunks":"many"}"#), Err(Refusal::UnknownFormat(2)));
        for bad in [&b""[..], b"{}", br#"{"format":1}"#, b"\xff"] {
            assert_eq!(Manifest::parse(bad).err().map(|refusal| refusal.name()), Some("unreadable_manifest"));
        }
    }
}
