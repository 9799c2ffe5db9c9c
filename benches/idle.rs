//! The memory of a symbol, and of an account, that once had flow and now has none: a venue lists far more symbols than
//! trade, and has far more accounts than act.
//!
//! Each figure is the growth over an empty engine, once after the flow and once after two hours of nothing but
//! heartbeats: bytes that were requested from the allocator, and beside them the resident set of the process. The flow
//! is synthetic. A symbol's figure includes its share of live orders and accounts. A million accounts are measured
//! separately, on few symbols, each with an order that it has placed and withdrawn, and a second time with a position
//! and a balance besides.
//!
//! `make bench-idle` writes `target/bench-idle.json`.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints and stops at what it did not expect")]

mod market;

use std::{
    alloc::System,
    env, fs,
    io::{self, BufRead, BufWriter, Write as _},
    path::Path,
    process::{ChildStdin, Command, Stdio},
};

use cap::Cap;
use foreshock::{
    engine::Limits,
    event::{
        Balance, Body, Decimal, DecodeLimits, Event, Heartbeat, Name, OrderCancel, OrderNew, Position, Price, Quantity,
        Side, decode,
    },
    time::{EventTime, Span},
};
use serde_json::{Value, json};

use self::market::{Reader, events};

#[global_allocator]
static ALLOCATED: Cap<System> = Cap::new(System, usize::MAX);

/// Symbols: enough that the rest of the process matters little. The stated load has three times as many.
const SYMBOLS: u32 = 1_000;
/// Minutes of flow until every bucket, trail and order is in use.
const MINUTES: u64 = 2;
/// Seconds without events, each with a heartbeat.
const IDLE_SECONDS: i64 = 7_200;
/// Accounts that are measured separately, and the symbols on which they trade.
const ACCOUNTS: u32 = 1_000_000;
const FEW_SYMBOLS: u32 = 100;
/// Event time between one account and the next, in milliseconds.
const APART_MS: i64 = 1;
/// Arguments that tell a child process what it is to measure.
const MEASURED: [&str; 3] = ["measured", "accounts", "holders"];

/// Memory of this process, in bytes.
#[derive(Clone, Copy)]
struct Memory {
    allocated: usize,
    resident: usize,
}

impl Memory {
    fn now() -> Self {
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let kilobytes: usize = line.trim().trim_end_matches(" kB").parse().unwrap();
        Self { allocated: ALLOCATED.allocated(), resident: kilobytes * 1024 }
    }

    /// The growth since `before`, divided by `count`.
    fn since(self, before: Self, count: u32) -> Value {
        let each = |now: usize, then: usize| (now as f64 - then as f64) / f64::from(count);
        json!({
            "allocated": each(self.allocated, before.allocated).round(),
            "resident": each(self.resident, before.resident).round(),
        })
    }
}

/// The simulator and each engine have processes of their own: an engine would reuse memory that the simulator has
/// freed, unseen.
fn main() {
    match env::args().find_map(|arg| MEASURED.iter().position(|what| arg == *what)) {
        Some(0) => return measure(io::stdin().lock()),
        Some(what) => return measure_accounts(what == 2),
        None => {}
    }
    let symbols = measured(0, |lines| {
        for event in events(SYMBOLS, MINUTES) {
            serde_json::to_writer(&mut *lines, &event).unwrap();
            lines.write_all(b"\n").unwrap();
        }
    });
    let report = json!({ "symbols": symbols, "accounts": measured(1, |_| ()), "holders": measured(2, |_| ()) });
    let text = serde_json::to_string_pretty(&report).unwrap();
    println!("{text}");
    fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-idle.json"), text + "\n").unwrap();
}

