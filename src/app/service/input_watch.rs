//! The watch over the service's own input: reads the clock, and lets the policy decide.
//!
//! The policy of what is decided, and why, is pure and stands in [`crate::trust::InputPolicy`].

use std::time::Instant;

use crate::{
    app::clock,
    engine::Engine,
    event::SourceId,
    time::{EventTime, WallTime},
    trust::{Ceiling, Decision, InputPolicy, Situation, Unread},
};

/// A policy, and the start of its time.
pub struct InputWatch {
    policy: InputPolicy,
    began: Instant,
}

impl InputWatch {
    /// Begins to watch the input of an engine.
    #[must_use]
    pub fn new(engine: &Engine, now: Instant) -> Self {
        let (mode, troubles) = engine.decided_mode();
        let feeds = engine.feeds(EventTime::of_clock(clock::wall()));
        Self { policy: InputPolicy::new(&feeds, mode, troubles.to_vec()), began: now }
    }

    /// Observes a record that was handled: its event's time where it has one, when it was appended, and now.
    pub fn observe(&mut self, partition: usize, ts: Option<EventTime>, appended_at: Option<WallTime>, now: WallTime) {
        self.policy.observe(partition, ts, appended_at, now);
    }

    /// Observes which partitions of the input have been unread for too long.
    pub fn observe_unread(&mut self, now: Instant, unread: Vec<Unread>) {
        self.policy.observe_unread(now.duration_since(self.began), unread);
    }

    /// The decision that must come before a record with this stamp, if one must: the ceiling that it is compared with.
    pub fn ceiling(engine: &Engine, source: SourceId, ts: EventTime, now: WallTime) -> Option<Decision> {
        let until = InputPolicy::ceiling(engine.ceiling(source), ts, now)?;
        Some(Decision::Ceiling(Ceiling { source, after_offset: engine.last_offset(source), until }))
    }

    /// The decisions that follow now. `is_drained`: all that was read has been handled; `at_end`: which partitions have been read
    /// to their ends, as far as is known.
    pub fn decide(
        &mut self,
        engine: &Engine,
        now: Instant,
        is_drained: bool,
        at_end: impl FnOnce() -> Vec<bool>,
    ) -> Vec<Decision> {
        let now = now.duration_since(self.began);
        if !self.policy.is_due(now) {
            return Vec::new();
        }
        let wall = clock::wall();
        let situation = Situation { at_end: at_end(), ..engine.situation(is_drained, EventTime::of_clock(wall)) };
        self.policy.decide(now, wall, &situation)
    }
}
