//! The block maxima of a window: the greatest scan and CUSUM of each minute, and what their tails have learned.
//!
//! An episode is one block, however many minutes it lasts, because its minutes depend on each other. When each minute was a
//! block, a crisis of half an hour raised the levels to thousands of nats, and the next crisis was not found. So a tail
//! counts episodes, as the ticket budget does.
//!
//! The reference does not define what happens to a minute that a gap overlaps. Here a minute inside a gap is not
//! learned, just as its seconds are not: a long outage must not lower the thresholds of the time after it. A minute
//! that was observed in part is learned with what was observed, or a feed that loses a little every minute would never
//! be calibrated.

use serde::{Deserialize, Serialize};

use crate::{
    stats::{
        block_tail::BlockTail,
        tail_prior::{Pools, Priors},
    },
    time::{EventTime, Span},
};

/// The most empty blocks that are learned after a silence, one by one at some 10 ns each: a year. The tails no longer
/// change by then.
const SILENCE_MAX: i64 = 527_040;
/// The longest time for which an episode counts as one block. A crisis lasts minutes to an hour; what lasts longer is the
/// subject's new habit, and its minutes are learned like any others.
const ONE_BLOCK_MAX: Span = Span::from_secs(3_600);

const MINUTE: Span = Span::from_secs(60);

/// The blocks of one window.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Blocks {
    pub(super) scan: BlockTail,
    pub(super) cusum: BlockTail,
    /// The assumptions about both tails.
    priors: Priors,
    /// The number of the current minute, once blocks are learned. May lie ahead of the clock.
    current: Option<i64>,
    /// The greatest scan and CUSUM of that block so far.
    maxima: (f64, f64),
    /// The newest episode.
    episode: Option<Episode>,
}

/// The minutes of an episode.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Episode {
    /// The minute in which the episode began.
    first: i64,
    /// The end of the episode; while it is going on, the latest end.
    until: EventTime,
}

impl Episode {
    /// Whether the block of a minute goes on in the minute after it.
    fn goes_on_after(self, minute: i64) -> bool {
        minute >= self.first && EventTime::of_slot(minute + 1, MINUTE) < self.until
    }
}

impl Blocks {
    /// Blocks of which this is assumed.
    pub(super) const fn new(priors: Priors) -> Self {
        let (scan, cusum) = (BlockTail::new(priors.scan), BlockTail::new(priors.cusum));
        Self { scan, cusum, priors, current: None, maxima: (0.0, 0.0), episode: None }
    }

    /// Blocks whose tails begin as others' do.
    pub(super) fn borrowed(tail: BlockTail) -> Self {
        Self { scan: tail.clone(), cusum: tail, ..Self::new(Priors::CANCELS) }
    }

    /// Begins anew. An episode that is going on stays one block.
    pub(super) fn reset(&mut self) {
        *self = Self { episode: self.episode, ..Self::new(self.priors) };
    }

    /// Shows both tails' new exceedances to the pools of a feed, and takes over what these have of others.
    pub(super) fn exchange(&mut self, pools: &mut Pools) {
        self.scan.exchange(&mut pools.scan);
        self.cusum.exchange(&mut pools.cusum);
    }

    /// Whether blocks are learned.
    pub(super) const fn has_begun(&self) -> bool {
        self.current.is_some()
    }

    /// Begins with the first whole minute after a time.
    pub(super) fn begin_after(&mut self, at: EventTime) {
        self.current = Some(at.slot(MINUTE) + 1);
    }

    /// Takes the statistics at an event.
    pub(super) fn observe(&mut self, at: EventTime, scan: f64, cusum: f64) {
        if self.current == Some(at.slot(MINUTE)) {
            self.maxima = (self.maxima.0.max(scan), self.maxima.1.max(cusum));
        }
    }

    /// An episode begins: its minutes are one block until it ends.
    pub(super) fn begin_episode(&mut self, at: EventTime) {
        self.episode = Some(Episode { first: at.slot(MINUTE), until: at.plus(ONE_BLOCK_MAX) });
    }

    /// The episode is over.
    pub(super) fn end_episode(&mut self, at: EventTime) {
        if let Some(episode) = &mut self.episode {
            episode.until = episode.until.min(at);
        }
    }

    /// Whether a minute is one of the newest episode.
    pub(super) fn is_in_episode(&self, minute: i64) -> bool {
        let is_in = |episode: Episode| minute >= episode.first && EventTime::of_slot(minute, MINUTE) < episode.until;
        self.episode.is_some_and(is_in)
    }

    /// Learns the blocks that are over at a time. Returns whether there was one.
    pub(super) fn close(&mut self, at: EventTime) -> bool {
        let minute = at.slot(MINUTE);
        let is_over = self.current.is_some_and(|current| current < minute);
        if is_over {
            self.learn_until(minute);
        }
        is_over
    }

    /// Leaves out the minutes of a gap that was blind from a time on. Returns whether a block was over by its end.
    pub(super) fn skip(&mut self, blind_from: EventTime, until: EventTime) -> bool {
        let minute = until.slot(MINUTE);
        let Some(current) = self.current.filter(|&current| current < minute) else { return false };
        if EventTime::of_slot(current, MINUTE) < blind_from {
            self.learn_until(current + 1);
        }
        self.current = Some(minute);
        true
    }

    /// Learns the blocks from the current one up to, not including, `minute`; all but the first are empty.
    fn learn_until(&mut self, minute: i64) {
        let Some(current) = &mut self.current else { return };
        *current = (*current).max(minute - SILENCE_MAX);
        while *current < minute {
            if !self.episode.is_some_and(|episode| episode.goes_on_after(*current)) {
                self.scan.learn(self.maxima.0);
                self.cusum.learn(self.maxima.1);
                self.maxima = (0.0, 0.0);
            }
            *current += 1;
        }
    }
}
