//! Makers who move their quotes are not reported as withdrawing; accounts that stay away for more than a second are.
//!
//! The makers of one symbol follow its price in four ways, for hours: most of the time each moves its quotes every few seconds,
//! and in a storm twenty times a second. Only the symbol's own detector may report the storms; the parties have withdrawn
//! nothing.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/environment.rs"]
mod environment;
#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;

use foreshock::{
    detect::{Change, Severity, Signal, Subject},
    engine::{Detection, Engine, Input, Limits, Outbox, Output, Plan, Record, StageSettings},
    event::{
        Body, Decimal, Event, Heartbeat, Name, OrderCancel, OrderNew, OrderReplace, Price, Quantity, Side, Source,
        SourceId,
    },
    simulate::{Exchange, SimulationPlan},
    time::{EventTime, Span},
};
use random::Random;

const START: i64 = 1_760_130_000;
const SYMBOL: &str = "S";
/// Quotes of a maker on a side.
const LEVELS: usize = 3;

fn at(millis: i64) -> EventTime {
    EventTime::from_nanos(START * 1_000_000_000).plus(Span::from_millis(millis))
}

fn name(text: &str) -> Name<'static> {
    Name::new(text.to_owned()).unwrap()
}

fn quantity(lots: u64) -> Quantity {
    Quantity::new(Decimal::parse(&lots.to_string()).unwrap()).unwrap()
}

fn price(ticks: i64) -> Price {
    Price::new(Decimal::parse(&ticks.to_string()).unwrap()).unwrap()
}

/// An engine, and the signals about parties that warn.
struct Market {
    engine: Engine,
    offset: u64,
    orders: u64,
    tickets: Vec<Signal>,
}

impl Market {
    fn new() -> Self {
        let sources = vec![Source { name: "t".to_owned(), partition: Some(0), feed: 0 }];
        let engine = Engine::new(Plan {
            calendars: foreshock::calendar::Calendars::default(),
            maintenance: foreshock::calendar::MaintenanceWindows::default(),
            limits: Limits::default(),
            detection: Detection::default(),
            sources,
            stages: StageSettings::default(),
            replay: String::new(),
            currency: None,
        });
        Self { engine, offset: 0, orders: 0, tickets: Vec::new() }
    }

    fn take(&mut self, event: &Event<'_>) {
        let content = Ok(std::slice::from_ref(event));
        let record = Record { source: SourceId(0), offset: self.offset, appended_at: None, content };
        let mut outbox = Outbox::default();
        self.engine.handle(Input::Record(record), &mut outbox);
        self.offset += 1;
        self.tickets.extend(outbox.drain().filter_map(|output| match output {
            Output::Signal(signal) if is_party_ticket(&signal) => Some(*signal),
            Output::Signal(_) | Output::Notify(..) | Output::Rejected(..) => None,
        }));
    }

    fn send(&mut self, millis: i64, (account, owner): (&str, Option<&str>), body: Body<'static>) {
        let (symbol, account, owner) = (Some(name(SYMBOL)), Some(name(account)), owner.map(name));
        self.take(&Event { ts: at(millis), symbol, seq: None, account, owner, body });
    }

    fn heartbeat(&mut self, millis: i64) {
        let body = Body::Heartbeat(Heartbeat { producer: None });
        self.take(&Event { ts: at(millis), symbol: None, seq: None, account: None, owner: None, body });
    }

    fn place(&mut self, millis: i64, who: (&str, Option<&str>), (side, ticks, lots): (Side, i64, u64)) -> u64 {
        self.orders += 1;
        let new = OrderNew {
            order: name(&self.orders.to_string()),
            side,
            price: Some(price(ticks)),
            qty: quantity(lots),
            kind: None,
            tif: None,
            post_only: None,
            reduce_only: None,
        };
        self.send(millis, who, Body::OrderNew(new));
        self.orders
    }

    fn cancel(&mut self, millis: i64, who: (&str, Option<&str>), order: u64) {
        let order = name(&order.to_string());
        self.send(
            millis,
            who,
            Body::OrderCancel(OrderCancel { order, side: None, price: None, qty: None, reason: None }),
        );
    }

    fn replace(&mut self, millis: i64, who: (&str, Option<&str>), order: u64, (ticks, lots): (i64, u64)) {
        let order = name(&order.to_string());
        let replace = OrderReplace { order, new_order: None, price: price(ticks), qty: quantity(lots) };
        self.send(millis, who, Body::OrderReplace(replace));
    }

    /// The subjects with tickets since the last call, each with the time of its first one after a time, in milliseconds.
    fn reported_after(&mut self, millis: i64) -> BTreeMap<Subject, i64> {
        let mut reported = BTreeMap::new();
        for signal in self.tickets.drain(..) {
            reported.entry(signal.subject).or_insert(signal.visible_at.since(at(millis)).millis());
        }
        reported
    }
}

fn is_party_ticket(signal: &Signal) -> bool {
    let is_party = match signal.subject {
        Subject::Account(_) | Subject::AccountSymbol(..) | Subject::Owner(_) | Subject::OwnerSymbol(..) => true,
        Subject::Symbol(_) | Subject::Market | Subject::Pipeline | Subject::Records => false,
    };
    is_party && signal.severity >= Severity::Warning && signal.change != Change::Cleared
}

