//! The command line: every command with its arguments and an example.
//!
//! The arguments are pinned by the contract. Parsing ends in valid types. A command checks what only the command can know, such as
//! whether a scenario fits into the flow.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, error::ErrorKind};

use super::{Exit, logging::LevelFilter};
use crate::{
    adapt::Format,
    event::Name,
    simulate::{PlannedFault, Planted},
    time::EventTime,
};

/// Early warning for an exchange: reads order flow from Kafka and warns before the cascade.
#[derive(Debug, Parser)]
#[command(name = "foreshock", version, arg_required_else_help = true, after_help = "Start here:\n  foreshock demo")]
pub struct Cli {
    /// The command to run.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the arguments, and prints the help or the mistake where there is one.
    ///
    /// # Errors
    /// The exit code after printing: 0 after `--help` and `--version`, 64 after a mistake.
    pub fn read(args: impl Iterator<Item = OsString>) -> Result<Self, Exit> {
        Self::try_parse_from(args).map_err(|e| {
            // A closed pipe must not turn help into a panic.
            let _ = e.print();
            let asked_for = matches!(e.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if asked_for { Exit::Done } else { Exit::Usage }
        })
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show everything at work: simulated exchange, embedded broker, service, alerts; Ctrl-C ends the demo.
    #[command(after_help = "Example:\n  foreshock demo --minutes 5")]
    Demo(Demo),
    /// Run the service: order flow in from Kafka, alerts out to Kafka.
    #[command(
        after_help = "Example:\n  foreshock schema config > foreshock.toml\n  foreshock run --config foreshock.toml"
    )]
    Run(Run),
    /// Notify alone: read the alerts topic and post what is open to the receivers, as `run` does beside its other work.
    #[command(after_help = "Example:\n  foreshock notify --config foreshock.toml --test\n  \
                            foreshock notify --config foreshock.toml\n\nThe configuration names the receivers:\n  \
                            [[notify.alertmanager]]\n  url = \"http://127.0.0.1:9093\"")]
    Notify(Notify),
    /// Check whether the service could run: configuration, address, brokers, topics, rights, receivers; one line each, nothing is
    /// changed.
    #[command(
        after_help = "Example:\n  foreshock check --config foreshock.toml && foreshock run --config foreshock.toml"
    )]
    Check(Run),
    /// Replay recorded order flow from files or from a range of a topic: the same input gives the same alerts.
    #[command(after_help = "Examples:\n  foreshock replay events.jsonl --alerts alerts.jsonl\n  \
                            foreshock replay --format binance btcusdt.dat.gz --signals signals.jsonl\n  \
                            foreshock replay --kafka 127.0.0.1:9092 --topic orderflow.events --from 2026-01-02T03:04:05Z")]
    Replay(Replay),
    /// Simulate the order flow of an exchange, with labels of what was planted: the same seed gives the same bytes.
    #[command(after_help = "Example:\n  foreshock simulate --seed 7 --minutes 30 --scenario cancel_burst@20 \
                            --events events.jsonl --labels labels.jsonl")]
    Simulate(Simulate),
    /// Convert a venue's recording into event lines.
    #[command(after_help = "Examples:\n  foreshock convert bitstamp 2015-05-01.log.xz --out events.jsonl.zst\n  \
                            foreshock convert lobster AAPL_2012-06-21_34200000_57600000_{message,orderbook}_10.csv \
                            --out events.jsonl")]
    Convert(Convert),
    /// Print a description: JSON Schemas, the default configuration, the metrics.
    #[command(after_help = "Example:\n  foreshock schema config > foreshock.toml")]
    Schema(Schema),
}

