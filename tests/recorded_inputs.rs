//! Recorded inputs: decisions of the wall clock, kept with their positions. A replay with them gives the alerts of the
//! service in any interleaving of the partitions; without them it does not.
//!
//! The flow is small: three feeds at a steady pace, with bursts at the same instants. One feed has no records for
//! minutes, so that the others would wait for it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use foreshock::{
    alert::Alert,
    correlate::Status,
    detect::{Detector, Severity},
    engine::{Detection, Engine, Input, Inputs, Limits, Outbox, Output, Plan, Record, Recorded, StageSettings},
    event::{Body, Event, Heartbeat, LogPosition, Name, OrderCancel, Source, SourceId},
    time::{EventTime, Span},
    trust::{Cause, Decision, Idle, Mode, ModeChange, Scope, Trouble},
};

const FEEDS: usize = 3;
/// 2025-10-10, on a whole minute.
const START: i64 = 1_760_130_000;
/// Length of the flow in tenths of a second: beyond the first fifteen minutes, so that bursts open incidents.
const TENTHS: i64 = 13_000;
/// Time without records on the last feed, in tenths of a second.
const NO_RECORDS: std::ops::Range<i64> = 10_000..12_000;

fn at(tenth: i64) -> EventTime {
    EventTime::from_nanos(START * 1_000_000_000).plus(Span::from_millis(100 * tenth))
}

fn event(feed: usize, tenth: i64, n: usize, body: impl Fn(Name<'static>) -> Body<'static>) -> Event<'static> {
    let order = Name::new(format!("o{feed}-{tenth}-{n}")).unwrap();
    let symbol = Name::new(format!("S{feed}"));
    // Each event has a nanosecond of its own, so that clocks move often.
    let ts = at(tenth).plus(Span::from_nanos(i64::try_from(n * FEEDS + feed).unwrap()));
    Event { ts, symbol, seq: None, account: None, owner: None, body: body(order) }
}

fn cancel(order: Name<'static>) -> Body<'static> {
    Body::OrderCancel(OrderCancel { order, side: None, price: None, qty: None, reason: None })
}

fn heartbeat(_: Name<'static>) -> Body<'static> {
    Body::Heartbeat(Heartbeat { producer: None })
}

fn feed(feed: usize, beats: bool) -> Vec<Event<'static>> {
    let mut events = Vec::new();
    for tenth in 0..TENTHS {
        if feed == FEEDS - 1 && NO_RECORDS.contains(&tenth) {
            continue;
        }
        let burst = tenth % 1_000 < 8 && tenth > 9_000;
        let count = if burst { 20 } else { usize::from((tenth * 7 + 3 * i64::try_from(feed).unwrap()) % 10 == 0) };
        events.extend((0..count).map(|n| event(feed, tenth, n, cancel)));
        if beats && tenth % 10 == 0 {
            events.push(event(feed, tenth, count, heartbeat));
        }
    }
    events
}

fn flow(beats: bool) -> Vec<Vec<Event<'static>>> {
    (0..FEEDS).map(|i| feed(i, beats)).collect()
}

fn sources() -> Vec<Source> {
    (0..FEEDS)
        .map(|feed| Source { name: "events".to_owned(), partition: Some(i32::try_from(feed).unwrap()), feed })
        .collect()
}

fn engine() -> Engine {
    Engine::new(Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        sources: sources(),
        stages: StageSettings::default(),
        replay: "foreshock replay".to_owned(),
        currency: None,
    })
}

fn id(feed: usize) -> SourceId {
    SourceId(u32::try_from(feed).unwrap())
}

/// The revisions of each incident in order, as a reader of one key sees them.
type Histories = BTreeMap<String, Vec<Alert>>;

/// An engine that takes records and other inputs, and records the latter as the service does.
struct Live<'a> {
    flow: &'a [Vec<Event<'static>>],
    next: [usize; FEEDS],
    engine: Engine,
    outbox: Outbox,
    recorded: Vec<Recorded>,
    histories: Histories,
}

