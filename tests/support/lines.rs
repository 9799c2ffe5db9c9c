//! Event lines through an engine, and what comes out.
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]

use foreshock::{
    alert::Alert,
    calendar::{Calendars, MaintenanceWindows},
    detect::Signal,
    engine::{Counters, Detection, Engine, Fate, Input, Limits, Outbox, Output, Plan, Record, StageSettings},
    event::{Body, DecodeLimits, Event, Source, SourceId, decode},
    time::EventTime,
    trust::{Ceiling, Decision},
};

/// The results of a replay.
pub struct Replayed {
    pub engine: Engine,
    pub alerts: Vec<Alert>,
    pub signals: Vec<Signal>,
}

/// Sends lines through a new engine.
pub fn replay<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> Replayed {
    send(lines, Under::default(), |_| None)
}

/// The settings of an engine that are not the defaults.
#[derive(Default)]
struct Under {
    calendars: Calendars,
    maintenance: MaintenanceWindows,
    detection: Detection,
}

/// Sends lines through a new engine with these settings of detectors.
pub fn replay_under<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>, detection: Detection) -> Replayed {
    send(lines, Under { detection, ..Under::default() }, |_| None)
}

/// Sends lines through a new engine whose symbols follow calendars.
pub fn replay_in_hours<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>, calendars: Calendars) -> Replayed {
    send(lines, Under { calendars, ..Under::default() }, |_| None)
}

/// Sends lines through a new engine with maintenance windows.
pub fn replay_in_maintenance<L: AsRef<[u8]>>(
    lines: impl IntoIterator<Item = L>,
    maintenance: MaintenanceWindows,
) -> Replayed {
    send(lines, Under { maintenance, ..Under::default() }, |_| None)
}

/// Sends lines through a new engine as the service does whose clock goes with the heartbeats.
pub fn replay_by_the_clock<L: AsRef<[u8]>>(lines: impl IntoIterator<Item = L>) -> Replayed {
    send(lines, Under::default(), |event| matches!(event.body, Body::Heartbeat(_)).then_some(event.ts))
}

fn send<L: AsRef<[u8]>>(
    lines: impl IntoIterator<Item = L>,
    Under { calendars, maintenance, detection }: Under,
    clock: impl Fn(&Event<'_>) -> Option<EventTime>,
) -> Replayed {
    let sources = vec![Source { name: "orderflow.events".to_owned(), partition: Some(0), feed: 0 }];
    let (limits, stages) = (Limits::default(), StageSettings::default());
    let mut engine = Engine::new(Plan {
        limits,
        detection,
        stages,
        calendars,
        maintenance,
        sources,
        replay: String::new(),
        currency: None,
    });
    let (mut alerts, mut signals, mut outbox) = (Vec::new(), Vec::new(), Outbox::default());
    for (offset, line) in (0_u64..).zip(lines) {
        let event = decode(line.as_ref(), DecodeLimits::default());
        if let Some(until) = event.as_ref().ok().and_then(&clock) {
            let after_offset = offset.checked_sub(1);
            let ceiling = Ceiling { source: SourceId(0), after_offset, until };
            engine.handle(Input::Decision(Decision::Ceiling(ceiling)), &mut outbox);
        }
        let content = event.as_ref().map(std::slice::from_ref).map_err(Clone::clone);
        engine.handle(Input::Record(Record { source: SourceId(0), offset, appended_at: None, content }), &mut outbox);
        for output in outbox.drain() {
            match output {
                Output::Notify(alert, _) => alerts.push(*alert),
                Output::Signal(signal) => signals.push(*signal),
                Output::Rejected(..) => {}
            }
        }
    }
    engine.conclude();
    Replayed { engine, alerts, signals }
}

impl Replayed {
    /// How many records were accepted, rejected, late, duplicate and shed.
    pub fn fates(&self) -> [u64; 5] {
        Fate::ALL.map(|(fate, _)| self.engine.fates()[0].of(fate))
    }

    pub fn counters(&self) -> Counters {
        self.engine.counters()
    }
}
