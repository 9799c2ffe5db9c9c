//! Records of several partitions, copied once into one piece of memory, from the consumer's thread to the engine's.

use rdkafka::{Message as _, Timestamp, message::BorrowedMessage};

use crate::time::WallTime;

/// Records in a batch: half a millisecond of the engine's work.
const BATCH_RECORDS_MAX: usize = 512;
/// Bytes in a batch.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Records, copied once into one piece of memory.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    records: Vec<Entry>,
}

struct Entry {
    partition: usize,
    offset: i64,
    appended_at: Option<WallTime>,
    key: std::ops::Range<usize>,
    payload: Option<std::ops::Range<usize>>,
}

/// One record of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Received<'a> {
    /// Index of its partition in the assignment.
    pub partition: usize,
    /// Its offset.
    pub offset: i64,
    /// Its own time.
    pub appended_at: Option<WallTime>,
    /// Its key; empty where it has none.
    pub key: &'a [u8],
    /// Its bytes; empty for a tombstone.
    pub payload: &'a [u8],
}

impl Batch {
    /// Copies a record of the partition with this index in the assignment.
    pub(super) fn push(&mut self, partition: usize, message: &BorrowedMessage<'_>) {
        let mut copy = |bytes: &[u8]| {
            let start = self.bytes.len();
            self.bytes.extend_from_slice(bytes);
            start..self.bytes.len()
        };
        let (key, payload) = (copy(message.key().unwrap_or_default()), message.payload().map(&mut copy));
        self.records.push(Entry {
            partition,
            offset: message.offset(),
            appended_at: appended_at(message),
            key,
            payload,
        });
    }

    /// Whether it is enough for one batch.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS_MAX || self.bytes.len() >= BATCH_BYTES_MAX
    }

    /// Whether it holds nothing.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records, in the order in which they were read.
    pub fn records(&self) -> impl Iterator<Item = Received<'_>> {
        self.records.iter().map(|entry| Received {
            partition: entry.partition,
            offset: entry.offset,
            appended_at: entry.appended_at,
            key: &self.bytes[entry.key.clone()],
            payload: entry.payload.clone().map_or(&[], |range| &self.bytes[range]),
        })
    }
}

/// A record's own time.
#[must_use]
pub fn appended_at(message: &BorrowedMessage<'_>) -> Option<WallTime> {
    match message.timestamp() {
        Timestamp::NotAvailable => None,
        Timestamp::CreateTime(millis) | Timestamp::LogAppendTime(millis) => {
            Some(WallTime::from_nanos(millis.saturating_mul(1_000_000)))
        }
    }
}
