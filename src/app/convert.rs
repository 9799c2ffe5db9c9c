//! `convert`: turns a venue's recording into event lines.
//!
//! Rejected lines are counted, and the first few are printed with their reason; the rest of the recording is converted all the
//! same. Event lines may be converted too: the output is checked and in one spelling.

use std::{collections::BTreeMap, fmt, io::Write as _};

use super::{
    Exit, Failure, Interrupt, cli,
    files::{self, Line, LineReader},
    output::AtomicFile,
    progress::{self, Progress},
    refusals::Refusals,
    unknown_types::UnknownTypes,
};
use crate::{
    adapt::Adapter,
    event::{Body, DecodeLimits, Event, EventType, Rejection, decode_counting},
};

/// How many rejected lines are printed one by one; the rest are only counted.
const SHOWN_MAX: u64 = 5;
/// Lines between two checks of the clock and of the interrupt: a few milliseconds of work.
const CHECK_EVERY: u64 = 4_096;

/// Converts the files.
pub(super) fn run(args: &cli::Convert, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let names: Vec<String> = args.files.iter().map(|path| path.display().to_string()).collect();
    let adapter = args.format.adapter(&names, args.symbol.clone(), DecodeLimits::default());
    let mut adapter = adapter.map_err(|unfit| Failure::usage(unfit.to_string()))?;
    let mut reader = LineReader::open_as(&args.files, args.format)?;
    let (out, events, unknown) = (AtomicFile::create(&args.out)?, BTreeMap::new(), UnknownTypes::default());
    let mut writer = EventWriter { out, events, unknown, rounded: 0 };
    let mut progress = Progress::new("convert", reader.bytes_total());
    let mut refusals = Refusals::default();
    while let Some(line) = reader.next_line()? {
        let location = || format!("{}:{}", names[line.file], line.number);
        if line.is_header {
            let header = adapter.as_mut().map_or(Ok(()), |adapter| adapter.header(line.file, line.bytes));
            let unfit = |rejection| format!("{}: the header cannot be used: {rejection}", location());
            header.map_err(|e| files::unusable(&args.files, args.format, &unfit(e), "FORMAT"))?;
            continue;
        }
        match convert(adapter.as_mut(), line, &mut writer)? {
            Ok(events) => refusals.accept(events),
            Err(rejection) => {
                refusals.refuse(&rejection, location);
                if refusals.refused() <= SHOWN_MAX {
                    progress.print_line(&format!("{}: rejected: {rejection}", location()));
                }
            }
        }
        if refusals.lines().is_multiple_of(CHECK_EVERY) {
            interrupt.check()?;
            progress.update(reader.bytes_read(), refusals.lines());
        }
    }
    if let Some(adapter) = &mut adapter {
        let mut rest = Vec::new();
        adapter.finish(&mut rest);
        refusals.add_events(rest.len());
        writer.write(&rest)?;
        writer.rounded += adapter.rounded();
        progress::report_forgotten("convert", adapter.forgotten());
    }
    progress.finish();
    if let Some(verdict) = refusals.verdict() {
        return Err(files::unusable(&args.files, args.format, &verdict, "FORMAT"));
    }
    conclude(&refusals, writer)
}

/// Says what was converted, and finishes the file.
fn conclude(refusals: &Refusals, writer: EventWriter) -> Result<Exit, Failure> {
    if let Some(unknown) = writer.unknown.report() {
        progress::print_line(&format!("convert: {unknown}"));
    }
    progress::report_rounded("convert", writer.rounded);
    let (lines, rejected) = (refusals.lines(), refusals.refused());
    if lines == 0 {
        progress::print_line("convert: nothing was read: the input is empty");
    }
    progress::print_line(&format!("convert: {lines} lines, {rejected} rejected, {writer}"));
    writer.out.finish()?;
    Ok(Exit::Done)
}

/// Converts one line with the adapter, or with the decoder where there is no adapter. Returns how many events it holds.
fn convert(
    adapter: Option<&mut Adapter>,
    line: Line<'_>,
    writer: &mut EventWriter,
) -> Result<Result<usize, Rejection>, Failure> {
    let mut events = Vec::new();
    let outcome = match adapter {
        Some(adapter) => adapter.read(line.file, line.bytes, &mut events),
        None => match decode_counting(line.bytes, DecodeLimits::default(), &mut writer.rounded) {
            Ok(Event { body: Body::Unknown, .. }) => return writer.copy(line.bytes).map(|()| Ok(1)),
            Ok(event) => return writer.write(&[event]).map(|()| Ok(1)),
            Err(rejection) => Err(rejection),
        },
    };
    writer.write(&events)?;
    Ok(outcome.map(|()| events.len()))
}

/// Writes event lines to a file, and counts them by type.
struct EventWriter {
    out: AtomicFile,
    events: BTreeMap<EventType, u64>,
    unknown: UnknownTypes,
    /// How many numbers were rounded.
    rounded: u64,
}

impl EventWriter {
    /// Copies a line of an unknown type as it is, because its fields are unknown.
    fn copy(&mut self, line: &[u8]) -> Result<(), Failure> {
        self.unknown.take(line);
        *self.events.entry(EventType::Unknown).or_default() += 1;
        let written = self.out.write_all(line).and_then(|()| self.out.write_all(b"\n"));
        written.map_err(|e| Failure::writing(&self.out.path().display(), &e))
    }

    fn write(&mut self, events: &[Event<'_>]) -> Result<(), Failure> {
        for event in events {
            let written = serde_json::to_writer(&mut self.out, event).map_err(Into::into);
            let written = written.and_then(|()| self.out.write_all(b"\n"));
            written.map_err(|e| Failure::writing(&self.out.path().display(), &e))?;
            *self.events.entry(event.body.kind()).or_default() += 1;
        }
        Ok(())
    }
}

impl fmt::Display for EventWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events", self.events.values().sum::<u64>())?;
        for (i, (kind, n)) in self.events.iter().enumerate() {
            write!(f, "{} {} {n}", if i == 0 { ":" } else { "," }, kind.name())?;
        }
        Ok(())
    }
}
