//! The service's watch over its own input: what was heard of each partition, and which inputs of the engine follow from the
//! wall clock.
//!
//! [`Watch`] decides; here is what it is told, and what becomes of it: an idle partition's clock goes on with the others' when
//! something waits for it, and a changed mode takes effect from the next bucket after every clock (DESIGN, "Determinism").

use std::time::{Duration, Instant};

use crate::{
    engine::{Engine, Idle, Input},
    event::SourceId,
    time::{EventTime, Span, WallTime},
    trust::{FeedView, Heard, ModeChange, Watch},
};

/// How often it looks: a tenth of the shortest time that it must notice.
const EVERY: Duration = Duration::from_millis(50);
/// How long what is no finding waits for a partition that is idle: each time is a record in the audit log.
const LINGER_MAX: Duration = Duration::from_millis(500);
/// A mode takes effect at the beginning of a bucket (DESIGN, "Determinism").
const BUCKET: Span = Span::from_millis(100);

/// The watch, and what it is to be told next.
pub struct Vigil {
    watch: Watch,
    began: Instant,
    due_at: Instant,
    /// When idle partitions were last moved on.
    moved_at: Duration,
    /// By partition.
    heard: Vec<Option<Heard>>,
}

impl Vigil {
    /// Begins to watch what an engine reads.
    #[must_use]
    pub fn new(engine: &Engine, now: Instant) -> Self {
        let feeds = engine.feeds();
        let (standing, troubles) = engine.standing();
        Self {
            watch: Watch::new(&feeds, Duration::ZERO, standing.mode, troubles.to_vec()),
            began: now,
            due_at: now,
            moved_at: Duration::ZERO,
            heard: vec![None; feeds.len()],
        }
    }

    /// A record was handled: its event's time where it has one, its own time, and now.
    pub fn hear(&mut self, partition: usize, ts: Option<EventTime>, appended_at: Option<WallTime>, now: WallTime) {
        let heard = self.heard[partition].get_or_insert_default();
        if let Some(appended_at) = appended_at {
            heard.age = Some(now.since(appended_at));
            heard.ahead = heard.ahead.max(ts.map(|ts| ts.ahead_of(appended_at)));
        }
    }

    /// What follows for the engine. `drained`: all that was read has been handled.
    pub fn decide(&mut self, engine: &Engine, now: Instant, drained: bool) -> Vec<Input<'static>> {
        if now < self.due_at {
            return Vec::new();
        }
        self.due_at = now + EVERY;
        let now = now.duration_since(self.began);
        for (source, heard) in (0..).map(SourceId).zip(&mut self.heard) {
            if let Some(heard) = heard.take() {
                self.watch.heard(source, now, heard);
            }
        }
        let feeds = engine.feeds();
        let Some(newest) = feeds.iter().filter_map(|feed| feed.clock).max() else { return Vec::new() };
        // Something nearly always waits for the other partitions; only what is found is in a hurry.
        let lingers = engine.waits() && now.saturating_sub(self.moved_at) >= LINGER_MAX;
        let waits = lingers || engine.has_found();
        let mut inputs = if drained && waits { self.idle(now, &feeds, newest) } else { Vec::new() };
        if !inputs.is_empty() {
            self.moved_at = now;
        }
        if let Some((mode, troubles)) = self.watch.judge(now, &feeds, drained) {
            let from = EventTime::of_slot(newest.slot(BUCKET) + 1, BUCKET);
            inputs.push(Input::Mode(ModeChange { from, mode, troubles: troubles.to_vec() }));
        }
        inputs
    }

    /// Partitions that have had nothing for a while go on to where the newest is; none does when all have.
    fn idle(&self, now: Duration, feeds: &[FeedView], newest: EventTime) -> Vec<Input<'static>> {
        let sources = || (0..).map(SourceId).zip(feeds);
        if sources().all(|(source, _)| self.watch.is_idle(source, now)) {
            return Vec::new();
        }
        sources()
            .filter(|(source, feed)| feed.clock < Some(newest) && self.watch.is_idle(*source, now))
            .map(|(source, feed)| Input::Idle(Idle { source, after_offset: feed.last_offset, until: newest }))
            .collect()
    }
}
