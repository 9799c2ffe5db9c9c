//! The burst window against a naive model, which keeps a list of times, learns each second by itself, and counts every
//! window anew.
//!
//! The model follows the text of the reference (DETECTION 2.1 and `burst.py`). The golden vectors compare fixed feeds;
//! this test compares random ones, with ties, late events, gaps longer than the ring, freezes and long silences.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use foreshock::{
    stats::{
        math::{exp, ln},
        nb1,
    },
    time::EventTime,
    window::{Burst, BurstSettings, SECONDS, Seen},
};
use proptest::prelude::*;

const NS: i64 = 1_000_000_000;
const SUB: i64 = NS / 10;
const GUARD: i64 = 60;
/// Window lengths in buckets of 100 ms.
const SUBS: [i64; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 600];

#[derive(Clone, Debug)]
enum Operation {
    /// Events at one instant: nanoseconds after the newest time (before it if negative), and their number.
    Events(i64, u8),
    Heartbeat(i64),
    /// A gap: its start in nanoseconds after the newest time (before it if negative), and its length.
    Gap(i64, i64),
    Freeze(i64),
}

/// The greatest score, with its window and the count in it.
type Best = (f64, Option<(usize, u32)>);

/// The Fano factor of one window length.
#[derive(Clone, Copy)]
struct Fano {
    sum: f64,
    weight: f64,
    factor: f64,
    bins: u32,
    block: f64,
    whole: bool,
}

struct Model {
    settings: BurstSettings,
    cap: f64,
    now: Option<i64>,
    second: i64,
    first: i64,
    times: Vec<i64>,
    gaps: Vec<(i64, i64)>,
    frozen_until: i64,
    num: f64,
    weight: f64,
    square: f64,
    mean: f64,
    spread: f64,
    bins: u64,
    fano: [Fano; 9],
    cusum: f64,
    last: i64,
}

impl Model {
    fn new(settings: BurstSettings, cap: f64) -> Self {
        let fano = Fano { sum: 0.0, weight: 0.0, factor: 1.0, bins: 0, block: 0.0, whole: false };
        Self {
            settings,
            cap,
            now: None,
            second: 0,
            first: 0,
            times: vec![],
            gaps: vec![],
            frozen_until: i64::MIN,
            num: 0.0,
            weight: 0.0,
            square: 0.0,
            mean: 0.0,
            spread: 1.0,
            bins: 0,
            fano: [fano; 9],
            cusum: 0.0,
            last: 0,
        }
    }

    fn heartbeat(&mut self, at: i64) {
        match self.now {
            None => (self.second, self.first) = (at.div_euclid(NS), (at + NS - 1).div_euclid(NS)),
            Some(now) if at <= now => return,
            Some(_) => {}
        }
        while self.second < at.div_euclid(NS) {
            self.second += 1;
            self.settle(self.second - 1 - GUARD);
        }
        self.now = Some(at);
    }

    fn settle(&mut self, bin: i64) {
        let (from, until) = (bin * NS, (bin + 1) * NS);
        let in_gap = self.gaps.iter().any(|&(t0, t1)| t0 < until && from < t1);
        if bin < self.first || in_gap || self.second * NS <= self.frozen_until {
            self.fano.iter_mut().for_each(|fano| fano.whole = false);
            return;
        }
        let mut counts = [0.0; 10];
        for &t in self.times.iter().filter(|&&t| from <= t && t < until) {
            counts[usize::try_from(t.div_euclid(SUB).rem_euclid(10)).unwrap()] += 1.0;
        }
        self.learn_rate(counts.iter().sum());
        for (k, subs) in SUBS.into_iter().enumerate() {
            if subs < 10 {
                let parts = counts.chunks(usize::try_from(subs).unwrap());
                parts.for_each(|part| self.learn_fano(k, part.iter().sum()));
            } else {
                let seconds = subs / 10;
                if bin.rem_euclid(seconds) == 0 {
                    (self.fano[k].block, self.fano[k].whole) = (0.0, true);
                }
                self.fano[k].block += counts.iter().sum::<f64>();
                if (bin + 1).rem_euclid(seconds) == 0 && self.fano[k].whole {
                    self.learn_fano(k, self.fano[k].block);
                }
            }
            if self.fano[k].weight > 0.0 {
                self.fano[k].factor = (self.fano[k].sum / self.fano[k].weight).max(1.0);
            }
        }
    }

