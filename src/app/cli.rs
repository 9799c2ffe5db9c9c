//! The command line: every command, its arguments and an example of each.
//!
//! The arguments are pinned by the contract. Parsing ends in valid types; what only a command can judge (whether a scenario
//! exists) stays with the command.

use std::{ffi::OsString, net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum, error::ErrorKind};

use super::{Exit, logging::LevelFilter};
use crate::{adapt::Format, event::Name, simulate::Planted, time::EventTime};

/// Early warning for an exchange: reads order flow from Kafka and warns before the cascade.
#[derive(Debug, Parser)]
#[command(name = "foreshock", version, arg_required_else_help = true, after_help = "Start here:\n  foreshock demo")]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

impl Cli {
    /// Reads the arguments. What `--help` and mistakes print is printed here.
    ///
    /// # Errors
    /// The exit code once something was printed: 0 after `--help` and `--version`, 64 after a mistake.
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
    /// Show everything at work: simulated exchange, embedded broker, service, alerts; Ctrl-C ends it.
    #[command(after_help = "Example:\n  foreshock demo --minutes 5")]
    Demo(Demo),
    /// Run the service: order flow in from Kafka, alerts out to Kafka.
    #[command(
        after_help = "Example:\n  foreshock schema config > foreshock.toml\n  foreshock run --config foreshock.toml"
    )]
    Run(Run),
    /// Say whether the service could run: configuration, address, brokers, topics, rights; one line each, nothing changed.
    #[command(
        after_help = "Example:\n  foreshock check --config foreshock.toml && foreshock run --config foreshock.toml"
    )]
    Check(Run),
    /// Read recorded order flow again, from files or a range of a topic: the same input gives the same alerts.
    #[command(after_help = "Examples:\n  foreshock replay events.jsonl --alerts alerts.jsonl\n  \
                            foreshock replay --format binance btcusdt.dat.gz --signals signals.jsonl\n  \
                            foreshock replay --kafka 127.0.0.1:9092 --topic orderflow.events --from 2026-01-02T03:04:05Z")]
    Replay(Replay),
    /// Make the order flow of a seeded exchange, with labels of what was planted: the same seed gives the same bytes.
    #[command(after_help = "Example:\n  foreshock simulate --seed 7 --minutes 30 --scenario cancel_burst@20 \
                            --events events.jsonl --labels labels.jsonl")]
    Simulate(Simulate),
    /// Turn a venue's recording into event lines.
    #[command(after_help = "Examples:\n  foreshock convert bitstamp 2015-05-01.log.xz --out events.jsonl.zst\n  \
                            foreshock convert lobster AAPL_2012-06-21_34200000_57600000_{message,orderbook}_10.csv \
                            --out events.jsonl")]
    Convert(Convert),
    /// Print what the types say: JSON Schemas, the default configuration, the metrics.
    #[command(after_help = "Example:\n  foreshock schema config > foreshock.toml")]
    Schema(Schema),
}

impl Command {
    /// What is logged where `FORESHOCK_LOG` says nothing: the demo shows what matters itself.
    #[must_use]
    pub const fn log_level(&self) -> LevelFilter {
        match self {
            Self::Demo(_) | Self::Check(_) => LevelFilter::WARN,
            Self::Run(_) | Self::Replay(_) | Self::Simulate(_) | Self::Convert(_) | Self::Schema(_) => {
                LevelFilter::INFO
            }
        }
    }
}

