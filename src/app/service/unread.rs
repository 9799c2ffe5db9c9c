//! Partitions of the input that exist and are not read: new ones that the group has yet to assign, and any that it leaves out.
//!
//! The client names the partitions of the topics that it reads in its statistics, once a second and without a request of its own.
//! A topic that a pattern matches is known to it only once it is assigned.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use rdkafka::consumer::Consumer as _;

use super::partitions::Partition;
use crate::{
    app::{clock, kafka::consumer::Handle},
    event::SourceId,
    trust::Unread,
};

/// How often unread partitions are looked for: as often as the client reports.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// How long a partition may be unread before that is reported: the group assigns a new one within two seconds, and it must be
/// reported within ten.
const UNREAD_MAX: Duration = Duration::from_secs(5);
/// The time limit of all questions to brokers in one look, and of each of them: the flow waits meanwhile.
const ASK_MAX: Duration = Duration::from_millis(100);
/// The most partitions that are reported: the longest list in an alert (CONTRACT). The metric counts all.
const REPORTED_MAX: usize = 20;

/// The partitions that are not read, and since when.
#[derive(Debug)]
pub struct UnreadPartitions {
    look_at: Instant,
    since: BTreeMap<(String, i32), Sighting>,
}

/// A partition that is not read.
#[derive(Clone, Copy, Debug)]
struct Sighting {
    since: Instant,
    /// The number of offsets that it holds, once a broker has reported it.
    holds: Option<u64>,
}

impl UnreadPartitions {
    /// Begins without any unread partition.
    pub const fn new(now: Instant) -> Self {
        Self { look_at: now, since: BTreeMap::new() }
    }

    /// The number of unread partitions at the last look.
    pub fn len(&self) -> usize {
        self.since.len()
    }

    /// Looks for unread partitions, if a look is due. Returns those that have been unread for too long.
    pub fn look(&mut self, now: Instant, partitions: &[Partition], reader: &Handle) -> Option<Vec<Unread>> {
        if now < self.look_at {
            return None;
        }
        self.look_at = now + LOOK_EVERY;
        let is_read = |topic: &str, number: i32| {
            partitions.iter().any(|known| known.topic == topic && known.number == number && known.is_there())
        };
        let mut existing = reader.context().ends.existing();
        existing.retain(|(topic, number)| !is_read(topic, *number));
        self.see(now, existing);
        let reported: Vec<(String, i32)> = self.overdue(now).take(REPORTED_MAX).cloned().collect();
        let give_up_at = now + ASK_MAX;
        for partition in &reported {
            if let Some(sighting) = self.since.get_mut(partition).filter(|sighting| sighting.holds.is_none())
                && clock::monotonic() < give_up_at
            {
                sighting.holds = held(reader, partition);
            }
        }
        Some(reported.iter().map(|partition| self.unread(partition, partitions)).collect())
    }

    /// Notes which partitions are unread at a time.
    fn see(&mut self, now: Instant, unread: Vec<(String, i32)>) {
        self.since.retain(|partition, _| unread.contains(partition));
        for (topic, partition) in unread {
            self.since.entry((topic, partition)).or_insert_with_key(|(topic, partition)| {
                tracing::info!(topic, partition, "a partition is not read yet");
                Sighting { since: now, holds: None }
            });
        }
    }

    /// Returns the partitions that have been unread for too long.
    fn overdue(&self, now: Instant) -> impl Iterator<Item = &(String, i32)> {
        let is_overdue = move |sighting: &Sighting| now.duration_since(sighting.since) >= UNREAD_MAX;
        self.since.iter().filter(move |(_, sighting)| is_overdue(sighting)).map(|(partition, _)| partition)
    }

    /// Makes the report of an unread partition, beside one that is read: of the same topic, or of another if there is none.
    fn unread(&self, (topic, number): &(String, i32), partitions: &[Partition]) -> Unread {
        let beside = partitions.iter().position(|known| known.topic == *topic).unwrap_or(0);
        let holds = self.since.get(&(topic.clone(), *number)).and_then(|sighting| sighting.holds).unwrap_or(0);
        Unread { name: format!("{topic}:{number}").into(), beside: SourceId::of_index(beside), offsets: holds }
    }
}

/// Returns the number of offsets that a partition holds, if its broker answers soon enough.
fn held(reader: &Handle, (topic, number): &(String, i32)) -> Option<u64> {
    match reader.fetch_watermarks(topic, *number, ASK_MAX) {
        Ok((low, high)) => u64::try_from(high - low).ok(),
        Err(error) => {
            tracing::debug!(%error, topic, partition = number, "what an unread partition holds is not known yet");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_is_overdue_after_five_seconds_without_being_read_in_between() {
        let start = clock::monotonic();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut unread = UnreadPartitions::new(start);
        let list = |numbers: &[i32]| numbers.iter().map(|&number| ("t".to_owned(), number)).collect::<Vec<_>>();
        let overdue =
            |unread: &UnreadPartitions, second| unread.overdue(at(second)).map(|(_, number)| *number).collect();
        unread.see(at(0), list(&[1, 2]));
        unread.see(at(3), list(&[2]));
        unread.see(at(4), list(&[1, 2]));
        assert_eq!((unread.len(), overdue(&unread, 4)), (2, Vec::new()));
        let reported: Vec<i32> = overdue(&unread, 5);
        assert_eq!(reported, [2]);
        let reported: Vec<i32> = overdue(&unread, 9);
        assert_eq!(reported, [1, 2]);
        unread.see(at(10), Vec::new());
        assert_eq!(unread.len(), 0);
    }
}
