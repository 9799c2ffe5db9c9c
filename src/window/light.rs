//! What is kept of a party that does little: a count and a rate, and from five events in a minute on its last arrivals.
//!
//! A full [`super::Burst`] costs 2.4 kB and a step for each second, and a venue has a hundred thousand accounts that cancel once an
//! hour. A party costs 40 B until it is busy; the minute in which a scan could fire at all, twenty events in 60 s, is seen by
//! the times of its last twenty. From those, its rate and what its tier knows a full window begins (DETECTION 2.1, "Memory").
//!
//! It judges nothing.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    stats::math::exp,
    time::{EventTime, Span},
};

/// Memory of the rate, that of the full window.
const TAU_SECONDS: f64 = 600.0;
/// Events in a minute from which on arrivals are kept, and those that make a full window worth having.
const FEW: u8 = 5;
const MANY: u8 = 20;
/// Kept for so long after the last minute with a few.
const CALM: Span = Span::from_secs(600);
const MINUTE_MS: u32 = 60_000;
const DAY: Span = Span::from_secs(86_400);
const MILLISECOND: Span = Span::from_nanos(1_000_000);

/// A party.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Light {
    last: EventTime,
    /// Shared with a snapshot that is being written, as the windows that are full are.
    recent: Option<Arc<Recent>>,
    /// Events and seconds, both decayed: their quotient is the rate.
    events: f32,
    seconds: f32,
    /// Events of the UTC day under way.
    today: u32,
    few: Few,
    day: u16,
    /// The decade of yesterday's events.
    tier: u8,
}

/// There was no yesterday.
const UNKNOWN: u8 = u8::MAX;

/// Events of one minute after the other: of any minute with twenty one of two holds ten.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Few {
    /// When the minute began, in milliseconds that wrap around.
    began: u32,
    events: u8,
}

impl Few {
    /// Counts events; how many the minute had before them.
    fn count(&mut self, at: EventTime, events: u16) -> u8 {
        let now = milliseconds(at);
        if self.events == 0 || now.wrapping_sub(self.began) >= MINUTE_MS {
            *self = Self { began: now, events: 0 };
        }
        let before = self.events;
        self.events = before.saturating_add(u8::try_from(events).unwrap_or(u8::MAX));
        before
    }

    const fn has(self, events: u8) -> bool {
        self.events >= events
    }
}

/// Whether a party does enough that what it does somewhere may be worth a full window: for ten minutes after a minute with half of
/// what that takes, as of any minute with twenty events one of two that follow each other holds ten.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Busy {
    until: EventTime,
    few: Few,
}

impl Default for Busy {
    fn default() -> Self {
        Self { until: NEVER, few: Few::default() }
    }
}

impl Busy {
    /// Counts an event.
    pub fn count(&mut self, at: EventTime) {
        self.few.count(at, 1);
        if self.few.has(MANY / 2) {
            self.until = self.until.max(at.plus(CALM));
        }
    }

    /// Whether it is.
    #[must_use]
    pub fn is_busy(&self, at: EventTime) -> bool {
        at < self.until
    }
}

/// The arrivals of a party that is busy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Recent {
    /// When the last came, in milliseconds that wrap around; the oldest stands at `next`.
    arrivals: [u32; MANY as usize],
    next: u8,
    held: u8,
    /// The last time with a few in a minute.
    busy_at: EventTime,
    /// When it is asked next whether it is calm, by a clock that is ahead of it by so much.
    pub due: EventTime,
    /// See [`Recent::due`].
    pub behind: Span,
    /// Orders placed and withdrawn.
    pub quoting: Quoting,
}

/// Orders placed and withdrawn in the last minute, by ten seconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Quoting {
    slot: i64,
    withdrawn: [u16; SLOTS as usize],
    placed: [u16; SLOTS as usize],
}

/// Ten-second slots: a minute, and the one under way.
const SLOTS: u8 = 7;
const SLOT: Span = Span::from_secs(10);

/// Before all time.
const NEVER: EventTime = EventTime::from_nanos(i64::MIN);

