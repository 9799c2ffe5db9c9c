//! The cost of an event in the engine, by the event's type.
//!
//! The flow is the synthetic market of the stated load (3,000 symbols, 51,000 accounts, `market`), on one feed. It is
//! made beforehand, as JSON (3 GB), so that the engine has the processor and its caches to itself, and events are
//! borrowed, as in the service. Each event is timed by the monotonic clock; the cost of the clock itself, measured over
//! empty work, is subtracted. The figures are means, so that rare expensive events count for their type.
//!
//! `make bench-types`
#![expect(clippy::print_stdout, reason = "a bench prints")]
#![expect(clippy::unwrap_used, reason = "a bench stops at what it did not expect")]

mod market;

use std::{collections::BTreeMap, hint::black_box, time::Duration};

use foreshock::{
    app::clock,
    event::{DecodeLimits, decode},
    time::Span,
};

use tikv_jemallocator::Jemalloc;

use self::market::{Reader, events};

/// The allocator of the binary.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

const SYMBOLS: u32 = 3_000;
/// Minutes of flow, and seconds until every window judges.
const MINUTES: u64 = 4;
const WARM_SECONDS: i64 = 120;
/// Measurements of the clock itself.
const EMPTY_RUNS: u32 = 1_000_000;

fn main() {
    let lines = events(SYMBOLS, MINUTES).fold(Vec::new(), |mut lines, event| {
        serde_json::to_writer(&mut lines, &event).unwrap();
        lines.push(b'\n');
        lines
    });
    let empty = (0..EMPTY_RUNS).map(|n| timed(|| black_box(n)).0).sum::<Duration>();
    let clock_costs = empty.as_nanos() as f64 / f64::from(EMPTY_RUNS);
    let (mut reader, mut began) = (Reader::new(), None);
    let mut by_type: BTreeMap<&'static str, (u32, Duration)> = BTreeMap::new();
    for line in lines.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let event = decode(line, DecodeLimits::default()).unwrap();
        let warm_at = *began.get_or_insert(event.ts.plus(Span::from_secs(WARM_SECONDS)));
        let (took, _) = timed(|| reader.take(black_box(&event)));
        if event.ts >= warm_at {
            let (count, sum) = by_type.entry(event.body.kind().name()).or_default();
            *count += 1;
            *sum += took;
        }
    }
    let all = by_type.values().fold((0, Duration::ZERO), |all, one| (all.0 + one.0, all.1 + one.1));
    println!("{:<16} {:>9} {:>7} {:>9}", "type", "events", "share", "ns");
    for (name, (count, sum)) in by_type.iter().map(|(name, cost)| (*name, *cost)).chain([("all", all)]) {
        let share = 100.0 * f64::from(count) / f64::from(all.0);
        let nanos = sum.as_nanos() as f64 / f64::from(count) - clock_costs;
        println!("{name:<16} {count:>9} {share:>6.2}% {nanos:>9.0}");
    }
    println!("the clock itself: {clock_costs:.0} ns");
}

/// Runs the work, and returns the time that it took and its result.
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let began = clock::monotonic();
    let result = work();
    (clock::monotonic().duration_since(began), result)
}
