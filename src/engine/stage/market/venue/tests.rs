//! Closures of all kinds, as the feed handles them, against a plain model: a window that gets every closure as a gap.

use proptest::prelude::*;

use super::super::*;
use crate::{
    detect::{Burst, BurstKind, Change, Detector, Sample, budget::of_symbol},
    event::{
        Body, CancelReason, Decimal, Heartbeat, Name, NameRef, OrderCancel, Price, Quantity, Side, SourceId, Trade,
        TradingPhase, TradingStatus,
    },
    stats::tail_prior::Pools,
    time::NANOS_PER_SEC,
    trust::Mode,
};

const START: i64 = 1_760_000_400;
const PHASES: [TradingPhase; 4] =
    [TradingPhase::Auction, TradingPhase::Halted, TradingPhase::Closed, TradingPhase::Ended];

/// How a stated closure ends.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The status `open`.
    Status,
    /// Its own end, which the status named.
    Named,
    /// A trade with an aggressor: the status `open` was lost.
    Trade,
}

/// A part of a symbol's day, with its length in minutes.
#[derive(Clone, Copy, Debug)]
enum Part {
    /// A withdrawal each few seconds, and perhaps a burst of them in the middle.
    Flow { minutes: i64, every: i64, burst: bool },
    /// No status and no event.
    Silence { minutes: i64 },
    /// A stated closure, perhaps of the whole partition, in which orders are withdrawn each so many seconds.
    Closed { minutes: i64, phase: usize, venue: bool, every: Option<i64>, end: End },
}

/// A closure is over with the symbol's next event, so there must be one.
const LAST: Part = Part::Flow { minutes: 3, every: 2, burst: false };

fn part() -> impl Strategy<Value = Part> {
    let end = prop_oneof![Just(End::Status), Just(End::Named), Just(End::Trade)];
    prop_oneof![
        4 => (5_i64..40, 1_i64..20, any::<bool>())
            .prop_map(|(minutes, every, burst)| Part::Flow { minutes, every, burst }),
        2 => (1_i64..150).prop_map(|minutes| Part::Silence { minutes }),
        2 => (1_i64..150, 0_usize..4, any::<bool>(), prop::option::of(1_i64..30), end)
            .prop_map(|(minutes, phase, venue, every, end)| Part::Closed { minutes, phase, venue, every, end }),
    ]
}

/// An event, by its second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Cancels(usize),
    Status { phase: TradingPhase, venue: bool, until: Option<i64> },
    Trade,
    Heartbeat,
}

/// The events of a day, each with its second, and a heartbeat each second if there are any.
fn events(parts: &[Part], heartbeats: bool) -> Vec<(i64, What)> {
    let (mut events, mut now) = (vec![(0, What::Trade)], 1);
    for part in parts {
        match *part {
            Part::Flow { minutes, every, burst } => {
                let end = now + 60 * minutes;
                let middle = now + 30 * minutes / every * every;
                let count = |second| if burst && second == middle { 150 } else { 1 };
                let step = usize::try_from(every).unwrap();
                events.extend((now..end).step_by(step).map(|second| (second, What::Cancels(count(second)))));
                now = end;
            }
            Part::Silence { minutes } => now += 60 * minutes,
            Part::Closed { minutes, phase, venue, every, end } => {
                let ends = now + 60 * minutes;
                let until = matches!(end, End::Named).then_some(ends);
                events.push((now, What::Status { phase: PHASES[phase], venue, until }));
                if let Some(every) = every {
                    let step = usize::try_from(every).unwrap();
                    events.extend((now + 1..ends).step_by(step).map(|second| (second, What::Cancels(3))));
                }
                match end {
                    End::Status => {
                        events.push((ends, What::Status { phase: TradingPhase::Open, venue, until: None }));
                    }
                    End::Named => {}
                    End::Trade => events.push((ends, What::Trade)),
                }
                now = ends + 1;
            }
        }
    }
    if heartbeats {
        events.extend((0..now).map(|second| (second, What::Heartbeat)));
        events.sort_by_key(|(second, what)| (*second, *what == What::Heartbeat));
    }
    events
}

fn at(second: i64) -> EventTime {
    EventTime::from_nanos((START + second) * NANOS_PER_SEC)
}

fn name(text: &str) -> Name<'static> {
    Name::new(text.to_owned()).unwrap()
}

fn body(what: What) -> (Option<&'static str>, Body<'static>) {
    match what {
        What::Cancels(_) => {
            let reason = Some(CancelReason::User);
            (Some("S"), Body::OrderCancel(OrderCancel { order: name("o"), side: None, price: None, qty: None, reason }))
        }
        What::Status { phase, venue, until } => {
            let status = TradingStatus { status: phase, reason: None, until: until.map(at) };
            (if venue { None } else { Some("S") }, Body::TradingStatus(status))
        }
        What::Trade => {
            let one = Decimal::from_parts(1, 0).unwrap();
            let trade =
                Trade::public(name("t"), Price::new(one).unwrap(), Quantity::new(one).unwrap(), Some(Side::Buy));
            (Some("S"), Body::Trade(trade))
        }
        What::Heartbeat => (None, Body::Heartbeat(Heartbeat { producer: None })),
    }
}

/// A change of an episode of `cancel_burst`.
type EpisodeChange = (Change, EventTime);

