//! Where a record stands, for evidence and for a fixed order.

use serde::{Deserialize, Serialize};

/// Where records come from: a partition of a topic, or a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// The topic, or the file's path.
    pub name: String,
    /// The partition; `None` for a file.
    pub partition: Option<i32>,
    /// Which ordered feed it belongs to. Each Kafka partition is a feed of its own; the files of one replay are one feed,
    /// read one after the other.
    pub feed: usize,
}

/// Where records come from: a Kafka partition or a file, as an index into the engine's list of sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SourceId(pub u32);

/// Where one record stands: a Kafka offset, or a line number from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// In which source.
    pub source: SourceId,
    /// Where in it.
    pub offset: u64,
}

/// Records of one source, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordRange {
    /// In which source.
    pub source: SourceId,
    /// The first.
    pub from: u64,
    /// The last.
    pub to: u64,
}
