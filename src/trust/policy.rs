//! The policy of decisions: turns the wall clock and the engine's view of its feeds into decisions for the engine.
//!
//! [`Watch`] judges the input. Here its judgement becomes decisions: an idle partition's clock goes on with the others' when
//! something waits for it, and a changed mode takes effect from the next bucket after every clock (DESIGN, "Determinism"). Time
//! comes in as a length since some start; the caller alone reads a clock.

use std::time::Duration;

use super::{Arrivals, Decision, FeedView, Idle, Mode, ModeChange, Trouble, Unread, Watch, stamps::AHEAD_MAX};
use crate::{
    event::SourceId,
    time::{EventTime, Span, WallTime},
};

/// How often decisions are made: a tenth of the shortest time that must be noticed.
const EVERY: Duration = Duration::from_millis(50);
/// Anything but a finding waits at most this long for an idle partition; each advance costs an audit record.
const LINGER_MAX: Duration = Duration::from_millis(500);
/// How long everything must be idle before what waits is released: no partition will move the watermark on (DESIGN,
/// "Determinism").
const RELEASED_AFTER: Duration = Duration::from_secs(1);
/// Shortest time between two raises of a partition's ceiling. The ceiling may be so much too low, so a stamp that is 4.75 s ahead
/// of this machine's clock may be held back.
const CEILING_EVERY: Span = Span::from_millis(250);
/// A mode takes effect at the beginning of a bucket (DESIGN, "Determinism").
const BUCKET: Span = Span::from_millis(100);

/// The engine's view of its input at one moment.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "answers to separate questions about the engine")]
pub struct Situation {
    /// Each source.
    pub feeds: Vec<FeedView>,
    /// Whether anything waits for clocks to move on.
    pub waits: bool,
    /// Whether a finding waits.
    pub has_found: bool,
    /// Whether a finding or a message waits that a higher watermark would release.
    pub holds: bool,
    /// Whether all that was read has been handled: silence is known only then.
    pub is_drained: bool,
    /// Whether each source has been read to its end, as far as is known. A source that is not listed has been.
    pub at_end: Vec<bool>,
}

/// The watch over the input, and the observations that it is to be given next.
#[derive(Debug)]
pub struct InputPolicy {
    watch: Watch,
    due_at: Duration,
    /// When idle partitions were last moved on.
    moved_at: Duration,
    /// The arrivals of each source since the last decisions.
    observed: Vec<Option<Arrivals>>,
    /// The number of usable records of each source up to the last decisions.
    usable: Vec<u64>,
}

impl InputPolicy {
    /// Makes a policy that begins, at time zero, with the mode and the troubles decided last.
    #[must_use]
    pub fn new(feeds: &[FeedView], mode: Mode, troubles: Vec<Trouble>) -> Self {
        Self {
            watch: Watch::new(feeds, Duration::ZERO, mode, troubles),
            due_at: Duration::ZERO,
            moved_at: Duration::ZERO,
            observed: vec![None; feeds.len()],
            usable: feeds.iter().map(|feed| feed.usable).collect(),
        }
    }

    /// Observes a record that was handled: its event's time where it has one, when it was appended, and now.
    pub fn observe(&mut self, source: usize, ts: Option<EventTime>, appended_at: Option<WallTime>, now: WallTime) {
        let observed = self.observed[source].get_or_insert_default();
        if let Some(appended_at) = appended_at {
            observed.age = Some(now.since(appended_at));
        }
        if let Some(ts) = ts {
            observed.add_stamp(ts.ahead_of(now));
        }
    }

    /// Observes which partitions of the input exist and have not been read for too long.
    pub fn observe_unread(&mut self, now: Duration, unread: Vec<Unread>) {
        self.watch.observe_unread(now, unread);
    }

    /// Returns a higher ceiling if a stamp must be compared with one. The ceiling is raised only when a stamp is beyond it, and at
    /// most four times a second, because each raise is a record in the audit log.
    #[must_use]
    pub fn ceiling(known: Option<EventTime>, ts: EventTime, now: WallTime) -> Option<EventTime> {
        let clock = EventTime::of_clock(now);
        let is_needed = known.is_none_or(|known| ts.since(known) > AHEAD_MAX && clock.since(known) >= CEILING_EVERY);
        is_needed.then_some(clock)
    }

    /// Whether decisions are due.
    #[must_use]
    pub fn is_due(&self, now: Duration) -> bool {
        now >= self.due_at
    }

