//! Snapshots: the engine's whole state as bytes, and back.
//!
//! [`Engine::snapshot`] copies the state between two inputs. Only this copy holds up the flow; [`Snapshot::encode`] may run
//! on another thread. An engine from [`Engine::restore`] gives the same outputs, byte for byte, as the engine that was
//! copied. A snapshot leaves out what can be computed from the rest: hash indexes, running sums, and what the scan prepares
//! each second.
//!
//! ```text
//! magic, 8 bytes | version, 4 bytes | settings' hash, sources, state (postcard) | SHA-256 of all before, 32 bytes
//! ```
//!
//! postcard writes values without the names of their fields, so a changed type is another format and needs another
//! [`VERSION`]. Bytes of another version are refused, and the input is read from its start instead. There is no migration:
//! a lost state costs an hour of learning, which is less than code that hardly ever runs. Nothing is compressed or
//! encrypted here.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Engine, Fates, Plan, State};
use crate::{alert::Context, event::Source};

/// The version of the format. A change of any type in the state needs another version.
pub const VERSION: u32 = 15;
/// The first bytes of a snapshot of any version.
const MAGIC: [u8; 8] = *b"4shocked";
/// Length of what precedes the state: the magic and the version.
const HEAD: usize = MAGIC.len() + size_of::<u32>();
/// Length of the SHA-256 at the end.
const CHECKSUM: usize = 32;

/// The state of an engine between two inputs.
#[derive(Clone, Serialize, Deserialize)]
pub struct Snapshot {
    config: String,
    sources: Vec<Source>,
    state: State,
}

/// The reason for which a snapshot is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// The bytes do not begin as a snapshot does.
    #[error("not a snapshot")]
    NoSnapshot,
    /// Another build wrote the snapshot.
    #[error("format version {0}, expected {VERSION}")]
    UnknownVersion(u32),
    /// The bytes were cut off or changed after they were written.
    #[error("damaged: {0}")]
    Damaged(String),
    /// The snapshot was made from another input. Sources may be added behind those of the snapshot; nothing else may change.
    #[error("made from another input: source {0} of the snapshot is not at the same place in the present input")]
    OtherSources(String),
    /// The snapshot has another number of account shards. The shard of an account depends on that number.
    #[error("{found} account shards, expected {expected} (`engine.account_shards`)")]
    OtherShards {
        /// The number in the snapshot.
        found: usize,
        /// The number in the configuration.
        expected: usize,
    },
}

impl Unusable {
    /// The name, for logs and metrics.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NoSnapshot => "no_snapshot",
            Self::UnknownVersion(_) => "unknown_version",
            Self::Damaged(_) => "damaged",
            Self::OtherSources(_) => "other_sources",
            Self::OtherShards { .. } => "other_shards",
        }
    }
}

