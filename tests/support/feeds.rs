//! A flow over four feeds, and the interleavings in which it may be read.
//!
//! The flow has a quiet pace, bursts of withdrawals at the same instants on several feeds, late events, duplicates,
//! sequence gaps, a producer that starts over, icebergs and heartbeats; its accounts act on all feeds, with owners that
//! change, positions, balances and marks.
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

use super::random::Random;

pub const FEEDS: usize = 4;
const SYMBOLS: usize = 2;
/// 2025-10-10, on a whole minute.
const START: i64 = 1_760_130_000;
/// Length of the flow in tenths of a second: a quarter of an hour before which no party is judged, a burst, its end, and a
/// second burst.
const TENTHS: i64 = 13_500;

fn at(tenth: i64) -> EventTime {
    EventTime::from_nanos(START * 1_000_000_000).plus(Span::from_millis(100 * tenth))
}

fn name(text: String) -> Name<'static> {
    Name::new(text).unwrap()
}

fn number(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// The producer of one symbol's events.
struct Producer {
    random: Random,
    symbol: String,
    seq: Option<u64>,
    orders: u64,
    events: Vec<Event<'static>>,
}

impl Producer {
    /// Adds an event by one of five accounts.
    fn push(&mut self, ts: EventTime, body: Body<'static>) {
        self.seq = self.seq.map(|seq| seq + 1);
        let account = self.random.index(5);
        self.events.push(Event {
            ts,
            symbol: Some(name(self.symbol.clone())),
            seq: self.seq,
            // The accounts of each feed's second symbol act there only.
            account: Some(name(
                self.symbol.strip_suffix('1').map_or("a", |feed| feed).to_owned() + &account.to_string(),
            )),
            owner: owner(account, ts).filter(|_| !self.symbol.ends_with('1')),
            body,
        });
    }

    fn order(&mut self, ts: EventTime) {
        self.orders += 1;
        let price = Price::new(number(&format!("{}", 100 + self.random.index(5)))).unwrap();
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
        self.push(ts, Body::OrderNew(new));
    }

    fn some_order(&mut self) -> Name<'static> {
        let back = self.random.below(8);
        name(format!("o{}", self.orders.saturating_sub(back)))
    }

    fn cancel(&mut self, ts: EventTime) {
        let order = self.some_order();
        self.push(ts, Body::OrderCancel(OrderCancel { order, side: None, price: None, qty: None, reason: None }));
    }

    fn replace(&mut self, ts: EventTime) {
        let (order, price) = (self.some_order(), Price::new(number("99.5")).unwrap());
        let qty = Quantity::new(number("1.5")).unwrap();
        self.push(ts, Body::OrderReplace(OrderReplace { order, new_order: None, price, qty }));
    }

    fn trade(&mut self, ts: EventTime) {
        let maker_order = Some(self.some_order());
        let (price, qty) = (Price::new(number("100")).unwrap(), Quantity::new(number("2")).unwrap());
        self.push(
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

    /// A tenth of a second of ordinary flow, with an occasional late event, duplicate or gap.
    fn quiet(&mut self, tenth: i64) {
        let ts = at(tenth);
        if self.random.one_in(25) {
            self.order(ts);
        }
        match self.random.index(100) {
            0..=4 => self.cancel(ts),
            5 => self.replace(ts),
            6 => self.trade(ts),
            // Late events, one within the grace and one beyond it.
            7 if tenth > 700 => self.cancel(at(tenth - 30)),
            8 if tenth > 700 => self.cancel(at(tenth - 650)),
            9 if self.seq.is_some() => self.events.extend(self.events.last().cloned()),
            10 if tenth < 300 => self.seq = self.seq.map(|seq| seq + 3),
            _ => {}
        }
    }

    /// A tenth of a second of a burst: orders that are withdrawn at once, and nothing that would put them back.
    fn burst(&mut self, tenth: i64, strength: i64) {
        (0..strength).for_each(|_| self.cancel(at(tenth)));
    }
}

/// The owner of an account: accounts 0 and 1 share one, account 2 changes its owner half-way, the others have none.
fn owner(account: usize, ts: EventTime) -> Option<Name<'static>> {
    match account {
        0 | 1 => Some(name("w0".to_owned())),
        2 if ts < at(TENTHS / 2) => Some(name("w0".to_owned())),
        2 => Some(name("w1".to_owned())),
        _ => None,
    }
}

/// A mark, and a position and a balance of one account. An account's statements come on a different feed each time;
/// account 4 ends with a negative balance.
fn statements(feed: usize, tenth: i64, events: &mut Vec<Event<'static>>) {
    let (turn, ts) = (usize::try_from(tenth / 40).unwrap(), at(tenth));
    let account = (turn + feed) % 5;
    let symbol = Some(name(format!("S{feed}0")));
    let mut push = |symbol: Option<Name<'static>>, account: Option<usize>, body| {
        let owner = account.and_then(|account| owner(account, ts));
        let account = account.map(|account| name(format!("a{account}")));
        events.push(Event { ts, symbol, seq: None, account, owner, body });
    };
    let price = number(&format!("{}", 100 + turn % 7));
    push(symbol.clone(), None, Body::Mark(Mark { mark: Price::new(price).unwrap(), index: None }));
    let (qty, margin_mode, margin, leverage) = (number(&format!("{}", turn % 4 + 1)), None, None, None);
    push(symbol, Some(account), Body::Position(Position { qty, entry: price, margin_mode, margin, leverage }));
    let equity = number(if account == 4 && tenth > 2_500 { "-5" } else { "1000" });
    push(None, Some(account), Body::Balance(Balance { equity, asset: None }));
}