    /// Returns the decisions that follow now. `clock` is this machine's, for an input without any event time.
    pub fn decide(&mut self, now: Duration, clock: WallTime, situation: &Situation) -> Vec<Decision> {
        self.due_at = now + EVERY;
        let Situation { feeds, is_drained, .. } = situation;
        let newest = feeds.iter().filter_map(|feed| feed.clock).max();
        self.observe_feeds(now, newest, situation);
        let moves = newest.map_or_else(Vec::new, |newest| self.moves(now, newest, situation));
        if !moves.is_empty() {
            self.moved_at = now;
        }
        // A mode takes effect after every clock, those that are moved just now included: a replay hands it in before a clock that
        // reaches it.
        let newest = moves.iter().map(|idle| idle.until).max().max(newest);
        let newest = newest.unwrap_or_else(|| EventTime::of_clock(clock));
        let mut decisions: Vec<Decision> = moves.into_iter().map(Decision::Idle).collect();
        if let Some((mode, troubles)) = self.watch.judge(now, feeds, *is_drained, newest) {
            let from = EventTime::of_slot(newest.slot(BUCKET) + 1, BUCKET);
            decisions.push(Decision::Mode(ModeChange { from, mode, troubles: troubles.to_vec() }));
        }
        decisions
    }

    /// Hands the watch what was handled since the last decisions.
    fn observe_feeds(&mut self, now: Duration, newest: Option<EventTime>, situation: &Situation) {
        let Situation { feeds, is_drained, at_end, .. } = situation;
        for (nth, feed) in feeds.iter().enumerate() {
            let source = SourceId::of_index(nth);
            let usable = feed.usable > self.usable[nth];
            self.usable[nth] = feed.usable;
            let Some(observed) = self.observed[nth].take() else { continue };
            self.watch.observe(source, now, Arrivals { usable, ..observed });
            // A partition with a backlog is behind without a fault, and so is one without a usable record just now.
            let is_read = *is_drained && at_end.get(nth).copied().unwrap_or(true);
            if let (true, true, Some(newest), Some(own)) = (usable, is_read, newest, feed.own_clock) {
                self.watch.observe_behind(source, now, newest.since(own));
            }
        }
    }

