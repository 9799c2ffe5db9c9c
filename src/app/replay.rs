//! `replay`: sends recorded order flow through the same engine; the same input gives the same bytes.

mod diff;
mod notes;
mod record;
mod recorded;
mod summary;

use std::{collections::BTreeSet, path::Path};

use rdkafka::Message as _;

use self::{
    diff::{Comparison, RecordedAlerts},
    notes::Notes,
    record::Recorder,
    summary::Summary,
};
use super::{
    Exit, Failure, Interrupt, cli, clock, coverage,
    files::{self, LineReader},
    kafka::{
        self,
        batch::appended_at,
        range,
        topics::{self, Range},
    },
    metrics::{self, Numbers},
    output::{self, AtomicFile},
    pace::Pace,
    plan,
    progress::{self, Progress},
    refusals::Refusals,
    settings,
    unknown_types::UnknownTypes,
};
use crate::{
    adapt::{Adapter, Format},
    config::{Brokers, Config},
    engine::{Engine, Input, Inputs, Outbox, Output, Plan, Record, Settings, Stretch, Stretches},
    event::{Body, Event, LogPosition, RecordRef, Rejection, SourceId, decode_counting},
    time::{EventTime, Span, WallTime},
};

/// Records between two checks of the clock and of the interrupt: a few milliseconds of work.
const CHECK_EVERY: u64 = 4_096;

/// Replays files or a range of a topic.
pub(super) fn run(args: &cli::Replay, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let mut config = settings::load(args.config.as_deref())?;
    let recorded = args.diff.as_deref().map(RecordedAlerts::read).transpose()?;
    let (started, cpu) = (clock::monotonic(), clock::cpu_seconds());
    let format = format(args);
    let mut replay = match &args.kafka {
        Some(brokers) => {
            let invalid = |e| Failure::usage(format!("`--kafka {brokers}`: {e}"));
            config.kafka.brokers = Brokers::parse(brokers).map_err(invalid)?;
            from_kafka(args, &config, recorded, interrupt)?
        }
        None => from_files(args, format, &config, recorded, interrupt)?,
    };
    let summary = Summary::new(&replay.engine, &replay.recorder, started, clock::cpu_seconds() - cpu);
    let coverage = replay.engine.coverage();
    if let Some(path) = &args.metrics {
        let mut numbers = Numbers::of(&replay.engine, config.metrics.symbols_max, replay.rounded);
        numbers.cover(&coverage);
        write(path, &metrics::text(&numbers, None)?)?;
    }
    let verdict = replay.refusals.verdict().filter(|_| !args.files.is_empty());
    let comparison = replay.recorder.comparison.take();
    let span = replay.span();
    if verdict.is_some() { replay.recorder.finish_unusable() } else { replay.recorder.finish() }?;
    let exit = comparison.map_or(Exit::Done, Comparison::finish);
    replay.notes.print(&replay.engine);
    for (detector, judged) in coverage::words(&coverage) {
        progress::print_line(&format!("replay: at its end {detector} judged {judged}"));
    }
    print_notes(&replay.refusals, &replay.unknown, replay.rounded, span);
    output::print(&format!("{}\n", summary.json()?))?;
    match verdict {
        Some(verdict) => Err(files::unusable(&args.files, format, &verdict, "--format")),
        None => Ok(exit),
    }
}

/// Returns the format of the files: the one that was asked for, or the one that they certainly have, or event lines.
fn format(args: &cli::Replay) -> Format {
    args.format.unwrap_or_else(|| {
        let Some((format, name)) = files::recognised(&args.files) else { return Format::Events };
        let (file, format_name) = (args.files[0].display(), format.name());
        progress::print_line(&format!("replay: `{file}` looks like {name}: read with `--format {format_name}`"));
        format
    })
}

