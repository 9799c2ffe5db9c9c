//! Feeds with faults that people have reported (`../shared/field`), each with a small input of its own: what is found in spite of
//! the fault, and what is reported of it.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::borrow::Cow;

use foreshock::{
    alert::Alert,
    detect::{Detector, Severity},
    engine::{Detection, Engine, Fate, Input, Limits, Outbox, Output, Plan, Record, StageSettings},
    event::{
        Body, CancelReason, Event, Heartbeat, Mark, Name, OrderCancel, Price, Reason, Rejection, Source, SourceId,
    },
    event::{Decimal, TradingPhase, TradingStatus},
    time::{EventTime, Span},
    trust::{Cause, Ceiling, Decision, Mode},
};
use proptest::prelude::*;

/// 2025-10-09, on a whole minute.
const START: i64 = 1_760_000_400;
/// When the burst of cancels comes, in tenths of a second: well after the first fifteen minutes.
const BURST: i64 = 12_000;

fn at(tenth: i64) -> EventTime {
    EventTime::from_nanos(START * 1_000_000_000).plus(Span::from_millis(100 * tenth))
}

fn event(ts: EventTime, symbol: Option<&str>, body: Body<'static>) -> Event<'static> {
    let symbol = symbol.map(|name| Name::new(name.to_owned()).unwrap());
    Event { ts, symbol, seq: None, account: None, owner: None, body }
}

fn cancel(ts: EventTime, symbol: &str, n: i64, reason: Option<CancelReason>) -> Event<'static> {
    let order = Name::new(format!("o{n}")).unwrap();
    event(ts, Some(symbol), Body::OrderCancel(OrderCancel { order, side: None, price: None, qty: None, reason }))
}

fn heartbeat(ts: EventTime) -> Event<'static> {
    event(ts, None, Body::Heartbeat(Heartbeat { producer: Some(Name::new("m1").unwrap()) }))
}

fn mark(ts: EventTime, symbol: &str) -> Event<'static> {
    let mark = Price::new(Decimal::parse("10").unwrap()).unwrap();
    event(ts, Some(symbol), Body::Mark(Mark { mark, index: None }))
}

/// An engine of some feeds, the alerts of it, and its next offset.
struct World {
    engine: Engine,
    outbox: Outbox,
    offset: u64,
    alerts: Vec<Alert>,
    rejected: Vec<Reason>,
}

impl World {
    fn new(feeds: usize) -> Self {
        let partition = |feed| Source { name: "t".to_owned(), partition: i32::try_from(feed).ok(), feed };
        let engine = Engine::new(Plan {
            calendars: foreshock::calendar::Calendars::default(),
            maintenance: foreshock::calendar::MaintenanceWindows::default(),
            limits: Limits::default(),
            detection: Detection::default(),
            sources: (0..feeds).map(partition).collect(),
            stages: StageSettings::default(),
            replay: "foreshock replay".to_owned(),
            currency: None,
        });
        Self { engine, outbox: Outbox::default(), offset: 0, alerts: Vec::new(), rejected: Vec::new() }
    }

    fn handle(&mut self, input: Input<'_>) {
        self.engine.handle(input, &mut self.outbox);
        for output in self.outbox.drain() {
            match output {
                Output::Notify(alert, _) => self.alerts.push(*alert),
                Output::Rejected(_, rejection) => self.rejected.push(rejection.reason),
                Output::Signal(_) => {}
            }
        }
    }

    /// Sends a record at an offset of its own.
    fn send_at(&mut self, offset: u64, content: Result<&Event<'_>, Rejection>) {
        let content = content.map(std::slice::from_ref);
        self.handle(Input::Record(Record { source: SourceId(0), offset, appended_at: None, content }));
    }

    fn send(&mut self, event: &Event<'_>) {
        self.offset += 1;
        self.send_at(self.offset, Ok(event));
    }

    fn reject(&mut self, symbol: &str) {
        self.offset += 1;
        let detail = Cow::Borrowed("`qty` is required");
        let rejection = Rejection { reason: Reason::MissingField, detail, symbol: Some(symbol.into()) };
        self.send_at(self.offset, Err(rejection));
    }

    fn raise_ceiling(&mut self, until: EventTime) {
        let ceiling = Ceiling { source: SourceId(0), after_offset: Some(self.offset), until };
        self.handle(Input::Decision(Decision::Ceiling(ceiling)));
    }

    fn count(&self, fate: Fate) -> u64 {
        self.engine.fates()[0].of(fate)
    }

    /// The causes that are reported now.
    fn causes(&self) -> Vec<Cause> {
        self.engine.standing().1.iter().map(|trouble| trouble.cause).collect()
    }

    fn mode(&self) -> Mode {
        self.engine.standing().0.mode
    }