impl Default for Light {
    fn default() -> Self {
        Self {
            last: NEVER,
            recent: None,
            events: 0.0,
            seconds: 0.0,
            today: 0,
            few: Few::default(),
            day: 0,
            tier: UNKNOWN,
        }
    }
}

impl Light {
    /// Counts events of one instant.
    pub fn count(&mut self, at: EventTime, events: u16) {
        let first = self.last == NEVER;
        // What comes late counts as of the last.
        let passed = if first { Span::ZERO } else { at.since(self.last).max(Span::ZERO) };
        let kept = exp(-passed.secs_f64() / TAU_SECONDS);
        #[expect(clippy::cast_possible_truncation, reason = "seven digits are enough of a rate")]
        {
            self.events = (f64::from(self.events) * kept + f64::from(events)) as f32;
            self.seconds = (f64::from(self.seconds) * kept + TAU_SECONDS * (1.0 - kept)) as f32;
        }
        self.count_day(at, events, first);
        self.count_few(at, events);
        self.last = self.last.max(at);
        if let Some(recent) = self.recent() {
            recent.push(at, events);
        }
    }

    fn count_day(&mut self, at: EventTime, events: u16, first: bool) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "only told apart from its neighbours"
        )]
        let day = at.slot(DAY) as u16;
        if day != self.day && at >= self.last {
            self.tier = if first { UNKNOWN } else { decade(self.today) };
            (self.day, self.today) = (day, 0);
        }
        self.today = self.today.saturating_add(u32::from(events));
    }

    fn count_few(&mut self, at: EventTime, events: u16) {
        let before = self.few.count(at, events);
        if self.few.has(FEW) && self.recent.is_none() {
            let age = milliseconds(at).wrapping_sub(self.few.began);
            let began = at.minus(Span::from_nanos(i64::from(age) * MILLISECOND.nanos()));
            self.recent = Some(Arc::new(Recent::new(began, before)));
        }
    }

    /// Its last arrivals, while it is busy.
    pub fn recent(&mut self) -> Option<&mut Recent> {
        self.recent.as_mut().map(Arc::make_mut)
    }

    /// Whether it is busy.
    #[must_use]
    pub const fn is_busy(&self) -> bool {
        self.recent.is_some()
    }

    /// When it is to be asked whether it is calm again.
    #[must_use]
    pub fn calm_at(&self) -> Option<EventTime> {
        self.recent.as_ref().map(|recent| recent.busy_at.plus(CALM))
    }

    /// Gives its arrivals back if it has been calm for long, by its own time.
    pub fn calm(&mut self, now: EventTime) {
        if self.calm_at().is_some_and(|at| at <= now) {
            self.give_back();
        }
    }

    /// Gives its arrivals back.
    pub fn give_back(&mut self) {
        self.recent = None;
    }

    /// Notes when it is to be asked next, by a clock that is so far ahead of it.
    pub fn plan(&mut self, behind: Span) -> Option<EventTime> {
        let at = self.calm_at()?.plus(behind);
        let recent = self.recent()?;
        (recent.due, recent.behind) = (at, behind);
        Some(at)
    }

    /// Orders placed and withdrawn, while it is busy.
    #[must_use]
    pub fn quoting(&self) -> Option<&Quoting> {
        self.recent.as_ref().map(|recent| &recent.quoting)
    }

    /// Events and seconds behind its rate.
    #[must_use]
    pub fn rate(&self) -> (f64, f64) {
        (f64::from(self.events), f64::from(self.seconds))
    }

    /// The decade of its events in 24 h: yesterday's, or today's before there is a yesterday.
    #[must_use]
    pub fn tier(&self) -> usize {
        usize::from(if self.tier == UNKNOWN { decade(self.today) } else { self.tier })
    }
}

/// Below ten, below a hundred, and so on.
fn decade(events: u32) -> u8 {
    u8::try_from(events.checked_ilog10().unwrap_or(0)).unwrap_or(u8::MAX)
}

/// How many decades there are.
pub const DECADES: usize = 10;

