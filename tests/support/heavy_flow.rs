//! Flow with the heavy, clustered tail of real trades: a Hawkes process, and runs of Pareto length above it, at a pace that
//! wanders.
//!
//! The numbers are chosen so that the greatest scan scores of the minutes have about the quantiles of a quiet day of real
//! trades (`trades-btcusdc-2025-10-04`: 8, 14, 24 and 60 nats at .8, .95, .99 and .999): this flow has 6, 14, 30 and 100.
//! A Hawkes process alone, as the simulator has it, has 5, 9, 13 and 18.
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]

use foreshock::stats::math::{exp, ln};

use super::random::Random;

/// Seconds for which the pace is constant.
const STEP: f64 = 10.0;
/// Deviation of the logarithm of the pace, and its memory in seconds.
const PACE: (f64, f64) = (0.7, 1_200.0);
/// Events that follow from one event of the Hawkes process; most of them at once, the others within seconds.
const BRANCHING: f64 = 0.6;
const DELAYS: [(f64, f64); 2] = [(0.6, 0.3), (0.4, 8.0)];
/// The share of events that belong to runs, the shortest and the longest run, and the Pareto index of their lengths.
const RUNS: f64 = 0.6;
const LENGTHS: (f64, f64) = (6.0, 2_000.0);
const LENGTH_INDEX: f64 = 1.8;
/// The time over which a run is spread, in seconds.
const SPREAD: (f64, f64) = (0.1, 10.0);
/// Deviation of the logarithm of an amount, and the greatest amount (`detect::burst::UNITS_MAX`).
const AMOUNT: f64 = 2.0;
const AMOUNT_MAX: f64 = 50.0;

/// The arrival of some amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Arrival {
    /// Nanoseconds from the start.
    pub at: i64,
    /// The amount, in median amounts.
    pub units: u16,
}

/// Returns the arrivals of so many seconds, at so many a second on average.
pub fn arrivals(seed: u64, per_second: f64, seconds: f64) -> Vec<Arrival> {
    let mut random = Random(seed);
    let mut times = Vec::new();
    let keep = exp(-STEP / PACE.1);
    let (mut log_pace, mut start) = (PACE.0 * normal(&mut random), 0.0);
    while start < seconds {
        log_pace = keep * log_pace + (1.0 - keep * keep).sqrt() * PACE.0 * normal(&mut random);
        let pace = per_second * exp(log_pace - PACE.0 * PACE.0 / 2.0);
        for at in poisson(&mut random, pace * (1.0 - RUNS) * (1.0 - BRANCHING), start) {
            family(&mut random, at, &mut times);
        }
        for at in poisson(&mut random, pace * RUNS / mean_length(), start) {
            run(&mut random, at, &mut times);
        }
        start += STEP;
    }
    times.retain(|at| *at < seconds);
    times.sort_unstable_by(f64::total_cmp);
    times.into_iter().map(|at| arrival(&mut random, at)).collect()
}

/// A crisis: arrivals at a constant pace, from one second to another.
pub fn crisis(seed: u64, per_second: f64, from: f64, until: f64) -> Vec<Arrival> {
    let mut random = Random(seed);
    let mut at = from;
    let mut found = Vec::new();
    loop {
        at += exponential(&mut random) / per_second;
        if at >= until {
            return found;
        }
        found.push(arrival(&mut random, at));
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 50, and within some days")]
fn arrival(random: &mut Random, at: f64) -> Arrival {
    let units = exp(AMOUNT * normal(random)).min(AMOUNT_MAX).round() as u16;
    Arrival { at: (at * 1e9) as i64, units }
}

/// The times of a Poisson process within one step.
fn poisson(random: &mut Random, per_second: f64, start: f64) -> Vec<f64> {
    let mut times = Vec::new();
    let mut at = start + exponential(random) / per_second;
    while at < start + STEP {
        times.push(at);
        at += exponential(random) / per_second;
    }
    times
}

/// Adds an event of the Hawkes process with everything that follows from it.
fn family(random: &mut Random, first: f64, times: &mut Vec<f64>) {
    let mut open = vec![first];
    while let Some(at) = open.pop() {
        times.push(at);
        let mut passed = exponential(random);
        while passed < BRANCHING {
            let mean = if uniform(random) < DELAYS[0].0 { DELAYS[0].1 } else { DELAYS[1].1 };
            open.push(at + mean * exponential(random));
            passed += exponential(random);
        }
    }
}

/// Adds a run.
fn run(random: &mut Random, first: f64, times: &mut Vec<f64>) {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 6 and 2,000")]
    let length = (LENGTHS.0 * pow(uniform(random), -1.0 / LENGTH_INDEX)).min(LENGTHS.1) as u32;
    let spread = SPREAD.0 * pow(SPREAD.1 / SPREAD.0, uniform(random));
    for _ in 0..length {
        times.push(first + spread * exponential(random));
    }
}

/// The mean length of a run: the chance of each length or more, summed.
fn mean_length() -> f64 {
    let mut sum = 0.0;
    let mut length = 1.0;
    while length <= LENGTHS.1 {
        sum += pow(LENGTHS.0 / length, LENGTH_INDEX).min(1.0);
        length += 1.0;
    }
    sum
}

fn uniform(random: &mut Random) -> f64 {
    ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
}

fn exponential(random: &mut Random) -> f64 {
    -ln(uniform(random))
}

fn normal(random: &mut Random) -> f64 {
    (-2.0 * ln(uniform(random))).sqrt() * (std::f64::consts::TAU * uniform(random)).cos()
}

fn pow(base: f64, exponent: f64) -> f64 {
    exp(exponent * ln(base))
}
