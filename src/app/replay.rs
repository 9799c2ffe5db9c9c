//! `replay`: recorded order flow through the same engine; the same input gives the same bytes.

mod diff;
mod record;

use std::{path::Path, time::Instant};

use rdkafka::Message as _;
use serde::Serialize;

use self::{diff::Recorded, record::Recorder};
use super::{
    Exit, Failure, Interrupt, audit, cli, clock,
    files::LineReader,
    kafka::{
        self,
        batch::appended_at,
        range,
        topics::{self, Range},
    },
    metrics::{self, Numbers},
    output::{self, AtomicFile},
    plan,
    progress::{self, Progress},
    settings,
};
use crate::{
    adapt::Format,
    config::{Brokers, Config},
    engine::{Engine, Fate, Fates, Input, Inputs, Outbox, Plan, Record},
    event::{Event, Place, Rejection, SourceId, decode},
    time::{EventTime, Span, WallTime},
};

/// Records between two looks at the clock and at the interrupt: a few milliseconds of work.
const LOOK_EVERY: u64 = 4_096;

/// Replays files or a range of a topic.
pub(super) fn run(args: &cli::Replay, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let mut config = settings::load(args.config.as_deref())?;
    let recorded = args.diff.as_deref().map(Recorded::read).transpose()?;
    let (started, cpu) = (clock::monotonic(), clock::cpu_seconds());
    let mut replay = match (&args.kafka, &args.topic) {
        (Some(brokers), Some(topic)) => {
            let invalid = |e| Failure::usage(format!("`--kafka {brokers}`: {e}"));
            config.kafka.brokers = Brokers::parse(brokers).map_err(invalid)?;
            from_kafka(args, &config, topic, interrupt)?
        }
        (_, _) => from_files(args, &config, interrupt)?,
    };
    let summary = Summary::new(&replay.engine, &replay.recorder, started, clock::cpu_seconds() - cpu);
    if let Some(path) = &args.metrics {
        write(path, &metrics::text(&Numbers::of(&replay.engine), None)?)?;
    }
    let unusable = !args.files.is_empty() && summary.records > 0 && summary.records == summary.rejected;
    let alerts = std::mem::take(&mut replay.recorder.for_diff);
    let span = replay.span();
    if unusable { replay.recorder.finish_rejected() } else { replay.recorder.finish() }?;
    let exit = match recorded {
        Some(recorded) => recorded.compare(&alerts),
        None => Exit::Done,
    };
    if replay.rejected > TOLD_MAX {
        progress::say(&format!(
            "replay: {} were rejected in all; `--dead-letters F` writes them down",
            replay.rejected
        ));
    }
    if summary.records == 0 {
        progress::say("replay: nothing was read: the input is empty, or none of it lies in the range asked for");
    }
    if let Some(span) = span.filter(|span| *span < LEARNING) {
        progress::say(&format!(
            "replay: the recording spans {:.0} s: what is usual is learned for {:.0} s before anything but the plainest is found",
            span.secs_f64(),
            LEARNING.secs_f64()
        ));
    }
    output::print(&format!("{}\n", summary.json()?))?;
    if unusable {
        let format = args.format.name();
        let formats = Format::ALL.map(|(_, name)| name).join(", ");
        let what = format!("no line could be used: are the files in the format `{format}`? `--format` takes {formats}");
        return Err(Failure::new(Exit::Input, what));
    }
    Ok(exit)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut file = AtomicFile::create(path)?;
    file.write_all(text.as_bytes()).map_err(|e| Failure::writing(&path.display(), &e))?;
    file.finish()
}

/// An engine, what it puts out, and where that goes.
struct Replay {
    engine: Engine,
    outbox: Outbox,
    inputs: Inputs,
    recorder: Recorder,
    pace: Option<Pace>,
    /// The time of the first event.
    began: Option<EventTime>,
    records: u64,
    rejected: u64,
}

/// In a shorter recording a symbol's flow is not known: only what is beyond doubt is reported (DETECTION 2.1, the cold start).
const LEARNING: Span = Span::from_secs(900);
/// So many rejected records are told with their reasons; all of them can be written down.
const TOLD_MAX: u64 = 5;

impl Replay {
    fn new(args: &cli::Replay, plan: Plan) -> Result<Self, Failure> {
        Ok(Self {
            engine: Engine::new(plan),
            outbox: Outbox::default(),
            inputs: Inputs::default(),
            recorder: Recorder::create(args)?,
            pace: args.speed.map(|speed| Pace { speed, began: None }),
            began: None,
            records: 0,
            rejected: 0,
        })
    }

