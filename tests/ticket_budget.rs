//! The ticket budget of a symbol on flow with the heavy tail of real trades: what it allows against what is opened, and by age.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/environment.rs"]
mod environment;
#[path = "support/heavy_flow.rs"]
mod heavy_flow;
#[path = "support/random.rs"]
mod random;

use foreshock::{
    calendar::Calendars,
    detect::{Change, Severity, Subject},
    engine::{Detection, Engine, Input, Limits, Outbox, Output, Plan, Record, StageSettings},
    event::{Body, Decimal, Event, Name, OrderCancel, OrderNew, Price, Quantity, Side, Source, SourceId, Trade},
    time::EventTime,
};
use heavy_flow::arrivals;
use random::Random;

const HOUR: f64 = 3_600.0;
/// When a symbol has levels of its own, in hours.
const OWN_LEVELS: f64 = 0.5;
/// How long one opening of a ticket stands for all that open on the symbol: what an incident would join.
const ONE_TICKET: f64 = 600.0;

/// One thing that happens on a symbol.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Trade(u16),
    Place(u64),
    Cancel(u64),
}

fn name(text: &str) -> Name<'static> {
    Name::new(text.to_owned()).unwrap()
}

fn decimal(number: i64, places: u32) -> Decimal {
    Decimal::from_parts(number, places).unwrap()
}

/// The symbols of one feed. They show each other the tails of their flow (`stats::tail_prior`).
const SYMBOLS: usize = 10;
/// The paces of the symbols, in events a second, by turns.
const PACES: [f64; 2] = [0.2, 1.0];

/// The events of a feed in the order of time, each with the index of its symbol.
fn events(seed: u64, hours: f64, random: &mut Random) -> Vec<(i64, usize, What)> {
    let mut events = Vec::new();
    let mut orders = 0;
    for symbol in 0..SYMBOLS {
        let seed = seed * SYMBOLS as u64 + symbol as u64;
        let pace = PACES[symbol % PACES.len()];
        let trades = arrivals(seed, pace, hours * HOUR);
        events.extend(trades.iter().map(|arrival| (arrival.at, symbol, What::Trade(arrival.units))));
        for arrival in arrivals(seed + 1_000_000, pace, hours * HOUR) {
            orders += 1;
            // Orders rest for one to three minutes, evenly: what is withdrawn comes as heavily as what is placed.
            let rests = 60_000_000_000 + i64::try_from(random.below(120_000_000_000)).unwrap();
            events.push((arrival.at.saturating_sub(rests), symbol, What::Place(orders)));
            events.push((arrival.at, symbol, What::Cancel(orders)));
        }
    }
    events.sort_unstable();
    events
}

/// A day of one feed. Each symbol has trades, and orders of sixty accounts that are placed and later withdrawn, either in
/// heavy-tailed flow; the price walks with the trades. Returns when tickets open, in seconds.
fn tickets(seed: u64, hours: f64) -> Vec<f64> {
    let sources = vec![Source { name: "t".to_owned(), partition: Some(0), feed: 0 }];
    let (limits, detection, stages) = (Limits::default(), Detection::default(), StageSettings::default());
    let mut engine = Engine::new(Plan {
        limits,
        detection,
        stages,
        calendars: Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        sources,
        replay: String::new(),
        currency: None,
    });
    let mut random = Random(seed);
    let events = events(seed, hours, &mut random);
    let mut prices = [1_000_000_i64; SYMBOLS];
    let mut found = vec![Vec::new(); prices.len()];
    let mut outbox = Outbox::default();
    for (offset, (at, symbol, what)) in (0_u64..).zip(events) {
        let mut account = None;
        // Each order has an account of its symbol.
        let account_of = |order: u64| Some(name(&format!("a{symbol}_{}", order % 60)));
        let body = match what {
            What::Trade(units) => {
                let price = &mut prices[symbol];
                *price += i64::try_from(random.below(3)).unwrap() - 1;
                let side = if random.one_in(2) { Side::Buy } else { Side::Sell };
                let lots = Quantity::new(decimal(i64::from(units.max(1)), 0)).unwrap();
                Body::Trade(Trade::public(
                    name(&offset.to_string()),
                    Price::new(decimal(*price, 2)).unwrap(),
                    lots,
                    Some(side),
                ))
            }
            What::Place(order) => {
                account = account_of(order);
                Body::OrderNew(OrderNew {
                    order: name(&order.to_string()),
                    side: Side::Buy,
                    price: Some(Price::new(decimal(500_000 - i64::try_from(order % 1_000).unwrap(), 2)).unwrap()),
                    qty: Quantity::new(decimal(1, 0)).unwrap(),
                    kind: None,
                    tif: None,
                    post_only: None,
                    reduce_only: None,
                })
            }
            What::Cancel(order) => {
                account = account_of(order);
                let order = name(&order.to_string());
                Body::OrderCancel(OrderCancel { order, side: None, price: None, qty: None, reason: None })
            }
        };
        // A day begins at an even time.
        let ts = EventTime::from_nanos(1_760_140_800_000_000_000 + at);
        let event = Event { ts, symbol: Some(name(&format!("S{symbol}"))), seq: None, account, owner: None, body };
        let content = Ok(std::slice::from_ref(&event));
        engine.handle(Input::Record(Record { source: SourceId(0), offset, appended_at: None, content }), &mut outbox);
        found[symbol].extend(outbox.drain().filter_map(|output| match output {
            Output::Signal(signal) if is_ticket_of_symbol(&signal) => Some(at as f64 / 1e9),
            Output::Signal(_) | Output::Notify(..) | Output::Rejected(..) => None,
        }));
    }
    for of_symbol in &mut found {
        of_symbol.dedup_by(|later, earlier| *later - *earlier < ONE_TICKET);
    }
    found.concat()
}

