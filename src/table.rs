//! A table with a limit: what was used longest ago makes room, and is counted.
//!
//! Symbols, accounts and orders come from outside and without end, so every table of them is bounded. Entries sit in slots and
//! form a list by age; a [`Handle`] names a slot and its generation, so a handle to an evicted entry finds nothing instead of
//! its successor. Nothing iterates in hash order, so the seed of the hash never shows in a result.
//!
//! It is not a cache: it loads nothing, and the caller decides what use means by calling [`Table::touch`].

mod written;

use std::{
    fmt,
    hash::{BuildHasher, Hash},
};

use foldhash::fast::RandomState;
use hashbrown::{Equivalent, HashTable};
use serde::{Deserialize, Serialize};

/// No slot: the end of the age list.
const NONE: u32 = u32::MAX;

/// Names one entry for as long as it stays in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Handle {
    slot: u32,
    generation: u32,
}

impl Handle {
    /// Where among the slots it is: for what is kept beside the table, column by column.
    #[must_use]
    pub const fn place(self) -> usize {
        self.slot as usize
    }
}

/// Entries by key, at most `max` of them, in order of use.
#[derive(Clone)]
pub struct Table<K, V> {
    index: HashTable<u32>,
    slots: Vec<Slot<K, V>>,
    vacant: Vec<u32>,
    oldest: u32,
    newest: u32,
    max: usize,
    evicted: u64,
    hasher: RandomState,
}

#[derive(Clone)]
struct Slot<K, V> {
    entry: Option<(K, V)>,
    generation: u32,
    older: u32,
    newer: u32,
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// An empty table for at most `max` entries (at least one, fewer than 2³²).
    #[must_use]
    pub fn new(max: usize) -> Self {
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

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// How many entries had to make room so far.
    #[must_use]
    pub const fn evicted(&self) -> u64 {
        self.evicted
    }

    /// The entry of a key.
    pub fn find<Q: Hash + Equivalent<K> + ?Sized>(&self, key: &Q) -> Option<Handle> {
        let hash = self.hasher.hash_one(key);
        let slot = *self.index.find(hash, |&slot| self.key_at(slot).is_some_and(|k| key.equivalent(k)))?;
        Some(Handle { slot, generation: self.slots[slot as usize].generation })
    }

    /// The value, unless its entry is gone.
    #[must_use]
    pub fn get(&self, handle: Handle) -> Option<&V> {
        self.slot(handle)?.entry.as_ref().map(|(_, value)| value)
    }

    /// The value to change, unless its entry is gone.
    pub fn get_mut(&mut self, handle: Handle) -> Option<&mut V> {
        let slot = self.slots.get_mut(handle.slot as usize).filter(|s| s.generation == handle.generation)?;
        slot.entry.as_mut().map(|(_, value)| value)
    }

    /// The key, unless its entry is gone.
    #[must_use]
    pub fn key(&self, handle: Handle) -> Option<&K> {
        self.slot(handle)?.entry.as_ref().map(|(key, _)| key)
    }

    /// Adds an entry under a key that is not there yet, as the newest. Returns what had to make room for it.
    pub fn insert(&mut self, key: K, value: V) -> (Handle, Option<(K, V)>) {
        debug_assert!(self.find(&key).is_none(), "a key is inserted once");
        let displaced = if self.index.len() < self.max { None } else { self.evict() };
        let hash = self.hasher.hash_one(&key);
        let slot = self.vacant.pop().unwrap_or_else(|| self.grow());
        self.slots[slot as usize].entry = Some((key, value));
        self.link(slot);
        self.enter(hash, slot);
        (Handle { slot, generation: self.slots[slot as usize].generation }, displaced)
    }

    /// Takes an entry out.
    pub fn remove(&mut self, handle: Handle) -> Option<(K, V)> {
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
    pub fn touch(&mut self, handle: Handle) {
        if self.newest != handle.slot && self.slot(handle).is_some() {
            self.unlink(handle.slot);
            self.link(handle.slot);
        }
    }

    /// Lets it hold at most so many from now on. Returns those that had to make room, oldest first.
    pub fn limit(&mut self, max: usize) -> Vec<(K, V)> {
        self.max = max.clamp(1, NONE as usize - 1);
        let surplus = self.len().saturating_sub(self.max);
        (0..surplus).map_while(|_| self.evict()).collect()
    }

    /// All entries, in no order that means anything.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.slots.iter().filter_map(|slot| slot.entry.as_ref().map(|(key, value)| (key, value)))
    }

    /// All values to change, in no order that means anything.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut V> {
        self.slots.iter_mut().filter_map(|slot| slot.entry.as_mut().map(|(_, value)| value))
    }

    /// One in `of` of all values to change: those whose turn it is, where every entry has one turn in `of`, and keeps it for as long
    /// as it stays in its table.
    pub fn values_in_turn(&mut self, turn: usize, of: usize) -> impl Iterator<Item = &mut V> {
        let slots = self.slots.iter_mut().skip(turn % of).step_by(of);
        slots.filter_map(|slot| slot.entry.as_mut().map(|(_, value)| value))
    }

    /// Enters a slot that holds its entry into the index.
    fn enter(&mut self, hash: u64, slot: u32) {
        let (slots, hasher) = (&self.slots, &self.hasher);
        self.index.insert_unique(hash, slot, |&s| {
            slots[s as usize].entry.as_ref().map_or(0, |(key, _)| hasher.hash_one(key))
        });
    }

    fn evict(&mut self) -> Option<(K, V)> {
        let slot = self.slots.get(self.oldest as usize)?;
        let oldest = Handle { slot: self.oldest, generation: slot.generation };
        self.evicted += 1;
        self.remove(oldest)
    }

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
    /// How full it is; what it holds may be millions.
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
        fn it_agrees_with_a_list_in_order_of_use(max in 1_usize..8, ops in prop::collection::vec(
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