    /// The alerts about the market, without what depends on positions.
    fn market(&self) -> Vec<(Vec<Detector>, Severity, EventTime, u64)> {
        let market = self.alerts.iter().filter(|alert| alert.detectors != [Detector::Feed]);
        market.map(|alert| (alert.detectors.clone(), alert.severity, alert.revised_at, alert.revision)).collect()
    }
}

/// Twenty-five minutes of a symbol with a cancel a second and a heartbeat, and a burst of four hundred cancels in ten seconds.
fn flow() -> Vec<Event<'static>> {
    let mut events = Vec::new();
    for tenth in 0..15_000 {
        let count = if (BURST..BURST + 100).contains(&tenth) { 4 } else { i64::from(tenth % 10 == 0) };
        events.extend((0..count).map(|n| cancel(at(tenth), "X", 10 * tenth + n, Some(CancelReason::User))));
        if tenth % 10 == 5 {
            events.push(heartbeat(at(tenth)));
        }
    }
    events
}

/// Sends the flow with further events, each behind the event of the flow with its index.
fn with(further: &[(usize, Event<'_>)]) -> World {
    let mut world = World::new(1);
    let mut further = further.iter().peekable();
    for (nth, event) in flow().iter().enumerate() {
        let offset = 1_000 * nth as u64;
        world.send_at(offset, Ok(event));
        for n in 1.. {
            let Some((_, event)) = further.next_if(|(after, _)| *after == nth) else { break };
            world.send_at(offset + n, Ok(event));
        }
    }
    world
}

#[test]
fn one_stamp_of_tomorrow_moves_no_clock_and_loses_no_finding() {
    let control = with(&[]);
    assert!(!control.market().is_empty());
    let tomorrow = at(9_000).plus(Span::from_secs(86_400));
    for stamped in [cancel(tomorrow, "X", -1, None), cancel(tomorrow, "Y", -1, None), heartbeat(tomorrow)] {
        let world = with(&[(2_000, stamped)]);
        assert_eq!(world.market(), control.market());
        assert_eq!((world.count(Fate::Late), world.engine.counters().held_back), (0, 1));
        assert_eq!(world.engine.watermark(), control.engine.watermark());
    }
}

#[test]
fn three_stamps_of_tomorrow_within_a_minute_are_reported_with_how_far_they_are_ahead() {
    let tomorrow = at(9_000).plus(Span::from_secs(86_400));
    let further: Vec<_> = (0..3).map(|n| (2_000 + 20 * n, heartbeat(tomorrow))).collect();
    let world = with(&further);
    let reported: Vec<_> = world.alerts.iter().filter(|alert| alert.detectors == [Detector::Feed]).collect();
    assert_eq!((reported[0].severity, reported[0].trust.reasons.as_slice()), (Severity::Warning, &[Cause::Skew][..]));
    assert!(reported[0].summary.contains("into the future"), "{}", reported[0].summary);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Wrong clocks of any number of producers, as long as no three wrong stamps in a row agree: what is found stays the same.
    #[test]
    fn wrong_stamps_change_nothing_that_is_found(
        faults in prop::collection::btree_map(20_usize..2_500, (6_i64..10_000_000, 0_u8..3), 0..60),
    ) {
        let events = flow();
        let stamped = |(nth, (ahead, kind)): (usize, (i64, u8))| {
            let ts = events[nth].ts.plus(Span::from_secs(ahead));
            let event = match kind {
                0 => heartbeat(ts),
                1 => cancel(ts, "X", -1, Some(CancelReason::Expired)),
                _ => mark(ts, "X"),
            };
            (nth, event)
        };
        let faults: Vec<_> = faults.into_iter().map(stamped).collect();
        let (world, control) = (with(&faults), with(&[]));
        prop_assert_eq!(world.engine.counters().held_back, faults.len() as u64);
        prop_assert_eq!(world.engine.watermark(), control.engine.watermark());
        prop_assert_eq!(world.count(Fate::Late), 0);
        let opened = |world: &World| world.market().first().map(|(detectors, _, at, _)| (detectors.clone(), *at));
        prop_assert_eq!(opened(&world), opened(&control));
    }
}

#[test]
fn in_the_service_a_clock_ahead_moves_nothing_however_many_agree_and_five_minutes_ahead_it_is_rejected() {
    let control = with(&[]);
    for (ahead, rejected) in [(50 * 60, true), (290, false), (6, false)] {
        let mut world = World::new(1);
        for event in &flow() {
            world.raise_ceiling(event.ts);
            world.send(event);
            if event.ts >= at(9_000) {
                (0..2).for_each(|n| world.send(&cancel(event.ts.plus(Span::from_secs(ahead)), "X", -n, None)));
            }
        }
        let opened = |world: &World| {
            world.market().first().map(|(detectors, severity, at, _)| (detectors.clone(), *severity, *at))
        };
        assert_eq!(opened(&world), opened(&control), "{ahead} s");
        assert_eq!(world.engine.watermark(), control.engine.watermark());
        assert_eq!(world.rejected.first().copied(), rejected.then_some(Reason::TsFuture));
        assert_eq!(world.engine.counters().held_back > 1_000, !rejected);
    }
}

#[test]
fn orders_of_which_none_can_be_used_blind_and_page_within_five_seconds_although_heartbeats_go_on() {
    let mut world = World::new(1);
    for second in 0..25 {
        (0..2).for_each(|_| world.reject("X"));
        world.send(&heartbeat(at(10 * second + 5)));
        assert_eq!(world.mode() == Mode::Blind, second >= 5, "at {second}");
    }
    let reported = &world.alerts[0];
    assert_eq!(
        (reported.severity, reported.trust.mode, reported.detectors.as_slice()),
        (Severity::Critical, Mode::Blind, &[Detector::Feed][..])
    );
    assert!(
        reported.title.contains("Blind") && reported.summary.contains("missing_field"),
        "{} {}",
        reported.title,
        reported.summary
    );
    assert!(reported.summary.contains("t:0:"), "the example's position: {}", reported.summary);
}

#[test]
fn a_symbol_of_which_nothing_can_be_used_is_reported_and_the_others_stay_normal() {
    let mut world = World::new(1);
    for tenth in 0..1_200 {
        (0..30).filter(|n| tenth % 30 == *n).for_each(|n| world.send(&mark(at(tenth), &format!("S{n}"))));
        if tenth >= 600 && tenth % 20 == 0 {
            world.reject("X");
        }
    }
    assert_eq!((world.mode(), world.causes()), (Mode::Normal, vec![Cause::Unusable]));
    let reported = world.alerts.iter().find(|alert| alert.detectors == [Detector::Feed]).unwrap();
    assert_eq!((reported.severity, reported.trust.mode), (Severity::Warning, Mode::Normal));
    assert!(reported.summary.contains(" X ") && reported.summary.contains("missing_field"), "{}", reported.summary);
}

/// Thirty symbols with a mark every five seconds for twenty minutes; six of them end after five, each with the given last event.
fn ending(last: impl Fn(EventTime, &str) -> Option<Event<'static>>) -> (World, Vec<i64>) {
    let (mut world, mut degraded) = (World::new(1), Vec::new());
    for second in 0..1_200 {
        for n in (0..30).filter(|n| second % 5 == n % 5) {
            let name = format!("OPT-{n:02}");
            if n >= 6 || second < 300 {
                world.send(&mark(at(10 * second), &name));
            } else if second < 305
                && let Some(event) = &last(at(10 * second), &name)
            {
                world.send(event);
            }
        }
        if world.mode() != Mode::Normal {
            degraded.push(second);
        }
    }
    (world, degraded)
}

#[test]
fn symbols_whose_orders_have_expired_or_that_have_ended_are_not_awaited() {
    let expired = |ts, symbol: &str| Some(cancel(ts, symbol, 0, Some(CancelReason::Expired)));
    assert!(ending(expired).1.is_empty(), "expired");
    for status in [TradingPhase::Ended, TradingPhase::Halted, TradingPhase::Closed] {
        let ended = |ts, symbol: &str| {
            Some(event(ts, Some(symbol), Body::TradingStatus(TradingStatus { status, reason: None, until: None })))
        };
        assert!(ending(ended).1.is_empty(), "{status:?}");
    }
}

#[test]
fn symbols_that_fall_silent_without_a_status_are_reported_for_ten_minutes() {
    let (world, degraded) = ending(|_, _| None);
    let (first, last) = (degraded[0], *degraded.last().unwrap());
    assert!((390..=410).contains(&first) && (990..=1_020).contains(&last), "{first} to {last}");
    assert_eq!((world.mode(), world.causes()), (Mode::Normal, Vec::<Cause>::new()));
}

#[test]
fn a_producer_heard_of_only_by_a_stamp_that_is_not_believed_is_not_waited_for() {
    let mut world = World::new(1);
    for (n, event) in flow().iter().enumerate() {
        if n == 3_000 {
            let body = Body::Heartbeat(Heartbeat { producer: Some(Name::new("gw7").unwrap()) });
            world.send(&Event { ts: event.ts.plus(Span::from_secs(3_000)), body, ..heartbeat(event.ts) });
        }
        world.send(event);
    }
    let feed: Vec<&Alert> = world.alerts.iter().filter(|alert| alert.detectors == [Detector::Feed]).collect();
    assert!(feed.is_empty(), "{feed:?}");
    assert_eq!(world.engine.held_back(), 1);
}

/// One order in ten to fifty seconds: its pauses look like jumps of a clock until the first few were seen.
#[test]
fn a_thin_flow_is_no_wrong_clock() {
    let mut world = World::new(1);
    for n in 0..200 {
        world.send(&cancel(at(300 * n + 200 * (n * 7 % 10) / 10), "X", n, None));
    }
    assert_eq!((world.alerts.len(), world.mode()), (0, Mode::Normal));
    assert!(world.engine.held_back() <= 6, "{}", world.engine.held_back());
}
