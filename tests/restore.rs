//! An engine that is restored from a snapshot continues as if it had never stopped: at any record, for any input, byte
//! for byte.
//!
//! Two engines take the same records. One is left alone; the other is encoded and restored again and again. They must
//! give the same outputs, have the same counters, and encode to the same bytes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/environment.rs"]
mod environment;
#[path = "support/feeds.rs"]
mod feeds;
#[path = "support/hostile_events.rs"]
mod hostile_events;
#[path = "support/random.rs"]
mod random;

use std::borrow::Cow;

use feeds::{FEEDS, flow, interleaving};
use foreshock::{
    engine::{Detection, Engine, Input, Keys, Limits, Outbox, Output, Plan, Record, Snapshot, StageSettings},
    event::{Event, Reason, Rejection, Source, SourceId},
    time::Span,
    trust::{Cause, Decision, Idle, Mode, ModeChange, Scope, Trouble},
    window::BurstSettings,
};
use hostile_events::{START, cancel, event, name, secs};
use proptest::prelude::*;
use random::Random;

/// A plan whose burst settings all differ from the defaults, so that the test fails if one is not restored.
fn plan(feeds: usize, limits: Limits) -> Plan {
    let sources = (0..feeds).map(|feed| Source {
        name: "orderflow.events".to_owned(),
        partition: Some(i32::try_from(feed).unwrap()),
        feed,
    });
    let window = BurstSettings { a_min: 4, cold_a_min: 9, warnings_per_day: 3.0 };
    let detection = Detection { cancel_burst: window, ..Detection::default() };
    Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits,
        detection,
        sources: sources.collect(),
        stages: StageSettings::default(),
        replay: "foreshock replay".to_owned(),
        currency: None,
    }
}

/// An engine that is left alone and its twin that is restarted; both take the same inputs.
struct Twins {
    plan: Plan,
    kept: Engine,
    restarted: Engine,
    next: Vec<u64>,
}

impl Twins {
    fn new(plan: Plan) -> Self {
        let next = vec![0; plan.sources.len()];
        Self { kept: Engine::new(plan.clone()), restarted: Engine::new(plan.clone()), plan, next }
    }

    /// Gives the next record of a source to both engines, and returns the outputs.
    fn take(&mut self, source: usize, content: &Result<Vec<Event<'_>>, Rejection>) -> Vec<Output> {
        let offset = self.next[source];
        self.next[source] += 1;
        let source = SourceId(u32::try_from(source).unwrap());
        let content = content.as_deref().map_err(Clone::clone);
        self.give(&Input::Record(Record { source, offset, appended_at: None, content }))
    }

    /// Gives an input to both engines, proves that their outputs are equal, and returns them.
    fn give(&mut self, input: &Input<'_>) -> Vec<Output> {
        let [kept, restarted] = [&mut self.kept, &mut self.restarted].map(|engine| {
            let mut outbox = Outbox::default();
            engine.handle(input.clone(), &mut outbox);
            outbox.drain().collect::<Vec<_>>()
        });
        assert_eq!(kept, restarted);
        kept
    }

    /// Gives both engines the inputs that the wall clock may decide: a source is idle, and the mode changes. Returns
    /// the number of outputs.
    fn decide(&mut self, source: usize, mode: Mode) -> usize {
        let Some(newest) = (0..self.next.len()).filter_map(|source| self.kept.clock(source)).max() else { return 0 };
        let (id, last) = (SourceId(u32::try_from(source).unwrap()), self.next[source].checked_sub(1));
        let idle = Idle { source: id, after_offset: last, until: newest };
        let trouble = |cause, value, pages| Trouble {
            cause,
            source: id,
            after_offset: last.unwrap_or(0),
            clock: newest,
            value,
            limit: 1.0,
            pages,
            scope: Scope::Partition,
            who: None,
            example: None,
        };
        let troubles = match mode {
            Mode::Normal => vec![],
            Mode::Degraded => vec![trouble(Cause::Lag, 7.5, false)],
            Mode::Blind => vec![trouble(Cause::Gap, 2.0, false), trouble(Cause::Silence, 5.5, true)],
        };
        let change = ModeChange { from: newest.plus(Span::from_millis(300)), mode, troubles };
        self.give(&Input::Decision(Decision::Idle(idle))).len()
            + self.give(&Input::Decision(Decision::Mode(change))).len()
    }