/// Handles the events as a feed does.
fn by_the_feed(events: &[(i64, What)]) -> (FeedStage, Vec<EpisodeChange>) {
    let mut feed = FeedStage::new(&Limits::default(), &Detection::default(), &Calendars::default());
    let (mut offset, mut changes) = (0, Vec::new());
    for &(second, what) in events {
        let (symbol, body) = body(what);
        let event = Event { ts: at(second), symbol: symbol.map(name), seq: None, account: None, owner: None, body };
        for _ in 0..if let What::Cancels(count) = what { count } else { 1 } {
            let mut outbox = Outbox::default();
            let origin = Origin::from(RecordRef { source: SourceId(0), offset });
            feed.handle(&event, origin, true, &mut outbox);
            offset += 1;
            let of_cancels = outbox.signals.iter().filter(|signal| signal.detector == Detector::CancelBurst);
            changes.extend(of_cancels.map(|signal| (signal.change, signal.at)));
        }
    }
    (feed, changes)
}

/// The closures of a list of events by the plainest means, each with the index of the event with which it is over.
fn closures(events: &[(i64, What)]) -> Vec<(usize, i64, i64)> {
    let mut closures = Vec::new();
    let mut closed: Option<(i64, Option<i64>)> = None;
    // When the market was active, or known to be; and the pauses that were ordinary, and those that were not.
    let (mut active, mut ordinary, mut long): (Option<i64>, Vec<i64>, Vec<i64>) = (None, Vec::new(), Vec::new());
    let limit = |ordinary: &[i64]| 300.max(3 * ordinary.iter().max().copied().unwrap_or(0));
    for (index, &(second, what)) in events.iter().enumerate() {
        if what == What::Heartbeat && closed.is_none() {
            continue;
        }
        if let Some((since, until)) = closed {
            let ends = match what {
                What::Status { phase: TradingPhase::Open, .. } => Some(second),
                What::Trade if second - since >= 10 => Some(second),
                What::Status { .. } | What::Trade | What::Cancels(_) | What::Heartbeat => None,
            };
            let ends = until.filter(|until| *until <= second).or(ends);
            let Some(ends) = ends else { continue };
            let from = active.filter(|active| since - active > limit(&ordinary)).unwrap_or(since);
            closures.push((index, from, ends));
            (closed, active) = (None, Some(ends));
        }
        if let What::Status { phase, until, .. } = what {
            if phase != TradingPhase::Open {
                closed = Some((second, until));
            }
            continue;
        }
        if what == What::Heartbeat {
            continue;
        }
        let pause = second - active.replace(second).unwrap_or(second);
        if pause > limit(&ordinary) {
            // All within a day: of four that are long, the shortest is ordinary.
            let last: Vec<i64> = long.iter().rev().take(3).copied().chain([pause]).collect();
            if last.len() == 4 {
                ordinary.extend(last.iter().min());
            }
            long.push(pause);
            if pause > limit(&ordinary) {
                closures.push((index, second - pause, second));
                continue;
            }
        }
        ordinary.push(pause);
    }
    closures
}

/// Handles the events with a window that gets the closures as gaps.
fn by_the_model(events: &[(i64, What)]) -> (Burst, Vec<EpisodeChange>) {
    let mut burst = Burst::new(BurstKind::Cancels, of_symbol(Detector::CancelBurst, Detection::default().cancel_burst));
    let (closures, mut changes) = (closures(events), Vec::new());
    let mut closed = false;
    for (index, &(second, what)) in events.iter().enumerate() {
        // An episode is over at its deadline, which comes before it is known that the pause after it was a closure.
        changes.extend(burst.expire(at(second)).map(|verdict| (verdict.change, verdict.at)));
        for &(_, from, until) in closures.iter().filter(|(over, ..)| *over == index) {
            burst.gap(at(from), at(until));
            burst.reopen(at(until));
            closed = false;
        }
        if let What::Status { phase, .. } = what {
            closed = phase != TradingPhase::Open;
        }
        let What::Cancels(count) = what else { continue };
        for _ in (0..count).filter(|_| !closed) {
            let record = RecordRef { source: SourceId(0), offset: 0 };
            let sample = Sample::of_party(at(second), record, "o", None);
            let verdict = burst.handle(&sample, &[1], Mode::Normal, |_| true);
            changes.extend(verdict.map(|verdict| (verdict.change, verdict.at)));
        }
    }
    (burst, changes)
}

/// The bins that were learned, the rate, and the tails of minutes.
fn learned(burst: &Burst) -> (u64, (f64, f64), String) {
    let base = burst.window().burst().baseline();
    // The model shows no feed its exceedances, and what a tail has shown is no part of what it has learned.
    let mut shown = burst.clone();
    shown.exchange(&mut [Pools::default()]);
    (base.bins(), base.raw(), format!("{:?}", shown.window().tails()))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn a_closure_of_any_kind_is_neither_learned_nor_reported(
        first in 20_i64..60,
        parts in prop::collection::vec(part(), 1..14),
        heartbeats in any::<bool>(),
    ) {
        let parts: Vec<Part> =
            [Part::Flow { minutes: first, every: 2, burst: false }].into_iter().chain(parts).chain([LAST]).collect();
        let events = events(&parts, heartbeats);
        let (feed, changes) = by_the_feed(&events);
        let (burst, expected) = by_the_model(&events);
        let symbol = feed.symbols.find(&NameRef::new("S")).and_then(|symbol| feed.symbols.get(symbol)).unwrap();
        prop_assert_eq!(learned(symbol.cancels()), learned(&burst));
        // The feed ends an episode at its deadline, the model with the event after it.
        let is_opening = |(change, _): &EpisodeChange| *change == Change::Opened;
        let opened = |changes: Vec<EpisodeChange>| changes.into_iter().filter(is_opening).collect::<Vec<_>>();
        prop_assert_eq!(opened(changes), opened(expected));
    }
}
