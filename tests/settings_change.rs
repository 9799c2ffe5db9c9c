//! A change of the settings is a recorded input with one place in the input as a whole: it acts from there on, a replay and a restart
//! repeat it there however the partitions interleave, and it does what a restart with the new settings would do.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/environment.rs"]
mod environment;
#[path = "support/feeds.rs"]
mod feeds;
#[path = "support/random.rs"]
mod random;

use std::collections::BTreeMap;

use feeds::{FEEDS, flow, interleaving, write};
use foreshock::{
    calendar::{CalendarSettings, MaintenanceSettings},
    detect::{Detector, DetectorState, OverrideSettings},
    engine::{
        Detection, Engine, Input, Limits, Outbox, Output, Plan, Record, Recorded, Settings, Snapshot, StageSettings,
        Stretch, Stretches, WrittenSettings,
    },
    event::{Event, LogPosition, Source, SourceId},
    time::EventTime,
    window::BurstSettings,
};
use serde_json::json;

const TOPIC: &str = "orderflow.events";
/// Tenths of a second at which the settings change: after the bursts of half of the symbols, and before all of them burst again.
const CHANGES: [i64; 2] = [10_100, 12_000];

fn source(partition: usize) -> Source {
    Source { name: TOPIC.to_owned(), partition: Some(i32::try_from(partition).unwrap()), feed: partition }
}

fn plan() -> Plan {
    Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        sources: (0..FEEDS).map(source).collect(),
        stages: StageSettings::default(),
        replay: "foreshock replay".to_owned(),
        currency: None,
    }
}

/// Settings under which no burst of withdrawals is found.
fn without_bursts() -> Settings {
    let cancel_burst = BurstSettings { a_min: 1_000_000, cold_a_min: 1_000_000, ..BurstSettings::default() };
    Settings { detection: Detection { cancel_burst, ..Detection::default() }, ..Settings::default() }
}

/// Settings under which a burst of withdrawals is in shadow.
fn in_shadow() -> Settings {
    let states = Detection::default().states.with(Detector::CancelBurst, DetectorState::Shadow);
    Settings { detection: Detection { states, ..Detection::default() }, ..Settings::default() }
}

/// Settings with something in each section.
fn rich() -> WrittenSettings {
    let one = json!({"symbols": ["S0*"], "detect": {"cancel_burst": {"a_min": 9, "warnings_per_day": 0.1}}});
    let one: OverrideSettings = serde_json::from_value(one).unwrap();
    let calendar = CalendarSettings {
        symbols: vec!["X?".to_owned()],
        zone: "Europe/Berlin".to_owned(),
        hours: vec!["mon-fri 09:00-17:30".to_owned()],
        holidays: vec!["2026-12-25".to_owned()],
    };
    let window = MaintenanceSettings {
        name: "upgrade".to_owned(),
        symbols: vec!["*".to_owned()],
        from: Some("2026-07-04T22:00:00Z".to_owned()),
        until: Some("2026-07-04T23:00:00Z".to_owned()),
        zone: None,
        hours: Vec::new(),
    };
    let mut written = WrittenSettings {
        overrides: vec![one],
        calendar: vec![calendar],
        maintenance: vec![window],
        ..WrittenSettings::default()
    };
    written.detect.insolvent.state = DetectorState::Off;
    written.detect.thin_book.settings.warnings_per_day = 0.1 + 0.2;
    written
}

/// An engine, how far each feed was read, and all that came out.
struct Run<'a> {
    flow: &'a [Vec<Event<'static>>],
    next: [usize; FEEDS],
    engine: Engine,
    outbox: Outbox,
    text: String,
    /// Alerts by the hash of their settings: how many are in shadow, and how many are not.
    alerts: BTreeMap<String, (usize, usize)>,
}

