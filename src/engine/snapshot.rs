//! The engine's whole state as bytes, and back.
//!
//! [`Engine::snapshot`] is a plain copy, made between two inputs and the only part that holds the flow up; [`Snapshot::encode`] may
//! run on another thread. [`Engine::restore`] goes on from it as if nothing had been, byte for byte. What can be made anew
//! from the rest is not in it: indexes by hash, running sums, what the scan prepares each second.
//!
//! ```text
//! magic, 8 bytes | version, 4 bytes | settings' hash, sources, state (postcard) | SHA-256 of all before, 32 bytes
//! ```
//!
//! postcard writes what the types say without names, so a changed type is another format and must get another [`VERSION`]; bytes
//! of another version are refused and the input is read from its start instead. There is no migration: a state is worth
//! the hour that it takes to learn it again, not code that nobody runs. Nothing is compressed or encrypted here.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Engine, Fates, Market, Plan, Sink, State};
use crate::{
    alert::Context,
    event::{Place, Source, SourceId},
};

/// The version of the format. A change of any type in the state is another version.
pub const VERSION: u32 = 10;
/// What the bytes of every version begin with.
const MAGIC: [u8; 8] = *b"4shocked";
const HEAD: usize = MAGIC.len() + size_of::<u32>();
const CHECKSUM: usize = 32;

/// The state of an engine between two inputs.
#[derive(Clone, Serialize, Deserialize)]
pub struct Snapshot {
    config: String,
    sources: Vec<Source>,
    state: State,
}

/// Why a snapshot is not used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Other bytes.
    #[error("it is no snapshot")]
    NoSnapshot,
    /// Of another build.
    #[error("its format has version {0}, and this build reads {VERSION}")]
    UnknownVersion(u32),
    /// Cut off or changed since it was written.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// Of another input: sources may be added behind those that it knows, nothing else.
    #[error("it was made from another input: its source {0} is not at its place in the input now")]
    OtherSources(String),
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
        }
    }
}

impl Snapshot {
    /// The bytes, to be read by [`Snapshot::decode`].
    ///
    /// # Panics
    /// If a part of the state cannot be written, which a type that knows its own length always can.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend(VERSION.to_le_bytes());
        let mut bytes = postcard::to_extend(self, bytes).expect("every part of the state knows its length");
        bytes.extend(Sha256::digest(&bytes));
        bytes
    }

    /// Reads what [`Snapshot::encode`] wrote. Takes memory in proportion to the bytes, whatever they say.
    ///
    /// # Errors
    /// Says what is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, Unusable> {
        let (head, rest) = bytes.split_at_checked(HEAD).ok_or(Unusable::NoSnapshot)?;
        let version = match head.split_at(MAGIC.len()) {
            (magic, &[a, b, c, d]) if magic == MAGIC => u32::from_le_bytes([a, b, c, d]),
            _ => return Err(Unusable::NoSnapshot),
        };
        if version != VERSION {
            return Err(Unusable::UnknownVersion(version));
        }
        let body = rest.len().checked_sub(CHECKSUM).ok_or_else(|| damaged("it ends early"))?;
        let (body, checksum) = rest.split_at(body);
        if Sha256::digest(&bytes[..HEAD + body.len()])[..] != *checksum {
            return Err(damaged("its checksum is another"));
        }
        Self::decode_body(body)
    }

    /// Reads what stands between head and checksum. For a fuzzer, which would never find the right checksum; what it returns
    /// may be any state, and is only fit to be thrown away.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn decode_body(body: &[u8]) -> Result<Self, Unusable> {
        let (snapshot, rest) = postcard::take_from_bytes::<Self>(body).map_err(|e| damaged(e.to_string()))?;
        if !rest.is_empty() {
            return Err(damaged("it goes on after its end"));
        }
        let (sources, state) = (snapshot.sources.len(), &snapshot.state);
        // A feed has a source at least, so there are no more of them.
        let feeds = snapshot.sources.iter().map(|source| source.feed.saturating_add(1)).max().unwrap_or(0);
        if [state.fates.len(), state.next.len()] != [sources; 2] || state.feeds.len() != feeds {
            return Err(damaged("its sources do not agree with its state"));
        }
        Ok(snapshot)
    }

    /// `sha256:` and the hash of the detection settings under which it was made.
    #[must_use]
    pub fn config(&self) -> &str {
        &self.config
    }

    /// Each source, with the offset after the last record taken from it; 0 where none was.
    pub fn positions(&self) -> impl Iterator<Item = (&Source, u64)> {
        self.sources.iter().zip(self.state.next.iter().copied())
    }
}

fn damaged(why: impl Into<String>) -> Unusable {
    Unusable::Damaged(why.into())
}

impl Engine {
    /// Its state as of now, as a copy.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let Context { config, sources, .. } = &self.context;
        Snapshot { config: config.clone(), sources: sources.clone(), state: self.state.clone() }
    }

    /// An engine that goes on where the snapshot was made.
    ///
    /// The plan may differ: more sources behind those that the snapshot knows (they begin empty), smaller limits (the oldest make
    /// room at once; of incidents and waiting signals when the next comes), other settings of a detector (its tails begin
    /// anew, its rates stay, and open incidents keep the id that they have).
    ///
    /// # Errors
    /// The snapshot is of another input.
    pub fn restore(plan: &Plan, snapshot: Snapshot) -> Result<Self, Unusable> {
        let mut places = plan.sources.iter();
        if let Some(other) = snapshot.sources.iter().find(|source| places.next() != Some(*source)) {
            let partition = other.partition.map(|partition| format!(":{partition}")).unwrap_or_default();
            return Err(Unusable::OtherSources(format!("`{}{partition}`", other.name)));
        }
        let mut engine = Self { state: snapshot.state, ..Self::new(plan.clone()) };
        engine.retune(plan);
        Ok(engine)
    }

    fn retune(&mut self, plan: &Plan) {
        let Self { state, context, signals, verdicts, sayings, .. } = self;
        state.fates.resize(context.sources.len(), Fates::default());
        state.next.resize(context.sources.len(), 0);
        let feeds = context.sources.iter().map(|source| source.feed + 1).max().unwrap_or(0);
        let settings = &plan.detection;
        state.feeds.resize_with(feeds, || Market::new(&plan.limits, settings));
        state.joined.retune(&plan.limits, settings.cancel_burst.window, signals);
        state.correlator.handle(signals.drain(..));
        let incidents = plan.limits.incidents_max;
        state.correlator.retune(&context.config, plan.limits.signals_pending_max, incidents);
        for (feed, market) in state.feeds.iter_mut().enumerate() {
            let Some(source) = context.sources.iter().rposition(|source| source.feed == feed) else { continue };
            let place =
                Place { source: SourceId(u32::try_from(source).unwrap_or(u32::MAX)), offset: state.next[source] };
            let mut sink = Sink { counters: &mut state.counters, signals, verdicts, sayings, appended_at: None };
            market.retune(&plan.limits, settings, place, &mut sink);
            state.correlator.handle(signals.drain(..));
        }
    }
}
