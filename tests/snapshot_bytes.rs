//! Snapshots that are damaged, of another version or of another input, and snapshots restored under another
//! configuration.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/hostile_events.rs"]
mod hostile_events;

use foreshock::{
    alert::Alert,
    correlate::Status,
    engine::{
        Detection, Engine, Input, Keys, Limits, Outbox, Output, Plan, Record, Snapshot, StageSettings, Unusable,
        VERSION,
    },
    event::{Body, Event, Heartbeat, Side, Source, SourceId},
    time::EventTime,
    window::BurstSettings,
};
use hostile_events::{START, cancel, millis, name, order, secs};
use proptest::prelude::*;

fn plan(partitions: usize) -> Plan {
    let sources = (0..partitions).map(|feed| Source {
        name: "orderflow.events".to_owned(),
        partition: Some(i32::try_from(feed).unwrap()),
        feed,
    });
    Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        sources: sources.collect(),
        stages: StageSettings::default(),
        replay: String::new(),
        currency: None,
    }
}

/// An engine and its alerts.
struct Run {
    engine: Engine,
    offset: u64,
    alerts: Vec<Alert>,
}

impl Run {
    fn new(engine: Engine) -> Self {
        Self { engine, offset: 0, alerts: Vec::new() }
    }

    /// An engine that is restored from bytes under a plan.
    fn restored(bytes: &[u8], plan: &Plan) -> Self {
        Self::new(Engine::restore(plan, Snapshot::decode(bytes).unwrap()).unwrap())
    }

    fn send(&mut self, symbol: Option<&str>, ts: EventTime, body: Body<'static>) {
        self.offset += 1;
        let event = Event {
            ts,
            symbol: symbol.map(name),
            seq: None,
            account: Some(name(format!("a{}", self.offset % 7))),
            owner: None,
            body,
        };
        let content = Ok(std::slice::from_ref(&event));
        let record = Record { source: SourceId(0), offset: self.offset, appended_at: None, content };
        let mut outbox = Outbox::default();
        self.engine.handle(Input::Record(record), &mut outbox);
        self.alerts.extend(outbox.drain().filter_map(|o| if let Output::Notify(a, _) = o { Some(*a) } else { None }));
    }

    fn quiet(&mut self, symbol: &str, seconds: std::ops::Range<i64>) {
        for second in seconds {
            self.send(Some(symbol), secs(second), order(format!("o{second}"), Side::Buy, 1 + second % 5, 2));
            self.send(Some(symbol), secs(second), cancel(format!("o{}", second - 3)));
        }
    }

    fn burst(&mut self, symbol: &str, second: i64) {
        (0..100).for_each(|i| self.send(Some(symbol), millis(second, i * 5), cancel("1")));
    }

    /// Moves the clock: a jump is believed once three records in a row agree about it.
    fn clock(&mut self, second: i64) {
        (0..3).for_each(|_| self.send(None, secs(second), Body::Heartbeat(Heartbeat { producer: None })));
    }

    fn of(&self, status: Status) -> Vec<&Alert> {
        self.alerts.iter().filter(|alert| alert.status == status).collect()
    }

    fn held(&self, kind: Keys) -> (u64, u64) {
        let (_, found) = self.engine.occupancy().into_iter().find(|(other, _)| *other == kind).unwrap();
        (found.held, found.evicted)
    }
}

/// An engine with three symbols, two of them in the middle of an incident.
fn with_open_incidents() -> Run {
    let mut run = Run::new(Engine::new(plan(1)));
    for symbol in ["A", "B", "C"] {
        run.quiet(symbol, START..START + 150);
    }
    for symbol in ["A", "B"] {
        run.burst(symbol, START + 150);
    }
    run.clock(START + 151);
    assert_eq!(run.of(Status::Firing).len(), 2);
    run
}

fn bytes() -> Vec<u8> {
    with_open_incidents().engine.snapshot().encode()
}

/// The body of a snapshot, without head and checksum.
fn body(bytes: &[u8]) -> &[u8] {
    &bytes[12..bytes.len() - 32]
}

#[test]
fn a_snapshot_that_is_too_short_or_too_long_is_refused() {
    let whole = bytes();
    assert!(Snapshot::decode(&whole).is_ok() && Snapshot::decode_body(body(&whole)).is_ok());
    for end in 0..whole.len() {
        let refused = Snapshot::decode(&whole[..end]).err();
        let expected = if end < 12 { "no_snapshot" } else { "damaged" };
        assert_eq!(refused.map(|why| why.name()), Some(expected), "up to {end}");
    }
    for end in 0..body(&whole).len() {
        let refused = Snapshot::decode_body(&body(&whole)[..end]).err();
        assert_eq!(refused.map(|why| why.name()), Some("damaged"), "the body up to {end}");
    }
    let longer = [body(&whole), &[0]].concat();
    assert_eq!(
        Snapshot::decode_body(&longer).err(),
        Some(Unusable::Damaged("further bytes follow the end".to_owned()))
    );
}

#[test]
fn a_change_of_any_byte_is_noticed() {
    let mut bytes = bytes();
    for i in 0..bytes.len() {
        bytes[i] ^= 1 << (i % 8);
        let expected = match i {
            0..8 => "no_snapshot",
            8..12 => "unknown_version",
            _ => "damaged",
        };
        assert_eq!(Snapshot::decode(&bytes).err().map(|why| why.name()), Some(expected), "byte {i}");
        bytes[i] ^= 1 << (i % 8);
    }
}

