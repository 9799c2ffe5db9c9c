//! The engine survives any inputs in any order, and its invariants hold: a restart changes nothing (`restored`), each
//! record has one fate (`one-fate`), the tables stay within their limits (`bounded`), and the revisions of each
//! incident are 1, 2, 3 ….
#![no_main]

use std::collections::BTreeMap;

use arbitrary::Arbitrary;
use foreshock::{
    engine::{Engine, Input, Keys, Output, Plan, Snapshot},
    event::SourceId,
    time::{EventTime, Span},
    trust::{Cause, Decision, Idle, Mode, ModeChange, Trouble},
};
use foreshock_fuzz::{
    Clock, EventSpec,
    engines::{SOURCES, give, handle, learned, plan},
};
use libfuzzer_sys::fuzz_target;

/// An operation on the engine.
#[derive(Arbitrary, Debug)]
enum Operation {
    /// A record with these events comes, and the same again `more` times.
    Record { source: u8, events: Vec<EventSpec>, more: u8 },
    /// A record comes that cannot be used.
    Refused { source: u8 },
    /// A partition is idle, up to a time `away` milliseconds from the newest.
    Idle { source: u8, away: i32 },
    /// The mode changes.
    Mode { mode: u8, source: u8, away: i32, troubles: Vec<u8> },
    /// The engine is encoded and restored.
    Restart,
}

/// An engine that is left alone, its twin that is restarted, and the expected state of both.
struct Twins {
    plan: Plan,
    kept: Engine,
    restarted: Engine,
    next: [u64; SOURCES],
    clock: Clock,
    revisions: BTreeMap<String, u64>,
}

impl Twins {
    fn new() -> Self {
        let (plan, (snapshot, next, now)) = (plan(), learned());
        let kept = Engine::restore(&plan, snapshot.clone()).expect("its own plan");
        let restarted = Engine::restore(&plan, snapshot).expect("its own plan");
        Self { plan, kept, restarted, next: [next; SOURCES], clock: Clock::at(now), revisions: BTreeMap::new() }
    }

    fn take(&mut self, operation: &Operation) {
        match operation {
            Operation::Record { source, events, more } => {
                for _ in 0..=more % 32 {
                    let texts: Vec<String> = events.iter().map(|event| event.text(&mut self.clock)).collect();
                    self.record(*source, &texts);
                }
            }
            Operation::Refused { source } => self.record(*source, &["{".to_owned()]),
            Operation::Idle { source, away } => {
                let source = source_of(*source);
                let after_offset = self.next[source.0 as usize].checked_sub(1);
                self.input(&Input::Decision(Decision::Idle(Idle { source, after_offset, until: self.about(*away) })));
            }
            Operation::Mode { mode, source, away, troubles } => {
                let (mode, _) = Mode::ALL[usize::from(*mode) % Mode::ALL.len()];
                let (source, from) = (source_of(*source), self.about(*away));
                let troubles = troubles.iter().map(|n| self.trouble(*n, source)).collect();
                self.input(&Input::Decision(Decision::Mode(ModeChange { from, mode, troubles })));
            }
            Operation::Restart => self.restart(),
        }
    }

    fn record(&mut self, source: u8, texts: &[String]) {
        let source = source_of(source).0 as usize;
        let offset = self.next[source];
        self.next[source] += 1;
        let [kept, restarted] =
            [&mut self.kept, &mut self.restarted].map(|engine| handle(engine, source, offset, texts));
        self.compare(&kept, &restarted);
    }

    fn input(&mut self, input: &Input<'_>) {
        let [kept, restarted] = [&mut self.kept, &mut self.restarted].map(|engine| give(engine, input.clone()));
        self.compare(&kept, &restarted);
    }

    fn compare(&mut self, kept: &[Output], restarted: &[Output]) {
        assert_eq!(kept, restarted);
        for output in kept {
            let Output::Notify(alert, _) = output else { continue };
            let revision = self.revisions.entry(alert.id.clone()).or_default();
            *revision += 1;
            assert_eq!(alert.revision, *revision, "of incident {}", alert.id);
        }
    }

    fn restart(&mut self) {
        let written = self.restarted.snapshot().encode();
        assert!(self.kept.snapshot().encode() == written, "the bytes differ");
        let read = Snapshot::decode(&written).expect("what an engine wrote");
        self.restarted = Engine::restore(&self.plan, read).expect("its own plan");
    }

    /// An instant this many milliseconds after the newest event.
    fn about(&self, away: i32) -> EventTime {
        EventTime::from_nanos(self.clock.nanos()).plus(Span::from_millis(away.into()))
    }

    fn trouble(&self, n: u8, source: SourceId) -> Trouble {
        let (cause, _) = Cause::ALL[usize::from(n) % Cause::ALL.len()];
        let (clock, value) = (self.about(0), f64::from(n));
        Trouble { cause, source, after_offset: 0, clock, value, limit: 1.0, pages: n >= 128, who: None }
    }

    fn assert_whole(&self) {
        for (fates, next) in self.kept.fates().iter().zip(self.next) {
            assert_eq!(fates.total(), next, "each record has one fate");
        }
        let limits = self.plan.limits;
        for (kind, found) in self.kept.occupancy() {
            let max = match kind {
                Keys::Symbol => limits.symbols_max * SOURCES,
                Keys::Account => limits.accounts_max * SOURCES,
                Keys::Order => limits.orders_max * SOURCES,
                Keys::Incident => limits.incidents_max,
                Keys::Signal => limits.signals_pending_max,
                Keys::Holder => limits.accounts_max,
                // The limit is far above the number in a run.
                Keys::Fact => usize::MAX,
                Keys::Owner => limits.accounts_max * (SOURCES + 1),
                // Accounts and owners: on single symbols in each feed, and on all symbols over all feeds.
                Keys::Party => limits.accounts_max * 2 * (SOURCES + 1),
                Keys::Burst => limits.bursts_max * 2 * (SOURCES + 1),
            };
            assert!(found.held <= max as u64, "{kind:?}: {found:?}");
        }
        let counted = |engine: &Engine| (engine.counters().clone(), engine.fates().to_vec(), engine.occupancy());
        assert_eq!(counted(&self.kept), counted(&self.restarted));
    }
}

fn source_of(n: u8) -> SourceId {
    SourceId(u32::from(n) % SOURCES as u32)
}

fuzz_target!(|operations: Vec<Operation>| {
    let mut twins = Twins::new();
    for operation in &operations {
        twins.take(operation);
    }
    twins.restart();
    twins.assert_whole();
});
