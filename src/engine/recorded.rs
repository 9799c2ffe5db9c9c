//! Decisions as they are written to the audit log and read back by a replay.
//!
//! A recorded decision names partitions by topic and number rather than by the index that one process gave them, so that another
//! process and a replay understand it.

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Plan;
use crate::{
    event::{LogPosition, Source, SourceId},
    time::EventTime,
    trust::{Cause, Ceiling, Decision, Idle, Loss, Mode, ModeChange, NewLog, Scope, Skip, Trouble},
};

/// A decision, as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Recorded {
    /// A partition was declared idle or far behind, so the watermark no longer waits for it.
    Idle {
        /// The topic of the partition.
        topic: String,
        /// The number of the partition.
        partition: i32,
        /// Offset of the partition's last record handled before; null where there was none.
        after_offset: Option<u64>,
        /// The log of that offset; absent for the partition's first.
        #[serde(default, skip_serializing_if = "is_first")]
        generation: u32,
        /// The clock that the partition was given.
        until: EventTime,
    },
    /// The ceiling above a partition's stamps was raised to this machine's clock: a stamp more than 5 s after it moves no clock.
    Ceiling {
        /// The topic of the partition.
        topic: String,
        /// The number of the partition.
        partition: i32,
        /// Offset of the partition's last record handled before; null where there was none.
        after_offset: Option<u64>,
        /// The log of that offset; absent for the partition's first.
        #[serde(default, skip_serializing_if = "is_first")]
        generation: u32,
        /// This machine's clock.
        until: EventTime,
    },
    /// The service's mode changed.
    Mode {
        /// Event time from which the mode holds.
        from: EventTime,
        /// The new mode.
        mode: Mode,
        /// The reasons for the mode; empty in the normal mode.
        reasons: Vec<RecordedReason>,
    },
    /// Another log began under a partition's name: its topic was deleted and made again.
    NewLog {
        /// The topic of the partition.
        topic: String,
        /// The number of the partition.
        partition: i32,
        /// Offset of the last record handled before; null where there was none.
        after_offset: Option<u64>,
        /// The log of that offset; absent for the partition's first.
        #[serde(default, skip_serializing_if = "is_first")]
        after_generation: u32,
        /// The number of the new log.
        generation: u32,
        /// Offsets of the old log that were not read, as far as that is known.
        unread: u64,
        /// The partition's own clock at that moment; null where it had none.
        #[serde(default)]
        clock: Option<EventTime>,
    },
    /// Records of a partition were deleted before they were read.
    Loss {
        /// The topic of the partition.
        topic: String,
        /// The number of the partition.
        partition: i32,
        /// Offset of the last record handled before; null where there was none.
        after_offset: Option<u64>,
        /// The log of that offset; absent for the partition's first.
        #[serde(default, skip_serializing_if = "is_first")]
        generation: u32,
        /// The offsets that are missing.
        offsets: u64,
        /// The partition's own clock at that moment; null where it had none.
        #[serde(default)]
        clock: Option<EventTime>,
    },
    /// A record is left out, because processes of the service stopped at it.
    Skip {
        /// The topic of the partition.
        topic: String,
        /// The number of the partition.
        partition: i32,
        /// Offset of the last record handled before; null where there was none.
        after_offset: Option<u64>,
        /// The log of that offset; absent for the partition's first.
        #[serde(default, skip_serializing_if = "is_first")]
        after_generation: u32,
        /// Offset of the record.
        offset: u64,
        /// The log of the record; absent for the partition's first.
        #[serde(default, skip_serializing_if = "is_first")]
        generation: u32,
    },
    /// The settings of the detectors changed: the configuration was reloaded, or the service was started with another one.
    Settings {
        /// The last record of each partition that was handled under the settings before.
        after: Vec<Place>,
        /// The settings before.
        before: RecordedSettings,
        /// The settings from there on.
        now: RecordedSettings,
    },
}

/// How far a partition was read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The topic of the partition.
    pub topic: String,
    /// The number of the partition.
    pub partition: i32,
    /// Offset of the partition's last record handled; null where there was none.
    pub after_offset: Option<u64>,
    /// The log of that offset; absent for the partition's first.
    #[serde(default, skip_serializing_if = "is_first")]
    pub generation: u32,
}

impl Place {
    /// The position of the last record; `None` where there was none.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        joined(self.after_offset, self.generation)
    }
}

/// Settings as they are written down.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedSettings {
    /// The hash that the alerts under these settings have, after `sha256:`.
    pub config: String,
    /// The settings with the keys of the configuration file. The keys are those of the build that wrote them.
    pub settings: serde_json::Value,
}

