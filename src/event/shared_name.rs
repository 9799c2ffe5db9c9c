//! Names as the engine keeps them: cheap to copy, hashed once.
//!
//! A name of the flow (an account, an owner, a symbol) is looked up in several tables on its way through the stages. So its hash
//! is computed where it enters a stage ([`NameRef`]), and travels with it. A kept name ([`SharedName`]) holds up to 23 bytes in
//! place and shares longer ones, so that a copy never allocates.
//!
//! The hash is seeded anew in each process, so that nobody outside can choose names that collide; nothing that leaves the
//! process depends on it. Names are ordered by their text.

use std::{
    cmp::Ordering,
    fmt,
    hash::{BuildHasher as _, Hash, Hasher},
    sync::LazyLock,
};

use compact_str::CompactString;
use foldhash::fast::RandomState;
use hashbrown::Equivalent;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

/// One seed for all tables of the process.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// FNV-1a with 64 bits: its offset basis and its prime (Fowler, Noll, Vo; draft-eastlake-fnv).
const FNV: (u64, u64) = (0xcbf2_9ce4_8422_2325, 0x0000_0100_0000_01b3);

/// A borrowed name with its hash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NameRef<'a> {
    text: &'a str,
    hash: u32,
}

/// A kept name with its hash.
#[derive(Clone)]
pub struct SharedName {
    text: SmolStr,
    hash: u32,
    /// A hash that is the same in every process and build, and decides the shard.
    route: u32,
}

impl<'a> NameRef<'a> {
    /// Hashes a name.
    #[must_use]
    pub(crate) fn new(text: &'a str) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "32 bits of a hash are a hash")]
        let hash = SEED.hash_one(text) as u32;
        Self { text, hash }
    }
}

impl SharedName {
    /// Keeps a name.
    #[must_use]
    pub fn new(text: &str) -> Self {
        NameRef::new(text).into()
    }

    /// Returns the text.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the borrowed form, by which tables are searched.
    #[must_use]
    pub(crate) fn as_ref(&self) -> NameRef<'_> {
        NameRef { text: &self.text, hash: self.hash }
    }

    /// Returns the form that findings hold.
    #[must_use]
    pub(crate) fn to_compact(&self) -> CompactString {
        CompactString::new(&self.text)
    }

    /// Returns the shard, among `shards`, that an account of this name belongs to: the same in every process.
    #[must_use]
    pub(crate) const fn shard(&self, shards: usize) -> usize {
        self.route as usize % shards
    }
}

impl From<NameRef<'_>> for SharedName {
    fn from(name: NameRef<'_>) -> Self {
        Self { text: SmolStr::new(name.text), hash: name.hash, route: route(name.text) }
    }
}

/// Hashes a name for its shard. The function is pinned for good, because it decides where state lives. The hash is folded, because
/// the low bits of FNV-1a alone are weak.
fn route(text: &str) -> u32 {
    let hash = text.bytes().fold(FNV.0, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV.1));
    #[expect(clippy::cast_possible_truncation, reason = "both halves are in it")]
    {
        (hash ^ hash >> 32) as u32
    }
}

impl Hash for NameRef<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.hash);
    }
}

impl Hash for SharedName {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u32(self.hash);
    }
}

impl Equivalent<SharedName> for NameRef<'_> {
    fn equivalent(&self, key: &SharedName) -> bool {
        self.hash == key.hash && self.text == key.text
    }
}

impl PartialEq for SharedName {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.text == other.text
    }
}

impl Eq for SharedName {}

impl PartialOrd for SharedName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SharedName {
    fn cmp(&self, other: &Self) -> Ordering {
        self.text.cmp(&other.text)
    }
}

impl fmt::Debug for SharedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.text.fmt(f)
    }
}

impl Serialize for SharedName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SharedName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        SmolStr::deserialize(deserializer).map(|text| Self::new(&text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shard_of_a_name_never_changes() {
        let shards =
            ["a17", "", "0x1c9b2d4e5f60718293a4b5c6d7e8f90123456789"].map(|name| SharedName::new(name).shard(8));
        assert_eq!(shards, [1, 1, 4]);
    }

    #[test]
    fn names_spread_evenly_over_shards() {
        let mut counts = [0; 8];
        (0..8_000).for_each(|n| counts[SharedName::new(&format!("a{n}")).shard(8)] += 1);
        assert!(counts.iter().all(|n| (900..=1_100).contains(n)), "{counts:?}");
    }

    #[test]
    fn a_kept_name_is_found_by_its_text_and_survives_being_written() {
        let name = SharedName::new("an account with a name of more than twenty-three bytes");
        assert!(NameRef::new(name.as_str()).equivalent(&name));
        let read: SharedName = postcard::from_bytes(&postcard::to_allocvec(&name).unwrap()).unwrap();
        assert_eq!(read, name);
        assert_eq!(size_of::<SharedName>(), 32);
    }
}
