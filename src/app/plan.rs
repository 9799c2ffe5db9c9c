//! Makes an engine's plan from the configuration and the input's partitions or files.

use std::collections::BTreeSet;

use super::{cli::Replay, kafka::topics::Range};
use crate::{adapt::Format, config::Config, engine::Plan, event::Source};

/// The output flag of the replay command that an alert names. Under the same detection settings the replay writes that alert.
const ALERTS: [&str; 2] = ["--alerts", "again.jsonl"];

/// The plan of an engine that reads partitions, each as a feed of its own. `inputs` names the topic of the recorded inputs, and
/// `times` are the flags that cut the range.
#[must_use]
pub fn of_partitions(config: &Config, ranges: &[Range], inputs: Option<&str>, times: &[String]) -> Plan {
    let sources = ranges.iter().enumerate().map(|(feed, range)| Source {
        name: range.topic.clone(),
        partition: Some(range.partition),
        feed,
    });
    let words = ["foreshock", "replay", "--kafka", config.kafka.brokers.as_str()];
    let topics: BTreeSet<&str> = ranges.iter().map(|range| range.topic.as_str()).collect();
    let topics = topics.into_iter().flat_map(|topic| ["--topic", topic]);
    let inputs = inputs.into_iter().flat_map(|inputs| ["--inputs", inputs]);
    let file = config.file.iter().flat_map(|file| ["--config", file.as_str()]);
    let times = times.iter().map(String::as_str);
    let replay = command(words.into_iter().chain(topics).chain(times).chain(file).chain(inputs).chain(ALERTS));
    of_sources(config, sources.collect(), replay)
}

/// The hash of a configuration's detection settings, which is in every alert.
#[must_use]
pub fn hash(config: &Config) -> String {
    of_partitions(config, &[], None, &[]).hash()
}

/// The plan of an engine that reads files one after the other, as one feed.
#[must_use]
pub fn of_files(config: &Config, names: &[String], args: &Replay) -> Plan {
    let sources = names.iter().map(|name| Source { name: name.clone(), partition: None, feed: 0 });
    let flags = flags(args, config);
    let words = ["foreshock", "replay"].into_iter().chain(flags.iter().chain(names).map(String::as_str)).chain(ALERTS);
    of_sources(config, sources.collect(), command(words))
}

/// Joins the words of a command, quoted for a shell.
fn command<'a>(words: impl Iterator<Item = &'a str>) -> String {
    // Only a word with a zero byte cannot be quoted, and neither a path nor an argument can hold one.
    shlex::try_join(words).unwrap_or_default()
}

/// The flags that cut a range of topics.
#[must_use]
pub fn times(args: &Replay) -> Vec<String> {
    let flags = [("--from", args.from), ("--to", args.to)];
    flags.into_iter().filter_map(|(flag, at)| Some([flag.to_owned(), at?.to_string()])).flatten().collect()
}

/// The flags on which a replay's result depends.
fn flags(args: &Replay, config: &Config) -> Vec<String> {
    let format = args.format.filter(|format| *format != Format::Events);
    let format = format.map(|format| ["--format".to_owned(), format.name().to_owned()]);
    let symbol = args.symbol.as_ref().map(|symbol| ["--symbol".to_owned(), symbol.to_string()]);
    let file = config.file.as_ref().map(|path| ["--config".to_owned(), path.clone()]);
    [format, symbol, file].into_iter().flatten().flatten().collect()
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

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::app::cli::{Cli, Command};

    /// The arguments of a command that an alert names.
    fn parsed(replay: &str) -> Replay {
        let command = Cli::try_parse_from(shlex::split(replay).unwrap()).unwrap().command;
        let Command::Replay(args) = command else { panic!("{command:?}") };
        args
    }

    #[test]
    fn the_command_of_an_alert_names_every_topic_and_the_configuration() {
        let config = Config { file: Some("/etc/my venue.toml".to_owned()), ..Config::default() };
        let range = |topic: &str, partition| Range { topic: topic.to_owned(), partition, from: 0, to: 9 };
        let ranges = [range("b", 0), range("a", 0), range("a", 1)];
        let replay = of_partitions(&config, &ranges, Some("audit"), &[]).replay;
        let expected = "foreshock replay --kafka 127.0.0.1:9092 --topic a --topic b --config '/etc/my venue.toml' --inputs audit \
                        --alerts again.jsonl";
        assert_eq!(replay, expected);
        let args = parsed(&replay);
        assert_eq!(
            (args.topics, args.config),
            (vec!["a".to_owned(), "b".to_owned()], Some("/etc/my venue.toml".into()))
        );
    }

    #[test]
    fn the_command_of_a_replay_names_what_it_was_given() {
        let args = parsed("foreshock replay --kafka h:1 --topic t --from 2026-01-02T03:04:05Z --config f.toml");
        let config = Config { file: Some("f.toml".to_owned()), ..Config::default() };
        let replay = of_partitions(&config, &[], None, &times(&args)).replay;
        assert!(replay.contains("--from 2026-01-02T03:04:05Z --config f.toml"), "{replay}");
        let args = parsed("foreshock replay --format lobster m.csv b.csv --config f.toml");
        let replay = of_files(&config, &["m.csv".to_owned(), "b.csv".to_owned()], &args).replay;
        assert_eq!(replay, "foreshock replay --format lobster --config f.toml m.csv b.csv --alerts again.jsonl");
    }
}
