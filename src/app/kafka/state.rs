//! Snapshots of the engine in the compacted state topic: pieces of less than a megabyte, and a manifest when all of them are there.
//!
//! ```text
//!  key                               value
//!  <transactional id>/a/0 … /a/<n>   pieces of the packed bytes
//!  <transactional id>/a/manifest     what they make, how to check it, up to which offsets it was read (JSON)
//!  <transactional id>/b/…            the same of the other slot
//! ```
//! Two slots are written in turn, each time over the older snapshot, so that a whole one is there at every moment; the manifest
//! comes last, when the broker has all pieces, so that it never names one that is not there. A snapshot that was cut off, or
//! that two processes wrote at once, does not have the SHA-256 of its manifest and is not used.
//!
//! All is in partition 0. `manifest` judges, `reader` finds and fetches, `writer` writes on a thread of its own. Whether a
//! snapshot is worth taking, and what to do without one, is the service's matter.

mod manifest;
mod reader;
mod writer;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use self::{
    manifest::{Manifest, Position, Refusal},
    reader::{Candidate, Found, find},
    writer::{Job, Writer},
};

/// The one partition that is used.
const PARTITION: i32 = 0;
/// Bytes of a piece: with key and headers it stays under the megabyte that brokers and clients take by default.
const CHUNK_BYTES: usize = 900_000;
/// No snapshot that was written unpacks to more; 16 times the greatest that is written by default, as state packs to a third.
const UNPACKED_BYTES_MAX: u64 = 1 << 30;

/// Settings of the topic, where the service creates it.
///
/// A log is compacted only behind the segment that is being written, so segments must be small: with the default of a gigabyte
/// a restart would read all snapshots of hours. Of 16 MiB, the topic holds two snapshots, as much again that waits for the
/// cleaner (which begins when half is dirty), and a segment.
pub const TOPIC: [(&str, &str); 3] =
    [("cleanup.policy", "compact"), ("segment.bytes", "16777216"), ("compression.type", "producer")];

/// Where one of the two snapshots stands.
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

    /// The other one.
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

/// What a record of the topic holds.
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
    /// Reads a key; `None` where it is none of ours.
    fn parse(key: &'a [u8]) -> Option<Self> {
        // From the end: the service's name may hold anything.
        let mut parts = str::from_utf8(key).ok()?.rsplitn(3, '/');
        let (part, slot, service) = (parts.next()?, parts.next()?, parts.next()?);
        let part = match part {
            "manifest" => Part::Manifest,
            // Only as it is written: two spellings would be two records after compaction.
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
    fn what_is_no_key_of_ours_is_passed_over() {
        for other in
            ["", "foreshock", "foreshock/a", "s/c/0", "s/a/", "s/a/-1", "s/a/01", "s/a/+1", "s/a/4294967296", "s/a/x"]
        {
            assert_eq!(Key::parse(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Key::parse(b"\xff/a/0"), None);
    }
}
