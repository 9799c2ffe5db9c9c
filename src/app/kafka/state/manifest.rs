//! What a manifest says, and whether what it says can be used.

use serde::{Deserialize, Serialize};

use super::{CHUNK_BYTES, UNPACKED_BYTES_MAX};
use crate::{app::kafka::topics::Range, config::Config, engine::Unusable, time::WallTime};

/// The manifests that this build writes and reads. Fields may be added; another meaning of one is another format.
const FORMAT: u32 = 1;

/// The last record of a snapshot: with all that stands there it can be judged before a piece of it is read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// Whose it is: the id of its transactions.
    pub service: String,
    /// Pieces.
    pub chunks: u32,
    /// All pieces together.
    pub bytes: u64,
    /// The same, unpacked.
    pub unpacked_bytes: u64,
    /// Of all pieces together.
    pub sha256: String,
    /// When the state was copied, by the clock of its machine.
    pub taken_at: WallTime,
    /// The hash of the detection settings.
    pub config: String,
    /// The build that wrote it.
    pub build: String,
    /// The input's partitions, sorted, and how far they had been read and committed.
    pub positions: Vec<Position>,
    /// The next offset of each partition of the audit topic, whose recorded inputs are repeated from there; empty where none
    /// are recorded.
    #[serde(default)]
    pub audit_next_offsets: Vec<i64>,
}

/// How far a partition had been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// Its topic.
    pub topic: String,
    /// Its number.
    pub partition: i32,
    /// The offset of the first record that is not in the state.
    pub next: i64,
}

/// Why a snapshot is not used; each is logged, by its name too.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Somebody else's record, or damaged.
    #[error("its manifest cannot be read: {0}")]
    UnreadableManifest(String),
    /// Of a later build.
    #[error("its manifest has format {0}, and this build reads {FORMAT}")]
    UnknownFormat(u32),
    /// Copied from another service.
    #[error("it belongs to the service `{0}`")]
    Foreign(String),
    /// More than may be held.
    #[error("it has {0} bytes, more than `state.bytes_max`: raise that to use it")]
    TooLarge(u64),
    /// Written over, or never written whole.
    #[error("it is not whole: {0}")]
    Torn(String),
    /// The group was set back, or another group's offsets are used.
    #[error("it has read `{topic}`, partition {partition}, up to {next}, further than was committed")]
    Ahead {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Up to where it has read.
        next: i64,
    },
    /// The service was away for longer than the input is kept.
    #[error("it has read `{topic}`, partition {partition}, up to {next}, and what follows is no longer kept there")]
    InputGone {
        /// The topic.
        topic: String,
        /// The partition.
        partition: i32,
        /// Up to where it has read.
        next: i64,
    },
    /// The engine does not take it.
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
            Self::InputGone { .. } => "input_gone",
            Self::Unusable(unusable) => unusable.name(),
        }
    }
}

/// What a manifest has beside the pieces.
pub(super) struct Pieces {
    pub chunks: u32,
    pub bytes: u64,
    pub unpacked_bytes: u64,
    pub sha256: String,
}

impl Manifest {
    /// That of pieces which are with the broker.
    pub(super) fn new(
        service: &str,
        pieces: Pieces,
        taken_at: WallTime,
        config: String,
        positions: Vec<Position>,
    ) -> Self {
        let Pieces { chunks, bytes, unpacked_bytes, sha256 } = pieces;
        Self {
            format: FORMAT,
            service: service.to_owned(),
            chunks,
            bytes,
            unpacked_bytes,
            sha256,
            taken_at,
            config,
            build: crate::app::build().to_owned(),
            positions,
            audit_next_offsets: Vec::new(),
        }
    }

    /// Reads one.
    pub(super) fn parse(payload: &[u8]) -> Result<Self, Refusal> {
        /// What every format has.
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

    /// Whether it can be used for an input of which `held` says, by partition, which offsets it has from the first to the
    /// committed one.
    ///
    /// # Errors
    /// Why not.
    pub fn judge(&self, config: &Config, held: &[Range]) -> Result<(), Refusal> {
        if self.service != config.kafka.transactional_id {
            return Err(Refusal::Foreign(self.service.clone()));
        }
        if self.bytes > config.state.bytes_max as u64 || self.unpacked_bytes > UNPACKED_BYTES_MAX {
            return Err(Refusal::TooLarge(self.bytes));
        }
        if u64::from(self.chunks) != self.bytes.div_ceil(CHUNK_BYTES as u64) {
            return Err(Refusal::Torn(format!("{} pieces do not make {} bytes", self.chunks, self.bytes)));
        }
        for Position { topic, partition, next } in &self.positions {
            let (topic, partition, next) = (topic.clone(), *partition, *next);
            let Some(range) = held.iter().find(|range| range.topic == topic && range.partition == partition) else {
                return Err(Unusable::OtherSources(format!("`{topic}:{partition}`")).into());
            };
            if next > range.to {
                return Err(Refusal::Ahead { topic, partition, next });
            }
            if next < range.from {
                return Err(Refusal::InputGone { topic, partition, next });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let pieces = Pieces { chunks: 2, bytes: 1_000_000, unpacked_bytes: 3_000_000, sha256: String::new() };
        let position = |partition, next| Position { topic: "t".to_owned(), partition, next };
        let positions = vec![position(0, 10), position(1, 0)];
        Manifest::new("foreshock", pieces, WallTime::from_nanos(7), "sha256:".to_owned(), positions)
    }

    fn judged(manifest: &Manifest, held: [(i64, i64); 2]) -> Option<&'static str> {
        let range = |(partition, (from, to))| Range { topic: "t".to_owned(), partition, from, to };
        let held: Vec<Range> = (0..).zip(held).map(range).collect();
        manifest.judge(&Config::default(), &held).err().map(|refusal| refusal.name())
    }

    #[test]
    fn a_snapshot_is_used_where_the_input_holds_what_it_lacks() {
        assert_eq!(judged(&manifest(), [(0, 10), (0, 0)]), None);
        assert_eq!(judged(&manifest(), [(10, 10_000), (0, 5)]), None);
        assert_eq!(judged(&manifest(), [(11, 10_000), (0, 5)]), Some("input_gone"));
        assert_eq!(judged(&manifest(), [(0, 9), (0, 5)]), Some("ahead"));
    }

    #[test]
    fn what_is_not_ours_or_cannot_be_is_refused() {
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
