//! Finds the snapshots of a service in the state topic, and fetches one.
//!
//! The topic is read once and only its keys and manifests are kept, a few hundred bytes for each chunk. Then the chunks of one
//! snapshot are read again by their offsets. So memory holds one snapshot, whatever else the topic contains.

use std::collections::BTreeMap;

use rdkafka::Message as _;
use sha2::{Digest as _, Sha256};

use super::{CHUNK_BYTES, Key, Manifest, PARTITION, Part, Refusal, Slot, UNPACKED_BYTES_MAX};
use crate::{
    alert::hexadecimal,
    app::{
        Failure, Interrupt,
        kafka::{self, range, topics::Range},
    },
    config::Config,
    engine::Snapshot,
};

/// Largest size of a manifest, which has some hundred bytes for each partition.
const MANIFEST_BYTES_MAX: usize = 1 << 20;

/// A snapshot that has a manifest.
#[derive(Debug)]
pub struct Candidate {
    /// The snapshot's slot.
    pub slot: Slot,
    /// The manifest, or why it cannot be read.
    pub manifest: Result<Manifest, Refusal>,
    /// The manifest's offset.
    offset: i64,
}

/// The manifests and chunks of one service in the topic.
#[derive(Debug, Default)]
pub struct Found {
    manifests: BTreeMap<Slot, Candidate>,
    /// The newest offset of each chunk.
    chunks: BTreeMap<(Slot, u32), i64>,
}

/// Reads the topic's keys and manifests.
///
/// # Errors
/// Exit 69 where Kafka fails for good, 130 at an interrupt.
pub fn find(config: &Config, interrupt: &Interrupt) -> Result<Found, Failure> {
    let topic = config.topics.state.as_str();
    let range = kafka::topics::ranges(&config.kafka, topic)?.into_iter().filter(|range| range.partition == PARTITION);
    let mut found = Found::default();
    let chunks_max = config.state.bytes_max.div_ceil(CHUNK_BYTES);
    let range: Vec<Range> = range.collect();
    range::read(&kafka::consumer(&config.kafka), &range, interrupt, |_, message| {
        if let Some(key) = message.key().and_then(Key::parse)
            && key.service == config.kafka.transactional_id
        {
            found.record(key, message.offset(), message.payload(), chunks_max);
        }
        Ok(())
    })?;
    Ok(found)
}

impl Found {
    fn record(&mut self, key: Key<'_>, offset: i64, payload: Option<&[u8]>, chunks_max: usize) {
        match (key.part, payload) {
            (Part::Chunk(number), Some(_)) if (number as usize) < chunks_max => {
                self.chunks.insert((key.slot, number), offset);
            }
            // A snapshot with more chunks is too large to be used.
            (Part::Chunk(_), Some(_)) => {}
            (Part::Chunk(number), None) => {
                self.chunks.remove(&(key.slot, number));
            }
            (Part::Manifest, Some(payload)) => {
                let manifest = if payload.len() > MANIFEST_BYTES_MAX {
                    Err(Refusal::UnreadableManifest(format!("it has {} bytes", payload.len())))
                } else {
                    Manifest::parse(payload)
                };
                self.manifests.insert(key.slot, Candidate { slot: key.slot, manifest, offset });
            }
            (Part::Manifest, None) => {
                self.manifests.remove(&key.slot);
            }
        }
    }

    /// Returns the snapshots with a manifest, the newest first.
    #[must_use]
    pub fn candidates(&self) -> Vec<&Candidate> {
        let mut candidates: Vec<&Candidate> = self.manifests.values().collect();
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.offset));
        candidates
    }

    /// The slot that is written next: the newest snapshot is written over last, because a later build may be able to use what this one
    /// cannot.
    #[must_use]
    pub fn free_slot(&self) -> Slot {
        self.candidates().first().map_or_else(Slot::default, |newest| newest.slot.other())
    }

    /// Fetches and decodes a snapshot whose manifest was accepted.
    ///
    /// # Errors
    /// The outer error where Kafka fails, the inner one where the snapshot cannot be used.
    pub fn fetch(
        &self,
        candidate: &Candidate,
        manifest: &Manifest,
        config: &Config,
        interrupt: &Interrupt,
    ) -> Result<Result<Snapshot, Refusal>, Failure> {
        let wanted = match self.wanted(candidate, manifest) {
            Ok(wanted) => wanted,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let (Some((&first, _)), Some((&last, _))) = (wanted.first_key_value(), wanted.last_key_value()) else {
            return Ok(Err(Refusal::Torn("it has no chunks".to_owned())));
        };
        let topic = config.topics.state.as_str().to_owned();
        let range = Range { topic, partition: PARTITION, from: first, to: last + 1 };
        let mut chunks = BTreeMap::new();
        range::read(&kafka::consumer(&config.kafka), &[range], interrupt, |_, message| {
            if let (Some(&number), Some(payload)) = (wanted.get(&message.offset()), message.payload())
                && payload.len() <= CHUNK_BYTES
            {
                chunks.insert(number, payload.to_vec());
            }
            Ok(())
        })?;
        Ok(unpack(&chunks, manifest))
    }

    /// Returns the offsets of all chunks, with their numbers. A chunk after its manifest belongs to another snapshot.
    fn wanted(&self, candidate: &Candidate, manifest: &Manifest) -> Result<BTreeMap<i64, u32>, Refusal> {
        let located = |number: u32| match self.chunks.get(&(candidate.slot, number)) {
            Some(&offset) if offset < candidate.offset => Ok((offset, number)),
            Some(_) => Err(Refusal::Torn(format!("its chunk {number} was written over"))),
            None => Err(Refusal::Torn(format!("its chunk {number} is not there"))),
        };
        (0..manifest.chunks).map(located).collect()
    }
}

/// Joins the chunks, checks their hash, and decodes the state.
fn unpack(chunks: &BTreeMap<u32, Vec<u8>>, manifest: &Manifest) -> Result<Snapshot, Refusal> {
    let packed: Vec<u8> = chunks.values().flatten().copied().collect();
    if packed.len() as u64 != manifest.bytes || hexadecimal(&Sha256::digest(&packed)) != manifest.sha256 {
        return Err(Refusal::Torn("its bytes are not those that its manifest names".to_owned()));
    }
    let bytes = unpacked(&packed, manifest.unpacked_bytes.min(UNPACKED_BYTES_MAX))
        .map_err(|e| Refusal::Torn(format!("it does not unpack: {e}")))?;
    Ok(Snapshot::decode(&bytes)?)
}

fn unpacked(packed: &[u8], bytes_max: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    zstd::stream::read::Decoder::with_buffer(packed)?.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}
