//! Partitions of the input that exist and are not read, as troubles.
//!
//! No record of such a partition was handled, and it is no source of the engine. So it is reported beside a partition that is read,
//! and by its name.

use std::time::Duration;

use compact_str::CompactString;

use super::{Cause, Scope, Trouble};
use crate::{event::SourceId, time::EventTime};

/// A partition of the input that exists and is not read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The name of the partition.
    pub name: CompactString,
    /// A partition that is read beside it: of the same topic, if there is one.
    pub beside: SourceId,
    /// How many offsets the partition holds, as far as is known.
    pub offsets: u64,
}

/// The partitions that are not read, each with the time until which its trouble lasts.
#[derive(Debug, Default)]
pub(super) struct UnreadPartitions(Vec<(Unread, Duration)>);

impl UnreadPartitions {
    /// Begins with the partitions that troubles from before a restart are about.
    pub(super) fn of(troubles: &[Trouble], until: Duration) -> Self {
        let unread = |trouble: &Trouble| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a number of offsets")]
            let offsets = trouble.value as u64;
            Some((Unread { name: trouble.who.clone()?, beside: trouble.source, offsets }, until))
        };
        Self(troubles.iter().filter(|trouble| trouble.cause == Cause::Gap).filter_map(unread).collect())
    }

    /// Takes the partitions that are not read now. Their troubles last until `until`.
    pub(super) fn observe(&mut self, now: Duration, unread: Vec<Unread>, until: Duration) {
        self.0.retain(|(known, until)| *until > now && unread.iter().all(|seen| seen.name != known.name));
        self.0.extend(unread.into_iter().map(|seen| (seen, until)));
        self.0.sort_by(|(a, _), (b, _)| (a.beside, &a.name).cmp(&(b.beside, &b.name)));
    }

    /// Returns the troubles that last. `last` gives the last record and the clock of a source, `None` for one without records;
    /// `newest` stands for the clock of a source that never had one.
    pub(super) fn troubles(
        &self,
        now: Duration,
        sources: usize,
        last: impl Fn(SourceId) -> Option<(u64, Option<EventTime>)>,
        newest: EventTime,
    ) -> Vec<Trouble> {
        let with_last = |source: SourceId| Some((source, last(source)?));
        let trouble = |(unread, _): &(Unread, Duration)| {
            let any = || (0..sources).map(SourceId::of_index).find_map(with_last);
            let (source, (after_offset, clock)) = with_last(unread.beside).or_else(any)?;
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
