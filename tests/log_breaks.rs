//! Logs that do not continue at the position that was read: another log under a partition's name, records that were deleted unread,
//! and a record that is left out. Each is a recorded decision, so a replay in another interleaving and a restored engine do the
//! same.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use foreshock::{
    engine::{
        Detection, Engine, Fate, Input, Inputs, Limits, Outbox, Output, Plan, Record, Recorded, Snapshot, StageSettings,
    },
    event::{DecodeLimits, LogPosition, Reason, Source, SourceId, decode},
    time::EventTime,
    trust::{Cause, Decision, Idle, Loss, Mode, ModeChange, NewLog, Scope, Skip, Trouble},
};
use proptest::prelude::*;

const PARTITIONS: u32 = 2;
/// Any time, in milliseconds.
const START_MS: i64 = 1_780_000_000_000;
const HOUR_MS: i64 = 3_600_000;

fn plan() -> Plan {
    let source = |partition: u32| Source {
        name: "t".to_owned(),
        partition: Some(i32::try_from(partition).unwrap()),
        feed: partition as usize,
    };
    Plan {
        calendars: foreshock::calendar::Calendars::default(),
        maintenance: foreshock::calendar::MaintenanceWindows::default(),
        limits: Limits::default(),
        detection: Detection::default(),
        sources: (0..PARTITIONS).map(source).collect(),
        stages: StageSettings::default(),
        replay: "foreshock replay".to_owned(),
        currency: None,
    }
}

/// A record of a partition's log.
#[derive(Clone, Debug)]
struct Line {
    source: SourceId,
    position: u64,
    text: String,
}

/// An engine with what came out of it.
struct Run {
    engine: Engine,
    outbox: Outbox,
    out: Vec<String>,
    recorded: Vec<Recorded>,
}

impl Run {
    fn new(engine: Engine) -> Self {
        Self { engine, outbox: Outbox::default(), out: Vec::new(), recorded: Vec::new() }
    }

    fn give(&mut self, input: Input<'_>) {
        self.engine.handle(input, &mut self.outbox);
        self.out.extend(self.outbox.drain().map(|output| match output {
            Output::Notify(alert, _) => format!("{alert:?}"),
            Output::Signal(signal) => format!("{signal:?}"),
            Output::Rejected(record, rejection) => format!("{record:?} {rejection:?}"),
        }));
    }

    fn decide(&mut self, decision: Decision) {
        self.recorded.extend(Recorded::of(&decision, &plan().sources));
        self.give(Input::Decision(decision));
    }

    fn record(&mut self, line: &Line, inputs: &mut Inputs) {
        let event = decode(line.text.as_bytes(), DecodeLimits::default());
        let content = event.as_ref().map(std::slice::from_ref).map_err(Clone::clone);
        while let Some(decision) = inputs.before(line.source, line.position, content.as_deref().unwrap_or_default()) {
            self.give(Input::Decision(decision));
        }
        let Line { source, position: offset, .. } = *line;
        self.give(Input::Record(Record { source, offset, appended_at: None, content }));
    }

    fn last(&self, source: SourceId) -> Option<u64> {
        self.engine.feeds(EventTime::from_nanos(0))[source.0 as usize].last_offset
    }

    fn fates(&self) -> Vec<Vec<u64>> {
        self.engine.fates().iter().map(|fates| Fate::ALL.map(|(fate, _)| fates.of(fate)).to_vec()).collect()
    }

    /// Lets the second partition go, so that nothing of the first waits for it for a day.
    fn release(&mut self, at_ms: i64) {
        let until = EventTime::from_nanos((at_ms + 24 * HOUR_MS) * 1_000_000);
        self.decide(Decision::Idle(Idle { source: SourceId(1), after_offset: None, until }));
    }

    /// The causes of the troubles that stand, and whether each pages.
    fn reported(&self) -> Vec<(Cause, bool)> {
        self.engine.standing().1.iter().map(|trouble| (trouble.cause, trouble.pages)).collect()
    }

    fn of(&self, fate: Fate) -> u64 {
        self.engine.fates().iter().map(|fates| fates.of(fate)).sum()
    }
}

fn cancel(source: u32, generation: u32, offset: u64, at_ms: i64) -> Line {
    let text = format!(
        r#"{{"type":"order_cancel","ts":{},"symbol":"S{source}","seq":{},"account":"A{}","order":"o{offset}"}}"#,
        at_ms * 1_000_000,
        offset + 1,
        offset % 5
    );
    Line { source: SourceId(source), position: LogPosition { generation, offset }.packed().unwrap(), text }
}

