//! The end of each partition, which the client learns with the records that it fetches.
//!
//! librdkafka reports once a second what the brokers' last answers contained, so lag costs no request of our own. While it fetches
//! nothing (the queue is full, or a partition is paused), it asks for the end every 10 s by itself, and the number may be that
//! old.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rdkafka::statistics::{Partition, Statistics};

/// How often the client reports, in milliseconds.
pub const EVERY_MS: &str = "1000";

/// The reported ends, by topic and partition.
#[derive(Debug, Default)]
pub struct Ends {
    ends: Mutex<BTreeMap<String, BTreeMap<i32, End>>>,
    /// The partitions that exist, of the topics that the client reads, as last reported.
    existing: Mutex<Vec<(String, i32)>>,
}

/// The end of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The offset after the last record that a reader of committed records may see.
    offset: i64,
    /// Whether the client has returned every record up to that offset. The last offsets may be transaction markers, which are never
    /// returned, so only this shows that the end is reached.
    drained: bool,
}

impl End {
    fn of(partition: &Partition) -> Option<Self> {
        let offset = if partition.ls_offset >= 0 { partition.ls_offset } else { partition.hi_offset };
        let drained = partition.next_offset >= offset && partition.fetchq_cnt == 0;
        (offset >= 0).then_some(Self { offset, drained })
    }

    /// Number of offsets left where `next` is to be handled next. `idle`: every record that the client has returned was handled.
    #[must_use]
    pub fn lag(self, next: i64, idle: bool) -> i64 {
        if self.drained && idle { 0 } else { (self.offset - next).max(0) }
    }
}

impl Ends {
    /// Stores the ends that the client reports.
    pub fn take(&self, statistics: &Statistics) {
        let mut ends = self.ends();
        for (name, topic) in statistics.topics.iter().collect::<BTreeMap<_, _>>() {
            let known = topic.partitions.iter().filter_map(|(number, partition)| Some((*number, End::of(partition)?)));
            ends.entry(name.clone()).or_default().extend(known);
        }
        *self.existing.lock().unwrap_or_else(PoisonError::into_inner) = existing(statistics);
    }

    /// The partitions that exist, of the topics that the client reads.
    #[must_use]
    pub fn existing(&self) -> Vec<(String, i32)> {
        self.existing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The end of a partition, if it was reported.
    #[must_use]
    pub fn of(&self, topic: &str, number: i32) -> Option<End> {
        self.ends().get(topic)?.get(&number).copied()
    }

    /// Discards the reported ends.
    pub fn forget(&self) {
        self.ends().clear();
    }

    fn ends(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<i32, End>>> {
        self.ends.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Returns the partitions that the client knows from the brokers, sorted. The number −1 is left out: it is the client's own queue
/// for records without a partition.
fn existing(statistics: &Statistics) -> Vec<(String, i32)> {
    let all = statistics.topics.iter().flat_map(|(name, topic)| {
        let known = topic.partitions.iter().filter(|(number, partition)| **number >= 0 && !partition.unknown);
        known.map(|(number, _)| (name.clone(), *number))
    });
    let mut all: Vec<(String, i32)> = all.collect();
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(json: &str) -> Option<End> {
        // The client reports some forty numbers; those that are not read are all 0 here.
        let mut all = serde_json::json!({"partition":0,"broker":1,"leader":1,"desired":true,"unknown":false});
        for key in [
            "msgq_cnt",
            "msgq_bytes",
            "xmit_msgq_cnt",
            "xmit_msgq_bytes",
            "fetchq_size",
            "query_offset",
            "app_offset",
            "stored_offset",
            "commited_offset",
            "committed_offset",
            "eof_offset",
            "lo_offset",
            "consumer_lag",
            "consumer_lag_stored",
            "txmsgs",
            "txbytes",
            "rxmsgs",
            "rxbytes",
            "msgs",
            "rx_ver_drops",
            "msgs_inflight",
            "next_ack_seq",
            "next_err_seq",
            "acked_msgid",
            "stored_leader_epoch",
            "committed_leader_epoch",
            "leader_epoch",
        ] {
            all[key] = serde_json::json!(0);
        }
        all["fetch_state"] = serde_json::json!("active");
        let reported: serde_json::Value = serde_json::from_str(json).unwrap();
        all.as_object_mut().unwrap().extend(reported.as_object().unwrap().clone());
        End::of(&serde_json::from_value(all).unwrap())
    }

    #[test]
    fn the_end_is_that_of_committed_records() {
        let end = end(r#"{"hi_offset":100,"ls_offset":90,"next_offset":50,"fetchq_cnt":3}"#).unwrap();
        assert_eq!(end.lag(40, true), 50);
        assert_eq!(end.lag(95, true), 0);
    }

    #[test]
    fn markers_at_the_end_are_no_lag_once_nothing_waits() {
        let end = end(r#"{"hi_offset":100,"ls_offset":100,"next_offset":100,"fetchq_cnt":0}"#).unwrap();
        assert_eq!(end.lag(99, true), 0);
        assert_eq!(end.lag(99, false), 1);
    }

    #[test]
    fn before_the_first_fetch_nothing_is_known() {
        assert_eq!(end(r#"{"hi_offset":-1001,"ls_offset":-1001,"next_offset":0,"fetchq_cnt":0}"#), None);
    }
}
