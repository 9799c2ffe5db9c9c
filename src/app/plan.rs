//! What the configuration says, as the engine takes it.

use super::{cli::Replay, kafka::topics::Range};
use crate::{
    adapt::Format,
    config::Config,
    engine::{Limits, Plan},
    event::Source,
};

/// Where a repeated replay puts the alerts: under the same detection settings the one that named the command is among them.
const ALERTS: [&str; 2] = ["--alerts", "again.jsonl"];

/// An engine over partitions, each a feed of its own, with the inputs that are recorded there.
#[must_use]
pub fn of_partitions(config: &Config, ranges: &[Range], inputs: Option<&str>) -> Plan {
    let sources = ranges.iter().enumerate().map(|(feed, range)| Source {
        name: range.topic.clone(),
        partition: Some(range.partition),
        feed,
    });
    let topic = ranges.first().map_or("", |range| range.topic.as_str());
    let words = ["foreshock", "replay", "--kafka", config.kafka.brokers.as_str(), "--topic", topic];
    let inputs = inputs.into_iter().flat_map(|inputs| ["--inputs", inputs]);
    let replay = command(words.into_iter().chain(inputs).chain(ALERTS));
    of_sources(config, sources.collect(), replay)
}

/// An engine over files, which are one feed, read one after the other.
#[must_use]
pub fn of_files(config: &Config, names: &[String], args: &Replay) -> Plan {
    let sources = names.iter().map(|name| Source { name: name.clone(), partition: None, feed: 0 });
    let flags = flags(args);
    let words = ["foreshock", "replay"].into_iter().chain(flags.iter().chain(names).map(String::as_str)).chain(ALERTS);
    of_sources(config, sources.collect(), command(words))
}

/// A command as a shell takes it.
fn command<'a>(words: impl Iterator<Item = &'a str>) -> String {
    // Only a word with a zero byte cannot be quoted, and neither a path nor an argument can hold one.
    shlex::try_join(words).unwrap_or_default()
}

/// What must be said again for the same result.
fn flags(args: &Replay) -> Vec<String> {
    let format = (args.format != Format::Events).then(|| ["--format".to_owned(), args.format.name().to_owned()]);
    let symbol = args.symbol.as_ref().map(|symbol| ["--symbol".to_owned(), symbol.to_string()]);
    let config = args.config.as_ref().map(|path| ["--config".to_owned(), path.display().to_string()]);
    [format, symbol, config].into_iter().flatten().flatten().collect()
}

fn of_sources(config: &Config, sources: Vec<Source>, replay: String) -> Plan {
    let limits = &config.limits;
    Plan {
        limits: Limits {
            symbols_max: limits.symbols_max.get(),
            accounts_max: limits.accounts_max.get(),
            orders_max: limits.orders_max.get(),
            bursts_max: limits.bursts_max.get(),
            incidents_max: limits.incidents_max.get(),
            signals_pending_max: limits.signals_pending_max.get(),
        },
        detection: config.detection.clone(),
        sources,
        replay,
    }
}
