//! The sources of a restore, and the state with which it begins.

use crate::{
    app::{
        Interrupt,
        kafka::{
            consumer::Handle,
            state::{PartitionOffset, Slot},
            topics::Range,
        },
        plan,
    },
    config::Config,
    engine::{Engine, Plan, Settings},
};

/// The sources of a restore.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    pub config: &'a Config,
    /// A consumer of the group, which need not be a member.
    pub reader: &'a Handle,
    /// The input's partitions, sorted.
    pub partitions: &'a [(String, i32)],
    pub interrupt: &'a Interrupt,
}

/// The state with which reading again begins.
pub struct Begin {
    /// An engine, and the positions up to which it has read; `None`: the input is read from its first offset.
    pub base: Option<(Engine, Vec<PartitionOffset>)>,
    /// The slot of the next snapshot.
    pub slot: Slot,
    /// Whether the state began with a snapshot in the topic.
    pub from_snapshot: bool,
}

/// Returns the plan of an engine under these settings.
pub fn plan_under(config: &Config, ranges: &[Range], settings: Settings) -> Plan {
    plan::of_partitions(config, ranges, Some(config.topics.audit.as_str()), &[]).with(settings)
}