/// Arguments of `demo`.
#[derive(Args, Debug)]
pub struct Demo {
    /// How many minutes of order flow to show; all that is planted fits into the default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1440))]
    pub minutes: Option<u32>,
    /// Where to serve HTTP; any free port of the loopback interface without it.
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<SocketAddr>,
    /// Another seed, another exchange.
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

/// Arguments of `replay`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("source").args(["files", "kafka"]).required(true))]
pub struct Replay {
    /// Files to read, one after the other; `-` is standard input; .gz, .zst and .xz are read by their ending. Of LOBSTER pairs,
    /// message then book.
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// Read from these brokers instead of files.
    #[arg(long, value_name = "BROKERS", requires = "topic")]
    pub kafka: Option<String>,
    /// The topic to read.
    #[arg(long, value_name = "T", requires = "kafka")]
    pub topic: Option<String>,
    /// Begin with the first record at or after this time: RFC 3339, or nanoseconds since 1970.
    #[arg(long, value_name = "X", requires = "kafka", value_parser = instant)]
    pub from: Option<EventTime>,
    /// End before the first record at or after this time.
    #[arg(long, value_name = "X", requires = "kafka", value_parser = instant)]
    pub to: Option<EventTime>,
    /// The configuration file; the defaults without one.
    #[arg(long, value_name = "F")]
    pub config: Option<PathBuf>,
    /// What the lines are: events, bitstamp, lobster, binance, hyperliquid.
    #[arg(long, value_name = "NAME", default_value = "events", value_parser = str::parse::<Format>)]
    pub format: Format,
    /// The symbol, where the format does not name it: of Bitstamp's lines (BTC-USD where absent), of Binance's snapshots.
    #[arg(long, value_name = "S", value_parser = name)]
    pub symbol: Option<Name<'static>>,
    /// Repeat what the service decided by its clock, as the audit log has it: a file, or with --kafka the topic.
    #[arg(long, value_name = "F|TOPIC")]
    pub inputs: Option<String>,
    /// Write the alerts here, one JSON object per line.
    #[arg(long, value_name = "F")]
    pub alerts: Option<PathBuf>,
    /// Write the signals here.
    #[arg(long, value_name = "F")]
    pub signals: Option<PathBuf>,
    /// Write the metrics here as they stand at the end, in Prometheus' text format.
    #[arg(long, value_name = "F")]
    pub metrics: Option<PathBuf>,
    /// Write the rejected records here with reason and position.
    #[arg(long, value_name = "F")]
    pub dead_letters: Option<PathBuf>,
    /// Compare the alerts with these recorded ones; exit code 2 where they differ.
    #[arg(long, value_name = "F")]
    pub diff: Option<PathBuf>,
    /// At N times the speed of the recording; as fast as possible without it.
    #[arg(long, value_name = "N", value_parser = speed)]
    pub speed: Option<f64>,
}

/// Arguments of `simulate`.
#[derive(Args, Debug)]
#[command(group = clap::ArgGroup::new("target").args(["events", "kafka"]).required(true))]
pub struct Simulate {
    /// Everything follows from it.
    #[arg(long, value_name = "N")]
    pub seed: u64,
    /// How many minutes of order flow.
    #[arg(long, value_name = "M", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub minutes: u32,
    /// When the flow begins: RFC 3339, or nanoseconds since 1970.
    #[arg(long, value_name = "TIME", value_parser = instant)]
    pub start: Option<EventTime>,
    /// How many symbols.
    #[arg(long, value_name = "S", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub symbols: Option<u32>,
    /// How many accounts.
    #[arg(long, value_name = "A", value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub accounts: Option<u32>,
    /// How dense the flow is: 2 is twice the usual number of events.
    #[arg(long, value_name = "X", value_parser = positive)]
    pub density: Option<f64>,
    /// What to plant, and at which minute; may be given several times.
    ///
    /// Worth a warning: `cancel_burst`, `leverage_jump`, `thin_book`, `thin_book_cluster`, `trade_burst`, and `crisis`, which is
    /// all of them on their way to forced selling. Look-alikes that are not: `maker_requote`, `news_burst`, `maker_pull`,
    /// `inventory_skew`, `deposit_before_leverage`, `listing`.
    #[arg(long = "scenario", value_name = "NAME[@MINUTE]", value_parser = str::parse::<Planted>)]
    pub scenarios: Vec<Planted>,
    /// Write the events here, one JSON object per line.
    #[arg(long, value_name = "F", conflicts_with = "kafka")]
    pub events: Option<PathBuf>,
    /// Write the labels of what was planted here.
    #[arg(long, value_name = "F")]
    pub labels: Option<PathBuf>,
    /// Send the events to these brokers instead.
    #[arg(long, value_name = "BROKERS", requires = "topic")]
    pub kafka: Option<String>,
    /// The topic to send to.
    #[arg(long, value_name = "T", requires = "kafka")]
    pub topic: Option<String>,
}

/// Arguments of `convert`.
#[derive(Args, Debug)]
pub struct Convert {
    /// What the files are: bitstamp, lobster, binance, hyperliquid; events are checked and written in one spelling.
    #[arg(value_name = "FORMAT", value_parser = str::parse::<Format>)]
    pub format: Format,
    /// Files to read, one after the other; `-` is standard input; .gz, .zst and .xz are read by their ending. Of LOBSTER pairs,
    /// message then book.
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// Where to write the event lines; `-` is standard output; .gz and .zst are written by their ending.
    #[arg(long, value_name = "F")]
    pub out: PathBuf,
    /// The symbol, where the format does not name it: of Bitstamp's lines (BTC-USD where absent), of Binance's snapshots.
    #[arg(long, value_name = "S", value_parser = name)]
    pub symbol: Option<Name<'static>>,
}

/// Arguments of `schema`.
#[derive(Args, Debug)]
pub struct Schema {
    /// What to print.
    #[arg(value_name = "WHAT")]
    pub of: SchemaOf,
}

/// What `schema` can print.
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

/// Slower than a thousandth nobody waits, faster than a billion nobody sees.
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