/// Whether a log is the partition's first, which is not written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_first(generation: &u32) -> bool {
    *generation == 0
}

/// Splits a position into its offset and its log.
fn split(position: Option<u64>) -> (Option<u64>, u32) {
    position.map_or((None, 0), |position| {
        let LogPosition { generation, offset } = LogPosition::of(position);
        (Some(offset), generation)
    })
}

/// Joins an offset and its log to a position. An offset too large for a position is an error in the audit log: it counts as the
/// last of its partition.
fn joined(offset: Option<u64>, generation: u32) -> Option<u64> {
    offset.map(|offset| LogPosition { generation, offset }.packed().unwrap_or(u64::MAX))
}

/// One reason of a mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedReason {
    /// The cause.
    pub reason: Cause,
    /// Topic of the cause.
    pub topic: String,
    /// Partition of the cause.
    pub partition: i32,
    /// Offset of the partition's last record handled before.
    pub after_offset: u64,
    /// The log of that offset; absent for the partition's first.
    #[serde(default, skip_serializing_if = "is_first")]
    pub generation: u32,
    /// The partition's clock then.
    pub clock: EventTime,
    /// Magnitude: seconds, a share, or a count of gaps.
    pub value: f64,
    /// The greatest magnitude that is tolerated.
    pub limit: f64,
    /// Whether the reason pages.
    pub pages: bool,
    /// The scope of the trouble; absent if the whole partition is.
    #[serde(default, skip_serializing_if = "Scope::is_partition")]
    pub scope: Scope,
    /// Producer or symbol concerned; absent if the whole partition is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub who: Option<CompactString>,
}

impl Recorded {
    /// Whether this input belongs behind the end of what was read. `end` is the next position of a partition that is read.
    #[must_use]
    pub fn is_behind(&self, end: impl Fn(&str, i32) -> Option<LogPosition>) -> bool {
        let follows = |topic: &str, partition: i32, after: Option<u64>, generation: u32| {
            let after = after.map(|offset| LogPosition { generation, offset });
            after.zip(end(topic, partition)).is_some_and(|(after, end)| after >= end)
        };
        match self {
            Self::Idle { topic, partition, after_offset, generation, .. }
            | Self::Ceiling { topic, partition, after_offset, generation, .. }
            | Self::Loss { topic, partition, after_offset, generation, .. }
            | Self::Skip { topic, partition, after_offset, after_generation: generation, .. } => {
                follows(topic, *partition, *after_offset, *generation)
            }
            // The position is that of the old log, which may have been read to its end long before.
            Self::NewLog { topic, partition, generation, .. } => {
                end(topic, *partition).is_some_and(|end| *generation > end.generation)
            }
            // A mode holds from a time on and may be handed in before.
            Self::Mode { .. } => false,
            Self::Settings { after, .. } => {
                after.iter().any(|place| follows(&place.topic, place.partition, place.after_offset, place.generation))
            }
        }
    }

    /// Returns the written form of a decision; `None` where a source has no partition, as files have none.
    #[must_use]
    pub fn of(decision: &Decision, sources: &[Source]) -> Option<Self> {
        let name = |source: SourceId| {
            let source = sources.get(source.0 as usize)?;
            Some((source.name.clone(), source.partition?))
        };
        match decision {
            Decision::Idle(Idle { source, after_offset, until }) => {
                let (topic, partition) = name(*source)?;
                let (after_offset, generation) = split(*after_offset);
                Some(Self::Idle { topic, partition, after_offset, generation, until: *until })
            }
            Decision::Ceiling(Ceiling { source, after_offset, until }) => {
                let (topic, partition) = name(*source)?;
                let (after_offset, generation) = split(*after_offset);
                Some(Self::Ceiling { topic, partition, after_offset, generation, until: *until })
            }
            Decision::Mode(ModeChange { from, mode, troubles }) => {
                let reason = |trouble: &Trouble| {
                    let (topic, partition) = name(trouble.source)?;
                    // An example is of records alone, which a replay reads itself.
                    let Trouble { cause, source: _, after_offset, clock, value, limit, pages, scope, who, example: _ } =
                        trouble.clone();
                    let LogPosition { generation, offset: after_offset } = LogPosition::of(after_offset);
                    Some(RecordedReason {
                        reason: cause,
                        topic,
                        partition,
                        after_offset,
                        generation,
                        clock,
                        value,
                        limit,
                        pages,
                        scope,
                        who,
                    })
                };
                let reasons = troubles.iter().map(reason).collect::<Option<_>>()?;
                Some(Self::Mode { from: *from, mode: *mode, reasons })
            }
            Decision::NewLog(NewLog { source, after_offset, generation, unread, clock }) => {
                let (topic, partition) = name(*source)?;
                let (after_offset, after_generation) = split(*after_offset);
                let (generation, unread, clock) = (*generation, *unread, *clock);
                Some(Self::NewLog { topic, partition, after_offset, after_generation, generation, unread, clock })
            }
            Decision::Loss(Loss { source, after_offset, offsets, clock }) => {
                let (topic, partition) = name(*source)?;
                let (after_offset, generation) = split(*after_offset);
                let (offsets, clock) = (*offsets, *clock);
                Some(Self::Loss { topic, partition, after_offset, generation, offsets, clock })
            }
            Decision::Skip(Skip { source, after_offset, offset }) => {
                let (topic, partition) = name(*source)?;
                let (after_offset, after_generation) = split(*after_offset);
                let LogPosition { generation, offset } = LogPosition::of(*offset);
                Some(Self::Skip { topic, partition, after_offset, after_generation, offset, generation })
            }
        }
    }

