//! The inputs that are no records, as they are written to the audit log and read back by a replay.
//!
//! Wall-clock facts reach the engine only as inputs ([`Idle`], [`ModeChange`]). They name partitions by topic and number rather
//! than by the index that one process gave them, so that another process and a replay understand them.

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input::{Idle, Input};
use crate::{
    event::{Source, SourceId},
    time::EventTime,
    trust::{Cause, Mode, ModeChange, Trouble},
};

/// An input that the service decided on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Recorded {
    /// A partition had nothing for so long that the others went on without it.
    Idle {
        /// Its topic.
        topic: String,
        /// Its number.
        partition: i32,
        /// The last record of it that was handled before; null where there was none.
        after_offset: Option<u64>,
        /// What its clock became.
        until: EventTime,
    },
    /// The service's mode changed.
    Mode {
        /// From which event time on.
        from: EventTime,
        /// Into which.
        mode: Mode,
        /// Why; none in the normal mode.
        reasons: Vec<RecordedReason>,
    },
}

/// One reason of a mode.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RecordedReason {
    /// What is wrong.
    pub reason: Cause,
    /// With which topic.
    pub topic: String,
    /// With which partition of it.
    pub partition: i32,
    /// The last record of it that was handled before.
    pub after_offset: u64,
    /// Its clock then.
    pub clock: EventTime,
    /// How much: seconds, or a share; gaps are counted.
    pub value: f64,
    /// How much is tolerated.
    pub limit: f64,
    /// Whether it pages.
    pub pages: bool,
    /// Which producer or symbol, where it is not all of the partition.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub who: Option<CompactString>,
}

impl Recorded {
    /// As it is written. `None` for a record, which its topic keeps, and for what names no source.
    #[must_use]
    pub fn of(input: &Input<'_>, sources: &[Source]) -> Option<Self> {
        let name = |source: SourceId| {
            let source = sources.get(source.0 as usize)?;
            Some((source.name.clone(), source.partition?))
        };
        match input {
            Input::Record(_) => None,
            Input::Idle(Idle { source, after_offset, until }) => {
                let (topic, partition) = name(*source)?;
                Some(Self::Idle { topic, partition, after_offset: *after_offset, until: *until })
            }
            Input::Mode(ModeChange { from, mode, troubles }) => {
                let reason = |trouble: &Trouble| {
                    let (topic, partition) = name(trouble.source)?;
                    let Trouble { cause, source: _, after_offset, clock, value, limit, pages, who } = trouble.clone();
                    Some(RecordedReason {
                        reason: cause,
                        topic,
                        partition,
                        after_offset,
                        clock,
                        value,
                        limit,
                        pages,
                        who,
                    })
                };
                let reasons = troubles.iter().map(reason).collect::<Option<_>>()?;
                Some(Self::Mode { from: *from, mode: *mode, reasons })
            }
        }
    }

    /// The input again. `None` where it names a partition that is not among the sources.
    #[must_use]
    pub fn input(self, sources: &[Source]) -> Option<Input<'static>> {
        let find = |topic: &str, partition: i32| {
            let found = sources.iter().position(|s| s.name == topic && s.partition == Some(partition))?;
            u32::try_from(found).ok().map(SourceId)
        };
        match self {
            Self::Idle { topic, partition, after_offset, until } => {
                Some(Input::Idle(Idle { source: find(&topic, partition)?, after_offset, until }))
            }
            Self::Mode { from, mode, reasons } => {
                let trouble = |reason: RecordedReason| {
                    let RecordedReason {
                        reason: cause,
                        topic,
                        partition,
                        after_offset,
                        clock,
                        value,
                        limit,
                        pages,
                        who,
                    } = reason;
                    let source = find(&topic, partition)?;
                    Some(Trouble { cause, source, after_offset, clock, value, limit, pages, who })
                };
                let troubles = reasons.into_iter().map(trouble).collect::<Option<_>>()?;
                Some(Input::Mode(ModeChange { from, mode, troubles }))
            }
        }
    }
}