impl<'a> Run<'a> {
    fn new(flow: &'a [Vec<Event<'static>>]) -> Self {
        let (text, alerts) = (String::new(), BTreeMap::new());
        Self { flow, next: [0; FEEDS], engine: Engine::new(plan()), outbox: Outbox::default(), text, alerts }
    }

    fn record(&mut self, feed: usize) {
        let (offset, source) = (self.next[feed], SourceId(u32::try_from(feed).unwrap()));
        self.next[feed] += 1;
        let content = Ok(std::slice::from_ref(&self.flow[feed][offset]));
        self.engine.take(
            Input::Record(Record { source, offset: offset as u64, appended_at: None, content }),
            &mut self.outbox,
        );
        self.write();
    }

    /// Changes the settings, and returns how that is recorded.
    fn change(&mut self, settings: &Settings) -> Recorded {
        let recorded = self.engine.settings_change(settings).unwrap();
        self.engine.handle(Input::Settings(settings), &mut self.outbox);
        self.write();
        recorded
    }

    fn write(&mut self) {
        for output in self.outbox.drain() {
            write(&output, &mut self.text);
            if let Output::Notify(alert, _) = output {
                let (shadow, others) = self.alerts.entry(alert.audit.config.clone()).or_default();
                *(if alert.shadow { shadow } else { others }) += 1;
            }
        }
    }

    fn finish(mut self) -> Self {
        self.engine.flush(&mut self.outbox);
        self.write();
        self
    }

    /// Goes on with an engine that is restored from this one's bytes.
    fn restart(&mut self) {
        let bytes = self.engine.snapshot().encode();
        let plan = plan().with(self.engine.settings());
        self.engine = Engine::restore(&plan, Snapshot::decode(&bytes).unwrap()).unwrap();
        assert!(self.engine.snapshot().encode() == bytes, "the bytes differ after the restart");
    }
}

/// The feeds of all records in the order of their times, each feed in its own order.
fn by_time(flow: &[Vec<Event<'static>>]) -> Vec<usize> {
    let (mut next, mut clock, mut order) = ([0; FEEDS], [EventTime::from_nanos(0); FEEDS], Vec::new());
    loop {
        let head = |feed: usize| Some(flow[feed].get(next[feed])?.ts.max(clock[feed]));
        let Some((ts, feed)) = (0..FEEDS).filter_map(|feed| Some((head(feed)?, feed))).min() else { return order };
        clock[feed] = ts;
        next[feed] += 1;
        order.push(feed);
    }
}

/// The run of a service whose settings change twice. `between` is done before each record that begins another ten seconds.
fn live<'a>(flow: &'a [Vec<Event<'static>>], between: impl Fn(&mut Run<'a>)) -> (Run<'a>, Vec<Recorded>) {
    let (mut run, mut recorded) = (Run::new(flow), Vec::new());
    let mut changes = CHANGES.into_iter().zip([without_bursts(), in_shadow()]).peekable();
    let (start, mut last) = (flow[0][0].ts, 0);
    for feed in by_time(flow) {
        let tenth = flow[feed][run.next[feed]].ts.since(start).millis() / 100;
        if let Some((_, settings)) = changes.next_if(|(at, _)| tenth >= *at) {
            recorded.push(run.change(&settings));
        }
        if tenth / 100 > last {
            last = tenth / 100;
            between(&mut run);
        }
        run.record(feed);
    }
    assert_eq!(recorded.len(), CHANGES.len());
    (run.finish(), recorded)
}

