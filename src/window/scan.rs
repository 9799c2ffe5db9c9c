//! Scans the nine windows for the most surprising count (DETECTION 2.1).
//!
//! The scan runs at every event, and a score takes two logarithms, so most scores are avoided. The parts that depend on
//! the baseline alone are prepared once a second. Each window first gets an upper bound of its score, which takes no
//! logarithm. Then the window with the highest bound is scored, and after it only those whose bound reaches that score:
//! mostly none. The result is bit for bit the same as from scoring all nine. Which windows qualify changes from event
//! to event without a pattern, so they are kept as bits of a set: branches on them would be mispredicted.

use super::{
    baseline::{Baseline, SECONDS},
    buckets::WINDOWS,
};
use crate::stats::nb1::{self, Bound};

/// The result of a scan at one event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scan {
    /// The greatest score over the windows, in nats; 0 if no window qualifies.
    pub score: f64,
    /// The index of the window with that score, the shortest of equal ones; `None` if no window qualifies.
    pub window: Option<usize>,
}

/// The scan, prepared for one state of the baseline.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scanner {
    bounds: [Bound; WINDOWS.len()],
    /// The least count with which a window qualifies; the greatest number for a window with too few bins.
    least: [u32; WINDOWS.len()],
}

impl Scanner {
    /// Prepares a scan for this baseline. `a_min` is the fewest events in a window that can be a burst.
    #[must_use]
    pub(crate) fn new(base: &Baseline, a_min: u32) -> Self {
        let mut scanner =
            Self { bounds: SECONDS.map(|w| Bound::new(base.rate() * w, 1.0)), least: [u32::MAX; WINDOWS.len()] };
        for (window, seconds) in SECONDS.into_iter().enumerate() {
            if let Some(fano) = base.fano(window) {
                let expected = base.rate() * seconds;
                scanner.bounds[window] = Bound::new(expected, fano);
                scanner.least[window] = a_min.max(above(expected));
            }
        }
        scanner
    }

    /// Scans the first `valid` windows, with these counts. The longer ones reach back into a gap. `base` must be the
    /// baseline that the scan was prepared for.
    #[must_use]
    pub(crate) fn search(&self, base: &Baseline, counts: &[u32; WINDOWS.len()], valid: usize) -> Scan {
        let mut bounds = [0.0; WINDOWS.len()];
        let mut qualifying = 0_u32;
        for (window, bound) in bounds.iter_mut().enumerate() {
            *bound = self.bounds[window].at(f64::from(counts[window]));
            qualifying |= u32::from(counts[window] >= self.least[window]) << window;
        }
        qualifying &= (1 << valid) - 1;
        let mut best = Scan { score: 0.0, window: None };
        if qualifying == 0 {
            return best;
        }
        let score = |window: usize| {
            nb1::score(f64::from(counts[window]), base.rate() * SECONDS[window], base.fano_so_far(window))
        };
        let likely = highest(&bounds, qualifying);
        best = better(best, likely, score(likely));
        let rivals = (0..).zip(&bounds).fold(0, |set, (window, &bound)| set | u32::from(bound >= best.score) << window);
        for window in members(rivals & qualifying & !(1 << likely)) {
            if bounds[window] >= best.score {
                best = better(best, window, score(window));
            }
        }
        best
    }
}

/// Returns the qualifying window with the highest bound, without a branch per window. The bits of positive floats sort
/// like the floats themselves; the lowest four are replaced by the window's index.
fn highest(bounds: &[f64; WINDOWS.len()], qualifying: u32) -> usize {
    let mut key = 0;
    for (window, bound) in (0_u64..).zip(bounds) {
        let mask = u64::from(qualifying >> window & 1).wrapping_neg();
        key = key.max((bound.to_bits() & !15 | window) & mask);
    }
    (key & 15) as usize
}

/// Iterates over the windows of a set, the shortest first.
fn members(mut set: u32) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let window = set.trailing_zeros();
        set &= set.wrapping_sub(1);
        (window < u32::BITS).then_some(window as usize)
    })
}

/// Returns the greater of two scores; of equal ones that of the shorter window.
fn better(best: Scan, window: usize, score: f64) -> Scan {
    let ties = score >= best.score && best.window.is_some_and(|other| window < other);
    if score > best.score || ties { Scan { score, window: Some(window) } } else { best }
}

/// Returns the least whole number above an expectation.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and nothing is expected below 0"
)]
const fn above(expected: f64) -> u32 {
    (expected as u32).saturating_add(1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition: scores every window and keeps the greatest score, the first of equal ones.
    fn naive(base: &Baseline, a_min: u32, counts: &[u32; WINDOWS.len()], valid: usize) -> Scan {
        let mut best = Scan { score: 0.0, window: None };
        for window in 0..valid {
            let (a, b) = (f64::from(counts[window]), base.rate() * SECONDS[window]);
            let Some(fano) = base.fano(window) else { continue };
            if counts[window] < a_min || a <= b {
                continue;
            }
            let score = nb1::score(a, b, fano);
            if score > best.score {
                best = Scan { score, window: Some(window) };
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_scan_gives_the_same_bits_as_scoring_every_window(
            busy in prop::collection::vec(0_u16..30, 1..900),
            scale in prop_oneof![Just(0_u16), Just(1), 1_u16..60],
            each in prop::collection::vec(0_u32..400, WINDOWS.len()),
            a_min in 1_u32..25,
            valid in 0_usize..=WINDOWS.len(),
        ) {
            let mut base = Baseline::default();
            for (second, &n) in (0..).zip(&busy) {
                base.learn(second, &[n * scale, 0, n / 3, 0, 0, scale, 0, 0, n, 0]);
            }
            let mut counts: [u32; WINDOWS.len()] = each.try_into().unwrap();
            let scanner = Scanner::new(&base, a_min);
            for near in [false, true] {
                for window in 0..WINDOWS.len() {
                    // Counts near their expectations give many windows similar scores.
                    counts[window] = if near { above(base.rate() * SECONDS[window]) + counts[window] % 5 } else { counts[window] };
                }
                let (scan, all) = (scanner.search(&base, &counts, valid), naive(&base, a_min, &counts, valid));
                prop_assert_eq!((scan.score.to_bits(), scan.window), (all.score.to_bits(), all.window));
            }
        }
    }
}
