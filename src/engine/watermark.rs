//! Watermarks and inboxes: how far each upstream of a stage has come, and which of its messages may be taken.
//!
//! The stages before a stage are its upstreams: partitions before the account stage, partitions and account shards before
//! correlation. Each sends messages in the order of its own clock and says where its clock stands. The watermark is the least of
//! these clocks. A message is taken once the watermark is strictly above its `visible_at`, because until then an upstream may still
//! send an older one; all are taken in the order (`visible_at`, upstream, position), which does not depend on how the upstreams
//! interleave nor on how far the watermark jumps.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::message::Message;
use crate::time::EventTime;

/// Messages of one upstream that wait while others are behind; some 150 B each.
const WAITING_MAX: usize = 500_000;

/// The clocks of all upstreams, and the least of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Watermarks {
    clocks: Vec<Option<EventTime>>,
    least: Option<EventTime>,
}

impl Watermarks {
    /// Begins without a clock of any upstream.
    #[must_use]
    pub fn new(upstreams: usize) -> Self {
        Self { clocks: vec![None; upstreams], least: None }
    }

    /// Adds upstreams behind the known ones. The watermark stands until each of them has a clock.
    pub fn extend(&mut self, upstreams: usize) {
        self.clocks.resize(upstreams, None);
    }

    /// Notes the clock of an upstream. Returns the watermark if it has risen: it can only when the upstream that had the least
    /// clock moves.
    ///
    /// # Panics
    /// If there is no such upstream.
    pub fn observe(&mut self, upstream: usize, clock: EventTime) -> Option<EventTime> {
        self.clocks[upstream] = Some(clock);
        if self.least.is_some_and(|least| clock <= least) {
            return None;
        }
        let least = self.clocks.iter().min().copied().flatten();
        if least <= self.least {
            return None;
        }
        self.least = least;
        least
    }

    /// The watermark; `None` while an upstream has no clock.
    #[must_use]
    pub const fn least(&self) -> Option<EventTime> {
        self.least
    }
}

/// The messages that wait in front of a stage, by upstream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Inbox<B> {
    upstreams: Vec<VecDeque<Message<B>>>,
    evicted: u64,
}

impl<B> Inbox<B> {
    /// Makes an empty inbox.
    #[must_use]
    pub fn new(upstreams: usize) -> Self {
        let mut inbox = Self { upstreams: Vec::new(), evicted: 0 };
        inbox.extend(upstreams);
        inbox
    }

    /// Adds upstreams behind the known ones.
    pub fn extend(&mut self, upstreams: usize) {
        self.upstreams.resize_with(upstreams, VecDeque::new);
    }

    /// Adds a message. Where too many wait, the oldest of the same upstream makes room and is counted: it happens only when one
    /// upstream is read that far ahead of another.
    ///
    /// # Panics
    /// If there is no such upstream.
    pub fn push(&mut self, upstream: usize, message: Message<B>) {
        let waiting = &mut self.upstreams[upstream];
        if waiting.len() >= WAITING_MAX {
            waiting.pop_front();
            self.evicted += 1;
        }
        waiting.push_back(message);
    }

    /// The next message that may be taken at a watermark.
    pub fn pop_below(&mut self, watermark: EventTime) -> Option<Message<B>> {
        let first = |(upstream, waiting): (usize, &VecDeque<Message<B>>)| Some((waiting.front()?.visible_at, upstream));
        let next = self.upstreams.iter().enumerate().filter_map(first).min();
        let (_, upstream) = next.filter(|(visible_at, _)| *visible_at < watermark)?;
        self.upstreams[upstream].pop_front()
    }

    /// Returns the number of messages that wait, and how many were evicted.
    #[must_use]
    pub fn occupancy(&self) -> (usize, u64) {
        (self.upstreams.iter().map(VecDeque::len).sum(), self.evicted)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::event::{Origin, RecordRef, SourceId};

    const fn at(nanos: i64) -> EventTime {
        EventTime::from_nanos(nanos)
    }

    fn message(visible_at: i64, body: usize) -> Message<usize> {
        let record = RecordRef { source: SourceId(0), offset: 0 };
        Message { visible_at: at(visible_at), at: at(visible_at), origin: Origin::from(record), body }
    }

    #[test]
    fn the_watermark_is_the_least_clock_once_all_have_one_and_never_falls() {
        let mut watermarks = Watermarks::new(2);
        assert_eq!(watermarks.observe(0, at(5)), None);
        assert_eq!(watermarks.observe(1, at(3)), Some(at(3)));
        assert_eq!(watermarks.observe(1, at(9)), Some(at(5)));
        watermarks.extend(3);
        assert_eq!((watermarks.observe(0, at(8)), watermarks.least()), (None, Some(at(5))));
        assert_eq!(watermarks.observe(2, at(4)), None);
        assert_eq!(watermarks.observe(2, at(7)), Some(at(7)));
    }

    proptest! {
        /// Upstreams that interleave in any way, with watermarks between: the same messages in the same order.
        #[test]
        fn messages_are_taken_in_one_order_however_upstreams_interleave(
            steps in prop::collection::vec((0_usize..3, 0_i64..4), 1..60), picks in prop::collection::vec(any::<u8>(), 60),
        ) {
            // Each upstream's clock never falls, and a message is visible at it.
            let mut sent: Vec<Vec<(i64, usize)>> = vec![Vec::new(); 3];
            for (body, (upstream, ahead)) in steps.into_iter().enumerate() {
                let clock = sent[upstream].last().map_or(0, |(clock, _)| *clock) + ahead;
                sent[upstream].push((clock, body));
            }
            let end = at(i64::MAX);
            let mut expected: Vec<(i64, usize, usize)> = Vec::new();
            for (upstream, messages) in sent.iter().enumerate() {
                expected.extend(messages.iter().enumerate().map(|(nth, (clock, _))| (*clock, upstream, nth)));
            }
            expected.sort_unstable();
            let (mut inbox, mut watermarks) = (Inbox::new(3), Watermarks::new(3));
            let (mut next, mut taken) = ([0; 3], Vec::new());
            for pick in picks {
                let upstream = usize::from(pick) % 3;
                let Some((clock, body)) = sent[upstream].get(next[upstream]) else { continue };
                inbox.push(upstream, message(*clock, *body));
                next[upstream] += 1;
                if let Some(watermark) = watermarks.observe(upstream, at(*clock)) {
                    while let Some(message) = inbox.pop_below(watermark) {
                        prop_assert!(message.visible_at < watermark);
                        taken.push(message.body);
                    }
                }
            }
            for (upstream, messages) in sent.iter().enumerate() {
                messages[next[upstream]..].iter().for_each(|(clock, body)| inbox.push(upstream, message(*clock, *body)));
            }
            while let Some(message) = inbox.pop_below(end) {
                taken.push(message.body);
            }
            let expected: Vec<usize> = expected.into_iter().map(|(_, upstream, nth)| sent[upstream][nth].1).collect();
            prop_assert_eq!(taken, expected);
        }
    }
}