impl Snapshot {
    /// Returns the snapshot as bytes for [`Snapshot::decode`].
    ///
    /// # Panics
    /// If a part of the state cannot be written. Every part can be, because every collection knows its length.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        let mut bytes = postcard::to_extend(self, bytes).expect("every part of the state knows its length");
        bytes.extend(Sha256::digest(&bytes));
        bytes
    }

    /// Reads bytes that [`Snapshot::encode`] wrote. The memory needed is proportional to the number of bytes, whatever they
    /// contain.
    ///
    /// # Errors
    /// The reason for which the bytes are not a snapshot of this version.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unusable> {
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or(Unusable::NoSnapshot)?;
        let version = match head.split_at(MAGIC.len()) {
            (magic, &[a, b, c, d]) if magic == MAGIC => u32::from_le_bytes([a, b, c, d]),
            _ => return Err(Unusable::NoSnapshot),
        };
        if version != VERSION {
            return Err(Unusable::UnknownVersion(version));
        }
        let body = rest.len().checked_sub(CHECKSUM).ok_or_else(|| damaged("the checksum is missing"))?;
        let (body, checksum) = rest.split_at(body);
        if Sha256::digest(&bytes[..HEAD + body.len()])[..] != *checksum {
            return Err(damaged("the checksum does not match"));
        }
        Self::decode_body(body)
    }

    /// Reads the bytes between the version and the checksum. Only fuzzers call this from outside, because they would never
    /// find the right checksum. The state may be an impossible one, so nothing may be done with it.
    ///
    /// # Errors
    /// The reason for which the bytes are damaged.
    pub fn decode_body(body: &[u8]) -> Result<Self, Unusable> {
        let (snapshot, rest) = postcard::take_from_bytes::<Self>(body).map_err(|e| damaged(e.to_string()))?;
        if !rest.is_empty() {
            return Err(damaged("further bytes follow the end"));
        }
        let (sources, state) = (snapshot.sources.len(), &snapshot.state);
        // Every feed has at least one source, so the sources tell the number of feeds.
        let feeds = snapshot.sources.iter().map(|source| source.feed.saturating_add(1)).max().unwrap_or(0);
        let inboxes = state.to_shards.len() == state.shards.len();
        if [state.fates.len(), state.next.len()] != [sources; 2] || state.feeds.len() != feeds || !inboxes {
            return Err(damaged("the sources do not match the state"));
        }
        Ok(snapshot)
    }

    /// Returns the hash of the settings under which the snapshot was made, after `sha256:`.
    #[must_use]
    pub fn config(&self) -> &str {
        &self.config
    }

    /// Returns each source, with the offset after the last record taken from it; 0 if none was taken.
    pub fn positions(&self) -> impl Iterator<Item = (&Source, u64)> {
        self.sources.iter().zip(self.state.next.iter().copied())
    }
}

fn damaged(reason: impl Into<String>) -> Unusable {
    Unusable::Damaged(reason.into())
}

impl Engine {
    /// Copies the present state.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Context { config, sources, .. } = &self.context;
        Snapshot { config: config.clone(), sources: sources.clone(), state: self.state.clone() }
    }

    /// Returns the present state of an engine that is needed no more.
    #[must_use]
    pub fn into_snapshot(self) -> Snapshot {
        let Context { config, sources, .. } = &self.context;
        Snapshot { config: config.clone(), sources: sources.clone(), state: self.state }
    }

    /// Returns an engine that continues where the snapshot was made.
    ///
    /// The plan may differ in three ways. It may have more sources behind those of the snapshot, which begin empty. It may have
    /// smaller limits: the oldest entries make room at once, and incidents and waiting signals do when the next one comes. It
    /// may have other settings of a detector: the detector's tails begin anew, its rates stay, and open incidents keep their
    /// ids.
    ///
    /// # Errors
    /// The snapshot was made from another input, or with another number of account shards.
    pub fn restore(plan: &Plan, snapshot: Snapshot) -> Result<Self, Unusable> {
        let mut planned = plan.sources.iter();
        if let Some(other) = snapshot.sources.iter().find(|source| planned.next() != Some(*source)) {
            let partition = other.partition.map(|partition| format!(":{partition}")).unwrap_or_default();
            return Err(Unusable::OtherSources(format!("`{}{partition}`", other.name)));
        }
        let (found, expected) = (snapshot.state.shards.len(), plan.stages.account_shards);
        if found != expected {
            return Err(Unusable::OtherShards { found, expected });
        }
        let mut engine = Self { state: snapshot.state, ..Self::new(plan.clone()) };
        engine.retune();
        Ok(engine)
    }

    /// Continues to count decisions from this number: if the beginning of the audit log is no longer kept, its first decision has a
    /// number above 1.
    pub const fn resume_decided(&mut self, number: u64) {
        self.state.decided = number;
    }

    /// Continues to count a source's fates from these, so that earlier records stay counted even if they cannot be read again.
    ///
    /// # Panics
    /// If the source is not in the plan.
    pub fn resume_fates(&mut self, source: usize, fates: Fates) {
        self.state.fates[source] = fates;
    }
}
