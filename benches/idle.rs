//! What a symbol and an account cost in memory that have had their flow and now have none: a venue lists far more than it trades,
//! and has far more accounts than act.
//!
//! Measured over an empty engine, after the flow and once nothing but heartbeats has come for two hours. Counted by the allocator as
//! what was asked for, and beside it what the process has resident. The flow is synthetic. Each symbol's share of live orders and
//! of accounts is in it; a million accounts are measured apart, on few symbols, each with an order that it has placed and
//! withdrawn, and once more with a position and a balance besides.
//!
//! `make bench-idle`; it writes `target/bench-idle.json`.
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

/// Enough that what the process has besides is little; the stated load has three times as many.
const SYMBOLS: u32 = 1_000;
/// Until every bucket, trail and order is in use.
const MINUTES: u64 = 2;
/// Seconds without events, each with its heartbeat.
const IDLE_SECONDS: i64 = 7_200;
/// Accounts that are measured apart, and the symbols on which they trade.
const ACCOUNTS: u32 = 1_000_000;
const FEW_SYMBOLS: u32 = 100;
/// Between one account and the next, in milliseconds of event time.
const APART_MS: i64 = 1;
/// Tells the process that it is the one that is measured, and what.
const MEASURED: [&str; 3] = ["measured", "accounts", "holders"];

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

    /// What came since, for each of so many.
    fn since(self, before: Self, of: u32) -> Value {
        let each = |now: usize, then: usize| (now as f64 - then as f64) / f64::from(of);
        json!({
            "allocated": each(self.allocated, before.allocated).round(),
            "resident": each(self.resident, before.resident).round(),
        })
    }
}

/// The simulator has a process of its own: what it gives back would be used by the engine, and not be seen.
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

/// What a process that is measured says, when it is given some lines.
fn measured(what: usize, give: impl FnOnce(&mut BufWriter<ChildStdin>)) -> Value {
    let mut command = Command::new(env::current_exe().unwrap());
    let mut child = command.arg(MEASURED[what]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    give(&mut BufWriter::new(child.stdin.take().unwrap()));
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "the process that is measured failed");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A million accounts, each with an order that it withdraws, and then none of them does anything any more.
fn measure_accounts(holders: bool) {
    let limits = Limits { accounts_max: ACCOUNTS as usize, ..Limits::default() };
    let mut reader = Reader::within(limits);
    let empty = Held::now();
    let mut last = EventTime::from_nanos(1_760_130_000_000_000_000);
    for account in 0..ACCOUNTS {
        last = last.plus(Span::from_millis(APART_MS));
        for event in acts(account, holders) {
            reader.take(&Event { ts: last, ..event });
        }
    }
    let active = Held::now().since(empty, ACCOUNTS);
    for second in 1..=IDLE_SECONDS {
        reader.take(&heartbeat(last.plus(Span::from_secs(second))));
    }
    let idle = Held::now().since(empty, ACCOUNTS);
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

/// What an account does in its life.
fn acts(account: u32, holders: bool) -> Vec<Event<'static>> {
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
    let mut acts = vec![event(true, Body::OrderNew(new)), event(true, Body::OrderCancel(cancel))];
    if holders {
        acts.extend([event(true, Body::Position(position)), event(false, Body::Balance(balance))]);
    }
    acts
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
    let active = Held::now().since(empty, SYMBOLS);
    for second in 1..=IDLE_SECONDS {
        reader.take(&heartbeat(last.unwrap().plus(Span::from_secs(second))));
    }
    let idle = Held::now().since(empty, SYMBOLS);
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
