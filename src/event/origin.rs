//! Sources of records, and references to the records in them.
//!
//! Evidence, dead letters and the fixed order of messages all refer to records. Inside a process a reference is a small pair of
//! numbers, because hundreds of thousands of them are held; what leaves the process names topic and partition instead
//! (`engine::message::wire`, `engine::Recorded`, the alerts).

use serde::{Deserialize, Serialize};

use crate::time::WallTime;

/// A source of records: a partition of a topic, or a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The topic, or the file's path.
    pub name: String,
    /// The partition; `None` for a file.
    pub partition: Option<i32>,
    /// The ordered feed that the source belongs to. Each Kafka partition is a feed of its own; the files of one replay are one
    /// feed, read one after the other.
    pub feed: usize,
}

/// A source as its index in the plan's list of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId(pub u32);

impl SourceId {
    /// The source at an index of the plan's list.
    ///
    /// # Panics
    /// If the index is not below 2³², which no list of sources reaches.
    #[must_use]
    pub(crate) fn of_index(index: usize) -> Self {
        Self(u32::try_from(index).expect("a plan has fewer than 2^32 sources"))
    }

    /// The index in the plan's list.
    #[must_use]
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A position in a partition over all its logs: the number of the log, and the offset in it.
///
/// A topic that is deleted and made again begins a new log under the partition's name, with the same offsets. So the logs of a
/// partition are numbered, from 0 for the first one that the service read. A position is held as one number, the log in the upper
/// bits: positions are then in the order of reading, and those of the first log are its offsets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition {
    /// The number of the log.
    pub generation: u32,
    /// The offset in it.
    pub offset: u64,
}

impl LogPosition {
    /// Bits of the offset: at a million records a second a log reaches its end after 140 years. The other 12 bits number the logs.
    const OFFSET_BITS: u32 = 52;
    /// The greatest number of a log.
    pub const GENERATION_MAX: u32 = (1 << (u64::BITS - Self::OFFSET_BITS)) - 1;

    /// The position that a number stands for.
    #[must_use]
    pub const fn of(packed: u64) -> Self {
        let generation = (packed >> Self::OFFSET_BITS) as u32;
        Self { generation, offset: packed & ((1 << Self::OFFSET_BITS) - 1) }
    }

    /// Returns the position as one number; `None` where the log or the offset is too large for it.
    #[must_use]
    pub const fn packed(self) -> Option<u64> {
        if self.generation > Self::GENERATION_MAX || self.offset >> Self::OFFSET_BITS != 0 {
            return None;
        }
        Some(((self.generation as u64) << Self::OFFSET_BITS) | self.offset)
    }
}

impl std::fmt::Display for LogPosition {
    /// Writes the offset; of a later log than the first also the log, as `2#17`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.generation {
            0 => write!(f, "{}", self.offset),
            generation => write!(f, "{generation}#{}", self.offset),
        }
    }
}

/// A reference to one record: its source, and its position there or its line number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordRef {
    /// The source.
    pub source: SourceId,
    /// The position as one number ([`LogPosition`]), or the line.
    pub offset: u64,
}

/// The origin of a fact: its record, and when that was appended to its partition, from which latency is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Origin {
    /// The record.
    pub record: RecordRef,
    /// The record's own time; `None` for lines of files, and for what a timer brought about.
    pub appended_at: Option<WallTime>,
}

impl From<RecordRef> for Origin {
    /// The origin of something whose record has no known append time, or where that does not matter.
    fn from(record: RecordRef) -> Self {
        Self { record, appended_at: None }
    }
}

/// Records of one source, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRange {
    /// The source.
    pub source: SourceId,
    /// The position of the first record.
    pub from: u64,
    /// The position of the last record.
    pub to: u64,
}

impl From<RecordRef> for RecordRange {
    /// The range of one record.
    fn from(record: RecordRef) -> Self {
        Self { source: record.source, from: record.offset, to: record.offset }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn positions_are_in_the_order_of_logs_and_offsets_and_read_as_written(
            a in (0..=LogPosition::GENERATION_MAX, 0_u64..1 << 52), b in (0..=LogPosition::GENERATION_MAX, 0_u64..1 << 52),
        ) {
            let [first, second] = [a, b].map(|(generation, offset)| LogPosition { generation, offset });
            let (x, y) = (first.packed().unwrap(), second.packed().unwrap());
            prop_assert_eq!((LogPosition::of(x), x.cmp(&y)), (first, first.cmp(&second)));
        }
    }

    #[test]
    fn positions_of_the_first_log_are_offsets_and_what_no_number_holds_is_refused() {
        let position = |generation, offset| LogPosition { generation, offset };
        assert_eq!((position(0, 17).packed(), position(0, 17).to_string()), (Some(17), "17".to_owned()));
        assert_eq!(position(2, 17).to_string(), "2#17");
        assert_eq!((position(4096, 0).packed(), position(0, 1 << 52).packed()), (None, None));
    }
}