    /// Encodes both engines, and restores the second from its bytes.
    fn restart(&mut self) {
        let bytes = self.restarted.snapshot().encode();
        assert!(self.kept.snapshot().encode() == bytes, "the bytes differ before the restart");
        let snapshot = Snapshot::decode(&bytes).unwrap();
        let positions: Vec<u64> = snapshot.positions().map(|(_, next)| next).collect();
        assert_eq!(positions, self.next);
        self.restarted = Engine::restore(&self.plan, snapshot).unwrap();
        assert!(self.restarted.snapshot().encode() == bytes, "the bytes differ after the restart");
    }

    fn assert_same(&self) {
        let seen = |engine: &Engine| {
            (engine.counters().clone(), engine.fates().to_vec(), engine.occupancy(), engine.watermark())
        };
        assert_eq!(seen(&self.kept), seen(&self.restarted));
    }

    fn held(&self, kind: Keys) -> u64 {
        self.kept.occupancy().into_iter().find(|(other, _)| *other == kind).unwrap().1.held
    }
}

/// Numbers of restarts: all, and those with state that is easily lost.
#[derive(Debug, Default)]
struct Met {
    restarts: usize,
    open_incidents: usize,
    waiting_signals: usize,
}

#[test]
fn an_engine_restarted_hundreds_of_times_gives_the_same_outputs() {
    let flow = flow();
    let mut met = Met::default();
    let (mut outputs, mut outputs_of_decisions) = (0, 0);
    for seed in 0..4 {
        let mut random = Random(seed);
        let mut twins = Twins::new(plan(FEEDS, Limits::default()));
        let mut next = [0; FEEDS];
        let mut until_restart = 0;
        for feed in interleaving(&flow, seed) {
            if until_restart == 0 {
                twins.restart();
                met.restarts += 1;
                met.open_incidents += usize::from(twins.held(Keys::Incident) > 0);
                met.waiting_signals += usize::from(twins.held(Keys::Signal) > 0);
                // Restarts are mostly far apart, and sometimes after a single record.
                until_restart = if random.one_in(3) { 1 } else { 1 + random.index(150) };
            }
            until_restart -= 1;
            if random.one_in(300) {
                let mode = [Mode::Normal, Mode::Degraded, Mode::Blind][random.index(3)];
                outputs_of_decisions += twins.decide(random.index(FEEDS), mode);
            }
            outputs += twins.take(feed, &Ok(vec![flow[feed][next[feed]].clone()])).len();
            next[feed] += 1;
        }
        twins.restart();
        twins.assert_same();
    }
    assert!(
        outputs > 200 && outputs_of_decisions > 20 && met.restarts > 500,
        "{outputs}, {outputs_of_decisions}, {met:?}"
    );
    assert!(met.open_incidents > 50 && met.waiting_signals > 20, "{met:?}");
}

/// The content of a record: no event, one or several, or a rejection.
fn content() -> impl Strategy<Value = Result<Vec<Event<'static>>, Rejection>> {
    prop_oneof![
        10 => prop::collection::vec(event(), 1..2).prop_map(Ok),
        1 => prop::collection::vec(event(), 0..4).prop_map(Ok),
        1 => Just(Err(Rejection { reason: Reason::NotJson, detail: Cow::Borrowed("no JSON"), symbol: None })),
    ]
}

fn mode() -> impl Strategy<Value = Option<Mode>> {
    let mode = prop_oneof![Just(Mode::Normal), Just(Mode::Degraded), Just(Mode::Blind)];
    prop::option::weighted(0.1, mode)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_anywhere_in_a_hostile_flow_changes_nothing(
        records in prop::collection::vec((content(), 0_usize..2, 1_usize..40, any::<bool>(), mode()), 1..60)
    ) {
        let limits = Limits { symbols_max: 2, accounts_max: 3, parties_max: 3, orders_max: 3, bursts_max: 1, incidents_max: 1, signals_pending_max: 2, ..Limits::default() };
        let mut twins = Twins::new(plan(2, limits));
        // All symbols have learned their rate, so that bursts are found.
        for second in START - 200..START {
            for (source, symbol) in [(0, "S0"), (0, "S1"), (1, "S2"), (1, "S3")] {
                let body = cancel("1");
                let event = Event { ts: secs(second), symbol: Some(name(symbol)), seq: None, account: None, owner: None, body };
                twins.take(source, &Ok(vec![event]));
            }
        }
        for (content, source, times, restart, mode) in records {
            for _ in 0..times {
                twins.take(source, &content);
            }
            if let Some(mode) = mode {
                twins.decide(source, mode);
            }
            if restart {
                twins.restart();
            }
        }
        twins.restart();
        twins.assert_same();
    }
}