/// Whether a signal opens a ticket about a symbol or a party on it.
fn is_ticket_of_symbol(signal: &foreshock::detect::Signal) -> bool {
    let is_of_symbol = match signal.subject {
        Subject::Symbol(_) | Subject::AccountSymbol(..) | Subject::OwnerSymbol(..) => true,
        Subject::Account(_) | Subject::Owner(_) | Subject::Market | Subject::Pipeline | Subject::Records => false,
    };
    is_of_symbol && signal.severity >= Severity::Warning && signal.change != Change::Cleared
}

/// The feeds of the test, of a day each.
fn feeds() -> std::ops::RangeInclusive<u64> {
    1..=if environment::is_long() { 12 } else { 1 }
}

/// The budget is one ticket a symbol and day, of which detectors of the book, which this flow does not have, hold a quarter.
#[test]
fn a_symbol_and_its_parties_open_about_as_many_tickets_as_their_budget_allows_at_any_age() {
    let days = feeds().count() * SYMBOLS;
    let found: Vec<f64> = feeds().flat_map(|seed| tickets(seed * 7_919, 24.0)).collect();
    let per_day = |from: f64, until: f64| {
        let count = found.iter().filter(|at| (from..until).contains(&(**at / HOUR))).count();
        count as f64 / (days as f64 * (until - from) / 24.0)
    };
    // Until a symbol has levels of its own, only what is beyond doubt is told (DETECTION 6). Flow as heavy as this one passes even that
    // now and then, so the first half hour has a limit of its own, by the symbol.
    let first = per_day(0.0, OWN_LEVELS) * OWN_LEVELS / 24.0;
    let all = per_day(OWN_LEVELS, 24.0);
    let ages = [(OWN_LEVELS, 3.0), (3.0, 8.0), (8.0, 24.0)].map(|(from, until)| per_day(from, until));
    let what = format!(
        "{all:.2} tickets a symbol and day, by age {ages:.2?}, {first:.2} a symbol before that, of {days} days"
    );
    println!("{what}");
    if environment::is_long() {
        assert!((0.5..=2.0).contains(&all), "{what}");
        // From the third hour on the rate is within a half and twice the mean at any age. Before it, 3.9 of the mean were measured:
        // no exceedance is known in the first hour and a quarter, so nothing can be pooled.
        assert!(ages[1..].iter().all(|rate| (0.5 * all..=2.0 * all).contains(rate)) && ages[0] <= 4.5 * all, "{what}");
        assert!(first <= 0.6, "{what}");
    } else {
        // Ten days say no more than that.
        assert!(all <= 2.5 && ages[0] <= 8.0 && first <= 1.0, "{what}");
    }
}
