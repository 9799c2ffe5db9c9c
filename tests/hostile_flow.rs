//! Flows that no venue should send: clocks that leap, backlogs, ever new symbols, everything at one instant, sequence
//! numbers that start over.
//!
//! Each flow tries to crash the engine, to cause wrong alerts, or to make memory grow.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/hostile_events.rs"]
mod hostile_events;

use foreshock::{
    correlate::Status,
    engine::{Detection, Engine, Fate, Input, Keys, Limits, Outbox, Output, Plan, Record, StageSettings},
    event::{Body, Event, Heartbeat, Side, Source, SourceId},
    time::EventTime,
};
use hostile_events::{HOUR, START, YEAR, cancel, event, millis, name, order, secs};
use proptest::prelude::*;

/// An engine with one feed, and all its outputs.
struct Feed {
    engine: Engine,
    offset: u64,
    outputs: Vec<Output>,
}

impl Feed {
    fn new(limits: Limits) -> Self {
        let source = Source { name: "flow.jsonl".to_owned(), partition: None, feed: 0 };
        let plan = Plan {
            calendars: foreshock::calendar::Calendars::default(),
            maintenance: foreshock::calendar::MaintenanceWindows::default(),
            limits,
            detection: Detection::default(),
            sources: vec![source],
            stages: StageSettings::default(),
            replay: String::new(),
            currency: None,
        };
        Self { engine: Engine::new(plan), offset: 0, outputs: Vec::new() }
    }

    fn take(&mut self, event: &Event<'_>) {
        self.offset += 1;
        let mut outbox = Outbox::default();
        let content = Ok(std::slice::from_ref(event));
        let record = Record { source: SourceId(0), offset: self.offset, appended_at: None, content };
        self.engine.handle(Input::Record(record), &mut outbox);
        self.outputs.extend(outbox.drain());
    }

    fn send(&mut self, symbol: &str, ts: EventTime, body: Body<'_>) {
        self.take(&Event { ts, symbol: Some(name(symbol)), seq: None, account: None, owner: None, body });
    }

    fn cancel(&mut self, symbol: &str, ts: EventTime) {
        self.send(symbol, ts, cancel("1"));
    }

    /// Moves the feed's clock, with a heartbeat.
    fn clock(&mut self, ts: EventTime) {
        let body = Body::Heartbeat(Heartbeat { producer: None });
        self.take(&Event { ts, symbol: None, seq: None, account: None, owner: None, body });
    }

    /// Sends one cancel a second.
    fn quiet(&mut self, symbol: &str, seconds: std::ops::Range<i64>) {
        seconds.for_each(|second| self.cancel(symbol, secs(second)));
    }

    /// Sends a hundred cancels in half a second.
    fn burst(&mut self, symbol: &str, second: i64) {
        (0..100).for_each(|i| self.cancel(symbol, millis(second, i * 5)));
    }

    fn incidents(&self, symbol: &str, status: Status) -> usize {
        let of = |output: &&Output| matches!(output, Output::Notify(alert, _) if alert.status == status && alert.symbols == [symbol]);
        self.outputs.iter().filter(of).count()
    }

    fn held(&self, kind: Keys) -> (u64, u64) {
        let occupancy = self.engine.occupancy();
        let (_, found) = occupancy.iter().find(|(other, _)| *other == kind).unwrap();
        (found.held, found.evicted)
    }
}

#[test]
fn a_burst_is_one_incident_that_ends() {
    let mut feed = Feed::new(Limits::default());
    feed.quiet("S", START..START + 150);
    feed.burst("S", START + 150);
    feed.quiet("S", START + 151..START + 400);
    assert_eq!((feed.incidents("S", Status::Firing), feed.incidents("S", Status::Resolved)), (1, 1));
}

