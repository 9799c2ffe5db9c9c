//! The cost of a snapshot at the stated load: 3,000 symbols, each with its windows, fifty live orders and as many price
//! levels, and 50,000 accounts with a position, a balance and their withdrawals.
//!
//! The simulated market is measured too: its makers have full windows, and its books move. Only the copy holds up the
//! flow; encoding and decoding run in other threads. Each step prints a line, in milliseconds of CPU time.
//!
//! `cargo bench --bench snapshot`
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints and stops at what it did not expect")]

mod market;

use self::market::{Reader, events as market_events};
use foreshock::{
    app::clock::cpu_seconds,
    engine::{Detection, Engine, Input, Limits, Outbox, Plan, Record, Snapshot, StageSettings},
    event::{
        Balance, Body, Decimal, Event, Name, OrderCancel, OrderNew, Position, Price, Quantity, Side, Source, SourceId,
    },
    time::{EventTime, Span},
};

const SYMBOLS: u32 = 3_000;
/// Live orders of a symbol, each at a price of its own. A number on the command line replaces this one.
const ORDERS: u32 = 50;
const ACCOUNTS: u32 = 50_000;
/// 2025-10-10.
const START: EventTime = EventTime::from_nanos(1_760_130_000_000_000_000);
/// Seconds of flow until every bucket, trail and order is in use.
const SECONDS: u32 = 120;
/// Minutes of the simulated market.
const MARKET_MINUTES: u64 = 3;
/// Repetitions of each step: the CPU clock of the process counts in hundredths of a second.
const REPEATED: u32 = 8;

fn name(text: String) -> Name<'static> {
    Name::new(text).unwrap()
}

fn number(mantissa: i64, places: u32) -> Decimal {
    Decimal::from_parts(mantissa, places).unwrap()
}

fn event(symbol: u32, second: u32, body: Body<'static>) -> Event<'static> {
    let ts = START.plus(Span::from_nanos(i64::from(second) * 1_000_000_000 + i64::from(symbol)));
    let account = name(format!("account-{}", (symbol * 31 + second) % ACCOUNTS));
    let seq = Some(u64::from(second) * 2 + u64::from(matches!(body, Body::OrderCancel(_))));
    Event { ts, symbol: Some(name(format!("SYMBOL{symbol}-PERP"))), seq, account: Some(account), owner: None, body }
}

/// The events of a symbol in a second: a new order at a price of its own, and the cancel of the oldest.
fn events(symbol: u32, second: u32, orders: u32) -> [Event<'static>; 2] {
    let id = |n: u32| name(format!("{}", 1_760_130_000_u64 * 1_000 + u64::from(symbol) * 7 + u64::from(n)));
    let side = if second.is_multiple_of(2) { Side::Buy } else { Side::Sell };
    let apart = i64::from(second % orders / 2) * 5;
    let price = 640_000 + i64::from(symbol) + if side == Side::Buy { -apart } else { 5 + apart };
    let new = OrderNew {
        order: id(second),
        side,
        price: Price::new(number(price, 1)),
        qty: Quantity::new(number(i64::from(1 + second * symbol % 977), 3)).unwrap(),
        kind: None,
        tif: None,
        post_only: None,
        reduce_only: None,
    };
    let gone = id(second.wrapping_sub(orders) % 1_000_000);
    let cancel = OrderCancel { order: gone, side: None, price: None, qty: None, reason: None };
    [event(symbol, second, Body::OrderNew(new)), event(symbol, second, Body::OrderCancel(cancel))]
}

/// The position and the balance of an account.
fn statements(account: u32) -> [Event<'static>; 2] {
    let (qty, entry, margin_mode, margin, leverage) = (number(5, 0), number(640_000, 1), None, None, None);
    let position = Body::Position(Position { qty, entry, margin_mode, margin, leverage });
    let balance = Body::Balance(Balance { equity: number(100_000, 0), asset: None });
    [position, balance].map(|body| Event {
        seq: None,
        account: Some(name(format!("account-{account}"))),
        ..event(account % SYMBOLS, 1, body)
    })
}

fn plan() -> Plan {
    Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        stages: StageSettings::default(),
        sources: vec![Source { name: "orderflow.events".to_owned(), partition: Some(0), feed: 0 }],
        replay: String::new(),
        currency: None,
    }
}

fn engine(orders: u32) -> Engine {
    let mut engine = Engine::new(plan());
    let mut outbox = Outbox::default();
    let of_accounts = (0..ACCOUNTS).flat_map(statements);
    let of_symbols =
        (0..SECONDS).flat_map(|second| (0..SYMBOLS).flat_map(move |symbol| events(symbol, second, orders)));
    for (offset, event) in (0..).zip(of_accounts.chain(of_symbols)) {
        let content = Ok(std::slice::from_ref(&event));
        engine.handle(Input::Record(Record { source: SourceId(0), offset, appended_at: None, content }), &mut outbox);
        outbox.drain().for_each(drop);
    }
    engine
}

/// Repeats a step and prints the cost of one run. The results are dropped afterwards: in the service another thread
/// drops them.
fn measure<T>(what: &str, mut work: impl FnMut() -> T) -> T {
    let before = cpu_seconds();
    let mut results: Vec<T> = (0..REPEATED).map(|_| work()).collect();
    let millis = (cpu_seconds() - before) * 1e3 / f64::from(REPEATED);
    println!("{what}: {millis:.1} ms");
    results.pop().unwrap()
}

fn main() {
    let orders = std::env::args().find_map(|arg| arg.parse().ok()).unwrap_or(ORDERS);
    println!("{SYMBOLS} symbols with {orders} orders each:");
    report(&engine(orders));
    println!("the simulated market of {SYMBOLS} symbols after {MARKET_MINUTES} min:");
    let mut reader = Reader::new();
    market_events(SYMBOLS, MARKET_MINUTES).for_each(|event| _ = reader.take(&event));
    report(&reader.engine);
}

fn report(engine: &Engine) {
    println!("{:?}", engine.occupancy());
    let snapshot = measure("copy", || engine.snapshot());
    let bytes = measure("encode", || snapshot.encode());
    println!("{} bytes", bytes.len());
    for level in [1, 3] {
        let packed = measure(&format!("zstd {level}"), || zstd::bulk::compress(&bytes, level).unwrap());
        println!("{} bytes packed", packed.len());
    }
    measure("decode", || Snapshot::decode(&bytes).unwrap());
}