    /// One record through the engine. `bytes` are the record's own, for the dead letters.
    fn record(
        &mut self,
        place: (u32, u64),
        appended_at: Option<WallTime>,
        content: Result<&[Event<'_>], Rejection>,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        self.records += 1;
        self.began = self.began.or_else(|| content.as_ref().ok()?.first().map(|event| event.ts));
        if let Err(rejection) = &content {
            self.rejected += 1;
            if self.rejected <= TOLD_MAX {
                let place = Place { source: SourceId(place.0), offset: place.1 };
                progress::say(&format!("replay: {}: {rejection}", self.engine.context().written(place)));
            }
        }
        let (source, offset) = (SourceId(place.0), place.1);
        while let Some(input) = self.inputs.before(source, offset, content.as_deref().unwrap_or_default()) {
            self.handle(input, &[])?;
        }
        self.handle(Input::Record(Record { source, offset, appended_at, content }), bytes)
    }

    fn handle(&mut self, input: Input<'_>, bytes: &[u8]) -> Result<(), Failure> {
        self.engine.handle(input, &mut self.outbox);
        while let Some(output) = self.outbox.pop() {
            self.recorder.take(&output, self.engine.context(), bytes)?;
        }
        Ok(())
    }

    /// Gives the engine what the service had decided at the end of what was read.
    fn conclude(&mut self) -> Result<(), Failure> {
        while let Some(input) = self.inputs.rest() {
            self.handle(input, &[])?;
        }
        Ok(())
    }

    /// How much of the venue's time was read.
    fn span(&self) -> Option<Span> {
        self.engine.watermark().zip(self.began).map(|(now, began)| now.since(began))
    }

    fn look(&mut self, interrupt: &Interrupt) -> Result<(), Failure> {
        if let (Some(pace), Some(now)) = (&mut self.pace, self.engine.watermark()) {
            return pace.keep(now, interrupt);
        }
        if self.records.is_multiple_of(LOOK_EVERY) { interrupt.check() } else { Ok(()) }
    }
}

/// Holds the event time to a multiple of the wall time.
struct Pace {
    speed: f64,
    began: Option<(EventTime, Instant)>,
}

impl Pace {
    fn keep(&mut self, now: EventTime, interrupt: &Interrupt) -> Result<(), Failure> {
        let (event, wall) = *self.began.get_or_insert((now, clock::monotonic()));
        let due = now.since(event).secs_f64() / self.speed;
        let passed = clock::monotonic().duration_since(wall).as_secs_f64();
        if due <= passed { interrupt.check() } else { interrupt.wait(std::time::Duration::from_secs_f64(due - passed)) }
    }
}

fn from_files(args: &cli::Replay, config: &Config, interrupt: &Interrupt) -> Result<Replay, Failure> {
    let names: Vec<String> = args.files.iter().map(|path| path.display().to_string()).collect();
    let adapter = args.format.adapter(&names, args.symbol.clone(), config.limits.decode);
    let mut adapter = adapter.map_err(|unfit| Failure::usage(unfit.to_string()))?;
    let mut reader = LineReader::open_abreast(&args.files, args.format.files_abreast())?;
    let mut replay = Replay::new(args, plan::of_files(config, &names, args))?;
    replay.inputs = recorded(args, config, &replay.engine, interrupt)?;
    let mut progress = Progress::new("replay", reader.bytes_total());
    let mut events = Vec::new();
    while let Some(line) = reader.next_line()? {
        let place = (u32::try_from(line.file).unwrap_or(u32::MAX), line.number);
        match &mut adapter {
            None => {
                let event = decode(line.bytes, None, config.limits.decode);
                let content = event.as_ref().map(std::slice::from_ref).map_err(Clone::clone);
                replay.record(place, None, content, line.bytes)?;
            }
            Some(adapter) => {
                events.clear();
                let outcome = adapter.read(line.file, line.bytes, &mut events);
                replay.record(place, None, outcome.map(|()| events.as_slice()), line.bytes)?;
            }
        }
        replay.look(interrupt)?;
        if replay.records.is_multiple_of(LOOK_EVERY) {
            progress.update(reader.bytes_read(), replay.records);
        }
    }
    replay.conclude()?;
    progress.finish();
    if let Some(adapter) = &adapter {
        progress::forgotten("replay", adapter.forgotten());
    }
    Ok(replay)
}

fn from_kafka(args: &cli::Replay, config: &Config, topic: &str, interrupt: &Interrupt) -> Result<Replay, Failure> {
    let client = kafka::consumer(&config.kafka);
    let mut ranges = topics::ranges(&config.kafka, topic)?;
    narrow(args, &client, &mut ranges)?;
    let mut replay = Replay::new(args, plan::of_partitions(config, &ranges, args.inputs.as_deref()))?;
    replay.inputs = recorded(args, config, &replay.engine, interrupt)?;
    replay.inputs.retain_before(&ranges.iter().map(|range| range.to.unsigned_abs()).collect::<Vec<_>>());
    let mut progress = Progress::new("replay", None);
    let mut bytes = 0;
    range::read(&client, &ranges, interrupt, |partition, message| {
        let payload = message.payload().unwrap_or_default();
        let appended_at = appended_at(message);
        let event = decode(payload, appended_at, config.limits.decode);
        let content = event.as_ref().map(std::slice::from_ref).map_err(Clone::clone);
        let place = (u32::try_from(partition).unwrap_or(u32::MAX), u64::try_from(message.offset()).unwrap_or_default());
        replay.record(place, appended_at, content, payload)?;
        bytes += payload.len() as u64;
        if replay.records.is_multiple_of(LOOK_EVERY) {
            progress.update(bytes, replay.records);
        }
        replay.look(interrupt)
    })?;
    // Where the range was cut, what was decided later belongs to what is not read.
    if args.to.is_none() {
        replay.conclude()?;
    }
    progress.finish();
    Ok(replay)
}

/// What the service had decided, from a file of that name or from the topic.
fn recorded(args: &cli::Replay, config: &Config, engine: &Engine, interrupt: &Interrupt) -> Result<Inputs, Failure> {
    let Some(name) = &args.inputs else { return Ok(Inputs::default()) };
    // Without a configuration the service's name is not known; then the log must be of one service only.
    let service = args.config.as_ref().map(|_| config.kafka.transactional_id.as_str());
    let path = Path::new(name);
    let entries = if path.exists() || args.kafka.is_none() {
        audit::of_file(path, service)?
    } else {
        audit::of_topic(&config.kafka, name, service, interrupt)?
    };
    let inputs = Inputs::new(entries.into_iter().map(|entry| entry.input), &engine.context().sources);
    if inputs.unknown() > 0 {
        progress::say(&format!("{} inputs name partitions that are not replayed and are left out", inputs.unknown()));
    }
    Ok(inputs)
}

/// Cuts the ranges to the times asked for.
fn narrow(args: &cli::Replay, client: &rdkafka::ClientConfig, ranges: &mut [Range]) -> Result<(), Failure> {
    let millis = |at: EventTime| at.nanos() / 1_000_000;
    let from = args.from.map(|at| range::at_time(client, ranges, millis(at))).transpose()?;
    let to = args.to.map(|at| range::at_time(client, ranges, millis(at))).transpose()?;
    for (i, range) in ranges.iter_mut().enumerate() {
        range.from = from.as_ref().map_or(range.from, |from| from[i]);
        range.to = to.as_ref().map_or(range.to, |to| to[i]).max(range.from);
    }
    Ok(())
}

fn total(engine: &Engine) -> Fates {
    engine.fates().iter().fold(Fates::default(), Fates::plus)
}

/// The last line: what scripts read.
#[derive(Serialize)]
struct Summary {
    records: u64,
    accepted: u64,
    rejected: u64,
    late: u64,
    duplicate: u64,
    shed: u64,
    signals: u64,
    incidents: u64,
    alerts: u64,
    wall_s: f64,
    cpu_s: f64,
}

impl Summary {
    fn new(engine: &Engine, recorder: &Recorder, started: Instant, cpu_s: f64) -> Self {
        let fates = total(engine);
        Self {
            records: fates.total(),
            accepted: fates.of(Fate::Accepted),
            rejected: fates.of(Fate::Rejected),
            late: fates.of(Fate::Late),
            duplicate: fates.of(Fate::Duplicate),
            shed: fates.of(Fate::Shed),
            signals: recorder.signals,
            incidents: engine.counters().incidents_opened.values().sum(),
            alerts: engine.counters().alerts,
            wall_s: clock::monotonic().duration_since(started).as_secs_f64(),
            cpu_s,
        }
    }

    fn json(&self) -> Result<String, Failure> {
        serde_json::to_string(self).map_err(|e| Failure::new(Exit::Failed, e.to_string()))
    }
}
