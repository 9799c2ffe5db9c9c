//! The log that a topic's name stands for: the topic ids that the client has learned.
//!
//! A topic that is deleted and made again has another id. The client notices that with its metadata and goes on at the old offset
//! all the same, so where the new log has grown beyond that offset, its first records would be passed over in silence. The client
//! hands out the ids in no other way than in its log, as debug lines of the kind `metadata`, a few for each refresh. Where a line
//! is not understood, an id is unknown, and offsets alone show that a log is another one.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// The client's kind of debug lines that name ids.
pub const DEBUG_KIND: &str = "metadata";
/// The id of a topic that the client does not know yet: 16 zero bytes in base64.
const UNKNOWN: &str = "AAAAAAAAAAAAAAAAAAAAAA";

/// The ids of topics, and the topics that were made again.
#[derive(Debug, Default)]
pub struct TopicIds {
    known: Mutex<Known>,
    /// Whether any topic was made again: a check that needs no lock.
    changed: AtomicBool,
}

#[derive(Debug, Default)]
struct Known {
    ids: BTreeMap<String, String>,
    /// Topics whose id has changed since that was last asked for.
    remade: BTreeSet<String>,
}

impl TopicIds {
    /// Takes a line of the client's log.
    pub fn observe(&self, line: &str) {
        let Some((topic, before, id)) = change(line) else { return };
        let mut known = self.known();
        known.ids.insert(topic.to_owned(), id.to_owned());
        if before != UNKNOWN && id != UNKNOWN {
            known.remade.insert(topic.to_owned());
            self.changed.store(true, Ordering::Release);
        }
    }

    /// The id of a topic, where the client has learned it.
    #[must_use]
    pub fn of(&self, topic: &str) -> Option<String> {
        self.known().ids.get(topic).filter(|id| *id != UNKNOWN).cloned()
    }

    /// Whether a topic was made again since [`TopicIds::take_remade`].
    #[must_use]
    pub fn has_changed(&self) -> bool {
        self.changed.load(Ordering::Acquire)
    }

    /// The topics that were made again since the last call.
    pub fn take_remade(&self) -> BTreeSet<String> {
        let mut known = self.known();
        self.changed.store(false, Ordering::Release);
        std::mem::take(&mut known.remade)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The topic whose id changes by a line, with the ids before and after.
fn change(line: &str) -> Option<(&str, &str, &str)> {
    let (head, ids) = line.split_once(" changed id from ")?;
    // The line may begin with the thread's name.
    let (_, topic) = head.rsplit_once("Topic ")?;
    let (before, after) = ids.split_once(" to ")?;
    Some((topic, before, after.trim_end()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_was_made_again_when_an_id_that_was_known_changes() {
        let ids = TopicIds::default();
        ids.observe("[thrd:main]: Topic md.a changed id from AAAAAAAAAAAAAAAAAAAAAA to 4eDCpuL0TtSYxJ1X9KaBZw");
        assert_eq!((ids.of("md.a").as_deref(), ids.has_changed()), (Some("4eDCpuL0TtSYxJ1X9KaBZw"), false));
        ids.observe("[thrd:main]: Topic md.a [0] Leader 0 Epoch 0");
        ids.observe("[thrd:main]: Topic md.a changed id from 4eDCpuL0TtSYxJ1X9KaBZw to Hq1yGTjhQ5e5m7AVqmVCVQ");
        assert!(ids.has_changed());
        assert_eq!(ids.take_remade(), BTreeSet::from(["md.a".to_owned()]));
        assert_eq!((ids.of("md.a").as_deref(), ids.has_changed()), (Some("Hq1yGTjhQ5e5m7AVqmVCVQ"), false));
        assert_eq!(ids.of("md.b"), None);
    }
}
