//! The state of a party that does little: a count and a rate, and from five events in a minute on its last arrival
//! times.
//!
//! A full [`super::Burst`] costs 2.4 kB and a step for each second, and a venue has a hundred thousand accounts that
//! cancel once an hour. A party here costs 40 B until it is busy. A scan can fire only with twenty events within 60 s;
//! the last twenty arrival times show when that is so. A full window then begins from those times, the party's rate,
//! and what its tier has in common (DETECTION 2.1, "Memory").
//!
//! Nothing is judged here.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    stats::math::exp,
    time::{EventTime, Span},
};

/// Time constant of the rate, in seconds: the same as in the baseline of a full window.
const TAU_SECONDS: f64 = 600.0;
/// Events in a minute from which on arrival times are kept.
const BUSY_MIN: u8 = 5;
/// Events in a minute from which on a full window is worth its cost: a party's scan cannot fire with fewer.
const PROMOTION_MIN: u8 = 20;
/// How long a party stays busy after its last busy minute.
const CALM: Span = Span::from_secs(600);
/// Milliseconds in a minute, the time that events are counted over.
const MINUTE_MS: u32 = 60_000;
/// The time whose events give a party its tier.
const DAY: Span = Span::from_secs(86_400);
/// The resolution of arrival times: a 32-bit count of it takes half the memory of an event time.
const MILLISECOND: Span = Span::from_nanos(1_000_000);

/// The count and the rate of a party, and its last arrivals while it is busy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Light {
    /// The newest event time.
    last: EventTime,
    /// The last arrivals, while the party is busy. Shared with a snapshot that is being written, as full windows are.
    recent: Option<Arc<Recent>>,
    /// Events, decayed. Divided by `seconds` they are the rate.
    events: f32,
    /// Seconds of observation, decayed.
    seconds: f32,
    /// Events of the current UTC day.
    today: u32,
    minute: MinuteCount,
    /// The number of the current UTC day, wrapped around.
    day: u16,
    /// The decade of the events of the last earlier day with events, or [`UNKNOWN`].
    tier: u8,
}

/// The tier of a party that had no earlier day.
const UNKNOWN: u8 = u8::MAX;

/// Events in tumbling minutes: any 60 s with 20 events spans at most two of them, so one holds at least 10.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct MinuteCount {
    /// When the minute began, in milliseconds that wrap around.
    began: u32,
    events: u8,
}

impl MinuteCount {
    /// Counts events. Returns how many the minute had before them.
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

/// Whether an account or an owner does enough in all for its activity on single symbols to be followed.
///
/// An account is busy for ten minutes after a tumbling minute with 10 events. On a symbol a full window takes 20 events
/// within 60 s. These span at most two tumbling minutes, so one of those has at least 10 events and makes the account
/// busy.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Busy {
    until: EventTime,
    minute: MinuteCount,
}

impl Default for Busy {
    fn default() -> Self {
        Self { until: NEVER, minute: MinuteCount::default() }
    }
}

impl Busy {
    /// Counts an event.
    pub(crate) fn count(&mut self, at: EventTime) {
        self.minute.count(at, 1);
        if self.minute.has(PROMOTION_MIN / 2) {
            self.until = self.until.max(at.plus(CALM));
        }
    }

    /// Whether the account or owner is busy at a time.
    #[must_use]
    pub(crate) fn is_busy(&self, at: EventTime) -> bool {
        at < self.until
    }
}

/// The last arrivals of a busy party.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Recent {
    /// A ring of arrival times, in milliseconds that wrap around.
    arrivals: [u32; PROMOTION_MIN as usize],
    /// The index at which the next arrival is written; the oldest is there once the ring is full.
    next: u8,
    held: u8,
    /// The last time with at least [`BUSY_MIN`] events in a minute.
    busy_at: EventTime,
    /// When to check next whether the party is calm, by a clock that is ahead of the party by `behind`.
    pub due: EventTime,
    /// How far the party's events lie behind the clock of `due`.
    pub behind: Span,
    /// Orders placed and withdrawn.
    pub quoting: Quoting,
}

/// Orders placed and withdrawn in the last minute, by slots of ten seconds.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Quoting {
    /// The newest slot, counted from the epoch.
    slot: i64,
    withdrawn: [u16; SLOTS as usize],
    placed: [u16; SLOTS as usize],
}