/// A replay in another interleaving, which depends on the seed.
fn replay<'a>(flow: &'a [Vec<Event<'static>>], recorded: &[Recorded], seed: u64) -> Run<'a> {
    let mut run = Run::new(flow);
    let stretches = Stretches::new(recorded.iter().cloned(), &plan().sources);
    assert_eq!((stretches.changes(), stretches.unknown()), (recorded.len(), 0));
    for (nth, Stretch { inputs, change }) in stretches.into_iter().enumerate() {
        assert!(inputs.is_empty());
        let end = |feed: usize| {
            let source = SourceId(u32::try_from(feed).unwrap());
            let end = change.as_ref().map(|change| usize::try_from(change.reads_up_to(source, 0)).unwrap());
            end.unwrap_or(flow[feed].len())
        };
        for feed in interleaving(flow, seed.wrapping_add(nth as u64)) {
            if run.next[feed] < end(feed) {
                run.record(feed);
            }
        }
        if let Some(change) = &change {
            run.change(&change.now);
        }
    }
    run.finish()
}

fn hash(settings: Settings) -> String {
    plan().with(settings).hash()
}

#[test]
fn a_change_acts_at_its_place_and_every_alert_names_the_settings_that_it_was_made_under() {
    let flow = flow();
    let (run, _) = live(&flow, |_| ());
    let of = |settings| run.alerts.get(&hash(settings)).copied().unwrap_or_default();
    let [before, without, shadow] = [Settings::default(), without_bursts(), in_shadow()].map(of);
    assert!(before.0 == 0 && before.1 >= 2 * FEEDS, "{before:?} before any change");
    assert!(shadow.0 >= FEEDS, "{shadow:?} in shadow");
    let unchanged = replay(&flow, &[], 1);
    assert_ne!(run.text, unchanged.text, "the changes change the outputs");
    // A burst after the first change would open an incident under its settings.
    let signals = |text: &str, detector: &str| text.lines().filter(|line| line.contains(detector)).count();
    assert!(signals(&run.text, "CancelBurst") < signals(&unchanged.text, "CancelBurst"), "{without:?} without bursts");
}

#[test]
fn a_replay_with_the_recorded_changes_gives_the_same_outputs_in_any_interleaving() {
    let flow = flow();
    let (run, recorded) = live(&flow, |_| ());
    for seed in 0..60 {
        let again = replay(&flow, &recorded, seed);
        assert!(again.text == run.text, "seed {seed}: {} bytes of {}", again.text.len(), run.text.len());
        assert_eq!(again.engine.counters(), run.engine.counters(), "seed {seed}");
        assert!(again.engine.snapshot().encode() == run.engine.snapshot().encode(), "seed {seed}: the states differ");
    }
}

#[test]
fn a_snapshot_and_what_follows_equals_the_whole_before_and_after_a_change() {
    let flow = flow();
    let (whole, recorded) = live(&flow, |_| ());
    let (restarted, recorded_again) = live(&flow, Run::restart);
    assert!(restarted.text == whole.text, "{} bytes of {}", restarted.text.len(), whole.text.len());
    assert_eq!(recorded_again, recorded);
    assert!(restarted.engine.snapshot().encode() == whole.engine.snapshot().encode());
}

#[test]
fn a_change_does_what_a_restart_with_the_new_settings_does() {
    let flow = flow();
    let order = by_time(&flow);
    for settings in [without_bursts(), in_shadow(), rich().valid().unwrap()] {
        let [mut changed, mut restarted] = [(); 2].map(|()| Run::new(&flow));
        let cut = order.len() * 4 / 5;
        for feed in &order[..cut] {
            changed.record(*feed);
            restarted.record(*feed);
        }
        let (mut changed, mut restarted) = (changed.finish(), restarted.finish());
        changed.change(&settings);
        restarted.engine = Engine::restore(&plan().with(settings.clone()), restarted.engine.snapshot()).unwrap();
        restarted.engine.resume_decided(changed.engine.decided());
        restarted.engine.flush(&mut restarted.outbox);
        restarted.write();
        assert_eq!(restarted.engine.settings(), settings);
        for feed in &order[cut..] {
            changed.record(*feed);
            restarted.record(*feed);
        }
        let (changed, restarted) = (changed.finish(), restarted.finish());
        assert!(changed.text == restarted.text, "the outputs differ");
        assert!(changed.engine.snapshot().encode() == restarted.engine.snapshot().encode(), "the states differ");
    }
}

#[test]
fn settings_read_back_as_they_were_written() {
    for settings in [Settings::default(), without_bursts(), in_shadow(), rich().valid().unwrap()] {
        let text = settings.written().to_string();
        let again = Settings::read(&serde_json::from_str(&text).unwrap()).unwrap();
        assert_eq!(again, settings, "{text}");
        assert_eq!(hash(again), hash(settings), "{text}");
    }
    let rich = rich().valid().unwrap().written();
    assert_eq!(rich["override"][0]["detect"]["cancel_burst"]["a_min"], 9);
    assert!(rich["override"][0].get("accounts").is_none(), "a key that is not set is not written: {rich}");
}

/// A change of a service that reads a later log of the first partition, and has read nothing of the second.
fn placed() -> Recorded {
    let last = |source: SourceId| match source.0 {
        0 => LogPosition { generation: 1, offset: 7 }.packed(),
        1 => None,
        _ => LogPosition { generation: 0, offset: 3 }.packed(),
    };
    Recorded::settings_change(&plan(), &plan().with(in_shadow()), last).unwrap()
}

#[test]
fn a_recorded_change_reads_back_and_says_how_far_each_log_is_read_before_it() {
    let text = serde_json::to_string(&placed()).unwrap();
    let recorded: Recorded = serde_json::from_str(&text).unwrap();
    assert_eq!(recorded, placed(), "{text}");
    let Recorded::Settings { before, now, .. } = &recorded else { panic!("{text}") };
    assert_eq!((&before.config, &now.config), (&hash(Settings::default()), &hash(in_shadow())));
    // One partition more than the service read.
    let sources: Vec<Source> = (0..=FEEDS).map(source).collect();
    let stretches = Stretches::new([recorded], &sources);
    assert_eq!(stretches.first_settings(), Some(&Settings::default()));
    assert_eq!((stretches.generation(SourceId(0)), stretches.generation(SourceId(2))), (1, 0));
    let all: Vec<Stretch> = stretches.into_iter().collect();
    let change = all[0].change.as_ref().unwrap();
    let reads_up_to = |source, generation| change.reads_up_to(SourceId(source), generation);
    assert_eq!([reads_up_to(0, 0), reads_up_to(0, 1), reads_up_to(0, 2)], [u64::MAX, 8, 0]);
    assert_eq!([reads_up_to(1, 0), reads_up_to(2, 0), reads_up_to(4, 0)], [0, 4, 0]);
    assert!(all.len() == 2 && all[1].change.is_none());
}

#[test]
fn a_change_that_cannot_be_placed_or_read_is_left_out_and_counted() {
    let elsewhere = Stretches::new([placed()], &[Source { name: "other".to_owned(), ..source(0) }]);
    assert_eq!((elsewhere.changes(), elsewhere.unknown()), (0, 1));
    let Recorded::Settings { after, before, mut now } = placed() else { panic!("a change") };
    now.settings["detect"]["of_another_build"] = true.into();
    let unreadable = Stretches::new([Recorded::Settings { after, before, now }], &plan().sources);
    assert_eq!((unreadable.changes(), unreadable.unknown(), unreadable.unreadable().len()), (0, 0, 1));
    assert!(unreadable.unreadable()[0].contains("of_another_build"), "{:?}", unreadable.unreadable());
}

#[test]
fn a_change_behind_the_end_of_what_is_read_is_left_out() {
    let position = |generation, offset| LogPosition { generation, offset }.packed().unwrap();
    let kept = |ends: [u64; FEEDS]| {
        let mut stretches = Stretches::new([placed()], &plan().sources);
        stretches.retain_before(&ends);
        stretches.changes()
    };
    assert_eq!(kept([position(1, 8), 0, 0, 0]), 1, "its last record is read");
    let Recorded::Settings { mut after, before, now } = placed() else { panic!("a change") };
    after[1].after_offset = Some(0);
    let mut stretches = Stretches::new([Recorded::Settings { after, before, now }], &plan().sources);
    stretches.retain_before(&[position(1, 7), 0, 3, 3]);
    assert_eq!((stretches.changes(), stretches.into_iter().count()), (0, 1), "no partition is read up to it");
}

#[test]
fn settings_too_large_for_the_audit_log_are_refused() {
    let mut written = rich();
    written.overrides[0].symbols = Some((0..40_000).map(|n| format!("SYMBOL-{n}")).collect());
    let invalid = written.valid().unwrap_err();
    assert!(invalid.path == ["override"] && invalid.message.contains("expected at most"), "{invalid:?}");
}