/// Prints what a person should know about the input.
fn print_notes(refusals: &Refusals, unknown: &UnknownTypes, rounded: u64, span: Option<Span>) {
    if let Some(unknown) = unknown.report() {
        progress::print_line(&format!("replay: {unknown}"));
    }
    progress::report_rounded("replay", rounded);
    if refusals.lines() == 0 {
        progress::print_line(
            "replay: nothing was read: the input is empty, or the range that was asked for holds nothing",
        );
    }
    if let Some(span) = span.filter(|span| *span < LEARNING) {
        let (span_s, learning_s) = (span.secs_f64(), LEARNING.secs_f64());
        progress::print_line(&format!(
            "replay: the recording spans {span_s:.0} s: in the first {learning_s:.0} s, while the usual flow is learned, only the \
             plainest findings are reported"
        ));
    }
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    use std::io::Write as _;
    let mut file = AtomicFile::create(path)?;
    file.write_all(text.as_bytes()).map_err(|e| Failure::writing(&path.display(), &e))?;
    file.finish()
}

/// An engine with its inputs, and the outputs' destinations.
struct Replay {
    engine: Engine,
    outbox: Outbox,
    inputs: Inputs,
    recorder: Recorder,
    pace: Option<Pace>,
    unknown: UnknownTypes,
    /// Time of the first event.
    began: Option<EventTime>,
    refusals: Refusals,
    notes: Notes,
    /// How many numbers were rounded.
    rounded: u64,
}

/// A record whose events wait until it is known whether it is the last.
struct Held {
    position: (u32, u64),
    events: Vec<Event<'static>>,
    bytes: Vec<u8>,
}

/// How long the engine learns a symbol's flow. In a shorter recording only the plainest findings are reported (DETECTION 2.1, the
/// cold start).
const LEARNING: Span = Span::from_secs(900);

impl Replay {
    /// A replay that begins under a plan and will follow these inputs.
    fn new(
        args: &cli::Replay,
        plan: Plan,
        inputs: &Stretches,
        recorded: Option<RecordedAlerts>,
    ) -> Result<Self, Failure> {
        let configs = recorded::configs(&plan, inputs);
        let engine = Engine::new(plan);
        let comparison = recorded.map(|recorded| Comparison::new(recorded, engine.context(), &configs));
        Ok(Self {
            engine,
            outbox: Outbox::default(),
            inputs: Inputs::default(),
            recorder: Recorder::create(args, comparison)?,
            pace: args.speed.map(Pace::new),
            unknown: UnknownTypes::default(),
            began: None,
            refusals: Refusals::default(),
            notes: Notes::default(),
            rounded: 0,
        })
    }

