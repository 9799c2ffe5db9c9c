//! Flows that no venue should send: leaping clocks, backlogs, endless symbols, everything at one instant, numbers that start over.
//!
//! Each was tried to bring the engine down, to make it say nonsense, or to make it grow; each stays as a rule.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/hurtful.rs"]
mod hurtful;

use foreshock::{
    correlate::Status,
    engine::{Detection, Engine, Fate, Input, Keys, Limits, Outbox, Output, Plan, Record},
    event::{Body, Event, Heartbeat, Side, Source, SourceId},
    time::EventTime,
};
use hurtful::{HOUR, START, YEAR, cancel, event, millis, name, order, secs};
use proptest::prelude::*;

/// One feed into an engine, and all that came out.
struct Feed {
    engine: Engine,
    offset: u64,
    outputs: Vec<Output>,
}

impl Feed {
    fn new(limits: Limits) -> Self {
        let source = Source { name: "flow.jsonl".to_owned(), partition: None, feed: 0 };
        let plan = Plan { limits, detection: Detection::default(), sources: vec![source], replay: String::new() };
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

    fn say(&mut self, symbol: &str, ts: EventTime, body: Body<'_>) {
        self.take(&Event { ts, symbol: Some(name(symbol)), seq: None, account: None, owner: None, body });
    }

    fn cancel(&mut self, symbol: &str, ts: EventTime) {
        self.say(symbol, ts, cancel("1"));
    }

    /// The feed's clock, and nothing else.
    fn clock(&mut self, ts: EventTime) {
        let body = Body::Heartbeat(Heartbeat { producer: None });
        self.take(&Event { ts, symbol: None, seq: None, account: None, owner: None, body });
    }

    /// One cancel a second.
    fn quiet(&mut self, symbol: &str, seconds: std::ops::Range<i64>) {
        seconds.for_each(|second| self.cancel(symbol, secs(second)));
    }

    /// A hundred cancels in half a second.
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
fn a_century_within_one_file_is_passed_in_leaps() {
    let mut feed = Feed::new(Limits::default());
    let mut second = 946_684_800;
    feed.quiet("S", second..second + 150);
    for leap in [1, 59, 61, 62, HOUR, 25 * HOUR, 40 * 24 * HOUR, YEAR, 10 * YEAR, 2 * YEAR].into_iter().cycle().take(50)
    {
        second += leap + 10;
        feed.quiet("S", second..second + 3);
    }
    assert!(second < 4_102_444_800 && second > 3_000_000_000, "this century and a good part of the next");
    // It has not gone blind. After years of silence the ordinary pace is news at first; once usual, it finds a burst again.
    feed.quiet("S", second + 3..second + 1_200);
    let before = feed.incidents("S", Status::Firing);
    assert_eq!(feed.incidents("S", Status::Resolved), before, "all is calm");
    feed.burst("S", second + 1_200);
    feed.clock(secs(second + 1_300));
    assert_eq!(feed.incidents("S", Status::Firing), before + 1);
}

#[test]
fn a_gap_of_ninety_years_is_no_silence() {
    let mut feed = Feed::new(Limits::default());
    let numbered =
        |ts, seq| Event { ts, symbol: Some(name("S")), seq: Some(seq), account: None, owner: None, body: cancel("1") };
    (0..150).for_each(|i| feed.take(&numbered(secs(946_684_800 + i), 1 + i.unsigned_abs())));
    let after = 946_684_800 + 90 * YEAR;
    (0..200).for_each(|i| feed.take(&numbered(secs(after + i), 1_000 + i.unsigned_abs())));
    assert_eq!(feed.engine.counters().gaps, 1);
    (0..100).for_each(|i| feed.take(&numbered(millis(after + 200, i * 5), 2_000 + i.unsigned_abs())));
    feed.clock(secs(after + 201));
    assert_eq!(feed.incidents("S", Status::Firing), 1, "what was usual before is usual still");
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
fn a_backlog_among_live_flow_is_one_incident_a_burst_and_not_one_an_event() {
    let mut feed = Feed::new(Limits::default());
    for i in 0..400 {
        // The live symbol's events move the partition's clock between any two of the backlog's.
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
    feed.quiet("S", START + 801..START + 900);
    assert_eq!(feed.outputs, [], "what stands behind the clock waits until it moves on");
    feed.clock(secs(4_000_000_001));
    assert_eq!((feed.incidents("S", Status::Firing), feed.incidents("S", Status::Resolved)), (2, 2));
}

#[test]
fn symbols_without_end_that_all_burst_end_their_incidents_when_they_are_forgotten() {
    let mut feed = Feed::new(Limits { symbols_max: 2, ..Limits::default() });
    let symbols: Vec<String> = (0..6).map(|n| format!("S{n}")).collect();
    for (n, symbol) in (0..).zip(&symbols) {
        let from = START + 160 * n;
        feed.quiet(symbol, from..from + 150);
        feed.burst(symbol, from + 150);
        // While it fires, two others take its place.
        feed.cancel(&format!("X{n}"), secs(from + 151));
        feed.cancel(&format!("Y{n}"), secs(from + 151));
    }
    feed.clock(secs(START + 2_000));
    feed.clock(secs(START + 4_000));
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
        feed.say("S", secs(START + 150), order(format!("o{n}"), Side::Buy, 100, 1));
    }
    assert_eq!(feed.held(Keys::Order), (1, 99));
    for n in 0..99 {
        feed.say("S", millis(START + 150, 1 + n), cancel(format!("o{n}")));
    }
    feed.clock(secs(START + 151));
    assert_eq!(feed.held(Keys::Order), (1, 99), "the one that rests still rests");
    assert_eq!(feed.engine.counters().book_faults, [0; 4]);
    assert_eq!(feed.engine.fates()[0].of(Fate::Accepted), feed.offset);
    assert_eq!(feed.incidents("S", Status::Firing), 1, "the withdrawals count all the same");
}

#[test]
fn the_same_id_on_two_symbols_is_two_orders() {
    let mut feed = Feed::new(Limits::default());
    feed.say("A", secs(START), order("1", Side::Buy, 100, 1));
    feed.say("B", secs(START), order("1", Side::Sell, 100, 1));
    feed.say("A", secs(START), cancel("1"));
    assert_eq!((feed.held(Keys::Order), feed.engine.counters().book_faults), ((1, 0), [0; 4]));
}

#[test]
fn the_ends_of_the_sequence_are_ordinary_numbers() {
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
    assert_eq!(fates(&feed), [4, 0, 1, 2, 0], "four in order with one gap, two seen before, one from before");
    assert_eq!(feed.engine.counters().gaps, 1);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

    /// Tables hash with seeds of their own, so two engines agree only if no such order shows.
    #[test]
    fn whatever_is_said_two_engines_agree_and_keep_their_limits(
        events in prop::collection::vec((event(), 1_usize..40), 1..60)
    ) {
        let limits = Limits { symbols_max: 2, accounts_max: 3, orders_max: 3, bursts_max: 1, incidents_max: 1, signals_pending_max: 2 };
        let (mut one, mut other) = (Feed::new(limits), Feed::new(limits));
        // All symbols are warm, so that there is something to say.
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