impl<'a> Live<'a> {
    fn new(flow: &'a [Vec<Event<'static>>]) -> Self {
        let (outbox, histories) = (Outbox::default(), Histories::new());
        Self { flow, next: [0; FEEDS], engine: engine(), outbox, recorded: Vec::new(), histories }
    }

    fn handle(&mut self, input: Input<'_>) {
        if let Input::Decision(decision) = &input {
            self.recorded.extend(Recorded::of(decision, &sources()));
        }
        self.engine.handle(input, &mut self.outbox);
        for output in self.outbox.drain() {
            if let Output::Notify(alert, _) = output {
                self.histories.entry(alert.id.clone()).or_default().push(*alert);
            }
        }
    }

    fn peek(&self, feed: usize) -> Option<(u64, &'a Event<'static>)> {
        self.flow[feed].get(self.next[feed]).map(|event| (self.next[feed] as u64, event))
    }

    fn record(&mut self, feed: usize) {
        let Some((offset, event)) = self.peek(feed) else { return };
        self.next[feed] += 1;
        let content = Ok(std::slice::from_ref(event));
        self.handle(Input::Record(Record { source: id(feed), offset, appended_at: None, content }));
    }

    /// Decides, as the service would, that a feed without records is idle, if anything waits for it.
    fn idle(&mut self, feed: usize) {
        let after_offset = self.next[feed].checked_sub(1).map(|n| n as u64);
        let until = self.engine.feeds(EventTime::from_nanos(0)).iter().filter_map(|view| view.clock).max();
        if let Some(until) = until.filter(|_| self.engine.waits()) {
            self.handle(Input::Decision(Decision::Idle(Idle { source: id(feed), after_offset, until })));
        }
    }

    fn mode(&mut self, mode: Mode, causes: &[(Cause, usize, bool)]) {
        let newest = self.engine.feeds(EventTime::from_nanos(0)).iter().filter_map(|view| view.clock).max().unwrap();
        let from = EventTime::from_nanos((newest.slot(Span::from_millis(100)) + 1) * 100_000_000);
        let trouble = |&(cause, feed, pages): &(Cause, usize, bool)| {
            let after_offset = self.next[feed] as u64;
            let (source, scope) = (id(feed), Scope::Partition);
            let (value, limit) = (5.0, 4.5);
            Trouble { cause, source, after_offset, clock: newest, value, limit, pages, scope, who: None, example: None }
        };
        let troubles = causes.iter().map(trouble).collect();
        self.handle(Input::Decision(Decision::Mode(ModeChange { from, mode, troubles })));
    }
}