/// Withdrawals of a symbol in a tenth of a second; 0 outside its two bursts. The first symbols of all feeds burst
/// together.
fn strength(feed: usize, symbol: usize, tenth: i64) -> i64 {
    let from = match (symbol, feed) {
        (0, _) => 10_000,
        (_, 0) => 10_010,
        (_, feed) => 10_200 + 37 * i64::try_from(feed).unwrap(),
    };
    // An episode ends three minutes after its flow, its incident a minute later.
    let again = from + 2_700;
    if (from..from + 25).contains(&tenth) {
        2 + (tenth - from) / 4
    } else {
        i64::from((again..again + 12).contains(&tenth)) * 6
    }
}

fn feed(feed: usize) -> Vec<Event<'static>> {
    let mut producers: Vec<Producer> = (0..SYMBOLS)
        .map(|symbol| Producer {
            random: Random(feed as u64 * 100 + symbol as u64),
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

/// An order in which the feeds may be read: the feed of each next record. Runs of one feed are as long as a consumer's
/// batches.
pub fn interleaving(flow: &[Vec<Event<'static>>], seed: u64) -> Vec<usize> {
    let mut random = Random(seed);
    let mut left: Vec<usize> = flow.iter().map(Vec::len).collect();
    let batch = [1, 1, 5, 50, 500, 100_000][random.index(6)];
    let mut order = Vec::with_capacity(left.iter().sum());
    while left.iter().any(|&n| n > 0) {
        // Feeds are picked in proportion to what they have left, as in a true shuffle.
        let mut pick = random.index(left.iter().sum());
        let feed = left.iter().position(|&n| {
            let here = pick < n;
            pick = pick.saturating_sub(n);
            here
        });
        let feed = feed.unwrap();
        let run = (1 + random.index(batch)).min(left[feed]);
        left[feed] -= run;
        order.extend(std::iter::repeat_n(feed, run));
    }
    order
}

/// Writes an output as readers outside the engine see it.
pub fn write(output: &Output, text: &mut String) {
    match output {
        Output::Notify(alert, _) => writeln!(text, "{}", serde_json::to_string(alert).unwrap()).unwrap(),
        Output::Signal(signal) => writeln!(text, "{signal:?}").unwrap(),
        Output::Rejected(place, rejection) => panic!("{place:?}: {rejection}"),
    }
}
