//! The order in which partitions are read must not show in the result.
//!
//! One flow over four feeds, made once: quiet pace, bursts of withdrawals at the same instants on several feeds, late events,
//! duplicates, gaps, a producer that starts over, icebergs, and heartbeats. However the feeds interleave (each in its own order,
//! as Kafka gives it) the engine must say the same, byte for byte; and nothing before the watermark is strictly above it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;

use foreshock::{
    correlate::Status,
    engine::{Detection, Engine, Fates, Input, Limits, Outbox, Output, Plan, Record},
    event::{
        Body, Decimal, Event, Heartbeat, Name, OrderCancel, OrderNew, OrderReplace, Price, Quantity, Side, Source,
        SourceId, Trade,
    },
    time::{EventTime, Span},
};

const FEEDS: usize = 4;
const SYMBOLS: usize = 2;
/// 2025-10-10, on a whole minute.
const START: i64 = 1_760_130_000;
/// How long the flow is, in tenths of a second: enough to learn, to burst, to be over and to burst again.
const TENTHS: i64 = 4_000;
const SHUFFLES: u64 = 1_000;

/// A small generator of our own (splitmix64): the flow and its shuffles are the same on every machine.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }

    fn one_in(&mut self, n: usize) -> bool {
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
        let account = Some(name(format!("a{}", self.dice.below(5))));
        self.events.push(Event {
            ts,
            symbol: Some(name(self.symbol.clone())),
            seq: self.seq,
            account,
            owner: None,
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
        if tenth % 20 == 0 {
            let body = Body::Heartbeat(Heartbeat { producer: None });
            events.push(Event { ts: at(tenth), symbol: None, seq: None, account: None, owner: None, body });
        }
    }
    events
}

fn flow() -> Vec<Vec<Event<'static>>> {
    (0..FEEDS).map(feed).collect()
}

fn engine() -> Engine {
    let sources = (0..FEEDS).map(|feed| Source {
        name: "orderflow.events".to_owned(),
        partition: Some(i32::try_from(feed).unwrap()),
        feed,
    });
    Engine::new(Plan {
        limits: Limits::default(),
        detection: Detection::default(),
        sources: sources.collect(),
        replay: "foreshock replay".to_owned(),
    })
}

/// Hands over the next record of each feed in turn.
struct Run<'a> {
    flow: &'a [Vec<Event<'static>>],
    next: [usize; FEEDS],
    engine: Engine,
    outbox: Outbox,
}

impl<'a> Run<'a> {
    fn new(flow: &'a [Vec<Event<'static>>]) -> Self {
        Self { flow, next: [0; FEEDS], engine: engine(), outbox: Outbox::default() }
    }

    /// Takes one record of a feed, if it has one left.
    fn step(&mut self, feed: usize) -> Vec<Output> {
        let offset = self.next[feed];
        if let Some(event) = self.flow[feed].get(offset) {
            self.next[feed] += 1;
            let source = SourceId(u32::try_from(feed).unwrap());
            let content = Ok(std::slice::from_ref(event));
            let record = Record { source, offset: offset as u64, appended_at: None, content };
            self.engine.handle(Input::Record(record), &mut self.outbox);
        }
        self.outbox.drain().collect()
    }

    fn left(&self, feed: usize) -> usize {
        self.flow[feed].len() - self.next[feed]
    }
}