    /// Sends one record through the engine, after the recorded inputs that come before it. `bytes` are the record's own, for the
    /// dead letters.
    fn record(
        &mut self,
        position: (u32, u64),
        appended_at: Option<WallTime>,
        content: &Result<&[Event<'_>], Rejection>,
        bytes: &[u8],
    ) -> Result<(), Failure> {
        self.began = self.began.or_else(|| content.as_ref().ok()?.first().map(|event| event.ts));
        match content {
            // Adapters make events of known types only.
            Ok([Event { body: Body::Unknown, .. }]) => {
                self.unknown.take(bytes);
                self.refusals.accept(1);
            }
            Ok(events) => self.refusals.accept(events.len()),
            Err(rejection) => {
                let record = RecordRef { source: SourceId(position.0), offset: position.1 };
                self.refusals.refuse(rejection, || self.engine.context().record_text(record));
            }
        }
        let (source, offset) = (SourceId(position.0), position.1);
        while let Some(decision) = self.inputs.before(source, offset, content.as_deref().unwrap_or_default()) {
            self.handle(Input::Decision(decision), &[])?;
        }
        let (clock, events) = (self.engine.clock(source.index()), content.as_deref().unwrap_or_default());
        let record = Record { source, offset, appended_at, content: content.clone() };
        self.handle(Input::Record(record), bytes)?;
        self.notes.handled(&self.engine, RecordRef { source, offset }, events, clock);
        Ok(())
    }

    /// Sends a record that was held back.
    fn release(&mut self, held: Option<Held>) -> Result<(), Failure> {
        let Some(Held { position, events, bytes }) = held else { return Ok(()) };
        self.record(position, None, &Ok(&events), &bytes)
    }

    /// Ends the input of an adapter: what still waited in it belongs to the last record.
    fn finish_adapter(&mut self, adapter: &mut Adapter, mut held: Option<Held>) -> Result<(), Failure> {
        let mut rest = Vec::new();
        adapter.finish(&mut rest);
        match &mut held {
            Some(held) => held.events.append(&mut rest),
            None if rest.is_empty() => {}
            None => progress::print_line(&format!(
                "replay: {} events are left out, because the last record, which would complete them, was rejected",
                rest.len()
            )),
        }
        self.rounded += adapter.rounded();
        progress::report_forgotten("replay", adapter.forgotten());
        self.release(held)
    }

    fn handle(&mut self, input: Input<'_>, bytes: &[u8]) -> Result<(), Failure> {
        self.engine.take(input, &mut self.outbox);
        self.record_outputs(bytes)
    }

    /// Hands the outputs to the files. `bytes` are those of the record that was being handled.
    fn record_outputs(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        while let Some(output) = self.outbox.pop() {
            if let Output::Rejected(record, rejection) = &output {
                self.notes.rejected(&self.engine, *record, rejection);
            }
            self.recorder.take(&output, self.engine.context(), bytes)?;
        }
        Ok(())
    }

    /// Hands the engine the decisions that the service made after the last record. Does nothing where the range was cut, because
    /// those decisions belong to records that are not read.
    fn conclude(&mut self, is_cut: bool) -> Result<(), Failure> {
        while !is_cut && let Some(decision) = self.inputs.rest() {
            self.handle(Input::Decision(decision), &[])?;
        }
        self.engine.conclude();
        self.engine.flush(&mut self.outbox);
        self.record_outputs(&[])
    }

    /// Changes the settings, after the decisions that were made before.
    fn change_settings(&mut self, settings: &Settings) -> Result<(), Failure> {
        while let Some(decision) = self.inputs.rest() {
            self.handle(Input::Decision(decision), &[])?;
        }
        self.handle(Input::Settings(settings), &[])
    }

    /// The event time from the first event to the watermark.
    fn span(&self) -> Option<Span> {
        self.engine.watermark().zip(self.began).map(|(now, began)| now.since(began))
    }

    /// Waits for the pace, and checks the interrupt. Returns whether there is time to show the progress.
    fn keep_pace(&mut self, interrupt: &Interrupt) -> Result<bool, Failure> {
        if let (Some(pace), Some(now)) = (&mut self.pace, self.engine.watermark()) {
            return Ok(pace.keep(now, interrupt)? || self.refusals.lines().is_multiple_of(CHECK_EVERY));
        }
        let due = self.refusals.lines().is_multiple_of(CHECK_EVERY);
        if due { interrupt.check().map(|()| true) } else { Ok(false) }
    }
}

fn from_files(
    args: &cli::Replay,
    format: Format,
    config: &Config,
    recorded_alerts: Option<RecordedAlerts>,
    interrupt: &Interrupt,
) -> Result<Replay, Failure> {
    let names: Vec<String> = args.files.iter().map(|path| path.display().to_string()).collect();
    let adapter = format.adapter(&names, args.symbol.clone(), config.limits.decode());
    let mut adapter = adapter.map_err(|unfit| Failure::usage(unfit.to_string()))?;
    let mut reader = LineReader::open_as(&args.files, format)?;
    let (inputs, plan) = recorded::inputs(args, config, plan::of_files(config, &names, args), interrupt)?;
    let mut replay = Replay::new(args, plan, &inputs, recorded_alerts)?;
    // Files have no partitions, so no change of the settings has a place in them.
    replay.inputs = inputs.into_iter().next().map(|stretch| stretch.inputs).unwrap_or_default();
    let mut progress = Progress::new("replay", reader.bytes_total());
    let mut held = None;
    while let Some(line) = reader.next_line()? {
        let position = (u32::try_from(line.file).unwrap_or(u32::MAX), line.number);
        if line.is_header {
            let header = adapter.as_mut().map_or(Ok(()), |adapter| adapter.header(line.file, line.bytes));
            let unfit = |rejection| format!("{}: the header cannot be used: {rejection}", names[line.file]);
            header.map_err(|e| files::unusable(&args.files, format, &unfit(e), "--format"))?;
            continue;
        }
        match &mut adapter {
            None => {
                let event = decode_counting(line.bytes, config.limits.decode(), &mut replay.rounded);
                let content = event.as_ref().map(std::slice::from_ref).map_err(Clone::clone);
                replay.record(position, None, &content, line.bytes)?;
            }
            Some(adapter) => {
                let mut events = Vec::new();
                let outcome = adapter.read(line.file, line.bytes, &mut events);
                replay.release(held.take())?;
                match outcome {
                    Ok(()) => held = Some(Held { position, events, bytes: line.bytes.to_vec() }),
                    Err(rejection) => replay.record(position, None, &Err(rejection), line.bytes)?,
                }
            }
        }
        if replay.keep_pace(interrupt)? {
            progress.update(reader.bytes_read(), replay.refusals.lines());
        }
    }
    if let Some(adapter) = &mut adapter {
        replay.finish_adapter(adapter, held)?;
    }
    replay.conclude(false)?;
    progress.finish();
    Ok(replay)
}

fn from_kafka(
    args: &cli::Replay,
    config: &Config,
    recorded_alerts: Option<RecordedAlerts>,
    interrupt: &Interrupt,
) -> Result<Replay, Failure> {
    let client = kafka::consumer(&config.kafka);
    let mut ranges = Vec::new();
    for topic in args.topics.iter().collect::<BTreeSet<_>>() {
        ranges.extend(topics::ranges(&config.kafka, topic)?);
    }
    narrow(args, &client, &mut ranges)?;
    let plan = plan::of_partitions(config, &ranges, args.inputs.as_deref(), &plan::times(args));
    let (mut inputs, plan) = recorded::inputs(args, config, plan, interrupt)?;
    let mut replay = Replay::new(args, plan, &inputs, recorded_alerts)?;
    let generations: Vec<u32> = (0..ranges.len()).map(|i| inputs.generation(SourceId::of_index(i))).collect();
    let packed = |partition: usize, offset: i64| {
        let position = LogPosition { generation: generations[partition], offset: offset.unsigned_abs() };
        position.packed().unwrap_or(u64::MAX)
    };
    let ends: Vec<u64> = ranges.iter().enumerate().map(|(i, range)| packed(i, range.to)).collect();
    inputs.retain_before(&ends);
    let mut progress = Progress::new("replay", None);
    let mut bytes = 0;
    for Stretch { inputs, change } in inputs {
        let end = |nth: usize| Some(change.as_ref()?.reads_up_to(SourceId::of_index(nth), generations[nth]));
        let part = range::up_to(&ranges, end);
        replay.inputs = inputs;
        range::read(&client, &part, interrupt, |partition, message| {
            let payload = message.payload().unwrap_or_default();
            let appended_at = appended_at(message);
            let event = decode_counting(payload, config.limits.decode(), &mut replay.rounded);
            let content = event.as_ref().map(std::slice::from_ref).map_err(Clone::clone);
            let position = (u32::try_from(partition).unwrap_or(u32::MAX), packed(partition, message.offset()));
            replay.record(position, appended_at, &content, payload)?;
            bytes += payload.len() as u64;
            if replay.keep_pace(interrupt)? {
                progress.update(bytes, replay.refusals.lines());
            }
            Ok(())
        })?;
        if let Some(change) = &change {
            replay.change_settings(&change.now)?;
        }
        ranges.iter_mut().zip(part).for_each(|(range, read)| range.from = read.to);
    }
    replay.conclude(args.to.is_some())?;
    progress.finish();
    Ok(replay)
}

/// Cuts the ranges to `--from` and `--to`.
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
