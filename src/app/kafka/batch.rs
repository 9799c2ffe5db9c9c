//! Batches of records of several partitions, on their way from the consumer's thread to the engine's. A batch copies its records
//! once, into one buffer.

use std::sync::Once;

use rdkafka::{Message as _, Timestamp, message::BorrowedMessage};

use crate::time::WallTime;

/// Largest number of records in a batch: half a millisecond of the engine's work.
pub const BATCH_RECORDS_MAX: usize = 512;
/// Number of bytes at which a batch is full.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// The first millisecond of the year 2000: the decoder takes no event time before it either.
const YEAR_2000_MS: i64 = 946_684_800_000;

/// A batch of records.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    records: Vec<Entry>,
}

/// One record, with its key and its payload as ranges of the batch's bytes.
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
    /// Place of the record's partition among those that are read.
    pub partition: usize,
    /// The number of the partition's log, which the receiver of a batch sets.
    pub generation: u32,
    /// Offset in the partition.
    pub offset: i64,
    /// The record's own time.
    pub appended_at: Option<WallTime>,
    /// Key; empty where the record has none.
    pub key: &'a [u8],
    /// Value; empty for a tombstone.
    pub payload: &'a [u8],
}

impl Batch {
    /// Copies a record of the partition with this index.
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

    /// Whether the batch is full.
    pub(super) fn is_full(&self) -> bool {
        self.records.len() >= BATCH_RECORDS_MAX || self.bytes.len() >= BATCH_BYTES_MAX
    }

    /// Whether the batch is empty.
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// The records, in the order in which they were read.
    pub fn records(&self) -> impl Iterator<Item = Received<'_>> {
        self.records.iter().map(|entry| Received {
            partition: entry.partition,
            generation: 0,
            offset: entry.offset,
            appended_at: entry.appended_at,
            key: &self.bytes[entry.key.clone()],
            payload: entry.payload.clone().map_or(&[], |range| &self.bytes[range]),
        })
    }
}

/// A record's own time; `None` where it has none, or an implausible one. Only latency and lag are computed from it, because a
/// producer with a wrong clock writes it wrongly too.
#[must_use]
pub fn appended_at(message: &BorrowedMessage<'_>) -> Option<WallTime> {
    static LOGGED: Once = Once::new();
    let (Timestamp::CreateTime(millis) | Timestamp::LogAppendTime(millis)) = message.timestamp() else { return None };
    let appended_at = plausible(millis);
    if appended_at.is_none() {
        LOGGED.call_once(|| {
            tracing::warn!(
                topic = message.topic(),
                partition = message.partition(),
                offset = message.offset(),
                millis,
                "records' own times lie before the year 2000, so they are in another unit than milliseconds or were never set; \
                 they are left out, and latency and lag are not known"
            );
        });
    }
    appended_at
}

/// A record's own time in milliseconds, if it is plausible: seconds instead of milliseconds are in 1970, and 0 stands for none.
fn plausible(millis: i64) -> Option<WallTime> {
    (millis >= YEAR_2000_MS).then(|| WallTime::from_nanos(millis.saturating_mul(1_000_000)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_before_the_year_2000_is_as_good_as_none() {
        assert_eq!([-1, 0, 1, 1_760_000_400, 946_684_799_999].map(plausible), [None; 5]);
        assert_eq!(plausible(1_760_000_400_000), Some(WallTime::from_nanos(1_760_000_400_000_000_000)));
    }
}
