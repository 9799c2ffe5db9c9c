//! The burst window of one subject: scan over nine lengths, and CUSUM, against its own baseline (DETECTION 2.1).
//!
//! The clock moves only with the counted events and their heartbeats. Second n begins when one with a time at or after n s
//! arrives; then the bin n − 61 is learned, whose end is just 60 s old, so that a burst does not teach the baseline that
//! judges it. Bins that overlap a gap, or come due while the baseline is frozen, are dropped.
//!
//! Against the reference: a gap is known before the clock moves to its end, as its text has it, so that a gap of more than 61 s
//! is not learned as silence; and an older gap does not shorten a newer one.

use serde::{Deserialize, Serialize};

use super::{
    BurstSettings,
    baseline::{BINS_MIN, Baseline, SECONDS},
    buckets::{Buckets, WINDOWS},
    scan::{Scan, Scanner},
};
use crate::time::{EventTime, NANOS_PER_SEC, Span};

/// How many seconds old a bin is when it is learned.
const GUARD: i64 = 60;
/// The CUSUM watches for a rate of ρ = 4 times the usual.
const RHO: f64 = 4.0;
/// What one event adds to it: ln ρ.
const LN_RHO: f64 = 2.0 * std::f64::consts::LN_2;
/// Seconds learned before windows of few events are judged: 75 min.
const COLD_BINS: u64 = 4_500;

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// It was counted and judged. No scan until enough is learned.
    Judged(Option<Scan>),
    /// Its bucket was still open: counted, not judged.
    Late,
    /// Its bucket was learned already.
    Lost,
}

/// The burst window of one subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Burst {
    settings: BurstSettings,
    base: Baseline,
    state: Option<Clock>,
    frozen_until: EventTime,
    gap_until: EventTime,
    cusum: Cusum,
    cusum_cap: f64,
    /// Nothing but what the baseline and the second say, so a snapshot does without.
    #[serde(skip)]
    prepared: Option<Prepared>,
}

/// The scan as one second of the baseline fixes it.
#[derive(Clone, Debug)]
struct Prepared {
    second: i64,
    scanner: Scanner,
}

/// What there is once something has been seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Clock {
    now: EventTime,
    second: i64,
    /// The first second that may be learned.
    first: i64,
    /// Open seconds that overlap a gap: bit i is the one i before the current.
    blind: u64,
    buckets: Buckets,
}

/// The cumulative sum, and the events behind it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Cusum {
    sum: f64,
    last: Option<EventTime>,
    since: EventTime,
    count: u32,
}

/// Before all time.
const NEVER: EventTime = EventTime::from_nanos(i64::MIN);

impl Burst {
    /// A window that has seen nothing.
    #[must_use]
    pub fn new(settings: BurstSettings, cusum_cap: f64) -> Self {
        Self {
            settings,
            prepared: None,
            base: Baseline::default(),
            state: None,
            frozen_until: NEVER,
            gap_until: NEVER,
            cusum: Cusum { sum: 0.0, last: None, since: NEVER, count: 0 },
            cusum_cap,
        }
    }

    /// A window that begins with the rate and the clustering of others, and with the last events of its own subject: oldest
    /// first, none older than a minute.
    #[must_use]
    pub fn warm(settings: BurstSettings, cusum_cap: f64, base: Baseline, times: &[EventTime]) -> Self {
        let mut burst = Self { base, ..Self::new(settings, cusum_cap) };
        for &at in times {
            burst.heartbeat(at);
            if let Some(clock) = &mut burst.state {
                clock.buckets.count(at, 1);
            }
        }
        burst.cusum.last = times.last().copied();
        burst
    }

    /// What it is set to.
    #[must_use]
    pub const fn settings(&self) -> &BurstSettings {
        &self.settings
    }

    /// Goes on under other settings with the rates that it has.
    pub fn retune(&mut self, settings: BurstSettings, cusum_cap: f64) {
        (self.settings, self.cusum_cap, self.prepared) = (settings, cusum_cap, None);
    }

    /// Goes on with another share of false alarms a day, which says nothing of what is seen.
    pub const fn share(&mut self, warnings_per_day: f64) {
        self.settings.warnings_per_day = warnings_per_day;
    }

    /// The newest time seen.
    #[must_use]
    pub fn now(&self) -> Option<EventTime> {
        self.state.as_ref().map(|clock| clock.now)
    }

    /// What is usual.
    #[must_use]
    pub const fn baseline(&self) -> &Baseline {
        &self.base
    }

    /// The CUSUM, in nats.
    #[must_use]
    pub const fn cusum(&self) -> f64 {
        self.cusum.sum
    }

    /// Since when the CUSUM has been above zero, and the events since.
    #[must_use]
    pub const fn cusum_run(&self) -> (EventTime, u32) {
        (self.cusum.since, self.cusum.count)
    }

    /// Events in a window, and when its oldest bucket starts.
    #[must_use]
    pub fn window(&self, window: usize) -> (u32, EventTime) {
        self.state.as_ref().map_or((0, NEVER), |clock| (clock.buckets.sums()[window], clock.buckets.start(window)))
    }

    /// Events that the baseline expects in a window.
    #[must_use]
    pub fn expected(&self, window: usize) -> f64 {
        self.base.rate() * SECONDS[window]
    }

    /// Bounds the CUSUM from above, or it stays up long after a burst.
    pub const fn cap_cusum(&mut self, cap: f64) {
        self.cusum_cap = cap;
    }

    /// The seconds that come due up to this time are not learned.
    pub const fn freeze_until(&mut self, until: EventTime) {
        self.frozen_until = until;
    }

    /// How many events found their 100 ms full, and are in no window.
    #[must_use]
    pub fn overflown(&self) -> u64 {
        self.state.as_ref().map_or(0, |clock| clock.buckets.overflown())
    }

