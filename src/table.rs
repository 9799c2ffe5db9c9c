//! A table with a limit: the least recently used entry makes room for a new one, and evictions are counted.
//!
//! Symbols, accounts and orders come from outside and without end, so every table of them is bounded. Entries sit in
//! slots and form a list in order of use. A [`Handle`] holds a slot and its generation, so a handle to an evicted entry
//! finds nothing instead of the entry that took its slot. Nothing iterates in hash order, so no result depends on the
//! seed of the hash.
//!
//! A table is not a cache: it loads nothing, and the caller decides what counts as use by calling `touch`.

mod encoding;

use std::{
    fmt,
    hash::{BuildHasher, Hash},
};

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashTable};
use serde::{Deserialize, Serialize};

/// No slot: the end of the list in order of use.
const NONE: u32 = u32::MAX;

/// Refers to one entry for as long as it stays in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Handle {
    slot: u32,
    generation: u32,
}

impl Handle {
    /// The index of the slot, for columns of values that are kept beside the table.
    #[must_use]
    pub(crate) const fn index(self) -> usize {
        self.slot as usize
    }
}

/// Entries by key, at most `max` of them, in order of use.
#[derive(Clone)]
pub(crate) struct Table<K, V> {
    /// The slot of each key, by the hash of the key.
    index: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
    /// Slots without an entry. The last one is used next.
    vacant: Vec<u32>,
    /// The slot of the least recently used entry.
    oldest: u32,
    /// The slot of the most recently used entry.
    newest: u32,
    max: usize,
    evicted: u64,
    hasher: RandomState,
}

/// A slot of the table.
#[derive(Clone)]
struct Slot<K, V> {
    /// `None` while the slot is vacant.
    entry: Option<(K, V)>,
    /// How many entries the slot had before this one; wraps around.
    generation: u32,
    /// The neighbours in order of use.
    older: u32,
    newer: u32,
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// An empty table for at most `max` entries (at least one, fewer than 2³²).
    #[must_use]
    pub(crate) fn new(max: usize) -> Self {
        Self {
            index: HashTable::new(),
            slots: Vec::new(),
            vacant: Vec::new(),
            oldest: NONE,
            newest: NONE,
            max: max.clamp(1, NONE as usize - 1),
            evicted: 0,
            hasher: RandomState::default(),
        }
    }

    /// The number of entries.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.index.len()
    }

    /// The number of entries evicted so far.
    #[must_use]
    pub(crate) const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Finds the entry of a key.
    pub(crate) fn find<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Handle> {
        let hash = self.hasher.hash_one(key);
        let slot = *self.index.find(hash, |&slot| self.key_at(slot).is_some_and(|k| key.equivalent(k)))?;
        Some(Handle { slot, generation: self.slots[slot as usize].generation })
    }

    /// The value of an entry; `None` if the entry is gone.
    #[must_use]
    pub(crate) fn get(&self, handle: Handle) -> Option<&V> {
        self.slot(handle)?.entry.as_ref().map(|(_, value)| value)
    }

    /// The value of an entry, to change it; `None` if the entry is gone.
    pub(crate) fn get_mut(&mut self, handle: Handle) -> Option<&mut V> {
        let slot = self.slots.get_mut(handle.slot as usize).filter(|s| s.generation == handle.generation)?;
        slot.entry.as_mut().map(|(_, value)| value)
    }

    /// The key of an entry; `None` if the entry is gone.
    #[must_use]
    pub(crate) fn key(&self, handle: Handle) -> Option<&K> {
        self.slot(handle)?.entry.as_ref().map(|(key, _)| key)
    }

    /// Inserts an entry as the newest, under a key that the table does not have. Returns its handle, and the entry that
    /// was evicted for it.
    pub(crate) fn insert(&mut self, key: K, value: V) -> (Handle, Option<(K, V)>) {
        debug_assert!(self.find(&key).is_none(), "a key is inserted once");
        let displaced = if self.index.len() < self.max { None } else { self.evict() };
        let hash = self.hasher.hash_one(&key);
        let slot = self.vacant.pop().unwrap_or_else(|| self.grow());
        self.slots[slot as usize].entry = Some((key, value));
        self.link(slot);
        self.enter(hash, slot);
        (Handle { slot, generation: self.slots[slot as usize].generation }, displaced)
    }

    /// Removes an entry.
    pub(crate) fn remove(&mut self, handle: Handle) -> Option<(K, V)> {
        let hash = self.hasher.hash_one(self.key(handle)?);
        if let Ok(found) = self.index.find_entry(hash, |&slot| slot == handle.slot) {
            found.remove();
        }
        self.unlink(handle.slot);
        self.vacant.push(handle.slot);
        let slot = &mut self.slots[handle.slot as usize];
        slot.generation = slot.generation.wrapping_add(1);
        slot.entry.take()
    }

    /// Makes an entry the newest.
    pub(crate) fn touch(&mut self, handle: Handle) {
        if self.newest != handle.slot && self.slot(handle).is_some() {
            self.unlink(handle.slot);
            self.link(handle.slot);
        }
    }

    /// Changes the limit. Returns the entries that were evicted, oldest first.
    pub(crate) fn limit(&mut self, max: usize) -> Vec<(K, V)> {
        self.max = max.clamp(1, NONE as usize - 1);
        let surplus = self.len().saturating_sub(self.max);
        (0..surplus).map_while(|_| self.evict()).collect()
    }

    /// Returns all entries, in the order of their slots, which is arbitrary.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().filter_map(|slot| slot.entry.as_ref().map(|(key, value)| (key, value)))
    }

    /// Returns all values, to change them, in the order of their slots.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut().map(|(_, value)| value))
    }

    /// Returns all entries, to change their values, in the order of their slots.
    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&K, &mut V)> {
        self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut().map(|(key, value)| (&*key, value)))
    }

    /// The values of one turn out of `of`, to change them. Every entry has exactly one turn, and keeps it for as long
    /// as it stays in the table.
    pub(crate) fn values_in_turn(&mut self, turn: usize, of: usize) -> impl Iterator<Item = &mut V> {
        let slots = self.slots.iter_mut().skip(turn % of).step_by(of);
        slots.filter_map(|slot| slot.entry.as_mut().map(|(_, value)| value))
    }

    /// Adds a slot to the index. The slot must hold its entry.
    fn enter(&mut self, hash: u64, slot: u32) {
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.index.insert_unique(hash, slot, |&s| {
            slots[s as usize].entry.as_ref().map_or(0, |(key, _)| hasher.hash_one(key))
        });
    }

    /// Removes the least recently used entry.
    fn evict(&mut self) -> Option<(K, V)> {
        let slot = self.slots.get(self.oldest as usize)?;
        let oldest = Handle { slot: self.oldest, generation: slot.generation };
        self.evicted += 1;
        self.remove(oldest)
    }

    /// Adds a slot without an entry.
    fn grow(&mut self) -> u32 {
        self.slots.push(Slot { entry: None, generation: 0, older: NONE, newer: NONE });
        // `new` keeps the table smaller than NONE.
        u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
    }

    fn slot(&self, handle: Handle) -> Option<&Slot<K, V>> {
        self.slots.get(handle.slot as usize).filter(|s| s.generation == handle.generation)
    }

    fn key_at(&self, slot: u32) -> Option<&K> {
        self.slots[slot as usize].entry.as_ref().map(|(key, _)| key)
    }

    /// Puts a slot at the newest end of the list.
    fn link(&mut self, slot: u32) {
        let older = self.newest;
        self.slots[slot as usize].older = older;
        self.slots[slot as usize].newer = NONE;
        match self.slots.get_mut(older as usize) {
            Some(neighbour) => neighbour.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }

    /// Takes a slot out of the list.
    fn unlink(&mut self, slot: u32) {
        let Slot { older, newer, .. } = self.slots[slot as usize];
        match self.slots.get_mut(older as usize) {
            Some(neighbour) => neighbour.newer = newer,
            None => self.oldest = newer,
        }
        match self.slots.get_mut(newer as usize) {
            Some(neighbour) => neighbour.older = older,
            None => self.newest = older,
        }
    }
}