/// Which feed is read next, over and over; runs of one feed are as long as a consumer's batches may be.
fn interleaving(flow: &[Vec<Event<'static>>], seed: u64) -> Vec<usize> {
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
fn write(output: &Output, text: &mut String) {
    match output {
        Output::Notify(alert, _) => writeln!(text, "{}", serde_json::to_string(alert).unwrap()).unwrap(),
        Output::Signal(signal) => writeln!(text, "{signal:?}").unwrap(),
        Output::Rejected(place, rejection) => panic!("{place:?}: {rejection}"),
    }
}

struct Seen {
    text: String,
    counters: String,
    fates: Vec<Fates>,
    outputs: Vec<Output>,
}

fn run(flow: &[Vec<Event<'static>>], order: &[usize]) -> Seen {
    let mut run = Run::new(flow);
    let outputs: Vec<Output> = order.iter().flat_map(|&feed| run.step(feed)).collect();
    let mut text = String::new();
    for output in &outputs {
        write(output, &mut text);
    }
    let counters = format!("{:?} {:?} {:?}", run.engine.counters(), run.engine.occupancy(), run.engine.watermark());
    Seen { text, counters, fates: run.engine.fates().to_vec(), outputs }
}

/// Feed by feed in turns, as evenly as can be.
fn in_turns(flow: &[Vec<Event<'static>>]) -> Vec<usize> {
    let longest = flow.iter().map(Vec::len).max().unwrap();
    (0..longest).flat_map(|i| (0..FEEDS).filter(move |&feed| i < flow[feed].len())).collect()
}

/// The flow must be able to fail the test: incidents that open, worsen, end and come back, and ties between feeds.
fn assert_it_is_no_empty_test(seen: &Seen) {
    let statuses = |status: Status| {
        seen.outputs.iter().filter(|o| matches!(o, Output::Notify(alert, _) if alert.status == status)).count()
    };
    assert!(statuses(Status::Firing) >= 3 * FEEDS, "{} incidents", statuses(Status::Firing));
    assert!(statuses(Status::Amended) >= 1 && statuses(Status::Resolved) >= 3);
    let mut times: Vec<(EventTime, u32)> = seen
        .outputs
        .iter()
        .filter_map(|o| if let Output::Signal(s) = o { Some((s.visible_at, s.place.source.0)) } else { None })
        .collect();
    times.sort_unstable();
    let ties = times.windows(2).filter(|pair| pair[0].0 == pair[1].0 && pair[0].1 != pair[1].1).count();
    assert!(ties >= 3, "{ties} ties between feeds");
    for word in ["gaps: 0", "disordered: 0", "alerts: 0"] {
        assert!(!seen.counters.contains(word), "{word} in {}", seen.counters);
    }
    let sum = seen.fates.iter().fold(Fates::default(), Fates::plus);
    for fate in [foreshock::engine::Fate::Late, foreshock::engine::Fate::Duplicate] {
        assert!(sum.of(fate) > 0, "{fate:?}");
    }
}

#[test]
fn a_thousand_interleavings_say_the_same_byte_for_byte() {
    let flow = flow();
    let expected = run(&flow, &in_turns(&flow));
    assert_it_is_no_empty_test(&expected);
    // One feed wholly before the next, in both directions: the widest apart that feeds can be.
    let one_by_one = |feeds: &[usize]| feeds.iter().flat_map(|&f| std::iter::repeat_n(f, flow[f].len())).collect();
    let extremes: [Vec<usize>; 2] = [one_by_one(&[0, 1, 2, 3]), one_by_one(&[3, 2, 1, 0])];
    let shuffles = (0..SHUFFLES).map(|seed| (seed, interleaving(&flow, seed)));
    for (seed, order) in (SHUFFLES..).zip(extremes).chain(shuffles) {
        let seen = run(&flow, &order);
        assert!(seen.text == expected.text, "seed {seed}: {}", first_difference(&seen.text, &expected.text));
        assert_eq!(seen.counters, expected.counters, "seed {seed}");
        assert_eq!(seen.fates, expected.fates, "seed {seed}");
    }
}

fn first_difference(got: &str, expected: &str) -> String {
    let pair = got.lines().zip(expected.lines()).find(|(a, b)| a != b);
    format!("{pair:?}, {} bytes for {}", got.len(), expected.len())
}

#[test]
fn the_input_may_end_anywhere_and_go_on() {
    let flow = flow();
    let order = interleaving(&flow, 7);
    let whole = run(&flow, &order).text;
    let mut dice = Dice(99);
    for _ in 0..20 {
        let cut = dice.below(order.len());
        let mut run = Run::new(&flow);
        let mut before = String::new();
        order[..cut].iter().flat_map(|&feed| run.step(feed)).for_each(|output| write(&output, &mut before));
        assert!(whole.starts_with(&before), "up to {cut}: what was said is never taken back or said out of turn");
        // A restart reads the same again and says nothing of it, then goes on.
        let mut again = Run::new(&flow);
        for &feed in &order[..cut] {
            again.step(feed);
        }
        let mut after = String::new();
        order[cut..].iter().flat_map(|&feed| again.step(feed)).for_each(|output| write(&output, &mut after));
        assert_eq!(before + &after, whole, "from {cut}");
    }
}

#[test]
fn nothing_is_published_before_the_watermark_is_strictly_above_it_nor_later_than_that() {
    let flow = flow();
    let mut run = Run::new(&flow);
    let mut published = 0;
    for feed in interleaving(&flow, 3) {
        let before = run.engine.watermark();
        for output in run.step(feed) {
            let due = match &output {
                Output::Signal(signal) => signal.visible_at,
                Output::Notify(alert, _) => alert.revised_at,
                Output::Rejected(..) => panic!("nothing is rejected"),
            };
            assert!(run.engine.watermark().is_some_and(|now| due < now), "{output:?} too early");
            if let Output::Signal(signal) = output {
                assert!(before.is_none_or(|before| signal.visible_at >= before), "{signal:?} too late");
                published += 1;
            }
        }
    }
    assert!(published > 10);
}

#[test]
fn while_one_feed_has_said_nothing_nothing_is_published_and_the_end_of_the_input_changes_nothing() {
    let flow = flow();
    let mut run = Run::new(&flow);
    for feed in 0..FEEDS - 1 {
        while run.left(feed) > 0 {
            assert_eq!(run.step(feed), []);
        }
    }
    assert_eq!(run.engine.watermark(), None);
    assert_eq!(run.step(0), [], "there is no more");
    let first: Vec<Output> = (0..flow[FEEDS - 1].len()).flat_map(|_| run.step(FEEDS - 1)).collect();
    assert!(!first.is_empty(), "what waited comes out once the last feed moves");
}
