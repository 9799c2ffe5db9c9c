//! Partitions of the input that exist and are not read, as troubles.
//!
//! Such a partition has no record that was handled and is no source of the engine's. So it is told beside one that is read, and
//! named.

use std::time::Duration;

use compact_str::CompactString;

use super::{Cause, Scope, Trouble};
use crate::{event::SourceId, time::EventTime};

/// A partition of the input that exists and is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// Its name.
    pub name: CompactString,
    /// A partition that is read beside it: of the same topic, if there is one.
    pub beside: SourceId,
    /// How many offsets it holds, as far as is known.
    pub offsets: u64,
}

/// The partitions that are not read, each with the time until which that is held.
#[derive(Debug, Default)]
pub(super) struct UnreadPartitions(Vec<(Unread, Duration)>);

impl UnreadPartitions {
    /// The partitions that troubles from before a restart are about.
    pub(super) fn of(troubles: &[Trouble], until: Duration) -> Self {
        let unread = |trouble: &Trouble| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of offsets")]
            let offsets = trouble.value as u64;
            Some((Unread { name: trouble.who.clone()?, beside: trouble.source, offsets }, until))
        };
        Self(troubles.iter().filter(|trouble| trouble.cause == Cause::Gap).filter_map(unread).collect())
    }

    /// Takes the partitions that are not read now, to be held until a time.
    pub(super) fn observe(&mut self, now: Duration, unread: Vec<Unread>, until: Duration) {
        self.0.retain(|(known, until)| *until > now && unread.iter().all(|seen| seen.name != known.name));
        self.0.extend(unread.into_iter().map(|seen| (seen, until)));
        self.0.sort_by(|(a, _), (b, _)| (a.beside, &a.name).cmp(&(b.beside, &b.name)));
    }

    /// The troubles that are held. `last` is the last record and the clock of a source, `None` of one without records; `newest`
    /// stands for the clock of one that never had one.
    pub(super) fn troubles(
        &self,
        now: Duration,
        sources: usize,
        last: impl Fn(SourceId) -> Option<(u64, Option<EventTime>)>,
        newest: EventTime,
    ) -> Vec<Trouble> {
        let told = |source: SourceId| Some((source, last(source)?));
        let trouble = |(unread, _): &(Unread, Duration)| {
            let any = || (0..sources).map(SourceId::of_index).find_map(told);
            let (source, (after_offset, clock)) = told(unread.beside).or_else(any)?;
            Some(Trouble {
                cause: Cause::Gap,
                source,
                after_offset,
                clock: clock.unwrap_or(newest),
                value: unread.offsets as f64,
                limit: 0.0,
                pages: false,
                scope: Scope::Partition,
                who: Some(unread.name.clone()),
                example: None,
            })
        };
        self.0.iter().filter(|(_, until)| *until > now).filter_map(trouble).collect()
    }
}
