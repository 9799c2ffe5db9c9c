//! The layout of output topics: partitions, replication and retention.
//!
//! The broker decides what is not set, but for partitions: one, so that a reader sees all records in order.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::setting::{Invalid, check_range};

/// Range of the partitions of a topic: the greatest number is more than anybody advises.
const PARTITIONS: std::ops::RangeInclusive<u32> = 1..=10_000;
/// Range of the replicas: each is on another broker, and no cluster has a hundred.
const REPLICATION: std::ops::RangeInclusive<u32> = 1..=100;
/// Range of the retention in hours: from an hour to a century.
const RETENTION_H: std::ops::RangeInclusive<u64> = 1..=876_000;

/// See [`RawKafka::topics`](super::raw::RawKafka::topics).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawTopicLayouts {
    /// The topic of alerts. Alerts are keyed by incident, so it may have several partitions.
    pub alerts: RawLayout,
    /// The topic of rejected records.
    pub dead_letter: RawLayout,
    /// The topic of the service's own decisions: one partition, because they are read in order.
    pub audit: RawLayout,
    /// The topic of snapshots: one partition, and compacted, so it has no retention.
    pub state: RawLayout,
    /// The topic of signs of life: one partition, and compacted.
    pub view: RawLayout,
}

/// The layout of one topic.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RawLayout {
    /// Partitions; 1 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub partitions: Option<u32>,
    /// Replicas of each partition; the broker's default where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replication: Option<u32>,
    /// Hours for which records are kept; the broker's default where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_h: Option<u64>,
}

/// The layout of a topic as far as the configuration says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicLayout {
    /// Partitions.
    pub partitions: Option<i32>,
    /// Replicas of each partition.
    pub replication: Option<i32>,
    /// How long records are kept.
    pub retention: Option<Duration>,
}

/// The layouts of all output topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TopicLayouts {
    /// The layout of the topic of alerts.
    pub alerts: TopicLayout,
    /// The layout of the topic of rejected records.
    pub dead_letter: TopicLayout,
    /// The layout of the topic of the service's own decisions.
    pub audit: TopicLayout,
    /// The layout of the topic of snapshots.
    pub state: TopicLayout,
    /// The layout of the topic of signs of life.
    pub view: TopicLayout,
}

impl RawTopicLayouts {
    /// Checks every layout.
    pub(super) fn valid(&self) -> Result<TopicLayouts, Invalid> {
        let Self { alerts, dead_letter, audit, state, view } = self;
        let layout = |key, layout: &RawLayout| layout.valid().map_err(|invalid| invalid.within(key));
        let ordered = |key, layout: &RawLayout| match layout.partitions {
            Some(1) | None => Ok(()),
            Some(_) => Err(Invalid::new("partitions", "expected 1: its records are read in order").within(key)),
        };
        let compacted = |key, layout: &RawLayout| match layout.retention_h {
            None => ordered(key, layout),
            Some(_) => Err(Invalid::new("retention_h", "not here: the topic is compacted").within(key)),
        };
        ordered("audit", audit)?;
        compacted("state", state)?;
        compacted("view", view)?;
        Ok(TopicLayouts {
            alerts: layout("alerts", alerts)?,
            dead_letter: layout("dead_letter", dead_letter)?,
            audit: layout("audit", audit)?,
            state: layout("state", state)?,
            view: layout("view", view)?,
        })
    }
}

impl RawLayout {
    fn valid(&self) -> Result<TopicLayout, Invalid> {
        let count = |key, value: Option<u32>, range| {
            let checked = value.map(|value| check_range(key, &value, range).map(|()| value)).transpose()?;
            Ok(checked.map(|value| i32::try_from(value).expect("a number within its range")))
        };
        if let Some(hours) = self.retention_h {
            check_range("retention_h", &hours, &RETENTION_H)?;
        }
        Ok(TopicLayout {
            partitions: count("partitions", self.partitions, &PARTITIONS)?,
            replication: count("replication", self.replication, &REPLICATION)?,
            retention: self.retention_h.map(Duration::from_hours),
        })
    }
}