fn new_log(run: &Run, generation: u32) -> Decision {
    let source = SourceId(0);
    Decision::NewLog(NewLog { source, after_offset: run.last(source), generation, unread: 0, clock: None })
}

/// Reads a log of 2,000 records a tenth of a second apart, and then another with the same offsets and sequence numbers.
fn after_another_log(begins_ms: i64) -> Run {
    let (mut run, mut none) = (Run::new(Engine::new(plan())), Inputs::default());
    for offset in 0..2_000 {
        run.record(&cancel(0, 0, offset, START_MS + i64::try_from(offset).unwrap() * 100), &mut none);
    }
    let decision = new_log(&run, 1);
    run.decide(decision);
    for offset in 0..500 {
        run.record(&cancel(0, 1, offset, begins_ms + i64::try_from(offset).unwrap() * 100), &mut none);
    }
    run
}

#[test]
fn the_records_of_another_log_are_all_taken_though_their_numbers_were_seen_before() {
    let run = after_another_log(START_MS + HOUR_MS);
    assert_eq!((run.of(Fate::Accepted), run.of(Fate::Duplicate), run.of(Fate::Late)), (2_500, 0, 0));
    assert_eq!(run.engine.counters().new_logs, 1);
}

/// The summaries of the alerts that a decision brings about, after two hundred records.
fn summaries(decision: impl Fn(Option<u64>) -> Decision) -> (Vec<String>, Engine) {
    let (mut engine, mut outbox) = (Engine::new(plan()), Outbox::default());
    let mut reported = Vec::new();
    let mut give = |engine: &mut Engine, input: Input<'_>| {
        engine.handle(input, &mut outbox);
        reported.extend(outbox.drain().filter_map(|output| match output {
            Output::Notify(alert, _) => Some(alert.summary),
            Output::Signal(_) | Output::Rejected(..) => None,
        }));
    };
    for offset in 0..200 {
        let line = cancel(0, 0, offset, START_MS + i64::try_from(offset).unwrap() * 100);
        let event = decode(line.text.as_bytes(), DecodeLimits::default()).unwrap();
        let content = Ok(std::slice::from_ref(&event));
        give(&mut engine, Input::Record(Record { source: line.source, offset, appended_at: None, content }));
    }
    let last = engine.feeds(EventTime::from_nanos(0))[0].last_offset;
    give(&mut engine, Input::Decision(decision(last)));
    let until = EventTime::from_nanos((START_MS + HOUR_MS) * 1_000_000);
    for source in [SourceId(0), SourceId(1)] {
        let after_offset = engine.feeds(EventTime::from_nanos(0))[source.0 as usize].last_offset;
        give(&mut engine, Input::Decision(Decision::Idle(Idle { source, after_offset, until })));
    }
    (reported, engine)
}

#[test]
fn what_was_left_unread_of_an_old_log_is_a_gap_and_stands_in_the_words_about_the_new_one() {
    for (unread, words) in
        [(50, "made again; 50 offsets of the old one were not read, since"), (0, "made again, since")]
    {
        let source = SourceId(0);
        let new_log =
            |after_offset| Decision::NewLog(NewLog { source, after_offset, generation: 1, unread, clock: None });
        let (reported, engine) = summaries(new_log);
        assert!(reported.iter().any(|summary| summary.contains(words)), "{reported:?}");
        assert!(!reported.iter().any(|summary| summary.contains("more such")), "{reported:?}");
        assert_eq!(engine.counters().lost, unread);
        let causes: Vec<Cause> = engine.standing().1.iter().map(|trouble| trouble.cause).collect();
        let gap = [Cause::Gap].into_iter().filter(|_| unread > 0);
        assert_eq!(causes, gap.chain([Cause::NewLog]).collect::<Vec<_>>());
    }
}

#[test]
fn a_partition_that_is_not_read_is_named_with_its_size() {
    let clock = EventTime::from_nanos(START_MS * 1_000_000);
    let trouble = |after_offset: Option<u64>| Trouble {
        cause: Cause::Gap,
        source: SourceId(0),
        after_offset: after_offset.unwrap(),
        clock,
        value: 7_000.0,
        limit: 0.0,
        pages: false,
        scope: Scope::Partition,
        who: Some("t:9".into()),
        example: None,
    };
    let change =
        |after| Decision::Mode(ModeChange { from: clock, mode: Mode::Degraded, troubles: vec![trouble(after)] });
    let (reported, _) = summaries(change);
    let words = "the partition t:9 exists and is not read: 7000 offsets of it are unseen so far";
    assert!(reported.iter().any(|summary| summary.contains(words)), "{reported:?}");
}

