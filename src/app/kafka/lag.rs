//! The end of each partition, as the client hears it with the records that it fetches anyway.
//!
//! librdkafka tells once a second what the brokers last said, so lag costs no question of our own. While it fetches nothing
//! (the queue is full, a partition is paused) it asks for the end every 10 s itself: so old the number may be then.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use rdkafka::statistics::{Partition, Statistics};

/// How often the client tells.
pub const EVERY_MS: &str = "1000";

/// What is known of each partition.
#[derive(Debug, Default)]
pub struct Ends(Mutex<BTreeMap<String, BTreeMap<i32, End>>>);

/// The end of one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct End {
    /// The offset after the last record that a reader of committed records may see.
    offset: i64,
    /// Whether everything up to there was handed to this process. Only so is the end known to be reached where the last
    /// offsets are markers of transactions, which are never handed out.
    drained: bool,
}

impl End {
    fn of(partition: &Partition) -> Option<Self> {
        let offset = if partition.ls_offset >= 0 { partition.ls_offset } else { partition.hi_offset };
        let drained = partition.next_offset >= offset && partition.fetchq_cnt == 0;
        (offset >= 0).then_some(Self { offset, drained })
    }

    /// How many offsets are left for one who is to take `next`. `idle`: nothing that was handed out waits.
    #[must_use]
    pub fn lag(self, next: i64, idle: bool) -> i64 {
        if self.drained && idle { 0 } else { (self.offset - next).max(0) }
    }
}

impl Ends {
    /// Takes what the client tells.
    pub fn take(&self, statistics: &Statistics) {
        let mut ends = self.ends();
        for (name, topic) in statistics.topics.iter().collect::<BTreeMap<_, _>>() {
            let told = topic.partitions.iter().filter_map(|(number, partition)| Some((*number, End::of(partition)?)));
            ends.entry(name.clone()).or_default().extend(told);
        }
    }

    /// What was told of a partition, if anything.
    #[must_use]
    pub fn of(&self, topic: &str, number: i32) -> Option<End> {
        self.ends().get(topic)?.get(&number).copied()
    }

    /// Forgets what was told.
    pub fn forget(&self) {
        self.ends().clear();
    }

    fn ends(&self) -> MutexGuard<'_, BTreeMap<String, BTreeMap<i32, End>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(json: &str) -> Option<End> {
        // The client tells some forty numbers; those that are not looked at are all the same here.
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
        let told: serde_json::Value = serde_json::from_str(json).unwrap();
        all.as_object_mut().unwrap().extend(told.as_object().unwrap().clone());
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
