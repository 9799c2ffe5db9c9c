//! Turns the written configuration into the valid one. Every rule that a value must obey is checked here, once.

use std::{collections::BTreeMap, num::NonZeroU32, path::PathBuf, time::Duration};

use super::{
    Brokers, ClientValue, Config, Http, Kafka, Metrics, State, Subscription, TopicName, Topics, Venue,
    raw::{RawConfig, RawHttp, RawKafka, RawMetrics, RawState, RawTopics, RawVenue},
    secret::in_file,
    topic::is_plain,
};
use crate::{
    engine::{Settings, WrittenSettings},
    setting::Invalid,
};

/// Settings of librdkafka that the service's guarantees rest on, and what to use instead.
const RESERVED: [(&str, &str); 12] = [
    ("bootstrap.servers", "set `kafka.brokers`"),
    ("metadata.broker.list", "set `kafka.brokers`"),
    ("group.id", "set `kafka.group`"),
    ("group.instance.id", "set `kafka.instance`"),
    ("group.protocol", "the service takes and gives back all partitions at once"),
    ("transactional.id", "set `kafka.transactional_id`"),
    ("enable.idempotence", "the service sets it: alerts go out exactly once"),
    ("enable.auto.commit", "the service commits offsets with its outputs"),
    ("enable.auto.offset.store", "the service commits offsets with its outputs"),
    ("auto.offset.reset", "the service decides where it reads on, and says what it could not read"),
    ("isolation.level", "the service reads what is committed"),
    ("partition.assignment.strategy", "the service takes and gives back all partitions at once"),
];
/// Longest `kafka.instance`, in bytes: Kafka limits a member's name to 249, as a topic's, and the suffix that tells the
/// processes of a host apart takes up to 20.
const INSTANCE_BYTES_MAX: usize = 200;
/// Longest `kafka.commit_interval_ms`: a transaction must end well before the broker ends it (60 s by default).
const COMMIT_INTERVAL_MS_MAX: u64 = 30_000;
/// Largest `http.connections_max`: each connection is an open file, and a process commonly may have 1024.
const CONNECTIONS_MAX: u32 = 512;
/// Range of `http.request_ms_max`: a shorter time cuts off a scraper on a loaded machine; a longer one lets a client that does not
/// read hold its connection.
const REQUEST_MS: std::ops::RangeInclusive<u64> = 100..=300_000;
/// Range of `state.interval_s`: more often than each second, copies would show in the latency; more rarely than each hour, a
/// restart would read hours again.
const INTERVAL_S: (u64, u64) = (1, 3_600);
/// Range of `state.bytes_max`: a snapshot is in memory a few times while it is written.
const SNAPSHOT_BYTES: (u64, u64) = (1, 512 << 20);
/// Largest `metrics.symbols_max`: as many symbols as the largest venues have. With more, a scrape takes longer than it is worth.
const SYMBOLS_MAX: usize = 10_000;
/// Longest text of `[venue]`, in bytes: a person reads it in a list of alerts.
const VENUE_BYTES_MAX: usize = 128;

fn invalid(path: &[&str], message: impl Into<String>) -> Invalid {
    Invalid { path: path.iter().map(|&key| key.to_owned()).collect(), message: message.into() }
}

/// Checks the whole configuration. Returns the first key that breaks its rule.
pub(super) fn valid(raw: &RawConfig) -> Result<Config, Invalid> {
    let kafka = kafka(&raw.kafka)?;
    let topics = topics(&raw.topics, &kafka.input)?;
    let (state, http, metrics) = (state(&raw.state)?, http(&raw.http)?, metrics(raw.metrics)?);
    let venue = venue(&raw.venue)?;
    let notify = raw.notify.valid().map_err(|e| e.within("notify"))?;
    let links = raw.action.valid().map_err(|e| e.within("action"))?;
    raw.limits.check().map_err(|e| e.within("limits"))?;
    raw.engine.check().map_err(|e| e.within("engine"))?;
    let written = WrittenSettings {
        detect: raw.detect.clone(),
        overrides: raw.overrides.clone(),
        calendar: raw.calendar.clone(),
        maintenance: raw.maintenance.clone(),
    };
    let Settings { detection, calendars, maintenance } = written.valid()?;
    let (limits, stages) = (raw.limits, raw.engine);
    Ok(Config {
        file: None,
        kafka,
        topics,
        state,
        http,
        metrics,
        venue,
        links,
        notify,
        limits,
        stages,
        detection,
        calendars,
        maintenance,
    })
}