    /// Returns the partitions whose clocks move on so that the others need not wait for them. Partitions that have had nothing for
    /// a while or are far behind move to the newest clock. If all are idle, every partition moves past what waits.
    fn moves(&self, now: Duration, newest: EventTime, situation: &Situation) -> Vec<Idle> {
        let Situation { feeds, waits, has_found, holds, is_drained, .. } = situation;
        // Something nearly always waits for the other partitions; only a finding is in a hurry.
        let lingers = now.saturating_sub(self.moved_at) >= LINGER_MAX;
        if !is_drained || !(*waits && lingers || *has_found) {
            return Vec::new();
        }
        let sources = || (0..).map(SourceId).zip(feeds);
        let idle =
            |(source, feed): (SourceId, &FeedView), until| Idle { source, after_offset: feed.last_offset, until };
        if sources().all(|(source, _)| self.watch.is_idle_for(source, now, RELEASED_AFTER)) {
            let until = EventTime::of_slot(newest.slot(BUCKET) + 1, BUCKET);
            let release = if *holds && lingers { Some(until.plus(Span::from_nanos(1))) } else { None };
            return release.map_or_else(Vec::new, |until| sources().map(|source| idle(source, until)).collect());
        }
        if sources().all(|(source, _)| self.watch.is_idle(source, now)) {
            return Vec::new();
        }
        sources()
            .filter(|(source, feed)| {
                let is_passed = self.watch.is_idle(*source, now) || (lingers && self.watch.is_behind(*source, now));
                feed.clock < Some(newest) && is_passed
            })
            .map(|source| idle(source, newest))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn feed(clock: i64) -> FeedView {
        FeedView {
            clock: Some(EventTime::from_nanos(clock)),
            own_clock: Some(EventTime::from_nanos(clock)),
            last_offset: Some(7),
            beats: false,
            rests: false,
            usual_gap: Span::from_millis(10),
            usable: 100,
        }
    }

    /// Two partitions of which the second has nothing, at a clock of 5 and of 3.
    fn situation(has_found: bool, is_drained: bool) -> Situation {
        Situation {
            feeds: vec![feed(5), feed(3)],
            waits: true,
            has_found,
            holds: has_found,
            is_drained,
            at_end: Vec::new(),
        }
    }

    const CLOCK: WallTime = WallTime::from_nanos(7);

    /// The situation in which so many records of the first partition were usable.
    fn after(usable: u64, situation: Situation) -> Situation {
        let mut situation = situation;
        situation.feeds[0].usable += usable;
        situation
    }

    /// A policy of which only the first partition goes on, up to a time in milliseconds.
    fn policy(until: u64) -> InputPolicy {
        let mut policy = InputPolicy::new(&situation(false, false).feeds, Mode::Normal, Vec::new());
        for millis in (0..=until).step_by(50) {
            policy.observe(0, None, None, CLOCK);
            policy.decide(Duration::from_millis(millis), CLOCK, &after(1 + millis, situation(false, false)));
        }
        policy
    }

    fn idle(decisions: &[Decision]) -> Vec<(SourceId, EventTime)> {
        let idle = |decision: &Decision| match decision {
            Decision::Idle(idle) => Some((idle.source, idle.until)),
            Decision::Mode(_) | Decision::Ceiling(_) | Decision::NewLog(_) | Decision::Loss(_) | Decision::Skip(_) => {
                None
            }
        };
        decisions.iter().filter_map(idle).collect()
    }

    #[test]
    fn an_idle_partition_goes_on_at_once_for_a_finding_and_after_a_while_for_anything_else() {
        let moved = vec![(SourceId(1), EventTime::from_nanos(5))];
        let at = Duration::from_millis;
        let mut quick = policy(500);
        assert_eq!(idle(&quick.decide(at(510), CLOCK, &situation(true, true))), moved);
        assert_eq!(idle(&quick.decide(at(560), CLOCK, &situation(false, true))), []);
        assert_eq!(idle(&quick.decide(at(1_010), CLOCK, &situation(false, true))), [], "all are idle by now");
        let mut slow = policy(950);
        assert_eq!(idle(&slow.decide(at(1_000), CLOCK, &situation(false, false))), [], "there is more to read");
        assert_eq!(idle(&slow.decide(at(1_050), CLOCK, &situation(false, true))), moved);
    }

    #[test]
    fn decisions_are_due_every_fifty_milliseconds() {
        let mut policy = policy(0);
        assert!(!policy.is_due(Duration::from_millis(49)) && policy.is_due(Duration::from_millis(50)));
        policy.decide(Duration::from_millis(70), CLOCK, &situation(false, true));
        assert!(!policy.is_due(Duration::from_millis(119)));
    }

    #[test]
    fn a_silence_becomes_a_mode_that_begins_at_the_next_bucket_after_every_clock() {
        let mut policy = policy(100);
        let decisions = policy.decide(Duration::from_mins(1), CLOCK, &situation(false, true));
        let [Decision::Mode(change)] = decisions.as_slice() else { panic!("{decisions:?}") };
        assert_eq!((change.mode, change.from), (Mode::Blind, EventTime::from_nanos(100_000_000)));
    }

    #[test]
    fn a_mode_begins_after_the_clocks_that_are_moved_with_it() {
        let mut policy = policy(100);
        let decisions = policy.decide(Duration::from_mins(1), CLOCK, &situation(true, true));
        let [Decision::Idle(first), Decision::Idle(second), Decision::Mode(change)] = decisions.as_slice() else {
            panic!("{decisions:?}")
        };
        assert!(first.until.max(second.until) < change.from, "{decisions:?}");
    }

    #[test]
    fn what_waits_is_released_once_everything_has_been_idle_for_a_second() {
        let mut policy = policy(0);
        let at = Duration::from_millis;
        assert_eq!(idle(&policy.decide(at(900), CLOCK, &situation(true, true))), []);
        let until = EventTime::from_nanos(100_000_001);
        let all = vec![(SourceId(0), until), (SourceId(1), until)];
        assert_eq!(idle(&policy.decide(at(1_000), CLOCK, &situation(true, true))), all);
        assert_eq!(idle(&policy.decide(at(2_000), CLOCK, &situation(false, true))), [], "nothing is held any more");
    }

    #[test]
    fn a_partition_that_is_read_and_far_behind_is_let_go_twice_a_second() {
        let behind = |usable| {
            let feeds = vec![
                FeedView { usable, ..feed(60_000_000_000) },
                FeedView { usable, own_clock: Some(EventTime::from_nanos(3)), ..feed(50_000_000_000) },
            ];
            let at_end = vec![true, true];
            Situation { feeds, waits: true, has_found: true, holds: true, is_drained: true, at_end }
        };
        let mut policy = InputPolicy::new(&behind(0).feeds, Mode::Normal, Vec::new());
        let mut moved = 0;
        for millis in (500..2_500).step_by(50) {
            (0..2).for_each(|source| policy.observe(source, None, None, CLOCK));
            let decisions = policy.decide(Duration::from_millis(millis), CLOCK, &behind(millis));
            moved += idle(&decisions).len();
            assert!(idle(&decisions).iter().all(|(source, _)| *source == SourceId(1)));
        }
        assert_eq!(moved, 4);
        // A backlog is behind without anything being wrong.
        let backlog = |usable| Situation { at_end: vec![true, false], ..behind(usable) };
        let mut policy = InputPolicy::new(&backlog(0).feeds, Mode::Normal, Vec::new());
        for millis in (500..2_500).step_by(50) {
            (0..2).for_each(|source| policy.observe(source, None, None, CLOCK));
            assert_eq!(policy.decide(Duration::from_millis(millis), CLOCK, &backlog(millis)), []);
        }
    }

    #[test]
    fn a_ceiling_is_raised_only_for_a_stamp_beyond_it_and_at_most_four_times_a_second() {
        let event = |millis: i64| EventTime::from_nanos(millis * 1_000_000);
        let wall = |millis: i64| WallTime::from_nanos(millis * 1_000_000);
        assert_eq!(InputPolicy::ceiling(None, event(9), wall(5)), Some(event(5)), "the first");
        assert_eq!(InputPolicy::ceiling(Some(event(5)), event(5_005), wall(6_000)), None, "within five seconds");
        assert_eq!(InputPolicy::ceiling(Some(event(5)), event(5_006), wall(6_000)), Some(event(6_000)));
        assert_eq!(InputPolicy::ceiling(Some(event(5)), event(90_000), wall(254)), None, "raised a moment ago");
    }
}
