//! What the configuration says, as the engine takes it.

use super::{cli::Replay, kafka::topics::Range};
use crate::{
    adapt::Format,
    config::Config,
    engine::{Limits, Plan},
    event::Source,
};

/// An engine over partitions, each a feed of its own.
#[must_use]
pub fn of_partitions(config: &Config, ranges: &[Range]) -> Plan {
    let sources = ranges.iter().enumerate().map(|(feed, range)| Source {
        name: range.topic.clone(),
        partition: Some(range.partition),
        feed,
    });
    let topic = ranges.first().map_or("", |range| range.topic.as_str());
    let replay = format!("foreshock replay --kafka {} --topic {topic}", config.kafka.brokers.as_str());
    of_sources(config, sources.collect(), replay)
}

/// An engine over files, which are one feed, read one after the other.
#[must_use]
pub fn of_files(config: &Config, names: &[String], args: &Replay) -> Plan {
    let sources = names.iter().map(|name| Source { name: name.clone(), partition: None, feed: 0 });
    of_sources(config, sources.collect(), format!("foreshock replay{} {}", flags(args), names.join(" ")))
}

/// What must be said again for the same result.
fn flags(args: &Replay) -> String {
    let format = (args.format != Format::Events).then(|| format!(" --format {}", args.format.name()));
    let symbol = args.symbol.as_ref().map(|symbol| format!(" --symbol {}", &**symbol));
    let config = args.config.as_ref().map(|path| format!(" --config {}", path.display()));
    [format, symbol, config].into_iter().flatten().collect()
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
