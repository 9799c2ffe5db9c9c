//! The burst window of one subject: a scan over nine window lengths, and a CUSUM, against the subject's own baseline
//! (DETECTION 2.1).
//!
//! The clock moves only with the counted events and their heartbeats. Second n begins when an event or a heartbeat at
//! or after n s arrives. The bin n − 61, whose end is then exactly 60 s old, is learned at that moment: a burst must
//! not teach the baseline that judges it. Bins that overlap a gap, or come due while the baseline is frozen, are left
//! out.
//!
//! Two points differ from the reference's code. A gap is marked before the clock moves to its end, as the reference's
//! text says, so that a gap of more than 61 s is not learned as silence. And a gap that ends earlier than a known one
//! does not move the end of the known one back.

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
/// The CUSUM watches for a rate of ρ = 4 times the usual rate.
const RHO: f64 = 4.0;
/// The step of the CUSUM for one event: ln ρ.
const LN_RHO: f64 = 2.0 * std::f64::consts::LN_2;
/// Seconds that are learned before windows with fewer than `cold_a_min` events are judged: 75 min.
const COLD_BINS: u64 = 4_500;

/// How an event was counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Seen {
    /// In order: counted and judged. `None` before enough is learned for a scan.
    Judged(Option<Scan>),
    /// Late, but before its second was learned: counted, not judged.
    Late,
    /// After its second was learned: not counted.
    Lost,
}

/// The burst window of one subject.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Burst {
    settings: BurstSettings,
    base: Baseline,
    /// The clock and the counts; `None` before the first time.
    clock: Option<Clock>,
    frozen_until: EventTime,
    /// The end of the newest gap. Windows that reach back before it are not valid.
    gap_until: EventTime,
    cusum: Cusum,
    cusum_cap: f64,
    /// Follows from the baseline and the clock, so a snapshot leaves it out.
    #[serde(skip)]
    prepared: Option<Prepared>,
}

/// The part of the scan that is the same for a whole second of the clock.
#[derive(Clone, Debug)]
struct Prepared {
    second: i64,
    scanner: Scanner,
}

/// The clock of a window, and the counts up to now.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Clock {
    /// The newest time.
    now: EventTime,
    /// The second of `now`.
    second: i64,
    /// The first second that may be learned: the first whole one.
    first: i64,
    /// Open seconds that overlap a gap: bit i stands for the second that is i before the current one.
    blind: u64,
    buckets: Buckets,
}

/// The cumulative sum, and the events in it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Cusum {
    /// In nats.
    sum: f64,
    /// The last event that was in order, or the end of a later gap.
    last: Option<EventTime>,
    /// When the sum last rose from zero.
    since: EventTime,
    /// Events since then.
    count: u32,
}

/// The statistics of a window at a time without an event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ahead {
    /// The scan.
    pub scan: Scan,
    /// The CUSUM, in nats.
    pub cusum: f64,
    /// Whether the last minute's pace is one at which the CUSUM does not rise.
    pub is_calm: bool,
}

/// The window by which a pace is read, of ten seconds: long enough to be a number between two scrapes.
const PACE: usize = 6;

/// Before all event times.
const NEVER: EventTime = EventTime::from_nanos(i64::MIN);

impl Burst {
    /// A window that has learned nothing.
    #[must_use]
    pub fn new(settings: BurstSettings, cusum_cap: f64) -> Self {
        Self {
            settings,
            prepared: None,
            base: Baseline::default(),
            clock: None,
            frozen_until: NEVER,
            gap_until: NEVER,
            cusum: Cusum { sum: 0.0, last: None, since: NEVER, count: 0 },
            cusum_cap,
        }
    }

    /// A window that begins with a borrowed baseline, and with the times of its subject's last events: oldest first,
    /// none older than a minute.
    #[must_use]
    pub(crate) fn warm(settings: BurstSettings, cusum_cap: f64, base: Baseline, times: &[EventTime]) -> Self {
        let mut burst = Self { base, ..Self::new(settings, cusum_cap) };
        for &at in times {
            burst.heartbeat(at);
            if let Some(clock) = &mut burst.clock {
                clock.buckets.count(at, 1);
            }
        }
        burst.cusum.last = times.last().copied();
        burst
    }

    /// The settings in force.
    #[must_use]
    pub(crate) const fn settings(&self) -> &BurstSettings {
        &self.settings
    }