/// Slots of ten seconds: those of a minute, and the current one.
const SLOTS: u8 = 7;
/// The length of a slot: a minute is six counts, so that a party stays small.
const SLOT: Span = Span::from_secs(10);

/// Before all event times.
const NEVER: EventTime = EventTime::from_nanos(i64::MIN);

impl Default for Light {
    fn default() -> Self {
        Self {
            last: NEVER,
            recent: None,
            events: 0.0,
            seconds: 0.0,
            today: 0,
            minute: MinuteCount::default(),
            day: 0,
            tier: UNKNOWN,
        }
    }
}

impl Light {
    /// Counts events of one instant.
    pub(crate) fn count(&mut self, at: EventTime, events: u16) {
        let first = self.last == NEVER;
        // A late event counts as one of the newest time.
        let passed = if first { Span::ZERO } else { at.since(self.last).max(Span::ZERO) };
        let kept = exp(-passed.secs_f64() / TAU_SECONDS);
        #[expect(clippy::cast_possible_truncation, reason = "seven digits are enough for a rate")]
        {
            self.events = (f64::from(self.events) * kept + f64::from(events)) as f32;
            self.seconds = (f64::from(self.seconds) * kept + TAU_SECONDS * (1.0 - kept)) as f32;
        }
        self.count_day(at, events, first);
        self.count_minute(at, events);
        self.last = self.last.max(at);
        if let Some(recent) = self.recent() {
            recent.push(at, events);
        }
    }

    /// Counts events of a day. The first event of a new day sets the tier by the last day that had events.
    fn count_day(&mut self, at: EventTime, events: u16, first: bool) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a day must only differ from the days near it"
        )]
        let day = at.slot(DAY) as u16;
        if day != self.day && at >= self.last {
            self.tier = if first { UNKNOWN } else { decade(self.today) };
            (self.day, self.today) = (day, 0);
        }
        self.today = self.today.saturating_add(u32::from(events));
    }

    /// Counts events of a minute, and starts to keep arrival times where the minute becomes busy.
    fn count_minute(&mut self, at: EventTime, events: u16) {
        let before = self.minute.count(at, events);
        if self.minute.has(BUSY_MIN) && self.recent.is_none() {
            let age = milliseconds(at).wrapping_sub(self.minute.began);
            let began = at.minus(Span::from_nanos(i64::from(age) * MILLISECOND.nanos()));
            self.recent = Some(Arc::new(Recent::new(began, before)));
        }
    }

    /// The last arrivals, while the party is busy.
    pub(crate) fn recent(&mut self) -> Option<&mut Recent> {
        self.recent.as_mut().map(Arc::make_mut)
    }

    /// Whether the party is busy.
    #[cfg(test)]
    pub(crate) const fn is_busy(&self) -> bool {
        self.recent.is_some()
    }

    /// When a busy party becomes calm if nothing more happens, by its own event time.
    #[must_use]
    pub(crate) fn calm_at(&self) -> Option<EventTime> {
        self.recent.as_ref().map(|recent| recent.busy_at.plus(CALM))
    }

    /// Frees the arrivals if the party is calm at `now`, by its own event time.
    pub(crate) fn free_if_calm(&mut self, now: EventTime) {
        if self.calm_at().is_some_and(|at| at <= now) {
            self.give_back();
        }
    }

    /// Frees the arrivals.
    pub(crate) fn give_back(&mut self) {
        self.recent = None;
    }

    /// Records when the party must be checked next, by a clock that is ahead of it by `behind`. Returns that time if
    /// the party is busy.
    pub(crate) fn plan(&mut self, behind: Span) -> Option<EventTime> {
        let at = self.calm_at()?.plus(behind);
        let recent = self.recent()?;
        (recent.due, recent.behind) = (at, behind);
        Some(at)
    }

    /// Orders placed and withdrawn, while the party is busy.
    #[must_use]
    pub(crate) fn quoting(&self) -> Option<&Quoting> {
        self.recent.as_ref().map(|recent| &recent.quoting)
    }

    /// Events and seconds, both decayed; their quotient is the rate.
    #[must_use]
    pub(crate) fn rate(&self) -> (f64, f64) {
        (f64::from(self.events), f64::from(self.seconds))
    }

    /// The decade of the party's events in a UTC day: the last earlier day with events, or today if there was none.
    #[must_use]
    pub(crate) fn tier(&self) -> usize {
        usize::from(if self.tier == UNKNOWN { decade(self.today) } else { self.tier })
    }
}

