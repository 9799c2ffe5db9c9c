//! `convert`: a venue's recording in, event lines out.
//!
//! A line that cannot be used is counted, and the first few are shown with their reason; the rest of the recording is
//! converted all the same. The contract's own lines may be converted too: they come out checked and in one spelling.

use std::{collections::BTreeMap, fmt, io::Write as _};

use super::{
    Exit, Failure, Interrupt, cli,
    files::{Line, LineReader},
    output::AtomicFile,
    progress::{self, Progress},
};
use crate::{
    adapt::Adapter,
    event::{DecodeLimits, Event, EventType, Rejection, decode},
};

/// How many rejected lines are shown one by one; the rest are only counted.
const SHOWN_MAX: u64 = 5;
/// Lines between two looks at the clock and at the interrupt: a few milliseconds of work.
const LOOK_EVERY: u64 = 4_096;

/// Converts the files.
pub(super) fn run(args: &cli::Convert, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let names: Vec<String> = args.files.iter().map(|path| path.display().to_string()).collect();
    let adapter = args.format.adapter(&names, args.symbol.clone(), DecodeLimits::default());
    let mut adapter = adapter.map_err(|unfit| Failure::usage(unfit.to_string()))?;
    let mut reader = LineReader::open_abreast(&args.files, args.format.files_abreast())?;
    let mut writer = EventWriter { out: AtomicFile::create(&args.out)?, events: BTreeMap::new() };
    let mut progress = Progress::new("convert", reader.bytes_total());
    let (mut lines, mut rejected) = (0_u64, 0_u64);
    while let Some(line) = reader.next_line()? {
        lines += 1;
        if let Err(rejection) = convert(adapter.as_mut(), line, &mut writer)? {
            rejected += 1;
            if rejected <= SHOWN_MAX {
                let (file, number) = (line.file, line.number);
                progress.say(&format!("{}:{number}: rejected: {rejection}", reader.name(file)));
            }
        }
        if lines.is_multiple_of(LOOK_EVERY) {
            interrupt.check()?;
            progress.update(reader.bytes_read(), lines);
        }
    }
    if let Some(adapter) = &mut adapter {
        let mut rest = Vec::new();
        adapter.finish(&mut rest);
        writer.write(&rest)?;
        progress::forgotten("convert", adapter.forgotten());
    }
    progress.finish();
    if lines > 0 && lines == rejected {
        let name = args.format.name();
        return Err(Failure::new(Exit::Input, format!("no line could be used: are the files in the format `{name}`?")));
    }
    if lines == 0 {
        progress::say("convert: nothing was read: the input is empty");
    }
    progress::say(&format!("convert: {lines} lines, {rejected} rejected, {writer}"));
    writer.out.finish()?;
    Ok(Exit::Done)
}

/// One line through the adapter, or through the decoder where there is none.
fn convert(
    adapter: Option<&mut Adapter>,
    line: Line<'_>,
    writer: &mut EventWriter,
) -> Result<Result<(), Rejection>, Failure> {
    let mut events = Vec::new();
    let outcome = match adapter {
        Some(adapter) => adapter.read(line.file, line.bytes, &mut events),
        None => match decode(line.bytes, None, DecodeLimits::default()) {
            Ok(event) => return writer.write(&[event]).map(Ok),
            Err(rejection) => Err(rejection),
        },
    };
    writer.write(&events)?;
    Ok(outcome)
}

/// Event lines on their way to a file, counted by type.
struct EventWriter {
    out: AtomicFile,
    events: BTreeMap<EventType, u64>,
}

impl EventWriter {
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