/// How a maker moves its quotes.
#[derive(Clone, Copy, Debug)]
enum Style {
    /// All are cancelled, and up to 900 ms later all are placed anew.
    Batch,
    /// One after the other is cancelled and placed anew.
    CancelNew,
    /// One after the other is placed anew and then cancelled.
    NewCancel,
    /// One after the other is replaced.
    Replace,
    /// All are cancelled by one account of the firm and placed anew by the other, 50 ms later.
    BetweenAccounts,
}

const STYLES: [Style; 5] = [Style::Batch, Style::CancelNew, Style::NewCancel, Style::Replace, Style::BetweenAccounts];

/// A maker with its orders, bids first.
struct Maker {
    style: Style,
    accounts: [String; 2],
    owner: Option<String>,
    orders: Vec<u64>,
    /// The index of the account that quotes.
    active: usize,
}

impl Maker {
    fn new(number: usize) -> Self {
        let style = STYLES[number % STYLES.len()];
        let owner = matches!(style, Style::BetweenAccounts).then(|| format!("firm{number}"));
        let accounts = ["a", "b"].map(|which| format!("maker{number}{which}"));
        Self { style, accounts, owner, orders: Vec::new(), active: 0 }
    }

    /// The quote of a slot around a middle, with sizes that change by a third from one move to the next.
    fn quote(slot: usize, middle: i64, random: &mut Random) -> (Side, i64, u64) {
        let out = 1 + i64::try_from(slot % LEVELS).unwrap();
        let lots = 20 + random.below(11);
        if slot < LEVELS { (Side::Buy, middle - out, lots) } else { (Side::Sell, middle + out, lots) }
    }

    /// Moves all quotes to a middle.
    fn moves(&mut self, market: &mut Market, millis: i64, middle: i64, random: &mut Random) {
        let before = std::mem::take(&mut self.orders);
        let account = self.accounts[self.active].clone();
        let who = (account.as_str(), self.owner.as_deref());
        let slots = 0..2 * LEVELS;
        let new = |market: &mut Market, millis, who: (&str, Option<&str>), random: &mut Random| {
            slots.clone().map(|slot| market.place(millis, who, Self::quote(slot, middle, random))).collect()
        };
        match self.style {
            Style::Batch => {
                for order in &before {
                    market.cancel(millis, who, *order);
                }
                self.orders = new(market, millis + 40, who, random);
            }
            Style::CancelNew | Style::NewCancel => {
                for slot in slots {
                    let quote = Self::quote(slot, middle, random);
                    if matches!(self.style, Style::NewCancel) {
                        self.orders.push(market.place(millis, who, quote));
                    }
                    if let Some(order) = before.get(slot) {
                        market.cancel(millis, who, *order);
                    }
                    if matches!(self.style, Style::CancelNew) {
                        self.orders.push(market.place(millis, who, quote));
                    }
                }
            }
            Style::Replace if before.is_empty() => self.orders = new(market, millis, who, random),
            Style::Replace => {
                for (slot, order) in before.iter().enumerate() {
                    let (_, ticks, lots) = Self::quote(slot, middle, random);
                    market.replace(millis, who, *order, (ticks, lots));
                }
                self.orders = before;
            }
            Style::BetweenAccounts => {
                for order in &before {
                    market.cancel(millis, who, *order);
                }
                self.active = 1 - self.active;
                let other = self.accounts[self.active].clone();
                self.orders = new(market, millis + 50, (other.as_str(), self.owner.as_deref()), random);
            }
        }
    }
}

/// Lets makers quote for some minutes from a time on, with a storm of ten seconds every eleven minutes.
fn quote(market: &mut Market, makers: &mut [Maker], minutes: std::ops::Range<i64>, random: &mut Random) {
    let mut middle = 10_000;
    for tick in minutes.start * 600..minutes.end * 600 {
        let millis = tick * 100;
        market.heartbeat(millis);
        let is_storm = tick % 6_600 < 100 && tick > 600;
        for maker in &mut *makers {
            if is_storm || random.below(30) == 0 {
                middle += i64::try_from(random.below(3)).unwrap() - 1;
                maker.moves(market, millis, middle, random);
            }
        }
    }
}

#[test]
fn makers_who_follow_the_price_for_two_hours_give_no_ticket_about_a_party() {
    let (mut market, mut random) = (Market::new(), Random(7));
    let mut makers: Vec<Maker> = (0..STYLES.len()).map(Maker::new).collect();
    quote(&mut market, &mut makers, 0..120, &mut random);
    assert_eq!(market.reported_after(0), BTreeMap::new());
    let parties = market.engine.occupancy().iter().map(|(_, occupancy)| occupancy.evicted).sum::<u64>();
    assert_eq!(parties, 0, "nothing was judged early or forgotten");
}