impl Command {
    /// The log level where `FORESHOCK_LOG` names none. `demo` and `check` print what matters themselves.
    #[must_use]
    pub const fn log_level(&self) -> LevelFilter {
        match self {
            Self::Demo(_) | Self::Check(_) => LevelFilter::WARN,
            Self::Run(_)
            | Self::Notify(_)
            | Self::Replay(_)
            | Self::Simulate(_)
            | Self::Convert(_)
            | Self::Schema(_) => LevelFilter::INFO,
        }
    }
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// How many minutes of order flow to show; the default of 15 has room for everything that is planted.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub minutes: Option<u32>,
    /// Serve HTTP at this address; the default is any free port of the loopback interface.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Seed of the simulated exchange; each seed gives another flow.
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Arguments of `run` and `check`.
#[derive(Args, Debug)]
pub struct Run {
    /// The configuration file.
    #[arg(long, value_name = "F")]
    pub config: PathBuf,
}

/// Arguments of `notify`.
#[derive(Args, Debug)]
pub struct Notify {
    /// The configuration file.
    #[arg(long, value_name = "F")]
    pub config: PathBuf,
    /// Send each receiver one alert that is marked as a test, print the answers, and end.
    #[arg(long)]
    pub test: bool,
}

/// Arguments of `replay`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("source").args(["files", "kafka"]).required(true))]
pub struct Replay {
    /// Files to read, one after the other; `-` is standard input; .gz, .zst and .xz are decompressed. LOBSTER files come in pairs:
    /// messages, then book.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Read from these brokers instead of files.
    #[arg(long, value_name = "BROKERS", requires = "topics")]
    pub kafka: Option<String>,
    /// The topic to read; may be given several times.
    #[arg(long = "topic", value_name = "T", requires = "kafka")]
    pub topics: Vec<String>,
    /// Begin with the first record at or after this time, as RFC 3339 or as nanoseconds since 1970.
    #[arg(long, value_name = "X", requires = "kafka", value_parser = instant)]
    pub from: Option<EventTime>,
    /// End before the first record at or after this time.
    #[arg(long, value_name = "X", requires = "kafka", value_parser = instant)]
    pub to: Option<EventTime>,
    /// The configuration file; without one the defaults apply.
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
    /// The format of the files: events, bitstamp, lobster, binance, hyperliquid, tardis or dbn. Without it, files of tardis and
    /// dbn are recognised by their beginning, and any others are read as events.
    #[arg(long, value_name = "NAME", value_parser = str::parse::<Format>)]
    pub format: Option<Format>,
    /// The symbol, where the format does not name it: for Bitstamp's lines of before 2019 (the default is BTC-USD) and
    /// for Binance's snapshots.
    #[arg(long, value_name = "S", value_parser = name)]
    pub symbol: Option<Name<'static>>,
    /// Repeat what the service decided by its clock, read from the audit log: a file, or with --kafka a topic.
    #[arg(long, value_name = "F|TOPIC")]
    pub inputs: Option<String>,
    /// Write the alerts here, one JSON object per line.
    #[arg(long, value_name = "F")]
    pub alerts: Option<PathBuf>,
    /// Write the signals here.
    #[arg(long, value_name = "F")]
    pub signals: Option<PathBuf>,
    /// Write the final metrics here, in Prometheus' text format.
    #[arg(long, value_name = "F")]
    pub metrics: Option<PathBuf>,
    /// Write the rejected records here, with reason and position.
    #[arg(long, value_name = "F")]
    pub dead_letters: Option<PathBuf>,
    /// Compare the alerts with these recorded ones, by incident and revision; exit code 2 where they differ.
    #[arg(long, value_name = "F")]
    pub diff: Option<PathBuf>,
    /// Replay at N times the speed of the recording; as fast as possible without it.
    #[arg(long, value_name = "N", value_parser = speed)]
    pub speed: Option<f64>,
}

/// Arguments of `simulate`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("target").args(["events", "kafka"]).required(true))]
pub struct Simulate {
    /// The seed, on which all randomness depends.
    #[arg(long, value_name = "N")]
    pub seed: u64,
    /// How many minutes of order flow to simulate.
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub minutes: u32,
    /// When the flow begins: RFC 3339, or nanoseconds since 1970. The default is 2026-01-01T00:00:00Z, so that the bytes stay the
    /// same; with --speed it is now or, above a speed of 1, early enough for the flow to end by the clock.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub start: Option<EventTime>,
    /// How many symbols to simulate; 4 by default.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub symbols: Option<u32>,
    /// How many accounts to simulate; 200 by default.
    #[arg(long, value_name = "A", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub accounts: Option<u32>,
    /// Multiply the number of events; 1 by default.
    #[arg(long, value_name = "X", value_parser = positive)]
    pub density: Option<f64>,
    /// Plant an episode, at a minute of the flow where one is named; may be given several times.
    ///
    /// Worth a warning: `cancel_burst`, `leverage_jump`, `thin_book`, `thin_book_cluster`, `trade_burst`, `crisis`, in which
    /// all of these lead to forced selling, and `market_build_up`, in which all symbols are sold until that. Look-alikes that must
    /// stay quiet: `maker_requote`, `news_burst`, `maker_pull`, `inventory_skew`, `deposit_before_leverage`, `listing`,
    /// `market_sell_off`, `market_rebound`.
    #[arg(long = "scenario", value_name = "NAME[@MINUTE]", value_parser = str::parse::<Planted>)]
    pub scenarios: Vec<Planted>,
    /// Let something happen to the messages on their way, at a minute of the flow where one is named; may be given several
    /// times, each for another symbol.
    ///
    /// `late_snapshot`: the symbol is sent as levels, and its snapshots come after later deltas; one delta is lost, which is a gap.
    /// `lost_cancels`: cancels are lost for two seconds; the orders left over are dropped, and the book is never reported as thin.
    /// `halt`: the venue halts the symbol for five minutes and opens it by an auction; `close`: the whole venue for eight;
    /// `pause`: the same without a status; `expiry`: the symbol's orders expire, and it is silent. Nothing of the market is to be
    /// reported. `wrong_clock`: the symbol's stamps are an hour ahead for five minutes, which is to be reported.
    #[arg(long = "fault", value_name = "NAME[@MINUTE]", value_parser = str::parse::<PlannedFault>)]
    pub faults: Vec<PlannedFault>,
    /// Write the events here, one JSON object per line.
    #[arg(long, value_name = "F", conflicts_with = "kafka")]
    pub events: Option<PathBuf>,
    /// Write the labels of the planted episodes here.
    #[arg(long, value_name = "F")]
    pub labels: Option<PathBuf>,
    /// Send the events to these brokers instead.
    #[arg(long, value_name = "BROKERS", requires = "topic")]
    pub kafka: Option<String>,
    /// The topic to send to.
    #[arg(long, value_name = "T", requires = "kafka")]
    pub topic: Option<String>,
    /// Send at N times the speed of the flow; as fast as possible without it.
    ///
    /// With --speed 1 the events arrive as a venue's would, and a second run is not late after the first.
    #[arg(long, value_name = "N", requires = "kafka", value_parser = speed)]
    pub speed: Option<f64>,
}

/// Arguments of `convert`.
#[derive(Args, Debug)]
pub struct Convert {
    /// The format of the files: bitstamp, lobster, binance, hyperliquid, tardis or dbn; events are checked and written in one
    /// spelling.
    #[arg(value_name = "FORMAT", value_parser = str::parse::<Format>)]
    pub format: Format,
    /// Files to read, one after the other; `-` is standard input; .gz, .zst and .xz are decompressed. LOBSTER files come in pairs:
    /// messages, then book.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Write the event lines here; `-` is standard output; a name in .gz or .zst is compressed.
    #[arg(long, value_name = "F")]
    pub out: PathBuf,
    /// The symbol, where the format does not name it: for Bitstamp's lines of before 2019 (the default is BTC-USD) and
    /// for Binance's snapshots.
    #[arg(long, value_name = "S", value_parser = name)]
    pub symbol: Option<Name<'static>>,
}

/// Arguments of `schema`.
#[derive(Args, Debug)]
pub struct Schema {
    /// The description to print.
    #[arg(value_name = "WHAT")]
    pub of: SchemaOf,
}

/// The descriptions that `schema` can print.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaOf {
    /// JSON Schema of one event line.
    Events,
    /// JSON Schema of one alert.
    Alerts,
    /// JSON Schema of one label.
    Labels,
    /// The default configuration, with comments.
    Config,
    /// Every metric with its labels.
    Metrics,
}