impl Recent {
    /// Of the events that came before it only the first one's time is known: they count as if all had come then.
    fn new(began: EventTime, before: u8) -> Self {
        let mut recent = Self {
            arrivals: [0; MANY as usize],
            next: 0,
            held: 0,
            busy_at: began,
            due: NEVER,
            behind: Span::ZERO,
            quoting: Quoting::default(),
        };
        recent.push(began, u16::from(before));
        recent
    }

    fn push(&mut self, at: EventTime, events: u16) {
        for _ in 0..events.min(MANY.into()) {
            self.arrivals[usize::from(self.next)] = milliseconds(at);
            self.next = (self.next + 1) % MANY;
            self.held = (self.held + 1).min(MANY);
        }
        if self.holds(FEW, at) {
            self.busy_at = self.busy_at.max(at);
        }
    }

    /// Whether the last so many came within a minute.
    fn holds(&self, events: u8, now: EventTime) -> bool {
        let first = self.arrivals[usize::from((self.next + MANY - events) % MANY)];
        self.held >= events && milliseconds(now).wrapping_sub(first) < MINUTE_MS
    }

    /// How old those of the last minute are, in milliseconds, the oldest first.
    fn within_minute(&self, now: EventTime) -> impl Iterator<Item = u32> + '_ {
        let now = milliseconds(now);
        let oldest = self.next + MANY - self.held;
        (oldest..oldest + self.held)
            .map(move |nth| now.wrapping_sub(self.arrivals[usize::from(nth % MANY)]))
            .filter(|&age| age < MINUTE_MS)
    }

    /// Whether nobody has planned yet to ask it.
    #[must_use]
    pub fn is_new(&self) -> bool {
        self.due == NEVER
    }

    /// Whether there were twenty within a minute.
    #[must_use]
    pub fn is_many(&self, now: EventTime) -> bool {
        self.holds(MANY, now)
    }

    /// The times of the last minute's, to the millisecond, oldest first.
    #[must_use]
    pub fn times(&self, now: EventTime) -> Vec<EventTime> {
        let age = |ms: u32| Span::from_nanos(i64::from(ms) * MILLISECOND.nanos());
        let mut times: Vec<EventTime> = self.within_minute(now).map(|ms| now.minus(age(ms))).collect();
        times.sort_unstable();
        times
    }
}

fn milliseconds(at: EventTime) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they wrap around after 49 days")]
    {
        at.slot(MILLISECOND) as u32
    }
}

impl Quoting {
    /// Notes orders placed and withdrawn.
    pub fn note(&mut self, at: EventTime, placed: u16, withdrawn: u16) {
        let slot = at.slot(SLOT);
        let ahead = slot.saturating_sub(self.slot);
        if ahead >= SLOTS.into() {
            (self.placed, self.withdrawn) = ([0; SLOTS as usize], [0; SLOTS as usize]);
        } else {
            for passed in 1..=ahead.max(0) {
                let nth = ring(self.slot + passed);
                (self.placed[nth], self.withdrawn[nth]) = (0, 0);
            }
        }
        self.slot = self.slot.max(slot);
        if self.slot - slot < SLOTS.into() {
            let nth = ring(slot);
            self.placed[nth] = self.placed[nth].saturating_add(placed);
            self.withdrawn[nth] = self.withdrawn[nth].saturating_add(withdrawn);
        }
    }

    /// Orders placed and withdrawn since a time, or since the beginning of its ten seconds.
    #[must_use]
    pub fn since(&self, at: EventTime) -> (u32, u32) {
        let first = at.slot(SLOT).max(self.slot - i64::from(SLOTS - 1));
        (first..=self.slot).map(ring).fold((0, 0), |(placed, withdrawn), nth| {
            (placed + u32::from(self.placed[nth]), withdrawn + u32::from(self.withdrawn[nth]))
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "less than the number of slots")]
const fn ring(slot: i64) -> usize {
    slot.rem_euclid(SLOTS as i64) as usize
}

#[cfg(test)]
mod tests;