    /// Changes the settings and keeps the baseline.
    pub(crate) fn retune(&mut self, settings: BurstSettings, cusum_cap: f64) {
        (self.settings, self.cusum_cap, self.prepared) = (settings, cusum_cap, None);
    }

    /// Changes the false alarms a day, which no statistic of the window depends on.
    pub(crate) const fn share(&mut self, warnings_per_day: f64) {
        self.settings.warnings_per_day = warnings_per_day;
    }

    /// The newest time, of an event or a heartbeat.
    #[must_use]
    pub fn now(&self) -> Option<EventTime> {
        self.clock.as_ref().map(|clock| clock.now)
    }

    /// The rate and the clustering that are usual.
    #[must_use]
    pub const fn baseline(&self) -> &Baseline {
        &self.base
    }

    /// The CUSUM, in nats.
    #[must_use]
    pub const fn cusum(&self) -> f64 {
        self.cusum.sum
    }

    /// The time since which the CUSUM has been above zero, and the events since then.
    #[must_use]
    pub(crate) const fn cusum_run(&self) -> (EventTime, u32) {
        (self.cusum.since, self.cusum.count)
    }

    /// Events in a window, and the start of its oldest bucket.
    #[must_use]
    pub fn window(&self, window: usize) -> (u32, EventTime) {
        self.clock.as_ref().map_or((0, NEVER), |clock| (clock.buckets.sums()[window], clock.buckets.start(window)))
    }

    /// Events that the baseline expects in a window.
    #[must_use]
    pub(crate) fn expected(&self, window: usize) -> f64 {
        self.base.rate() * SECONDS[window]
    }

    /// The events of the ten seconds before a time, as a multiple of the usual number, which counts as one at least; `None` before
    /// the first event.
    #[must_use]
    pub(crate) fn pace(&self, at: EventTime) -> Option<f64> {
        let is_over = at.since(self.now()?) >= super::length(PACE);
        let events = if is_over { 0 } else { self.window(PACE).0 };
        Some(f64::from(events) / self.expected(PACE).max(1.0))
    }

    /// Whether the pace of the last minute, as of the newest time, is one at which the CUSUM does not rise: at most
    /// (ρ − 1)/ln ρ = 2.2 times the usual one.
    #[must_use]
    pub(crate) fn is_calm(&self) -> bool {
        let longest = SECONDS.len() - 1;
        f64::from(self.window(longest).0) * LN_RHO <= (RHO - 1.0) * self.expected(longest)
    }

    /// Returns the statistics as they are at a later time if no event comes until then. Nothing is changed: events
    /// before that time may still come.
    #[must_use]
    pub(crate) fn ahead(&self, at: EventTime) -> Ahead {
        let mut later = self.clone();
        later.heartbeat(at);
        let now = later.now().unwrap_or(at);
        let cusum = later.drained(now).max(0.0);
        Ahead { scan: later.scan(), cusum, is_calm: later.is_calm() }
    }

    /// The CUSUM at a time, without its lower limit.
    fn drained(&self, at: EventTime) -> f64 {
        let elapsed = self.cusum.last.map_or(0.0, |last| at.since(last).secs_f64().max(0.0));
        self.cusum.sum - (RHO - 1.0) * self.base.rate() * elapsed
    }

    /// Empties the CUSUM: what it holds is over.
    pub(crate) const fn empty_cusum(&mut self, at: EventTime) {
        self.cusum = Cusum { sum: 0.0, last: Some(at), since: at, count: 0 };
    }

    /// Limits the CUSUM, which would otherwise stay high long after a burst.
    pub(crate) const fn cap_cusum(&mut self, cap: f64) {
        self.cusum_cap = cap;
    }

    /// Freezes the baseline: seconds that come due up to this time are not learned.
    pub const fn freeze_until(&mut self, until: EventTime) {
        self.frozen_until = until;
    }