impl<K, V> fmt::Debug for Table<K, V> {
    /// Shows how full the table is, and not its entries, which may be millions.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { max, evicted, .. } = self;
        f.debug_struct("Table")
            .field("len", &self.index.len())
            .field("max", max)
            .field("evicted", evicted)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_handle_to_an_evicted_entry_finds_nothing() {
        let mut table = Table::new(1);
        let (first, _) = table.insert("a", 1);
        let (second, displaced) = table.insert("b", 2);
        assert_eq!(displaced, Some(("a", 1)));
        assert_eq!((table.get(first), table.get(second), table.evicted()), (None, Some(&2), 1));
    }

    #[test]
    fn every_entry_has_one_turn() {
        let mut table = Table::new(10);
        (0..10).for_each(|key| _ = table.insert(key, key));
        table.find(&4).and_then(|handle| table.remove(handle));
        let turns: Vec<Vec<i32>> =
            (0..3).map(|turn| table.values_in_turn(turn, 3).map(|value| *value).collect()).collect();
        assert_eq!(turns, [vec![0, 3, 6, 9], vec![1, 7], vec![2, 5, 8]]);
    }

    #[derive(Clone, Debug)]
    enum Op {
        Use(u8),
        Remove(u8),
    }

    proptest! {
        #[test]
        fn a_table_agrees_with_a_list_in_order_of_use(max in 1_usize..8, ops in prop::collection::vec(
            prop_oneof![3 => (0_u8..12).prop_map(Op::Use), 1 => (0_u8..12).prop_map(Op::Remove)], 0..200)) {
            let (mut table, mut list, mut evicted) = (Table::new(max), Vec::<u8>::new(), 0);
            for op in ops {
                match op {
                    Op::Use(key) => {
                        if let Some(handle) = table.find(&key) {
                            table.touch(handle);
                            list.retain(|k| *k != key);
                        } else {
                            let (_, displaced) = table.insert(key, u32::from(key));
                            if list.len() == max {
                                prop_assert_eq!(displaced.map(|(k, _)| k), Some(list.remove(0)));
                                evicted += 1;
                            }
                        }
                        list.push(key);
                    }
                    Op::Remove(key) => {
                        let removed = table.find(&key).and_then(|h| table.remove(h));
                        prop_assert_eq!(removed.is_some(), list.contains(&key));
                        list.retain(|k| *k != key);
                    }
                }
                prop_assert_eq!(table.len(), list.len());
                prop_assert_eq!(table.evicted(), evicted);
                for key in 0..12 {
                    let found = table.find(&key).and_then(|h| table.get(h).copied());
                    prop_assert_eq!(found, list.contains(&key).then(|| u32::from(key)));
                }
            }
        }
    }
}
