//! Snapshots of the engine in the compacted state topic: chunks of less than a megabyte, then a manifest.
//!
//! ```text
//!  key                               value
//!  <transactional id>/a/0 … /a/<n>   chunks of the compressed bytes
//!  <transactional id>/a/manifest     number and hash of the chunks, and the input's offsets (JSON)
//!  <transactional id>/b/…            the same for the other slot
//! ```
//! Two slots are written in turn, each time over the older snapshot, so a complete one exists at every moment. The manifest is
//! written last, when the broker has all chunks, so it never names a chunk that is missing. A snapshot that was cut off, or that
//! two processes wrote at once, does not have the SHA-256 of its manifest and is not used.
//!
//! All records are in partition 0. `manifest` judges whether a snapshot can be used, `reader` finds and fetches it, `writer` writes
//! it on a thread of its own. The service decides when a snapshot is taken, and what to do without one.

mod manifest;
mod reader;
mod writer;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    manifest::{Held, Manifest, OldLog, PartitionOffset, Refusal, judge_positions},
    reader::{Candidate, Found, find},
    writer::{Job, Writer},
};

/// The partition of all records.
const PARTITION: i32 = 0;
/// Size of a chunk: with key and headers it stays under the megabyte that brokers and clients accept by default.
const CHUNK_BYTES: usize = 900_000;
/// Largest size of a decompressed snapshot; larger ones are not written. 16 times the default limit of a compressed one, where
/// state compresses to a third.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

/// The place of one of the two snapshots.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Slot {
    /// The first.
    #[default]
    A,
    /// The second.
    B,
}

impl Slot {
    const ALL: [(Self, &'static str); 2] = [(Self::A, "a"), (Self::B, "b")];

    /// The other slot.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// The name in keys and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }
}

/// The content of a record of the topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Chunk(u32),
    Manifest,
}

/// The key of a record of one service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Key<'a> {
    service: &'a str,
    slot: Slot,
    part: Part,
}

impl fmt::Display for Key<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/", self.service, self.slot.name())?;
        match self.part {
            Part::Chunk(number) => write!(f, "{number}"),
            Part::Manifest => f.write_str("manifest"),
        }
    }
}

impl<'a> Key<'a> {
    /// Reads a key; `None` where it is no key of a snapshot.
    fn parse(key: &'a [u8]) -> Option<Self> {
        // Split from the end, because the service's name may contain slashes.
        let mut parts = str::from_utf8(key).ok()?.rsplitn(3, '/');
        let (part, slot, service) = (parts.next()?, parts.next()?, parts.next()?);
        let part = match part {
            "manifest" => Part::Manifest,
            // Only in the spelling that is written: two spellings would be two records after compaction.
            number => Part::Chunk(number.parse().ok().filter(|parsed: &u32| parsed.to_string() == number)?),
        };
        let (slot, _) = Slot::ALL.into_iter().find(|(_, name)| *name == slot)?;
        Some(Self { service, slot, part })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_it_was_written() {
        for service in ["foreshock", "a/b/0", "", "a/manifest"] {
            for part in [Part::Chunk(0), Part::Chunk(71), Part::Manifest] {
                for (slot, _) in Slot::ALL {
                    let key = Key { service, slot, part };
                    assert_eq!(Key::parse(key.to_string().as_bytes()), Some(key));
                }
            }
        }
    }

    #[test]
    fn a_key_of_another_form_is_ignored() {
        for other in
            ["", "foreshock", "foreshock/a", "s/c/0", "s/a/", "s/a/-1", "s/a/01", "s/a/+1", "s/a/4294967296", "s/a/x"]
        {
            assert_eq!(Key::parse(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Key::parse(b"\xff/a/0"), None);
    }
}