#[test]
fn a_snapshot_of_another_version_is_refused_and_its_version_named() {
    let mut bytes = bytes();
    bytes[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
    let refused = Snapshot::decode(&bytes).err().unwrap();
    assert_eq!(refused, Unusable::UnknownVersion(VERSION + 1));
    assert!(refused.to_string().contains(&format!("version {}", VERSION + 1)), "{refused}");
}

/// The version, and a hash of the state after a fixed flow. If a build writes other bytes, either its format differs,
/// and then [`VERSION`] must be raised, or it finds other things in the same flow, and then only the hash here changes.
const OF_VERSION: (u32, &str) = (15, "3915b8b2");

#[test]
fn a_changed_format_has_a_new_version() {
    let mut run = Run::new(Engine::new(plan(1)));
    run.quiet("S1", 0..1_200);
    run.burst("S1", 1_200);
    run.clock(1_203);
    let bytes = run.engine.snapshot().encode();
    // The last 32 bytes are the SHA-256 of all before; four of them tell two states apart.
    let hash = bytes[bytes.len() - 4..].iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
    assert_eq!(
        (VERSION, hash.as_str()),
        OF_VERSION,
        "if the format differs, raise `VERSION` in `src/engine/snapshot.rs`, then copy the left pair into `OF_VERSION`"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    /// Even if the checksum is right, any bytes are safe: no panic, and no more memory than the bytes can fill.
    #[test]
    fn a_body_with_any_bytes_in_it_is_read_or_refused(
        at in any::<prop::sample::Index>(), new in prop::collection::vec(any::<u8>(), 1..12), remove in 0_usize..12
    ) {
        let whole = bytes_once();
        let mut bytes = body(whole).to_vec();
        let at = at.index(bytes.len());
        let end = (at + remove).min(bytes.len());
        bytes.splice(at..end, new);
        if let Ok(snapshot) = Snapshot::decode_body(&bytes) {
            // A state that was read can be written.
            prop_assert!(!snapshot.encode().is_empty());
        }
    }
}

/// The bytes of [`with_open_incidents`], made once.
fn bytes_once() -> &'static [u8] {
    static BYTES: std::sync::OnceLock<Vec<u8>> = std::sync::OnceLock::new();
    BYTES.get_or_init(bytes)
}

#[test]
fn sources_may_be_added_at_the_end_and_nowhere_else() {
    let restore = |plan| Engine::restore(&plan, Snapshot::decode(bytes_once()).unwrap());
    let mut grown = Run::new(restore(plan(3)).unwrap());
    assert_eq!(grown.engine.fates().len(), 3);
    grown.clock(START + 400);
    assert_eq!(grown.alerts, [], "the new partitions have no event yet, so nothing is published");
    let mut renamed = plan(1);
    renamed.sources[0].name = "other.events".to_owned();
    let mut in_front = plan(2);
    in_front.sources.reverse();
    for other in [plan(0), renamed, in_front] {
        let refused = restore(other).err().unwrap();
        assert_eq!(refused, Unusable::OtherSources("`orderflow.events:0`".to_owned()));
    }
}

#[test]
fn other_settings_leave_the_rates_and_the_ids_as_they_are() {
    let mut before = with_open_incidents();
    let opened: Vec<String> = before.of(Status::Firing).iter().map(|alert| alert.id.clone()).collect();
    let window = BurstSettings { a_min: 6, ..BurstSettings::default() };
    let other = Plan { detection: Detection { cancel_burst: window, ..Detection::default() }, ..plan(1) };
    let mut after = Run::restored(&before.engine.snapshot().encode(), &other);
    for run in [&mut before, &mut after] {
        run.clock(START + 300);
        // Had the rate been lost, no burst would be found for 91 s.
        run.quiet("A", START + 300..START + 303);
        run.burst("A", START + 303);
        run.clock(START + 304);
    }
    let resolved: Vec<String> = after.of(Status::Resolved).iter().map(|alert| alert.id.clone()).collect();
    assert_eq!(resolved, opened);
    assert!(after.alerts.iter().all(|alert| alert.audit.config == other.hash()));
    let (firing, as_before) = (after.of(Status::Firing), before.of(Status::Firing));
    assert_eq!(firing.len(), 1, "the second burst is found at once");
    assert_ne!(firing[0].id, as_before[2].id, "a new incident has its id from the new settings");
}

#[test]
fn smaller_limits_evict_the_oldest_at_once_and_count_them() {
    let before = with_open_incidents();
    let (orders, accounts) = (before.held(Keys::Order).0, before.held(Keys::Account).0);
    let limits = Limits { symbols_max: 1, accounts_max: 2, orders_max: 2, ..Limits::default() };
    let mut after = Run::restored(&before.engine.snapshot().encode(), &Plan { limits, ..plan(1) });
    assert_eq!(after.held(Keys::Symbol), (1, 2));
    assert_eq!(after.held(Keys::Account), (2, accounts - 2));
    assert_eq!(after.held(Keys::Order), (2, orders - 2));
    // The episodes of an evicted symbol have ended, so its incident ends too.
    after.clock(START + 300);
    after.clock(START + 500);
    assert_eq!(after.of(Status::Resolved).len(), 2);
    assert_eq!(after.held(Keys::Incident).0, 0);
}

#[test]
fn a_smaller_limit_of_incidents_withdraws_the_surplus_with_alerts_when_the_next_opens() {
    let before = with_open_incidents();
    let limits = Limits { incidents_max: 1, ..Limits::default() };
    let mut after = Run::restored(&before.engine.snapshot().encode(), &Plan { limits, ..plan(1) });
    assert_eq!((after.held(Keys::Incident), after.alerts.len()), ((2, 0), 0));
    after.burst("C", START + 151);
    after.clock(START + 152);
    assert_eq!(after.held(Keys::Incident), (1, 2));
    assert_eq!((after.of(Status::Firing).len(), after.of(Status::Withdrawn).len()), (1, 2));
}
