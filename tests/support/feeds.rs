//! One flow over four feeds, made once: quiet pace, bursts of withdrawals at the same instants on several feeds, late events,
//! duplicates, gaps, a producer that starts over, icebergs, and heartbeats; accounts that act on all feeds, with owners that change,
//! positions, balances and marks; and the orders in which it may be read.
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::fmt::Write;

use foreshock::{
    engine::Output,
    event::{
        Balance, Body, Decimal, Event, Heartbeat, Mark, Name, OrderCancel, OrderNew, OrderReplace, Position, Price,
        Quantity, Side, Trade,
    },
    time::{EventTime, Span},
};

pub const FEEDS: usize = 4;
const SYMBOLS: usize = 2;
/// 2025-10-10, on a whole minute.
const START: i64 = 1_760_130_000;
/// How long the flow is, in tenths of a second: enough to learn, to burst, to be over and to burst again.
const TENTHS: i64 = 4_000;

/// A small generator of our own (splitmix64): the flow and its shuffles are the same on every machine.
pub struct Dice(pub u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

fn at(tenth: i64) -> EventTime {
    EventTime::from_nanos(START * 1_000_000_000).plus(Span::from_millis(100 * tenth))
}

fn name(text: String) -> Name<'static> {
    Name::new(text).unwrap()
}

fn number(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// One symbol's flow, in its order: the events of one producer.
struct Producer {
    dice: Dice,
    symbol: String,
    seq: Option<u64>,
    orders: u64,
    events: Vec<Event<'static>>,
}

impl Producer {
    fn say(&mut self, ts: EventTime, body: Body<'static>) {
        self.seq = self.seq.map(|seq| seq + 1);
        let account = self.dice.below(5);
        self.events.push(Event {
            ts,
            symbol: Some(name(self.symbol.clone())),
            seq: self.seq,
            // The second symbol of each feed has accounts of its own.
            account: Some(name(
                self.symbol.strip_suffix('1').map_or("a", |feed| feed).to_owned() + &account.to_string(),
            )),
            owner: owner(account, ts).filter(|_| !self.symbol.ends_with('1')),
            body,
        });
    }

    fn order(&mut self, ts: EventTime) {
        self.orders += 1;
        let price = Price::new(number(&format!("{}", 100 + self.dice.below(5)))).unwrap();
        let qty = Quantity::new(number("2")).unwrap();
        let order = name(format!("o{}", self.orders));
        let new = OrderNew {
            order,
            side: Side::Buy,
            price: Some(price),
            qty,
            kind: None,
            tif: None,
            post_only: None,
            reduce_only: None,
        };
        self.say(ts, Body::OrderNew(new));
    }

    fn some_order(&mut self) -> Name<'static> {
        let back = self.dice.next() % 8;
        name(format!("o{}", self.orders.saturating_sub(back)))
    }

    fn cancel(&mut self, ts: EventTime) {
        let order = self.some_order();
        self.say(ts, Body::OrderCancel(OrderCancel { order, side: None, price: None, qty: None, reason: None }));
    }

    fn replace(&mut self, ts: EventTime) {
        let (order, price) = (self.some_order(), Price::new(number("99.5")).unwrap());
        let qty = Quantity::new(number("1.5")).unwrap();
        self.say(ts, Body::OrderReplace(OrderReplace { order, new_order: None, price, qty }));
    }

    fn trade(&mut self, ts: EventTime) {
        let maker_order = Some(self.some_order());
        let (price, qty) = (Price::new(number("100")).unwrap(), Quantity::new(number("2")).unwrap());
        self.say(
            ts,
            Body::Trade(Trade {
                trade: name(format!("t{}", self.events.len())),
                price,
                qty,
                side: None,
                maker_order,
                taker_order: None,
                maker: None,
                taker: None,
                maker_owner: None,
                taker_owner: None,
                liquidation: None,
            }),
        );
    }

    /// A tenth of a second of ordinary flow, disturbed now and then.
    fn quiet(&mut self, tenth: i64) {
        let ts = at(tenth);
        if self.dice.one_in(25) {
            self.order(ts);
        }
        match self.dice.below(100) {
            0..=4 => self.cancel(ts),
            5 => self.replace(ts),
            6 => self.trade(ts),
            // Late, within the grace and beyond it.
            7 if tenth > 700 => self.cancel(at(tenth - 30)),
            8 if tenth > 700 => self.cancel(at(tenth - 650)),
            9 if self.seq.is_some() => self.events.extend(self.events.last().cloned()),
            10 if tenth < 300 => self.seq = self.seq.map(|seq| seq + 3),
            _ => {}
        }
    }

    /// Withdrawals at the same instants on every feed, ever more of them.
    fn burst(&mut self, tenth: i64, strength: i64) {
        for _ in 0..strength {
            self.order(at(tenth));
            self.cancel(at(tenth));
        }
    }
}