/// Starts a child process that measures, writes the lines to it, and returns its report.
fn measured(what: usize, write: impl FnOnce(&mut BufWriter<ChildStdin>)) -> Value {
    let mut command = Command::new(env::current_exe().unwrap());
    let mut child = command.arg(MEASURED[what]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    write(&mut BufWriter::new(child.stdin.take().unwrap()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the measuring process failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Measures a million accounts, each with an order that it withdraws, and with no event after that.
fn measure_accounts(holders: bool) {
    let limits = Limits { accounts_max: ACCOUNTS as usize, ..Limits::default() };
    let mut reader = Reader::within(limits);
    let empty = Memory::now();
    let mut last = EventTime::from_nanos(1_760_130_000_000_000_000);
    for account in 0..ACCOUNTS {
        last = last.plus(Span::from_millis(APART_MS));
        for event in events_of(account, holders) {
            reader.take(&Event { ts: last, ..event });
        }
    }
    let active = Memory::now().since(empty, ACCOUNTS);
    for second in 1..=IDLE_SECONDS {
        reader.take(&heartbeat(last.plus(Span::from_secs(second))));
    }
    let idle = Memory::now().since(empty, ACCOUNTS);
    let held = reader.engine.occupancy().map(|(keys, occupancy)| format!("{} {keys:?}", occupancy.held));
    let report = json!({
        "synthetic": true,
        "accounts": ACCOUNTS,
        "with_position_and_balance": holders,
        "held": held,
        "bytes_per_active_account": active,
        "bytes_per_idle_account": idle,
    });
    println!("{report}");
}

/// The events of an account.
fn events_of(account: u32, holders: bool) -> Vec<Event<'static>> {
    let name = |text: String| Name::new(text).unwrap();
    let number = |mantissa| Decimal::from_parts(mantissa, 1).unwrap();
    let order = || name(format!("{account}"));
    let new = OrderNew {
        order: order(),
        side: Side::Buy,
        price: Price::new(number(1_000)),
        qty: Quantity::new(number(10)).unwrap(),
        kind: None,
        tif: None,
        post_only: None,
        reduce_only: None,
    };
    let cancel = OrderCancel { order: order(), side: None, price: None, qty: None, reason: None };
    let (qty, entry, margin_mode, margin, leverage) = (number(5), number(1_000), None, None, None);
    let position = Position { qty, entry, margin_mode, margin, leverage };
    let balance = Balance { equity: number(9_000), asset: None };
    let symbol = |on: bool| on.then(|| name(format!("SYMBOL{}-PERP", account % FEW_SYMBOLS)));
    let event = |on: bool, body| Event {
        ts: EventTime::from_nanos(0),
        symbol: symbol(on),
        seq: None,
        account: Some(name(format!("account-{account:07}"))),
        owner: None,
        body,
    };
    let mut events = vec![event(true, Body::OrderNew(new)), event(true, Body::OrderCancel(cancel))];
    if holders {
        events.extend([event(true, Body::Position(position)), event(false, Body::Balance(balance))]);
    }
    events
}

/// Measures the symbols whose events are read from the lines.
fn measure(mut lines: impl BufRead) {
    let (mut reader, mut line) = (Reader::new(), Vec::new());
    let empty = Memory::now();
    let (mut events, mut last) = (0_u64, None);
    while lines.read_until(b'\n', &mut line).unwrap() > 0 {
        let event = decode(&line, DecodeLimits::default()).unwrap();
        reader.take(&event);
        (events, last) = (events + 1, Some(event.ts));
        line.clear();
    }
    let active = Memory::now().since(empty, SYMBOLS);
    for second in 1..=IDLE_SECONDS {
        reader.take(&heartbeat(last.unwrap().plus(Span::from_secs(second))));
    }
    let idle = Memory::now().since(empty, SYMBOLS);
    let held = reader.engine.occupancy().map(|(keys, occupancy)| format!("{} {keys:?}", occupancy.held));
    let report = json!({
        "synthetic": true,
        "symbols": SYMBOLS,
        "events": events,
        "held": held,
        "bytes_per_active_symbol": active,
        "bytes_per_idle_symbol": idle,
    });
    println!("{report}");
}

fn heartbeat(ts: EventTime) -> Event<'static> {
    let body = Body::Heartbeat(Heartbeat { producer: None });
    Event { ts, symbol: None, seq: None, account: None, owner: None, body }
}
