//! The burst window of one subject: scan over nine lengths, and CUSUM, against its own baseline (DETECTION 2.1).
//!
//! The clock moves only with the counted events and their heartbeats. Second n begins when one with a time at or after n s
//! arrives; then the bin n − 61 is learned, whose end is just 60 s old, so that a burst does not teach the baseline that
//! judges it. Bins that overlap a gap, or come due while the baseline is frozen, are dropped.
//!
//! Against the reference: a gap is known before the clock moves to its end, so that a gap of more than 61 s is not learned as
//! silence; and of a silence of more than a day only the last day is learned, the rest just counted.

use super::{
    BurstSettings,
    baseline::{BINS_MIN, Baseline, SECONDS},
    buckets::{Buckets, WINDOWS},
};
use crate::{
    stats::{math::ln, nb1},
    time::{EventTime, NANOS_PER_SEC, Span},
};

/// How many seconds old a bin is when it is learned.
const GUARD: i64 = 60;
/// The CUSUM watches for a rate of ρ = 4 times the usual.
const RHO: f64 = 4.0;
/// Seconds learned before windows of few events are judged: 75 min.
const COLD_BINS: u64 = 4_500;

/// What the scan found at one event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scan {
    /// The greatest score over the windows, in nats; 0 where no window qualifies.
    pub score: f64,
    /// The window that has it, as an index.
    pub window: Option<usize>,
}

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
#[derive(Clone, Debug)]
pub struct Burst {
    settings: BurstSettings,
    base: Baseline,
    state: Option<Clock>,
    frozen_until: EventTime,
    /// Seconds that overlap a gap, a bit for each of the last 64.
    gap_seconds: u64,
    gap_until: EventTime,
    cusum: Cusum,
    cusum_cap: f64,
}

/// What there is once something has been seen.
#[derive(Clone, Debug)]
struct Clock {
    now: EventTime,
    second: i64,
    /// The first second that may be learned.
    first: i64,
    buckets: Buckets,
}

/// The cumulative sum, and the events behind it.
#[derive(Clone, Copy, Debug)]
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
            base: Baseline::default(),
            state: None,
            frozen_until: NEVER,
            gap_seconds: 0,
            gap_until: NEVER,
            cusum: Cusum { sum: 0.0, last: None, since: NEVER, count: 0 },
            cusum_cap,
        }
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

    /// Nothing was counted up to `at`.
    pub fn heartbeat(&mut self, at: EventTime) {
        let Some(clock) = &mut self.state else {
            let second = at.slot(Span::from_secs(1));
            let first = at.plus(Span::from_nanos(NANOS_PER_SEC - 1)).slot(Span::from_secs(1));
            self.state = Some(Clock { now: at, second, first, buckets: Buckets::new(at) });
            return;
        };
        if at <= clock.now {
            return;
        }
        let to = at.slot(Span::from_secs(1));
        let mut second = clock.second;
        while second < to {
            second += 1;
            settle(&mut self.base, clock, second, self.frozen_until, &mut self.gap_seconds);
            // From here on the ring holds nothing: only the length of the silence counts.
            if second - clock.second > GUARD + 1 {
                let thaw = self.frozen_until.slot(Span::from_secs(1)).min(to);
                second = if thaw > second { thaw } else { second + self.base.skip_silence(to - second) };
            }
        }
        (clock.now, clock.second) = (at, to);
        clock.buckets.advance(at);
    }

    /// The feed is known to have been blind in [from, until).
    pub fn gap(&mut self, from: EventTime, until: EventTime) {
        let last = until.minus(Span::from_nanos(1)).slot(Span::from_secs(1));
        let first = from.slot(Span::from_secs(1));
        // Bins of the gap that come due on the way to its end are dropped with it: frozen until they are through.
        let frozen = self.frozen_until;
        if let Some(clock) = &self.state
            && last - clock.second > GUARD
        {
            self.heartbeat(from);
            self.frozen_until = frozen.max(until);
        }
        self.heartbeat(until);
        self.frozen_until = frozen;
        for second in first.max(last - GUARD - 1)..=last {
            self.gap_seconds |= bit(second);
        }
        self.gap_until = until;
        self.cusum = Cusum { sum: 0.0, last: Some(until), since: until, count: 0 };
    }

    /// Takes one event.
    pub fn handle(&mut self, at: EventTime) -> Seen {
        if let Some(clock) = &mut self.state
            && at < clock.now
        {
            if at.slot(Span::from_secs(1)) < clock.second - GUARD {
                return Seen::Lost;
            }
            clock.buckets.count(at);
            return Seen::Late;
        }
        self.heartbeat(at);
        if let Some(clock) = &mut self.state {
            clock.buckets.count(at);
        }
        if self.base.bins() < BINS_MIN {
            self.cusum.last = Some(at);
            return Seen::Judged(None);
        }
        self.accumulate(at);
        Seen::Judged(Some(self.scan()))
    }

    fn accumulate(&mut self, at: EventTime) {
        let cusum = &mut self.cusum;
        let elapsed = cusum.last.map_or(0.0, |last| at.since(last).secs_f64());
        let left = cusum.sum - (RHO - 1.0) * self.base.rate() * elapsed;
        if left <= 0.0 {
            (cusum.since, cusum.count) = (at, 0);
        }
        cusum.sum = (left.max(0.0) + ln(RHO)).min(self.cusum_cap);
        cusum.count = cusum.count.saturating_add(1);
        cusum.last = Some(at);
    }

    fn scan(&self) -> Scan {
        let mut best = Scan { score: 0.0, window: None };
        let Some(clock) = &self.state else { return best };
        let BurstSettings { a_min, cold_a_min, .. } = self.settings;
        let a_min = if self.base.bins() < COLD_BINS { a_min.max(cold_a_min) } else { a_min };
        for window in 0..WINDOWS.len() {
            let count = clock.buckets.sums()[window];
            let (a, b) = (f64::from(count), self.expected(window));
            // The cheap questions first: most windows of most events end here, without a logarithm.
            if count < a_min || a <= b {
                continue;
            }
            let Some(fano) = self.base.fano(window) else { continue };
            if nb1::bound(a, b, fano) <= best.score || clock.buckets.start(window) < self.gap_until {
                continue;
            }
            let score = nb1::score(a, b, fano);
            if score > best.score {
                best = Scan { score, window: Some(window) };
            }
        }
        best
    }
}

/// On the beginning of a second, learns the bin whose end is now 60 s old, or drops it.
fn settle(base: &mut Baseline, clock: &mut Clock, second: i64, frozen_until: EventTime, gap_seconds: &mut u64) {
    let bin = second - 1 - GUARD;
    let in_gap = *gap_seconds & bit(bin) != 0;
    *gap_seconds &= !bit(bin);
    let frozen = EventTime::from_nanos(second.saturating_mul(NANOS_PER_SEC)) <= frozen_until;
    if bin < clock.first || in_gap || frozen {
        base.drop_second();
        return;
    }
    base.learn(bin, &clock.buckets.second(bin));
}

const fn bit(second: i64) -> u64 {
    1 << second.rem_euclid(64)
}