    /// Moves the clock to `at`: no event was counted up to then. A time that is not newer changes nothing.
    pub fn heartbeat(&mut self, at: EventTime) {
        let Some(clock) = &mut self.clock else {
            self.clock = Some(Clock::new(at));
            return;
        };
        if at <= clock.now {
            return;
        }
        let to = at.slot(Span::SECOND);
        // After 61 s the bins that come due are empty, so only the length of the silence matters.
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

    /// Handles a gap: the feed is known to have been blind in [from, until).
    pub fn gap(&mut self, from: EventTime, until: EventTime) {
        let from = from.min(until);
        if let Some(now) = self.now() {
            self.heartbeat(from.max(now).min(until));
        }
        if let Some(clock) = &mut self.clock {
            clock.mark_blind(from, until);
        }
        // Set before the clock moves on: seconds that begin before this time are blind.
        self.gap_until = self.gap_until.max(until);
        self.heartbeat(until);
        self.empty_cusum(until);
    }

    /// Handles one event.
    pub fn handle(&mut self, at: EventTime) -> Seen {
        self.handle_many(at, 1)
    }

    /// Handles several events of one instant.
    pub(crate) fn handle_many(&mut self, at: EventTime, events: u16) -> Seen {
        if let Some(clock) = &mut self.clock
            && at < clock.now
        {
            if at.slot(Span::SECOND) < clock.second - GUARD {
                return Seen::Lost;
            }
            clock.buckets.count(at, events);
            return Seen::Late;
        }
        self.heartbeat(at);
        if let Some(clock) = &mut self.clock {
            clock.buckets.count(at, events);
        }
        if self.base.bins() < BINS_MIN {
            self.cusum.last = Some(at);
            return Seen::Judged(None);
        }
        self.accumulate(at, events);
        Seen::Judged(Some(self.scan()))
    }

    /// The greatest score over all windows that will be judged once the cold start is over; `None` from then on, and where the
    /// cold start leaves out none of them.
    pub(crate) fn full_score(&self) -> Option<f64> {
        let BurstSettings { a_min, cold_a_min, .. } = self.settings;
        let clock = self.clock.as_ref().filter(|_| self.base.bins() < COLD_BINS && cold_a_min > a_min)?;
        let valid = self.valid_windows(&clock.buckets);
        Some(Scanner::new(&self.base, a_min).search(&self.base, clock.buckets.sums(), valid).score)
    }

    /// How many windows lie after the newest gap.
    fn valid_windows(&self, buckets: &Buckets) -> usize {
        (0..WINDOWS.len()).rev().find(|&k| buckets.start(k) >= self.gap_until).map_or(0, |longest| longest + 1)
    }

    /// Adds events to the CUSUM.
    fn accumulate(&mut self, at: EventTime, events: u16) {
        let left = self.drained(at);
        let cusum = &mut self.cusum;
        if left <= 0.0 {
            (cusum.since, cusum.count) = (at, 0);
        }
        cusum.sum = (left.max(0.0) + f64::from(events) * LN_RHO).min(self.cusum_cap);
        cusum.count = cusum.count.saturating_add(u32::from(events));
        cusum.last = Some(at);
    }

    /// Scans the windows that lie after the newest gap.
    fn scan(&mut self) -> Scan {
        let Some(clock) = &self.clock else { return Scan { score: 0.0, window: None } };
        let valid = self.valid_windows(&clock.buckets);
        let prepared = match &mut self.prepared {
            Some(prepared) if prepared.second == clock.second => prepared,
            stale => {
                let BurstSettings { a_min, cold_a_min, .. } = self.settings;
                let a_min = if self.base.bins() < COLD_BINS { a_min.max(cold_a_min) } else { a_min };
                stale.insert(Prepared { second: clock.second, scanner: Scanner::new(&self.base, a_min) })
            }
        };
        let buckets = &clock.buckets;
        prepared.scanner.search(&self.base, buckets.sums(), valid)
    }
}

impl Clock {
    fn new(at: EventTime) -> Self {
        let second = at.slot(Span::SECOND);
        let first = at.plus(Span::from_nanos(NANOS_PER_SEC - 1)).slot(Span::SECOND);
        Self { now: at, second, first, blind: 0, buckets: Buckets::new(at) }
    }

    /// Marks the open seconds that overlap [from, until) as blind.
    fn mark_blind(&mut self, from: EventTime, until: EventTime) {
        for age in 0..=GUARD {
            let starts = EventTime::of_slot(self.second - age, Span::SECOND);
            self.blind |= u64::from(from < starts.plus(Span::SECOND) && starts < until) << age;
        }
    }
}

impl Baseline {
    /// Begins the clock's next second: the bin whose end is now 60 s old is learned or left out.
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

    /// Begins all seconds up to `to` at once. Their bins are empty: those that are frozen or blind are left out, the
    /// others are learned as silence.
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