fn venue(raw: &RawVenue) -> Result<Venue, Invalid> {
    let text = |key, value: &Option<String>| match value {
        Some(text) if text.trim().is_empty() || text.len() > VENUE_BYTES_MAX => {
            Err(invalid(&["venue", key], format!("expected a text of 1 to {VENUE_BYTES_MAX} bytes")))
        }
        value => Ok(value.clone()),
    };
    Ok(Venue { name: text("name", &raw.name)?, currency: text("currency", &raw.currency)? })
}

fn state(raw: &RawState) -> Result<State, Invalid> {
    let at = |key, range: (u64, u64)| Err(invalid(&["state", key], format!("expected {} to {}", range.0, range.1)));
    if !(INTERVAL_S.0..=INTERVAL_S.1).contains(&raw.interval_s) {
        return at("interval_s", INTERVAL_S);
    }
    if !(SNAPSHOT_BYTES.0..=SNAPSHOT_BYTES.1).contains(&(raw.bytes_max as u64)) {
        return at("bytes_max", SNAPSHOT_BYTES);
    }
    Ok(State { interval: Duration::from_secs(raw.interval_s), bytes_max: raw.bytes_max })
}

fn http(raw: &RawHttp) -> Result<Http, Invalid> {
    let at = |key, message: String| invalid(&["http", key], message);
    let listen = raw.listen.parse();
    let listen = listen.map_err(|_| at("listen", "expected an address and a port, like 127.0.0.1:9464".to_owned()))?;
    let connections = NonZeroU32::new(raw.connections_max).filter(|n| n.get() <= CONNECTIONS_MAX);
    let connections_max =
        connections.ok_or_else(|| at("connections_max", format!("expected 1 to {CONNECTIONS_MAX}")))?;
    if !REQUEST_MS.contains(&raw.request_ms_max) {
        let message = format!("expected {} to {}", REQUEST_MS.start(), REQUEST_MS.end());
        return Err(at("request_ms_max", message));
    }
    Ok(Http { listen, connections_max, request_max: Duration::from_millis(raw.request_ms_max) })
}

fn metrics(raw: RawMetrics) -> Result<Metrics, Invalid> {
    let RawMetrics { symbols_max } = raw;
    if symbols_max > SYMBOLS_MAX {
        return Err(invalid(&["metrics", "symbols_max"], format!("expected 0 to {SYMBOLS_MAX}")));
    }
    Ok(Metrics { symbols_max })
}