/// The run of the service: it reads the feeds in order of time, finds the last one idle for a while, and changes its
/// mode.
fn live<'a>(flow: &'a [Vec<Event<'static>>]) -> Live<'a> {
    let mut live = Live::new(flow);
    let mut read = 0;
    while let Some(feed) = (0..FEEDS).filter(|&f| live.peek(f).is_some()).min_by_key(|&f| live.peek(f).unwrap().1.ts) {
        live.record(feed);
        read += 1;
        let tenth =
            live.engine.feeds(EventTime::from_nanos(0))[0].clock.map_or(0, |clock| clock.since(at(0)).millis() / 100);
        if NO_RECORDS.contains(&tenth) && read % 50 == 0 {
            live.idle(FEEDS - 1);
        }
        match read {
            4_500 => live.mode(Mode::Degraded, &[(Cause::Lag, 0, false)]),
            4_600 => live.mode(Mode::Blind, &[(Cause::Silence, 0, true), (Cause::Silence, 1, true)]),
            4_700 => live.mode(Mode::Normal, &[]),
            8_000 => live.mode(Mode::Degraded, &[(Cause::Gap, 1, false)]),
            _ => {}
        }
    }
    live
}

/// A replay in another interleaving, which depends on the seed.
fn replay<'a>(flow: &'a [Vec<Event<'static>>], recorded: &[Recorded], seed: u64) -> Live<'a> {
    let mut live = Live::new(flow);
    let mut inputs = Inputs::new(recorded.iter().cloned(), &sources());
    let mut dice = seed;
    while (0..FEEDS).any(|feed| live.peek(feed).is_some()) {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let feed = usize::try_from(dice >> 40).unwrap() % FEEDS;
        let batch = 1 + (dice >> 20) % [1, 30, 2_000][usize::try_from(seed % 3).unwrap()];
        for _ in 0..batch {
            let Some((offset, event)) = live.peek(feed) else { break };
            while let Some(input) = inputs.before(id(feed), offset, std::slice::from_ref(event)).map(Input::Decision) {
                live.handle(input);
            }
            live.record(feed);
        }
    }
    while let Some(input) = inputs.rest().map(Input::Decision) {
        live.handle(input);
    }
    live
}

#[test]
fn a_replay_with_the_recorded_inputs_gives_the_same_alerts_in_any_interleaving() {
    let flow = flow(true);
    let live = live(&flow);
    let idles = live.recorded.iter().filter(|recorded| matches!(recorded, Recorded::Idle { .. })).count();
    assert!(idles > 20, "{idles} times idle");
    assert!(live.histories.len() > 5, "{} incidents", live.histories.len());
    for seed in 0..200 {
        let again = replay(&flow, &live.recorded, seed);
        assert_eq!(again.histories, live.histories, "seed {seed}");
        assert_eq!(again.engine.counters(), live.engine.counters(), "seed {seed}");
        assert_eq!(again.engine.watermark(), live.engine.watermark(), "seed {seed}");
    }
    let without = replay(&flow, &[], 1);
    assert_ne!(without.histories, live.histories, "the recorded inputs change the alerts");
}

/// Reads what a live run read, in rounds up to some of its positions, as a standby does: the recorded inputs of the whole run are
/// there each time, and those that belong behind a round's end are left for the next.
fn follow<'a>(flow: &'a [Vec<Event<'static>>], recorded: &[Recorded], ends: &[[usize; FEEDS]], seed: u64) -> Live<'a> {
    let mut live = Live::new(flow);
    let mut handed = 0;
    for (round, end) in ends.iter().enumerate() {
        let place = |_: &str, partition: i32| {
            let offset = end[usize::try_from(partition).unwrap()] as u64;
            Some(LogPosition { generation: 0, offset })
        };
        let kept = recorded[handed..].iter().take_while(|recorded| !recorded.is_behind(place)).count();
        let mut inputs = Inputs::new(recorded[handed..handed + kept].iter().cloned(), &sources());
        handed += kept;
        // The feeds one after the other: no interleaving is further from that of the live run.
        for feed in (0..FEEDS).map(|feed| (feed + round + usize::try_from(seed).unwrap()) % FEEDS) {
            while live.next[feed] < end[feed] {
                let (offset, event) = live.peek(feed).unwrap();
                while let Some(input) = inputs.before(id(feed), offset, std::slice::from_ref(event)) {
                    live.handle(Input::Decision(input));
                }
                live.record(feed);
            }
        }
        while let Some(input) = inputs.rest() {
            live.handle(Input::Decision(input));
        }
    }
    live
}

#[test]
fn a_standby_that_follows_in_rounds_has_the_state_of_the_process_that_works() {
    let flow = flow(true);
    let live = live(&flow);
    let whole = [flow[0].len(), flow[1].len(), flow[2].len()];
    for (seed, every) in [(0, 37), (1, 400), (2, 3_000)] {
        // The live run reads in the order of time.
        let mut order: Vec<(EventTime, usize)> = flow
            .iter()
            .enumerate()
            .flat_map(|(feed, events)| events.iter().map(move |event| (event.ts, feed)))
            .collect();
        order.sort_by_key(|(ts, _)| *ts);
        let (mut next, mut ends) = ([0; FEEDS], Vec::new());
        for (read, (_, feed)) in order.into_iter().enumerate() {
            next[feed] += 1;
            ends.extend((read % every == 0).then_some(next));
        }
        ends.push(whole);
        let again = follow(&flow, &live.recorded, &ends, seed);
        assert_eq!(again.recorded.len(), live.recorded.len(), "every {every}");
        assert_eq!(again.histories, live.histories, "every {every}");
        assert_eq!(again.engine.counters(), live.engine.counters(), "every {every}");
        assert_eq!(again.engine.watermark(), live.engine.watermark(), "every {every}");
    }
}

#[test]
fn a_feed_that_is_declared_idle_does_not_hold_up_the_others() {
    let flow = flow(false);
    let mut live = Live::new(&flow);
    // The last feed has no record at all.
    for _ in 0..flow[0].len().min(flow[1].len()) {
        live.record(0);
        live.record(1);
    }
    assert!(live.histories.is_empty() && live.engine.waits());
    live.idle(FEEDS - 1);
    assert!(!live.histories.is_empty());
}

#[test]
fn changes_of_mode_are_one_incident_of_the_pipeline_and_every_alert_carries_its_mode() {
    let flow = flow(true);
    let live = live(&flow);
    let feed: Vec<&Vec<Alert>> =
        live.histories.values().filter(|history| history[0].detectors == [Detector::Feed]).collect();
    let life: Vec<_> = feed.iter().find(|h| h.len() == 3).unwrap().iter().map(|a| (a.status, a.severity)).collect();
    let expected = [
        (Status::Firing, Severity::Warning),
        (Status::Amended, Severity::Critical),
        (Status::Resolved, Severity::Critical),
    ];
    assert_eq!((feed.len(), life.as_slice()), (2, expected.as_slice()));
    let market: Vec<&Alert> = live.histories.values().flatten().filter(|a| a.detectors != [Detector::Feed]).collect();
    let in_mode = |mode| market.iter().filter(|alert| alert.trust.mode == mode).count();
    assert!(in_mode(Mode::Normal) > 0 && in_mode(Mode::Degraded) > 0);
    for alert in market.iter().filter(|alert| alert.trust.mode == Mode::Degraded) {
        assert_eq!(alert.trust.reasons.len(), 1, "{alert:?}");
    }
}

#[test]
fn a_feed_whose_heartbeats_stop_is_counted_as_stopped_and_one_without_heartbeats_is_not() {
    let (beating, still) = (flow(true), flow(false));
    let stops = |flow: &[Vec<Event<'static>>]| replay(flow, &[], 0).engine.counters().stops;
    assert_eq!((stops(&beating), stops(&still)), (1, 0));
}

#[test]
fn a_recorded_input_reads_back_as_it_was_written() {
    let flow = flow(true);
    for recorded in live(&flow).recorded {
        let text = serde_json::to_string(&recorded).unwrap();
        assert_eq!(serde_json::from_str::<Recorded>(&text).unwrap(), recorded, "{text}");
    }
}

/// A gap ends, and then the same partition falls silent. No record came between, and no clock moved.
#[test]
fn two_incidents_of_the_pipeline_at_the_same_offset_have_different_ids() {
    let mut engine = engine();
    let mut opened = BTreeSet::new();
    let from = at(1);
    for cause in [Cause::Gap, Cause::Silence] {
        for troubles in [vec![trouble(cause)], Vec::new()] {
            let mode = if troubles.is_empty() { Mode::Normal } else { Mode::Degraded };
            let mut outbox = Outbox::default();
            engine.handle(Input::Decision(Decision::Mode(ModeChange { from, mode, troubles })), &mut outbox);
            opened.extend(outbox.drain().filter_map(|output| match output {
                Output::Notify(alert, _) => Some(alert.id.clone()),
                Output::Rejected(..) | Output::Signal(_) => None,
            }));
        }
    }
    assert_eq!(opened.len(), 2);
}

fn trouble(cause: Cause) -> Trouble {
    Trouble {
        cause,
        source: SourceId(0),
        after_offset: 5,
        clock: at(0),
        value: 9.0,
        limit: 1.0,
        pages: false,
        scope: Scope::Partition,
        who: None,
        example: None,
    }
}