#[test]
fn what_a_party_withdraws_and_does_not_put_back_within_a_second_is_reported_a_second_later() {
    let (mut market, mut random) = (Market::new(), Random(8));
    // Others withdraw now and then, in every shard of accounts: a tier without anybody is not judged.
    let others: Vec<String> = (0..64).map(|n| format!("other{n}")).collect();
    let placed: Vec<u64> = others.iter().map(|other| market.place(0, (other, None), (Side::Buy, 9_000, 1))).collect();
    others.iter().zip(placed).for_each(|(other, order)| market.cancel(5_000, (other, None), order));
    let mut makers: Vec<Maker> = (0..STYLES.len()).map(Maker::new).collect();
    quote(&mut market, &mut makers, 1..100, &mut random);
    market.reported_after(0);
    // Three accounts place three hundred orders each within a minute, and withdraw them in two seconds. One leaves it at that, one
    // is back after three seconds, and one is back at once.
    let accounts = ["leaves", "late", "at_once"];
    let start = 100 * 60_000;
    let quote = |nth: i64| (Side::Buy, 9_000 - nth % 50, 5);
    let mut orders: Vec<Vec<u64>> = vec![Vec::new(); 3];
    for nth in 0..300 {
        for (account, orders) in accounts.iter().zip(&mut orders) {
            orders.push(market.place(start + nth * 200, (account, None), quote(nth)));
        }
    }
    let pulls = start + 70_000;
    let mut steps: Vec<(i64, usize, Option<u64>, i64)> = Vec::new();
    for (nth, millis) in (0..300).map(|nth| (nth, pulls + nth * 2_000 / 300)) {
        for (who, orders) in orders.iter().enumerate() {
            steps.push((millis, who, Some(orders[usize::try_from(nth).unwrap()]), nth));
        }
        steps.push((millis + 3_100, 1, None, nth));
        steps.push((millis + 3, 2, None, nth));
    }
    steps.sort_by_key(|(millis, ..)| *millis);
    for (millis, who, order, nth) in steps {
        match order {
            Some(order) => market.cancel(millis, (accounts[who], None), order),
            None => _ = market.place(millis, (accounts[who], None), quote(nth)),
        }
    }
    (1..30).for_each(|tenth| market.heartbeat(pulls + 5_200 + tenth * 100));
    let reported = market.reported_after(pulls);
    let subjects: Vec<Subject> = reported.keys().cloned().collect();
    let account = |name: &str| Subject::Account(name.into());
    let on_symbol = |name: &str| Subject::AccountSymbol(name.into(), SYMBOL.into());
    // Over all symbols or on this one: a symbol whose own flow comes in storms hides what an account does there.
    let is_of = |subject: &Subject, name: &str| [account(name), on_symbol(name)].contains(subject);
    let reported_of = |subjects: &[Subject], name: &str| subjects.iter().any(|subject| is_of(subject, name));
    assert!(reported_of(&subjects, "late") && reported_of(&subjects, "leaves"), "{subjects:?}");
    assert!(subjects.iter().all(|subject| is_of(subject, "late") || is_of(subject, "leaves")), "{subjects:?}");
    // The last of them has stayed away for its second at 3,000 ms; the withdrawals of a party are judged each tenth of a second.
    assert!(reported.values().all(|millis| (1_000..=3_100).contains(millis)), "{reported:?}");

    // An account that places three hundred orders and cancels the same ones at once has moved nothing.
    let flash = pulls + 60_000;
    (0..600).for_each(|tenth| market.heartbeat(pulls + 9_000 + tenth * 85));
    let placed: Vec<u64> = (0..300).map(|nth| market.place(flash + nth, ("flash", None), quote(nth))).collect();
    placed.iter().zip(400..).for_each(|(order, millis)| market.cancel(flash + millis, ("flash", None), *order));
    (1..50).for_each(|tenth| market.heartbeat(flash + 1_000 + tenth * 100));
    let subjects: Vec<Subject> = market.reported_after(flash).into_keys().collect();
    assert!(reported_of(&subjects, "flash"), "{subjects:?}");
    assert!(subjects.iter().all(|subject| is_of(subject, "flash")), "{subjects:?}");
}

#[test]
fn the_makers_of_the_simulator_give_no_ticket_in_two_hours_of_a_busy_market() {
    let mut plan = SimulationPlan::new(11, 120);
    (plan.symbols, plan.density) = (3, 2.0);
    plan.scenarios = (0..8).map(|n| format!("maker_requote@{}", 30 + 10 * n).parse().unwrap()).collect();
    let mut market = Market::new();
    for item in Exchange::try_new(&plan).unwrap() {
        market.take(&item.into_event());
    }
    // The accounts of the makers are the first six.
    let makers: Vec<String> = (1..=6).map(|n| format!("a{n}")).chain((1..=3).map(|n| format!("o{n}"))).collect();
    let of_maker = |subject: &Subject| match subject {
        Subject::Account(name)
        | Subject::AccountSymbol(name, _)
        | Subject::Owner(name)
        | Subject::OwnerSymbol(name, _) => makers.iter().any(|maker| maker == name),
        Subject::Symbol(_) | Subject::Market | Subject::Pipeline | Subject::Records => false,
    };
    let reported: Vec<Subject> = market.reported_after(0).into_keys().filter(of_maker).collect();
    assert_eq!(reported, []);
}
