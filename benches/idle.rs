//! What a symbol costs in memory that has had its flow and now has none: a venue lists far more than it trades.
//!
//! Measured over an empty engine, after the flow and once nothing but heartbeats has come for two hours. Each symbol's share of live
//! orders and of accounts' names is in it. Counted by the allocator as what was asked for, and beside it what the process has
//! resident. The flow is synthetic. Of accounts nothing is said: the engine knows only their names.
//!
//! `make bench-idle`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints and stops at what it did not expect")]

mod market;

use std::{
    alloc::System,
    env, fs,
    io::{self, BufRead, BufWriter, Write as _},
    process::{Command, Stdio},
};

use cap::Cap;
use foreshock::{
    event::{Body, DecodeLimits, Event, Heartbeat, decode},
    time::{EventTime, Span},
};
use serde_json::{Value, json};

use self::market::{Reader, events};

#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

/// Enough that what the process has besides is little; the stated load has three times as many.
const SYMBOLS: u32 = 1_000;
/// Until every bucket, trail and order is in use.
const MINUTES: u64 = 2;
/// Seconds without events, each with its heartbeat.
const IDLE_SECONDS: i64 = 7_200;
/// Tells the process that it is the one that is measured.
const MEASURED: &str = "measured";

/// Memory of this process, in bytes.
#[derive(Clone, Copy)]
struct Held {
    allocated: usize,
    resident: usize,
}

impl Held {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
        Self { allocated: ALLOCATED.allocated(), resident: kilobytes * 1024 }
    }

    /// What came since, for each symbol.
    fn since(self, before: Self) -> Value {
        let each = |now: usize, then: usize| (now as f64 - then as f64) / f64::from(SYMBOLS);
        json!({
            "allocated": each(self.allocated, before.allocated).round(),
            "resident": each(self.resident, before.resident).round(),
        })
    }
}

/// The simulator has a process of its own: what it gives back would be used by the engine, and not be seen.
fn main() {
    if env::args().any(|arg| arg == MEASURED) {
        return measure(io::stdin().lock());
    }
    let mut child = Command::new(env::current_exe().unwrap()).arg(MEASURED).stdin(Stdio::piped()).spawn().unwrap();
    let mut lines = BufWriter::new(child.stdin.take().unwrap());
    for event in events(SYMBOLS, MINUTES) {
        serde_json::to_writer(&mut lines, &event).unwrap();
        lines.write_all(b"\n").unwrap();
    }
    drop(lines);
    assert!(child.wait().unwrap().success(), "the process that is measured failed");
}

fn measure(mut lines: impl BufRead) {
    let (mut reader, mut line) = (Reader::new(), Vec::new());
    let empty = Held::now();
    let (mut events, mut last) = (0_u64, None);
    while lines.read_until(b'\n', &mut line).unwrap() > 0 {
        let event = decode(&line, None, DecodeLimits::default()).unwrap();
        reader.take(&event);
        (events, last) = (events + 1, Some(event.ts));
        line.clear();
    }
    let active = Held::now().since(empty);
    for second in 1..=IDLE_SECONDS {
        reader.take(&heartbeat(last.unwrap().plus(Span::from_secs(second))));
    }
    let idle = Held::now().since(empty);
    let held = reader.engine.occupancy().map(|(keys, occupancy)| format!("{} {keys:?}", occupancy.held));
    let report = json!({
        "synthetic": true,
        "symbols": SYMBOLS,
        "events": events,
        "held": held,
        "bytes_per_active_symbol": active,
        "bytes_per_idle_symbol": idle,
    });
    println!("{}", serde_json::to_string_pretty(&report).unwrap());
}

fn heartbeat(ts: EventTime) -> Event<'static> {
    let body = Body::Heartbeat(Heartbeat { producer: None });
    Event { ts, symbol: None, seq: None, account: None, owner: None, body }
}