#[test]
fn the_records_of_another_log_are_all_taken_though_their_times_were_passed_before() {
    for begins_ms in [START_MS, START_MS + 199_000, START_MS - HOUR_MS] {
        let run = after_another_log(begins_ms);
        assert_eq!((run.of(Fate::Accepted), run.of(Fate::Late)), (2_500, 0), "{begins_ms}");
    }
}

#[test]
fn a_record_that_is_left_out_is_rejected_with_a_reason_of_its_own_and_the_next_is_taken() {
    let (mut run, mut none) = (Run::new(Engine::new(plan())), Inputs::default());
    run.release(START_MS);
    run.record(&cancel(0, 0, 0, START_MS), &mut none);
    let skipped = cancel(0, 0, 1, START_MS + 1);
    let (source, offset) = (skipped.source, skipped.position);
    let decision = Decision::Skip(Skip { source, after_offset: run.last(source), offset });
    run.decide(decision);
    assert!(run.engine.skips(source, offset));
    run.record(&skipped, &mut none);
    run.record(&cancel(0, 0, 2, START_MS + 2), &mut none);
    assert!(!run.engine.skips(source, offset));
    assert_eq!((run.of(Fate::Accepted), run.of(Fate::Rejected)), (2, 1));
    assert_eq!(run.engine.counters().rejected[Reason::Poison as usize], 1);
    assert_eq!(run.reported(), [(Cause::Poison, true)]);
}

#[test]
fn a_break_of_the_log_is_reported_at_once_and_until_a_minute_after_the_first_event_behind_it() {
    let source = SourceId(0);
    for (cause, later_ms) in
        [(Cause::Gap, 100), (Cause::Gap, HOUR_MS), (Cause::NewLog, HOUR_MS), (Cause::NewLog, -HOUR_MS)]
    {
        let (mut run, mut none) = (Run::new(Engine::new(plan())), Inputs::default());
        run.release(START_MS);
        // A feed with a step of an hour: no stamp is held back after another.
        run.record(&cancel(0, 0, 0, START_MS - 2 * HOUR_MS), &mut none);
        (1..4).for_each(|offset| run.record(&cancel(0, 0, offset, START_MS), &mut none));
        (4..100).for_each(|offset| run.record(&cancel(0, 0, offset, START_MS + at(offset)), &mut none));
        assert_eq!(run.reported(), [], "{cause:?}");
        let after_offset = run.last(source);
        let loss = Decision::Loss(Loss { source, after_offset, offsets: 7, clock: None });
        let decision = if cause == Cause::Gap { loss } else { new_log(&run, 1) };
        run.decide(decision);
        let generation = u32::from(cause == Cause::NewLog);
        let begins_ms = START_MS + at(100) + later_ms;
        let mut reported = Vec::new();
        for n in 0..700 {
            let offset = if generation == 0 { 107 + n } else { n };
            run.record(&cancel(0, generation, offset, begins_ms + at(n)), &mut none);
            reported.push(run.reported().iter().any(|(reported, pages)| *reported == cause && !pages));
        }
        // An earlier history is reported once the clock of messages goes on.
        if later_ms > 0 {
            let first = reported.iter().position(|reported| *reported).unwrap();
            assert!(
                first <= 1 && reported[first..600].iter().all(|reported| *reported) && !reported[620],
                "{cause:?} {later_ms}"
            );
        }
        assert_eq!(
            run.engine.feeds(EventTime::from_nanos(0))[0].own_clock,
            Some(EventTime::from_nanos((begins_ms + at(699)) * 1_000_000))
        );
    }
}

/// The time of a record of ten a second, in milliseconds.
fn at(n: u64) -> i64 {
    i64::try_from(n).unwrap() * 100
}