#[test]
fn a_burst_is_found_after_a_century_of_leaps_in_time() {
    let mut feed = Feed::new(Limits::default());
    let mut second = 946_684_800;
    feed.quiet("S", second..second + 150);
    for leap in [1, 59, 61, 62, HOUR, 25 * HOUR, 40 * 24 * HOUR, YEAR, 10 * YEAR, 2 * YEAR].into_iter().cycle().take(50)
    {
        second += leap + 10;
        feed.quiet("S", second..second + 3);
    }
    assert!(second < 4_102_444_800 && second > 3_000_000_000, "the flow ends late in this century");
    // The detector still works. After years of silence the ordinary pace is unusual at first; when it is learned, a
    // burst is found.
    feed.quiet("S", second + 3..second + 1_200);
    let before = feed.incidents("S", Status::Firing);
    assert_eq!(feed.incidents("S", Status::Resolved), before, "no incident is open");
    feed.burst("S", second + 1_200);
    feed.clock(secs(second + 1_300));
    assert_eq!(feed.incidents("S", Status::Firing), before + 1);
}

#[test]
fn a_gap_of_ninety_years_is_not_learned_as_silence() {
    let mut feed = Feed::new(Limits::default());
    let numbered =
        |ts, seq| Event { ts, symbol: Some(name("S")), seq: Some(seq), account: None, owner: None, body: cancel("1") };
    (0..150).for_each(|i| feed.take(&numbered(secs(946_684_800 + i), 1 + i.unsigned_abs())));
    let after = 946_684_800 + 90 * YEAR;
    (0..200).for_each(|i| feed.take(&numbered(secs(after + i), 1_000 + i.unsigned_abs())));
    assert_eq!(feed.engine.counters().gaps, 1);
    (0..100).for_each(|i| feed.take(&numbered(millis(after + 200, i * 5), 2_000 + i.unsigned_abs())));
    feed.clock(secs(after + 201));
    assert_eq!(feed.incidents("S", Status::Firing), 1, "the rate from before the gap is still known");
}

#[test]
fn seventy_thousand_withdrawals_at_one_instant_are_one_incident_that_ends() {
    let mut feed = Feed::new(Limits::default());
    feed.quiet("S", START..START + 150);
    (0..70_000).for_each(|_| feed.cancel("S", secs(START + 150)));
    feed.quiet("S", START + 151..START + 900);
    assert_eq!((feed.incidents("S", Status::Firing), feed.incidents("S", Status::Resolved)), (1, 1));
    assert_eq!(feed.engine.fates()[0].of(Fate::Accepted), feed.offset);
}

#[test]
fn a_burst_in_a_backlog_beside_live_flow_is_one_incident_and_not_one_for_each_event() {
    let mut feed = Feed::new(Limits::default());
    for i in 0..400 {
        // Events of the live symbol move the partition's clock between any two events of the backlog.
        feed.cancel("LIVE", secs(START + HOUR + i));
        if i == 150 {
            for n in 0..100 {
                feed.cancel("LATE", millis(START + i, n * 5));
                feed.clock(millis(START + HOUR + i, 1 + n * 5));
            }
        } else {
            feed.cancel("LATE", secs(START + i));
        }
    }
    assert_eq!((feed.incidents("LATE", Status::Firing), feed.incidents("LATE", Status::Resolved)), (1, 1));
    assert_eq!(feed.incidents("LIVE", Status::Firing), 0);
}

#[test]
fn a_clock_that_one_record_moved_far_ahead_does_not_hold_episodes_open() {
    let mut feed = Feed::new(Limits::default());
    feed.clock(secs(4_000_000_000));
    feed.quiet("S", START..START + 150);
    feed.burst("S", START + 150);
    feed.quiet("S", START + 151..START + 800);
    feed.burst("S", START + 800);
    feed.quiet("S", START + 801..START + 1_200);
    // The first record's time was taken back when the flow went on before it.
    assert_eq!((feed.incidents("S", Status::Firing), feed.incidents("S", Status::Resolved)), (2, 2));
}

#[test]
fn the_incident_of_an_evicted_symbol_is_resolved() {
    let mut feed = Feed::new(Limits { symbols_max: 2, ..Limits::default() });
    let symbols: Vec<String> = (0..6).map(|n| format!("S{n}")).collect();
    for (n, symbol) in (0..).zip(&symbols) {
        let from = START + 160 * n;
        feed.quiet(symbol, from..from + 150);
        feed.burst(symbol, from + 150);
        // While the symbol's incident fires, two other symbols evict it.
        feed.cancel(&format!("X{n}"), secs(from + 151));
        feed.cancel(&format!("Y{n}"), secs(from + 151));
    }
    // Three records in a row must agree about a jump.
    for n in 0..3 {
        feed.clock(secs(START + 2_000 + n));
    }
    for symbol in &symbols {
        let seen = (feed.incidents(symbol, Status::Firing), feed.incidents(symbol, Status::Resolved));
        assert_eq!(seen, (1, 1), "{symbol}");
    }
    assert_eq!(feed.held(Keys::Symbol), (2, 16));
    assert_eq!(feed.held(Keys::Incident), (0, 0));
    assert_eq!(feed.held(Keys::Signal), (0, 0));
}

