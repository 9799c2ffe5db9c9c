//! Makes an engine's plan from the configuration and the input's partitions or files.

use super::{cli::Replay, kafka::topics::Range};
use crate::{adapt::Format, config::Config, engine::Plan, event::Source};

/// The output flag of the replay command that an alert names. Under the same detection settings the replay writes that alert.
const ALERTS: [&str; 2] = ["--alerts", "again.jsonl"];

/// The plan of an engine that reads partitions, each as a feed of its own. `inputs` names the topic of the recorded inputs.
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

/// The plan of an engine that reads files one after the other, as one feed.
#[must_use]
pub fn of_files(config: &Config, names: &[String], args: &Replay) -> Plan {
    let sources = names.iter().map(|name| Source { name: name.clone(), partition: None, feed: 0 });
    let flags = flags(args);
    let words = ["foreshock", "replay"].into_iter().chain(flags.iter().chain(names).map(String::as_str)).chain(ALERTS);
    of_sources(config, sources.collect(), command(words))
}

/// Joins the words of a command, quoted for a shell.
fn command<'a>(words: impl Iterator<Item = &'a str>) -> String {
    // Only a word with a zero byte cannot be quoted, and neither a path nor an argument can hold one.
    shlex::try_join(words).unwrap_or_default()
}

/// The flags on which a replay's result depends.
fn flags(args: &Replay) -> Vec<String> {
    let format = args.format.filter(|format| *format != Format::Events);
    let format = format.map(|format| ["--format".to_owned(), format.name().to_owned()]);
    let symbol = args.symbol.as_ref().map(|symbol| ["--symbol".to_owned(), symbol.to_string()]);
    let config = args.config.as_ref().map(|path| ["--config".to_owned(), path.display().to_string()]);
    [format, symbol, config].into_iter().flatten().flatten().collect()
}

fn of_sources(config: &Config, sources: Vec<Source>, replay: String) -> Plan {
    Plan {
        limits: config.limits,
        detection: config.detection.clone(),
        stages: config.stages,
        calendars: config.calendars.clone(),
        maintenance: config.maintenance.clone(),
        sources,
        replay,
        currency: config.venue.currency.clone(),
    }
}