    fn learn_rate(&mut self, mut count: f64) {
        let a = exp(-1.0 / 600.0);
        if self.bins > 30 {
            count = count.min(self.mean + 4.0 * (self.spread * self.mean.max(0.05)).sqrt() + 2.0);
        }
        let off = if self.bins > 0 { count - self.mean } else { 0.0 };
        self.num = a * self.num + (1.0 - a) * count;
        self.weight = a * self.weight + (1.0 - a);
        self.mean = self.num / self.weight;
        self.square = a * self.square + (1.0 - a) * off * off;
        self.spread = (self.square / self.weight.max(1e-9) / self.mean.max(1e-3)).max(1.0);
        self.bins += 1;
    }

    fn learn_fano(&mut self, k: usize, count: f64) {
        let expected = self.mean.max(0.02) * SECONDS[k];
        let a = exp(-SECONDS[k] / 3_600.0);
        let fano = &mut self.fano[k];
        let off = count.min(expected + 6.0 * (fano.factor * expected).sqrt() + 2.0) - expected;
        fano.sum = a * fano.sum + (1.0 - a) * off * off / expected;
        fano.weight = a * fano.weight + (1.0 - a);
        fano.bins += 1;
    }

    fn gap(&mut self, from: i64, until: i64) {
        self.gaps.push((from, until));
        self.heartbeat(until);
        self.cusum = 0.0;
    }

    /// Takes an event. Returns its fate, and its score, window and count if it was judged.
    fn event(&mut self, at: i64) -> (&'static str, Option<Best>) {
        if self.now.is_some_and(|now| at < now) {
            if at.div_euclid(NS) < self.second - GUARD {
                return ("lost", None);
            }
            self.times.push(at);
            return ("late", None);
        }
        self.heartbeat(at);
        self.times.push(at);
        self.times.retain(|&t| t > at - 62 * NS);
        if self.bins < 30 {
            self.last = at;
            return ("ok", None);
        }
        let drift = 3.0 * self.mean.max(0.1) * ((at - self.last) as f64 / 1e9);
        self.cusum = ((self.cusum - drift).max(0.0) + ln(4.0)).min(self.cap);
        self.last = at;
        ("ok", Some(self.scan(at)))
    }

    fn count(&self, k: usize) -> u32 {
        let oldest = self.now.unwrap().div_euclid(SUB) - SUBS[k] + 1;
        u32::try_from(self.times.iter().filter(|&&t| t.div_euclid(SUB) >= oldest).count()).unwrap()
    }

    fn scan(&self, at: i64) -> Best {
        let gap_end = self.gaps.iter().map(|gap| gap.1).max().unwrap_or(i64::MIN);
        let a_min = if self.bins < 4_500 { self.settings.cold_a_min } else { self.settings.a_min };
        let mut best = (0.0, None);
        for (k, seconds) in SECONDS.into_iter().enumerate() {
            let start = (at.div_euclid(SUB) - SUBS[k] + 1) * SUB;
            let (a, b) = (self.count(k), self.mean.max(0.1) * seconds);
            if self.fano[k].bins < 10 || start < gap_end || a < a_min || f64::from(a) <= b {
                continue;
            }
            let score = nb1::score(f64::from(a), b, self.fano[k].factor);
            if score > best.0 {
                best = (score, Some((k, a)));
            }
        }
        best
    }
}

fn close(got: f64, expected: f64) -> bool {
    (got - expected).abs() <= 1e-9 * got.abs().max(expected.abs()) + 1e-12
}

fn at(nanos: i64) -> EventTime {
    EventTime::from_nanos(nanos)
}