#[test]
fn a_cancel_of_an_evicted_order_is_accepted_and_counted_and_leaves_the_book_alone() {
    let mut feed = Feed::new(Limits { orders_max: 1, ..Limits::default() });
    feed.quiet("S", START..START + 150);
    for n in 0..100 {
        feed.send("S", secs(START + 150), order(format!("o{n}"), Side::Buy, 100, 1));
    }
    assert_eq!(feed.held(Keys::Order), (1, 99));
    for n in 0..99 {
        feed.send("S", millis(START + 150, 1 + n), cancel(format!("o{n}")));
    }
    feed.clock(secs(START + 151));
    assert_eq!(feed.held(Keys::Order), (1, 99), "the resting order still rests");
    assert_eq!(feed.engine.counters().book_faults, [0; 6]);
    assert_eq!(feed.engine.fates()[0].of(Fate::Accepted), feed.offset);
    assert_eq!(feed.incidents("S", Status::Firing), 1, "withdrawals of evicted orders count for the burst");
}

#[test]
fn the_same_id_on_two_symbols_is_two_orders() {
    let mut feed = Feed::new(Limits::default());
    feed.send("A", secs(START), order("1", Side::Buy, 100, 1));
    feed.send("B", secs(START), order("1", Side::Sell, 100, 1));
    feed.send("A", secs(START), cancel("1"));
    assert_eq!((feed.held(Keys::Order), feed.engine.counters().book_faults), ((1, 0), [0; 6]));
}

#[test]
fn the_least_and_the_greatest_sequence_numbers_are_ordinary() {
    let mut feed = Feed::new(Limits::default());
    let fates = |feed: &Feed| Fate::ALL.map(|(fate, _)| feed.engine.fates()[0].of(fate));
    for seq in [0, 1, u64::MAX - 1, u64::MAX, u64::MAX, 0, 2] {
        let body = cancel("1");
        feed.take(&Event {
            ts: secs(START),
            symbol: Some(name("S")),
            seq: Some(seq),
            account: None,
            owner: None,
            body,
        });
    }
    assert_eq!(fates(&feed), [4, 0, 1, 2, 0], "accepted: four, with one gap; duplicates: two; late: one");
    assert_eq!(feed.engine.counters().gaps, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Each table has a random hash seed of its own, so two engines agree only if the order of no table shows in the
    /// outputs.
    #[test]
    fn two_engines_with_the_same_events_agree_and_keep_their_limits(
        events in prop::collection::vec((event(), 1_usize..40), 1..60)
    ) {
        let limits = Limits { symbols_max: 2, accounts_max: 3, parties_max: 3, orders_max: 3, bursts_max: 1, incidents_max: 1, signals_pending_max: 2, ..Limits::default() };
        let (mut one, mut other) = (Feed::new(limits), Feed::new(limits));
        // All symbols have learned their rate, so that bursts are found.
        for feed in [&mut one, &mut other] {
            for symbol in ["S0", "S1"] {
                feed.quiet(symbol, START - 200..START);
            }
        }
        for (event, times) in events {
            for _ in 0..times {
                one.take(&event);
                other.take(&event);
            }
            for (kind, max) in [(Keys::Symbol, 2), (Keys::Account, 3), (Keys::Order, 3), (Keys::Incident, 1), (Keys::Signal, 2)] {
                prop_assert!(one.held(kind).0 <= max, "{kind:?}");
            }
        }
        prop_assert_eq!(&one.outputs, &other.outputs);
        prop_assert_eq!(one.engine.counters(), other.engine.counters());
        prop_assert_eq!(one.engine.fates(), other.engine.fates());
        prop_assert_eq!(one.engine.fates()[0].total(), one.offset);
    }
}