    /// Nothing was counted up to `at`.
    pub fn heartbeat(&mut self, at: EventTime) {
        let Some(clock) = &mut self.state else {
            self.state = Some(Clock::new(at));
            return;
        };
        if at <= clock.now {
            return;
        }
        let to = at.slot(Span::SECOND);
        // After 61 s the ring holds nothing: from there on only the length of the silence counts.
        let stepped = to.min(clock.second + GUARD + 1);
        while clock.second < stepped {
            self.base.begin_second(clock, self.frozen_until, self.gap_until);
        }
        if clock.second < to {
            self.base.pass_silence(clock, to, self.frozen_until, self.gap_until);
        }
        clock.now = at;
        clock.buckets.advance(at);
    }

    /// The feed is known to have been blind in [from, until).
    pub fn gap(&mut self, from: EventTime, until: EventTime) {
        let from = from.min(until);
        if let Some(now) = self.now() {
            self.heartbeat(from.max(now).min(until));
        }
        if let Some(clock) = &mut self.state {
            clock.mark_blind(from, until);
        }
        // Before the clock moves on: what begins before this time is blind.
        self.gap_until = self.gap_until.max(until);
        self.heartbeat(until);
        self.cusum = Cusum { sum: 0.0, last: Some(until), since: until, count: 0 };
    }

    /// Takes one event.
    pub fn handle(&mut self, at: EventTime) -> Seen {
        self.handle_many(at, 1)
    }

    /// Takes so many events of one instant.
    pub fn handle_many(&mut self, at: EventTime, events: u16) -> Seen {
        if let Some(clock) = &mut self.state
            && at < clock.now
        {
            if at.slot(Span::SECOND) < clock.second - GUARD {
                return Seen::Lost;
            }
            clock.buckets.count(at, events);
            return Seen::Late;
        }
        self.heartbeat(at);
        if let Some(clock) = &mut self.state {
            clock.buckets.count(at, events);
        }
        if self.base.bins() < BINS_MIN {
            self.cusum.last = Some(at);
            return Seen::Judged(None);
        }
        self.accumulate(at, events);
        Seen::Judged(Some(self.scan()))
    }

    fn accumulate(&mut self, at: EventTime, events: u16) {
        let cusum = &mut self.cusum;
        let elapsed = cusum.last.map_or(0.0, |last| at.since(last).secs_f64());
        let left = cusum.sum - (RHO - 1.0) * self.base.rate() * elapsed;
        if left <= 0.0 {
            (cusum.since, cusum.count) = (at, 0);
        }
        cusum.sum = (left.max(0.0) + f64::from(events) * LN_RHO).min(self.cusum_cap);
        cusum.count = cusum.count.saturating_add(u32::from(events));
        cusum.last = Some(at);
    }

    fn scan(&mut self) -> Scan {
        let Some(clock) = &self.state else { return Scan { score: 0.0, window: None } };
        let prepared = match &mut self.prepared {
            Some(prepared) if prepared.second == clock.second => prepared,
            stale => {
                let BurstSettings { a_min, cold_a_min, .. } = self.settings;
                let a_min = if self.base.bins() < COLD_BINS { a_min.max(cold_a_min) } else { a_min };
                stale.insert(Prepared { second: clock.second, scanner: Scanner::new(&self.base, a_min) })
            }
        };
        let buckets = &clock.buckets;
        let valid =
            (0..WINDOWS.len()).rev().find(|&k| buckets.start(k) >= self.gap_until).map_or(0, |longest| longest + 1);
        prepared.scanner.search(&self.base, buckets.sums(), valid)
    }
}

impl Clock {
    fn new(at: EventTime) -> Self {
        let second = at.slot(Span::SECOND);
        let first = at.plus(Span::from_nanos(NANOS_PER_SEC - 1)).slot(Span::SECOND);
        Self { now: at, second, first, blind: 0, buckets: Buckets::new(at) }
    }

    /// Marks the open seconds that overlap [from, until).
    fn mark_blind(&mut self, from: EventTime, until: EventTime) {
        for age in 0..=GUARD {
            let starts = EventTime::of_slot(self.second - age, Span::SECOND);
            self.blind |= u64::from(from < starts.plus(Span::SECOND) && starts < until) << age;
        }
    }
}

impl Baseline {
    /// Begins the clock's next second: learns the bin whose end is now 60 s old, or drops it.
    fn begin_second(&mut self, clock: &mut Clock, frozen_until: EventTime, gap_until: EventTime) {
        let bin = clock.second - GUARD;
        let in_gap = clock.blind >> GUARD & 1 == 1;
        clock.second += 1;
        clock.blind = clock.blind << 1 | u64::from(EventTime::of_slot(clock.second, Span::SECOND) < gap_until);
        if bin < clock.first || in_gap || EventTime::of_slot(clock.second, Span::SECOND) <= frozen_until {
            self.drop_second();
        } else {
            self.learn(bin, &clock.buckets.second(bin));
        }
    }

    /// Begins all seconds up to `to` at once: none of their bins holds anything, or began before a gap that is not over.
    fn pass_silence(&mut self, clock: &mut Clock, to: i64, frozen_until: EventTime, gap_until: EventTime) {
        let blind_until = gap_until.plus(Span::from_nanos(NANOS_PER_SEC - 1)).slot(Span::SECOND);
        let dropped = frozen_until.slot(Span::SECOND).max(blind_until + GUARD).clamp(clock.second, to);
        if dropped > clock.second {
            self.drop_second();
        }
        self.learn_silence(dropped - GUARD, to - GUARD);
        clock.second = to;
        clock.blind = 0;
        clock.mark_blind(NEVER, gap_until);
    }
}