/// Returns 0 below ten events, 1 below a hundred, and so on.
fn decade(events: u32) -> u8 {
    u8::try_from(events.checked_ilog10().unwrap_or(0)).unwrap_or(u8::MAX)
}

/// The number of decades that a 32-bit count can have.
pub(crate) const DECADES: usize = 10;

impl Recent {
    /// Starts with the `before` events that the minute had already. Only the time of the first is known, so they all
    /// count as of `began`.
    fn new(began: EventTime, before: u8) -> Self {
        let mut recent = Self {
            arrivals: [0; PROMOTION_MIN as usize],
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
        for _ in 0..events.min(PROMOTION_MIN.into()) {
            self.arrivals[usize::from(self.next)] = milliseconds(at);
            self.next = (self.next + 1) % PROMOTION_MIN;
            self.held = (self.held + 1).min(PROMOTION_MIN);
        }
        if self.are_within_minute(BUSY_MIN, at) {
            self.busy_at = self.busy_at.max(at);
        }
    }

    /// Whether the last `events` arrivals lie within the minute before `now`.
    fn are_within_minute(&self, events: u8, now: EventTime) -> bool {
        let first = self.arrivals[usize::from((self.next + PROMOTION_MIN - events) % PROMOTION_MIN)];
        self.held >= events && milliseconds(now).wrapping_sub(first) < MINUTE_MS
    }

    /// The ages of the arrivals within the minute before `now`, in milliseconds, in order of arrival.
    fn ages(&self, now: EventTime) -> impl Iterator<Item = u32> + '_ {
        let now = milliseconds(now);
        let oldest = self.next + PROMOTION_MIN - self.held;
        (oldest..oldest + self.held)
            .map(move |nth| now.wrapping_sub(self.arrivals[usize::from(nth % PROMOTION_MIN)]))
            .filter(|&age| age < MINUTE_MS)
    }

    /// Whether no check has been planned yet.
    #[must_use]
    pub(crate) fn is_new(&self) -> bool {
        self.due == NEVER
    }

    /// Whether twenty events lie within the minute before `now`: enough for a full window.
    #[must_use]
    pub(crate) fn is_many(&self, now: EventTime) -> bool {
        self.are_within_minute(PROMOTION_MIN, now)
    }

    /// The times of the arrivals within the minute before `now`, to the millisecond, oldest first.
    #[must_use]
    pub(crate) fn times(&self, now: EventTime) -> Vec<EventTime> {
        let age = |ms: u32| Span::from_nanos(i64::from(ms) * MILLISECOND.nanos());
        let mut times: Vec<EventTime> = self.ages(now).map(|ms| now.minus(age(ms))).collect();
        times.sort_unstable();
        times
    }
}

/// Returns an event time in milliseconds that wrap around.
fn milliseconds(at: EventTime) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "they wrap around after 49 days")]
    {
        at.slot(MILLISECOND) as u32
    }
}

impl Quoting {
    /// Adds orders placed and withdrawn at a time. Orders older than the slots are left out.
    pub(crate) fn note(&mut self, at: EventTime, placed: u16, withdrawn: u16) {
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

    /// Orders placed and withdrawn since the beginning of the slot of a time, as far back as the slots reach.
    #[must_use]
    pub(crate) fn since(&self, at: EventTime) -> (u32, u32) {
        let first = at.slot(SLOT).max(self.slot - i64::from(SLOTS - 1));
        (first..=self.slot).map(ring).fold((0, 0), |(placed, withdrawn), nth| {
            (placed + u32::from(self.placed[nth]), withdrawn + u32::from(self.withdrawn[nth]))
        })
    }
}

/// Returns the index of a slot in the ring.
#[expect(clippy::cast_possible_truncation, reason = "less than the number of slots")]
const fn ring(slot: i64) -> usize {
    slot.rem_euclid(SLOTS as i64) as usize
}

#[cfg(test)]
mod tests;