    /// Returns the written form of a change from the settings of one plan to those of another, at the place where the sources were
    /// read up to `last`. `None` where a source has no partition.
    #[must_use]
    pub fn settings_change(before: &Plan, now: &Plan, last: impl Fn(SourceId) -> Option<u64>) -> Option<Self> {
        let place = |(nth, source): (usize, &Source)| {
            let (after_offset, generation) = split(last(SourceId::of_index(nth)));
            Some(Place { topic: source.name.clone(), partition: source.partition?, after_offset, generation })
        };
        let after = before.sources.iter().enumerate().map(place).collect::<Option<_>>()?;
        let recorded = |plan: &Plan| RecordedSettings { config: plan.hash(), settings: plan.settings().written() };
        Some(Self::Settings { after, before: recorded(before), now: recorded(now) })
    }

    /// Turns the written form back into a decision; `None` where it names a partition that is not among the sources, and for a change
    /// of the settings, which is no decision about a partition ([`super::Stretches`]).
    #[must_use]
    pub fn decision(self, sources: &[Source]) -> Option<Decision> {
        let find = |topic: &str, partition: i32| {
            let found = sources.iter().position(|s| s.name == topic && s.partition == Some(partition))?;
            u32::try_from(found).ok().map(SourceId)
        };
        match self {
            Self::Idle { topic, partition, after_offset, generation, until } => {
                let after_offset = joined(after_offset, generation);
                Some(Decision::Idle(Idle { source: find(&topic, partition)?, after_offset, until }))
            }
            Self::Ceiling { topic, partition, after_offset, generation, until } => {
                let (source, after_offset) = (find(&topic, partition)?, joined(after_offset, generation));
                Some(Decision::Ceiling(Ceiling { source, after_offset, until }))
            }
            Self::NewLog { topic, partition, after_offset, after_generation, generation, unread, clock } => {
                let (source, after_offset) = (find(&topic, partition)?, joined(after_offset, after_generation));
                Some(Decision::NewLog(NewLog { source, after_offset, generation, unread, clock }))
            }
            Self::Loss { topic, partition, after_offset, generation, offsets, clock } => {
                let (source, after_offset) = (find(&topic, partition)?, joined(after_offset, generation));
                Some(Decision::Loss(Loss { source, after_offset, offsets, clock }))
            }
            Self::Skip { topic, partition, after_offset, after_generation, offset, generation } => {
                let (source, after_offset) = (find(&topic, partition)?, joined(after_offset, after_generation));
                Some(Decision::Skip(Skip { source, after_offset, offset: joined(Some(offset), generation)? }))
            }
            Self::Settings { .. } => None,
            Self::Mode { from, mode, reasons } => {
                let trouble = |reason: RecordedReason| {
                    let RecordedReason {
                        reason: cause,
                        topic,
                        partition,
                        after_offset,
                        generation,
                        clock,
                        value,
                        limit,
                        pages,
                        scope,
                        who,
                    } = reason;
                    let source = find(&topic, partition)?;
                    let (after_offset, example) = (joined(Some(after_offset), generation)?, None);
                    Some(Trouble { cause, source, after_offset, clock, value, limit, pages, scope, who, example })
                };
                let troubles = reasons.into_iter().map(trouble).collect::<Option<_>>()?;
                Some(Decision::Mode(ModeChange { from, mode, troubles }))
            }
        }
    }
}