/// Applies one operation to both, and compares all that can be observed.
fn step(model: &mut Model, burst: &mut Burst, operation: &Operation, start: i64) -> Result<(), TestCaseError> {
    let now = model.now.unwrap_or(start);
    match *operation {
        Operation::Events(after, times) => {
            for _ in 0..times {
                let (fate, expected) = model.event(now + after);
                let (got_fate, got) = match burst.handle(at(now + after)) {
                    Seen::Judged(scan) => ("ok", scan),
                    Seen::Late => ("late", None),
                    Seen::Lost => ("lost", None),
                };
                prop_assert_eq!(fate, got_fate);
                prop_assert_eq!(expected.is_some(), got.is_some());
                if let (Some((score, window)), Some(got)) = (expected, got) {
                    prop_assert!(close(got.score, score), "score {} for {}", got.score, score);
                    // Scores that differ only by rounding may come from different windows.
                    if got.window != window.map(|w| w.0) {
                        prop_assert!(score < 1e-6, "window {:?} for {:?} at {}", got.window, window, score);
                    }
                }
            }
        }
        Operation::Heartbeat(after) => {
            model.heartbeat(now + after);
            burst.heartbeat(at(now + after));
        }
        Operation::Gap(from, length) => {
            model.gap(now + from, now + from + length);
            burst.gap(at(now + from), at(now + from + length));
        }
        Operation::Freeze(after) => {
            model.frozen_until = now + after;
            burst.freeze_until(at(now + after));
        }
    }
    compare(model, burst)
}

fn compare(model: &Model, burst: &Burst) -> Result<(), TestCaseError> {
    prop_assert_eq!(model.now, burst.now().map(EventTime::nanos));
    if model.now.is_some() {
        for k in 0..9 {
            prop_assert_eq!(burst.window(k).0, model.count(k), "count of window {}", k);
        }
    }
    let (mean, spread) = burst.baseline().raw();
    prop_assert_eq!(burst.baseline().bins(), model.bins);
    prop_assert!(close(mean, model.mean), "mean {} for {}", mean, model.mean);
    prop_assert!(close(spread, model.spread), "spread {} for {}", spread, model.spread);
    prop_assert!(close(burst.cusum(), model.cusum), "cusum {} for {}", burst.cusum(), model.cusum);
    for (k, fano) in model.fano.iter().enumerate() {
        let got = burst.baseline().fano_so_far(k);
        prop_assert!(close(got, fano.factor), "fano {}: {} for {}", k, got, fano.factor);
    }
    Ok(())
}

fn operation() -> impl Strategy<Value = Operation> {
    let soon = || prop_oneof![Just(0), Just(SUB), Just(NS), 0..SUB, 0..2 * NS, 0..20 * NS];
    let late = -65 * NS..0;
    prop_oneof![
        40 => (soon(), 1_u8..4).prop_map(|(after, times)| Operation::Events(after, times)),
        4 => (0..SUB, 5_u8..60).prop_map(|(after, times)| Operation::Events(after, times)),
        4 => (late, 1_u8..3).prop_map(|(after, times)| Operation::Events(after, times)),
        10 => prop_oneof![soon(), -NS..90 * NS].prop_map(Operation::Heartbeat),
        1 => (100 * NS..40_000 * NS).prop_map(Operation::Heartbeat),
        2 => (-150 * NS..20 * NS, prop_oneof![Just(0), 0..NS, 0..30 * NS, 0..400 * NS])
            .prop_map(|(from, length)| Operation::Gap(from, length)),
        2 => (-10 * NS..900 * NS).prop_map(Operation::Freeze),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn the_window_agrees_with_the_model(
        start in prop_oneof![Just(0), Just(7 * NS), -3 * NS..3 * NS, Just(1_700_000_000 * NS + 1)],
        cold_a_min in 5_u32..21,
        operations in prop::collection::vec(operation(), 1..700),
    ) {
        let settings = BurstSettings { cold_a_min, ..BurstSettings::default() };
        let (mut model, mut burst) = (Model::new(settings, 40.0), Burst::new(settings, 40.0));
        for operation in &operations {
            step(&mut model, &mut burst, operation, start)?;
        }
    }
}

/// After a gap longer than the ring, only the observed seconds are learned, whatever came before.
#[test]
fn a_long_gap_is_not_learned_as_silence() {
    let mut burst = Burst::new(BurstSettings::default(), 40.0);
    for second in 0..600 {
        burst.handle(at(second * NS + 5));
    }
    burst.gap(at(600 * NS), at(4_000 * NS));
    burst.heartbeat(at(4_100 * NS));
    let (mean, _) = burst.baseline().raw();
    // 599 seconds with one event each, and the 40 empty ones after the gap that are due by now.
    assert_eq!(burst.baseline().bins(), 599 + 40);
    assert!((mean - 0.9016).abs() < 1e-3, "{mean}");
}