fn kafka(raw: &RawKafka) -> Result<Kafka, Invalid> {
    let text = |key, text: &str| match text {
        "" => Err(invalid(&["kafka", key], "expected a text that is not empty")),
        text => Ok(text.to_owned()),
    };
    let subscription = |(i, topic): (usize, &String)| {
        Subscription::parse(topic).map_err(|message| invalid(&["kafka", "input", &i.to_string()], message))
    };
    if raw.input.is_empty() {
        return Err(invalid(&["kafka", "input"], "expected at least one topic"));
    }
    if !(1..=COMMIT_INTERVAL_MS_MAX).contains(&raw.commit_interval_ms) {
        return Err(invalid(&["kafka", "commit_interval_ms"], format!("expected 1 to {COMMIT_INTERVAL_MS_MAX}")));
    }
    if raw.instance.as_ref().is_some_and(|name| !is_plain(name) || !(1..=INSTANCE_BYTES_MAX).contains(&name.len())) {
        let message = format!("expected 1 to {INSTANCE_BYTES_MAX} letters, digits, `.`, `_` or `-`");
        return Err(invalid(&["kafka", "instance"], message));
    }
    let group = text("group", &raw.group)?;
    Ok(Kafka {
        brokers: Brokers::parse(&raw.brokers).map_err(|message| invalid(&["kafka", "brokers"], message))?,
        input: raw.input.iter().enumerate().map(subscription).collect::<Result<_, _>>()?,
        transactional_id: text("transactional_id", raw.transactional_id.as_ref().unwrap_or(&group))?,
        group,
        instance: raw.instance.clone(),
        commit_interval: Duration::from_millis(raw.commit_interval_ms),
        create_topics: raw.create_topics,
        secret_files: secret_files(&raw.client)?,
        client: client(&raw.client)?,
        layouts: raw.topics.valid().map_err(|e| e.within("topics").within("kafka"))?,
    })
}

fn secret_files(raw: &BTreeMap<String, toml::Value>) -> Result<BTreeMap<String, PathBuf>, Invalid> {
    let file = |(name, value): (&String, &toml::Value)| {
        let secret = in_file(name)?;
        let fail = |message: &str| Err(invalid(&["kafka", "client", name], message));
        if raw.contains_key(secret) {
            return Some(fail(&format!("`{secret}` is set too: which of them holds?")));
        }
        match value.as_str() {
            None | Some("") => Some(fail("expected the path of a file")),
            Some(path) => Some(Ok((secret.to_owned(), PathBuf::from(path)))),
        }
    };
    raw.iter().filter_map(file).collect()
}

fn client(raw: &BTreeMap<String, toml::Value>) -> Result<BTreeMap<String, ClientValue>, Invalid> {
    let setting = |(name, value): (&String, &toml::Value)| {
        let fail = |message: &str| Err(invalid(&["kafka", "client", name], message));
        if let Some((_, instead)) = RESERVED.iter().find(|(reserved, _)| reserved == name) {
            return fail(&format!("not here: {instead}"));
        }
        let text = match value {
            toml::Value::String(text) => text.clone(),
            toml::Value::Integer(number) => number.to_string(),
            toml::Value::Float(number) => number.to_string(),
            toml::Value::Boolean(word) => word.to_string(),
            toml::Value::Table(_) => return fail("expected a text, a number or true/false; quote a name with dots"),
            toml::Value::Array(_) | toml::Value::Datetime(_) => return fail("expected a text, a number or true/false"),
        };
        Ok((name.clone(), ClientValue::new(name, text)))
    };
    raw.iter().filter(|(name, _)| in_file(name).is_none()).map(setting).collect()
}

fn topics(raw: &RawTopics, input: &[Subscription]) -> Result<Topics, Invalid> {
    let output = |key, name: &str| {
        let topic = TopicName::parse(name).map_err(|message| invalid(&["topics", key], message))?;
        if input.iter().any(|subscription| subscription.as_str() == name) {
            return Err(invalid(&["topics", key], format!("`{name}` is also in `kafka.input`: it would read itself")));
        }
        Ok(topic)
    };
    let compacted = [("state", &raw.state, &raw.view), ("view", &raw.view, &raw.state)];
    for (key, topic, other) in compacted {
        if [&raw.alerts, &raw.dead_letter, &raw.audit, other].contains(&topic) {
            // Compaction would keep one record of each key.
            return Err(invalid(&["topics", key], "expected a topic that holds nothing else"));
        }
    }
    Ok(Topics {
        alerts: output("alerts", &raw.alerts)?,
        dead_letter: output("dead_letter", &raw.dead_letter)?,
        audit: output("audit", &raw.audit)?,
        state: output("state", &raw.state)?,
        view: output("view", &raw.view)?,
    })
}
