//! The encoding of a table in a snapshot: its entries from the oldest on, each with its handle, and its vacant slots in
//! the order in which they became vacant.
//!
//! The rest of the state keeps handles to entries, so slots and generations are encoded. The index by hash is not
//! encoded, but built again, with another seed. Decoding checks everything, because a snapshot comes from outside and
//! may be damaged.

use std::hash::{BuildHasher, Hash};

use hashbrown::HashTable;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Handle, NONE, Slot, Table};

/// The encoded form; `E` is an entry with its handle.
#[derive(Serialize, Deserialize)]
struct Encoded<E> {
    max: usize,
    evicted: u64,
    entries: Vec<E>,
    vacant: Vec<Handle>,
}

impl<K: Serialize, V: Serialize> Serialize for Table<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut entries = Vec::with_capacity(self.index.len());
        let mut next = self.oldest;
        while let Some(slot) = self.slots.get(next as usize) {
            let handle = Handle { slot: next, generation: slot.generation };
            entries.extend(slot.entry.as_ref().map(|(key, value)| (handle, key, value)));
            next = slot.newer;
        }
        let vacant = self.vacant.iter().map(|&slot| Handle { slot, generation: self.slots[slot as usize].generation });
        Encoded { max: self.max, evicted: self.evicted, entries, vacant: vacant.collect() }.serialize(serializer)
    }
}

impl<'de, K: Hash + Eq + Deserialize<'de>, V: Deserialize<'de>> Deserialize<'de> for Table<K, V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let encoded = Encoded::<(Handle, K, V)>::deserialize(deserializer)?;
        Self::decode(encoded).map_err(D::Error::custom)
    }
}

impl<K: Hash + Eq, V> Table<K, V> {
    /// Builds the table. The error says how the encoded form contradicts itself.
    fn decode(encoded: Encoded<(Handle, K, V)>) -> Result<Self, &'static str> {
        let Encoded { max, evicted, entries, vacant } = encoded;
        let (held, total) = (entries.len(), entries.len() + vacant.len());
        if held > max || max >= NONE as usize || total >= NONE as usize {
            return Err("a table with more entries or slots than it may have");
        }
        let mut table = Self { evicted, index: HashTable::with_capacity(held), ..Self::new(max) };
        table.slots.resize_with(total, || Slot { entry: None, generation: 0, older: NONE, newer: NONE });
        // There are as many handles as slots: if no slot occurs twice, every slot occurs once.
        let mut used = vec![false; total];
        let mut claim = |handle: Handle| match used.get_mut(handle.slot as usize) {
            Some(used) if !*used => {
                *used = true;
                Ok(())
            }
            Some(_) | None => Err("a table with a slot that is out of range or used twice"),
        };
        for handle in &vacant {
            claim(*handle)?;
            table.slots[handle.slot as usize].generation = handle.generation;
        }
        table.vacant = vacant.into_iter().map(|handle| handle.slot).collect();
        for (handle, key, value) in entries {
            claim(handle)?;
            table.restore(handle, key, value)?;
        }
        Ok(table)
    }

    /// Puts an entry into its slot, as the newest.
    fn restore(&mut self, handle: Handle, key: K, value: V) -> Result<(), &'static str> {
        if self.find(&key).is_some() {
            return Err("a table with the same key twice");
        }
        let hash = self.hasher.hash_one(&key);
        let slot = &mut self.slots[handle.slot as usize];
        (slot.entry, slot.generation) = (Some((key, value)), handle.generation);
        self.link(handle.slot);
        self.enter(hash, handle.slot);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Op {
        Use(u8),
        Remove(u8),
        /// Encode and decode the table.
        Restart,
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![6 => (0_u8..12).prop_map(Op::Use), 2 => (0_u8..12).prop_map(Op::Remove), 1 => Just(Op::Restart)]
    }

    fn encoded(table: &Table<u8, u8>) -> Vec<u8> {
        postcard::to_allocvec(table).unwrap()
    }

    fn restarted(table: &Table<u8, u8>) -> Table<u8, u8> {
        postcard::from_bytes(&encoded(table)).unwrap()
    }

    fn apply(table: &mut Table<u8, u8>, op: &Op) {
        match *op {
            Op::Use(key) => match table.find(&key) {
                Some(handle) => table.touch(handle),
                None => drop(table.insert(key, key)),
            },
            Op::Remove(key) => drop(table.find(&key).and_then(|handle| table.remove(handle))),
            Op::Restart => *table = restarted(table),
        }
    }

    proptest! {
        #[test]
        fn a_table_behaves_the_same_after_it_was_encoded_and_decoded(
            max in 1_usize..8,
            ops in prop::collection::vec(op(), 0..200),
            smaller in 1_usize..8,
        ) {
            let (mut kept, mut decoded) = (Table::new(max), Table::new(max));
            for op in ops {
                apply(&mut decoded, &op);
                if !matches!(op, Op::Restart) {
                    apply(&mut kept, &op);
                }
                for key in 0..12 {
                    prop_assert_eq!(kept.find(&key), decoded.find(&key));
                }
                prop_assert_eq!(encoded(&kept), encoded(&decoded));
            }
            let mut decoded = restarted(&kept);
            prop_assert_eq!(kept.limit(smaller), decoded.limit(smaller));
            prop_assert!(kept.len() <= smaller);
            prop_assert_eq!(encoded(&kept), encoded(&decoded));
        }

        #[test]
        fn any_bytes_decode_to_a_working_table_or_an_error(
            bytes in prop::collection::vec(prop_oneof![0_u8..6, any::<u8>()], 0..40)
        ) {
            if let Ok(mut table) = postcard::from_bytes::<Table<u8, ()>>(&bytes) {
                let held = table.len();
                prop_assert!(held <= bytes.len());
                if table.find(&u8::MAX).is_none() {
                    let (handle, displaced) = table.insert(u8::MAX, ());
                    prop_assert_eq!(table.find(&u8::MAX), Some(handle));
                    prop_assert_eq!(table.len(), held + usize::from(displaced.is_none()));
                }
            }
        }
    }

    #[test]
    fn an_encoded_table_that_contradicts_itself_is_refused() {
        let entry = |slot, key: u8| (Handle { slot, generation: 0 }, key, ());
        let vacant = |slot| Handle { slot, generation: 1 };
        let decodes = |max, entries, vacant| {
            let bytes = postcard::to_allocvec(&Encoded { max, evicted: 0, entries, vacant }).unwrap();
            postcard::from_bytes::<Table<u8, ()>>(&bytes).is_ok()
        };
        assert!(decodes(2, vec![entry(1, 7), entry(0, 8)], vec![vacant(2)]));
        assert!(!decodes(1, vec![entry(1, 7), entry(0, 8)], vec![vacant(2)]), "too many");
        assert!(!decodes(2, vec![entry(1, 7), entry(1, 8)], vec![vacant(0)]), "a slot twice");
        assert!(!decodes(2, vec![entry(1, 7), entry(0, 7)], vec![]), "a key twice");
        assert!(!decodes(2, vec![entry(0, 7)], vec![vacant(0)]), "held and vacant");
        assert!(!decodes(2, vec![entry(3, 7)], vec![]), "a slot that is not there");
    }
}