fn instant(text: &str) -> Result<EventTime, String> {
    if let Ok(nanos) = text.parse() {
        return Ok(EventTime::from_nanos(nanos));
    }
    let expected = "expected a time like 2026-01-02T03:04:05Z, or nanoseconds since 1970";
    let timestamp: jiff::Timestamp = text.parse().map_err(|_| expected.to_owned())?;
    i64::try_from(timestamp.as_nanosecond()).map(EventTime::from_nanos).map_err(|_| expected.to_owned())
}

fn positive(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number > 0.0 => Ok(number),
        Ok(_) | Err(_) => Err("expected a number above 0".to_owned()),
    }
}

/// Reads a speed. A lower one than a thousandth would take too long, and one above a billion makes no difference.
fn speed(text: &str) -> Result<f64, String> {
    positive(text).and_then(|n| if (1e-3..=1e9).contains(&n) { Ok(n) } else { Err("expected 0.001 to 1e9".to_owned()) })
}

fn name(text: &str) -> Result<Name<'static>, String> {
    Name::new(text.to_owned()).ok_or_else(|| "expected 1 to 128 bytes without control characters".to_owned())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definition_holds_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_time_is_rfc_3339_or_nanoseconds() {
        assert_eq!(instant("1970-01-01T00:00:01Z"), Ok(EventTime::from_nanos(1_000_000_000)));
        assert_eq!(instant("1760130000123456789"), Ok(EventTime::from_nanos(1_760_130_000_123_456_789)));
        assert!(instant("yesterday").is_err());
    }
}