/// One step of a partition.
#[derive(Clone, Debug)]
enum Step {
    Record { later_ms: i64 },
    NewLog { back_ms: i64 },
    Loss { offsets: u64 },
    Skip,
    Idle,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0_i64..3_000).prop_map(|later_ms| Step::Record { later_ms }),
        1 => prop_oneof![Just(0_i64), Just(30_000), Just(HOUR_MS)].prop_map(|back_ms| Step::NewLog { back_ms }),
        1 => (1_u64..50).prop_map(|offsets| Step::Loss { offsets }),
        1 => Just(Step::Skip),
        2 => Just(Step::Idle),
    ]
}

/// The state of a log while it is made.
#[derive(Clone, Copy, Debug)]
struct Log {
    generation: u32,
    next: u64,
    at_ms: i64,
}

/// Runs the steps as a service does, and returns the lines that were read beside the run.
fn live(steps: &[(u32, Step)], restart_after: Option<usize>) -> (Run, Vec<Line>) {
    let (mut run, mut none, mut lines) = (Run::new(Engine::new(plan())), Inputs::default(), Vec::new());
    let mut logs = [Log { generation: 0, next: 0, at_ms: START_MS }; PARTITIONS as usize];
    for (nth, (partition, step)) in steps.iter().enumerate() {
        let (source, log) = (SourceId(*partition), &mut logs[*partition as usize]);
        let after_offset = run.last(source);
        match step {
            Step::Record { later_ms } => {
                log.at_ms += later_ms;
                let line = cancel(*partition, log.generation, log.next, log.at_ms);
                log.next += 1;
                run.record(&line, &mut none);
                lines.push(line);
            }
            Step::NewLog { back_ms } => {
                *log = Log { generation: log.generation + 1, next: 0, at_ms: log.at_ms - back_ms };
                let generation = log.generation;
                run.decide(Decision::NewLog(NewLog { source, after_offset, generation, unread: 0, clock: None }));
            }
            Step::Loss { offsets } => {
                log.next += offsets;
                run.decide(Decision::Loss(Loss { source, after_offset, offsets: *offsets, clock: None }));
            }
            Step::Skip => {
                let offset = LogPosition { generation: log.generation, offset: log.next }.packed().unwrap();
                run.decide(Decision::Skip(Skip { source, after_offset, offset }));
            }
            Step::Idle => {
                if let Some(until) =
                    run.engine.feeds(EventTime::from_nanos(0)).iter().filter_map(|feed| feed.clock).max()
                {
                    run.decide(Decision::Idle(Idle { source, after_offset, until }));
                }
            }
        }
        if restart_after == Some(nth) {
            let bytes = run.engine.snapshot().encode();
            run.engine = Engine::restore(&plan(), Snapshot::decode(&bytes).unwrap()).unwrap();
        }
    }
    (run, lines)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_replay_with_the_recorded_breaks_gives_every_record_the_same_fate_however_partitions_interleave(
        steps in prop::collection::vec((0..PARTITIONS, step()), 1..300),
    ) {
        let (live, lines) = live(&steps, None);
        let json = serde_json::to_string(&live.recorded).unwrap();
        let read: Vec<Recorded> = serde_json::from_str(&json).unwrap();
        prop_assert_eq!(&read, &live.recorded);
        let mut inputs = Inputs::new(read, &plan().sources);
        for partition in 0..PARTITIONS {
            let newest = lines.iter().filter(|line| line.source.0 == partition).map(|line| LogPosition::of(line.position).generation).max();
            prop_assert!(inputs.generation(SourceId(partition)) >= newest.unwrap_or(0));
        }
        let mut replay = Run::new(Engine::new(plan()));
        // One partition after the other.
        for partition in 0..PARTITIONS {
            for line in lines.iter().filter(|line| line.source.0 == partition) {
                replay.record(line, &mut inputs);
            }
        }
        while let Some(decision) = inputs.rest() {
            replay.give(Input::Decision(decision));
        }
        prop_assert_eq!(replay.fates(), live.fates());
        prop_assert_eq!(replay.engine.counters(), live.engine.counters());
        prop_assert_eq!(replay.engine.decided(), live.engine.decided());
    }

    #[test]
    fn an_engine_restored_at_any_step_goes_on_as_the_one_that_was_copied(
        steps in prop::collection::vec((0..PARTITIONS, step()), 1..200), restart in any::<prop::sample::Index>(),
    ) {
        let (whole, _) = live(&steps, None);
        let (restored, _) = live(&steps, Some(restart.index(steps.len())));
        prop_assert_eq!(restored.out, whole.out);
        prop_assert_eq!(restored.engine.snapshot().encode(), whole.engine.snapshot().encode());
    }
}