/// Two accounts of one owner, and one that goes from it to another; the others have none.
fn owner(account: usize, ts: EventTime) -> Option<Name<'static>> {
    match account {
        0 | 1 => Some(name("w0".to_owned())),
        2 if ts < at(TENTHS / 2) => Some(name("w0".to_owned())),
        2 => Some(name("w1".to_owned())),
        _ => None,
    }
}

/// What a feed says of accounts and of a mark: now and then, each account on another feed each time, and one that has lost all.
fn statements(feed: usize, tenth: i64, events: &mut Vec<Event<'static>>) {
    let (turn, ts) = (usize::try_from(tenth / 40).unwrap(), at(tenth));
    let account = (turn + feed) % 5;
    let symbol = Some(name(format!("S{feed}0")));
    let mut say = |symbol: Option<Name<'static>>, account: Option<usize>, body| {
        let owner = account.and_then(|account| owner(account, ts));
        let account = account.map(|account| name(format!("a{account}")));
        events.push(Event { ts, symbol, seq: None, account, owner, body });
    };
    let price = number(&format!("{}", 100 + turn % 7));
    say(symbol.clone(), None, Body::Mark(Mark { mark: Price::new(price).unwrap(), index: None }));
    let (qty, margin_mode, margin, leverage) = (number(&format!("{}", turn % 4 + 1)), None, None, None);
    say(symbol, Some(account), Body::Position(Position { qty, entry: price, margin_mode, margin, leverage }));
    let equity = number(if account == 4 && tenth > 2_500 { "-5" } else { "1000" });
    say(None, Some(account), Body::Balance(Balance { equity, asset: None }));
}

/// When a symbol bursts: some together with the other feeds, some alone.
fn strength(feed: usize, symbol: usize, tenth: i64) -> i64 {
    let from = match (symbol, feed) {
        (0, _) => 1_500,
        (_, 0) => 1_510,
        (_, feed) => 1_700 + 37 * i64::try_from(feed).unwrap(),
    };
    let again = from + 1_300;
    if (from..from + 25).contains(&tenth) {
        2 + (tenth - from) / 4
    } else {
        i64::from((again..again + 12).contains(&tenth)) * 6
    }
}

fn feed(feed: usize) -> Vec<Event<'static>> {
    let mut producers: Vec<Producer> = (0..SYMBOLS)
        .map(|symbol| Producer {
            dice: Dice(feed as u64 * 100 + symbol as u64),
            symbol: format!("S{feed}{symbol}"),
            seq: (symbol == 0).then_some(1_000 * feed as u64),
            orders: 0,
            events: Vec::new(),
        })
        .collect();
    let mut events = Vec::new();
    for tenth in 0..TENTHS {
        for (symbol, producer) in producers.iter_mut().enumerate() {
            match strength(feed, symbol, tenth) {
                0 => producer.quiet(tenth),
                strength => producer.burst(tenth, strength),
            }
            events.append(&mut producer.events);
        }
        if tenth % 40 == i64::try_from(feed).unwrap() {
            statements(feed, tenth, &mut events);
        }
        if tenth % 20 == 0 {
            let body = Body::Heartbeat(Heartbeat { producer: None });
            events.push(Event { ts: at(tenth), symbol: None, seq: None, account: None, owner: None, body });
        }
    }
    events
}

pub fn flow() -> Vec<Vec<Event<'static>>> {
    (0..FEEDS).map(feed).collect()
}

/// Which feed is read next, over and over; runs of one feed are as long as a consumer's batches may be.
pub fn interleaving(flow: &[Vec<Event<'static>>], seed: u64) -> Vec<usize> {
    let mut dice = Dice(seed);
    let mut left: Vec<usize> = flow.iter().map(Vec::len).collect();
    let batch = [1, 1, 5, 50, 500, 100_000][dice.below(6)];
    let mut order = Vec::with_capacity(left.iter().sum());
    while left.iter().any(|&n| n > 0) {
        let mut pick = dice.below(left.iter().sum());
        // In proportion to what is left, as a true shuffle does.
        let feed = left.iter().position(|&n| {
            let here = pick < n;
            pick = pick.saturating_sub(n);
            here
        });
        let feed = feed.unwrap();
        let run = (1 + dice.below(batch)).min(left[feed]);
        left[feed] -= run;
        order.extend(std::iter::repeat_n(feed, run));
    }
    order
}

/// What the world outside sees of an output.
pub fn write(output: &Output, text: &mut String) {
    match output {
        Output::Notify(alert, _) => writeln!(text, "{}", serde_json::to_string(alert).unwrap()).unwrap(),
        Output::Signal(signal) => writeln!(text, "{signal:?}").unwrap(),
        Output::Rejected(place, rejection) => panic!("{place:?}: {rejection}"),
    }
}
