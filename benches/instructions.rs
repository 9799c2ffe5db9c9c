//! Numbers of instructions that decoding and the engine take. Unlike times they are the same on a busy machine, so that
//! two builds can be compared; they do not show how long an instruction takes.
//!
//! Callgrind counts over 20,000 records at the end of a synthetic flow, after the engine has read four times as many.
//! `make bench-instructions` prints the sums; divide by `MEASURED` for one event.
#![allow(missing_docs, reason = "the macros make public functions")]
#![allow(clippy::unwrap_used, reason = "a bench stops at what it did not expect")]

mod market;

use std::hint::black_box;

use foreshock::event::{DecodeLimits, Event, decode};
use gungraun::{library_benchmark, library_benchmark_group, main};

use self::market::{Reader, events};

/// Symbols: enough that none stays in the processor's first cache.
const SYMBOLS: u32 = 30;
/// Minutes of flow: until every window judges (91 s), and the measured part.
const MINUTES: u64 = 3;
/// Records over which instructions are counted.
const MEASURED: usize = 20_000;

fn measured() -> (Vec<Event<'static>>, Vec<Event<'static>>) {
    let mut events: Vec<_> = events(SYMBOLS, MINUTES).collect();
    let last = events.split_off(events.len() - MEASURED);
    (events, last)
}

fn lines() -> Vec<Vec<u8>> {
    measured().1.iter().map(|event| serde_json::to_vec(event).unwrap()).collect()
}

fn warm() -> (Reader, Vec<Event<'static>>) {
    let (before, measured) = measured();
    let mut reader = Reader::new();
    for event in &before {
        reader.take(event);
    }
    (reader, measured)
}

#[library_benchmark]
#[bench::flow(lines())]
fn decoding(lines: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    for line in &lines {
        let _ = black_box(decode(black_box(line), DecodeLimits::default()));
    }
    lines
}

#[library_benchmark]
#[bench::flow(warm())]
fn engine((mut reader, events): (Reader, Vec<Event<'static>>)) -> (Reader, Vec<Event<'static>>) {
    for event in &events {
        black_box(reader.take(black_box(event)));
    }
    (reader, events)
}

library_benchmark_group!(name = events_in; benchmarks = decoding, engine);
main!(library_benchmark_groups = events_in);
