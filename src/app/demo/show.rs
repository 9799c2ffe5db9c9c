//! Prints the demo's lines: where to look, then each alert as it is read back from the broker, then the score.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    net::SocketAddr,
    time::{Duration, Instant},
};

use rdkafka::{
    Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use serde_json::Value;

use crate::{
    app::{
        Failure, Interrupt, clock,
        kafka::{self, unavailable},
        output::print,
    },
    config::Config,
    evaluate::{Label, Score},
    time::EventTime,
};

/// How often the wait for alerts checks whether the demo is over.
const POLL: Duration = Duration::from_millis(50);

/// Prints the demo's lines, in their order.
pub struct Screen;

impl Screen {
    /// Prints what runs and where to look.
    pub fn begin(config: &Config, http: SocketAddr, minutes: u32, pace: f64) -> Result<Self, Failure> {
        let (brokers, input) = (config.kafka.brokers.as_str(), config.kafka.input[0].as_str());
        let (alerts, audit) = (config.topics.alerts.as_str(), config.topics.audit.as_str());
        print(&format!(
            "foreshock demo: simulated exchange -> embedded Kafka -> service -> alerts; Ctrl-C ends it\n  \
             broker  {brokers} (in this process, gone with it)\n  \
             events  {input}\n  \
             alerts  {alerts}\n  \
             http    http://{http}/ (metrics, liveness, readiness)\n  \
             again   foreshock replay --kafka {brokers} --topic {input} --inputs {audit} --alerts again.jsonl   \
             (while this runs; this broker keeps only the last 5 MiB of a partition, so it knows less than the service did)\n  \
             now     3 h of quiet flow at full speed, so that the service learns what is usual; \
             then {minutes} min of flow at {pace} times its speed\n"
        ))?;
        Ok(Self)
    }

    /// Prints that the warm-up is over.
    #[expect(clippy::unused_self, reason = "a screen is begun before it shows more")]
    pub fn warm(&self, records: u64, began: Instant, minutes: u32, planted: &str) -> Result<(), Failure> {
        let seconds = clock::monotonic().duration_since(began).as_secs_f64();
        print(&format!(
            "warm-up done: {records} records in {seconds:.1} s\n\
             live: {minutes} min; a quiet minute, then {planted}\n\
             each line: time, incident, how it stands, how bad, what (in an amended one what is new), \
             and p, the chance of that in quiet flow\n"
        ))
    }

    /// Prints the alerts as they come, until the demo is over.
    #[expect(clippy::unused_self, reason = "a screen is begun before it shows more")]
    pub fn follow(&self, config: &Config, stop: &Interrupt) -> Result<(), Failure> {
        let fail = |e: &rdkafka::error::KafkaError| unavailable("cannot follow the alerts", e);
        let consumer: BaseConsumer = kafka::consumer(&config.kafka).create().map_err(|e| fail(&e))?;
        let mut alerts = TopicPartitionList::new();
        alerts.add_partition_offset(config.topics.alerts.as_str(), 0, Offset::Beginning).map_err(|e| fail(&e))?;
        consumer.assign(&alerts).map_err(|e| fail(&e))?;
        let mut advised = BTreeMap::new();
        loop {
            match consumer.poll(POLL) {
                Some(Ok(message)) => {
                    let line = line(message.payload().unwrap_or_default(), &mut advised);
                    line.map_or(Ok(()), |line| print(&line))?;
                }
                Some(Err(error)) => tracing::warn!(%error, "following the alerts is held up"),
                // The last alerts were printed already, because the service commits before it ends.
                None if stop.requested() => return Ok(()),
                None => {}
            }
        }
    }

    /// Prints the score, and what was planted.
    #[expect(clippy::unused_self, reason = "a screen is begun before it shows more")]
    pub fn close(&self, score: &Score, labels: &[Label], before: usize) -> Result<(), Failure> {
        let mut kinds = BTreeMap::<_, usize>::new();
        for label in labels.iter().filter(|label| !label.benign) {
            *kinds.entry(label.kind.as_str()).or_default() += 1;
        }
        let planted = kinds.iter().map(|(kind, n)| format!("{n} {kind}")).collect::<Vec<_>>().join(", ");
        let forced = labels.iter().find(|label| label.kind == "cascade").map_or_else(String::new, |label| {
            format!("; forced selling began at {}", label.start.to_string().get(11..19).unwrap_or("?"))
        });
        print(&format!(
            "{score}\n\
             (planted: {planted}; found: an incident names it in time{forced}; \
             lead: a median, how long before its end, or before forced selling began, each was warned of; \
             false: of the live part alone, and {before} before it, while the service learned)\n"
        ))
    }
}

/// Formats an alert as one line: time, incident, status, severity, title, news (at first the summary) and p. Under it stands what to do, where that is
/// new for its incident. Returns `None` for a record that is no alert: other programs may write to this broker too, as `check`
/// does.
fn line(payload: &[u8], advised: &mut BTreeMap<String, String>) -> Option<String> {
    let alert: Value = serde_json::from_slice(payload).ok()?;
    let text = |key: &str| alert[key].as_str().unwrap_or("?").to_owned();
    let at = alert["revised_at"].as_i64().map(|nanos| EventTime::from_nanos(nanos).to_string()).unwrap_or_default();
    let clock = at.get(11..19).unwrap_or("?").to_owned();
    let p = alert["p"].as_f64().unwrap_or(1.0);
    let id = text("id").get(..6).unwrap_or("?").to_owned();
    let (status, severity, title) = (text("status"), text("severity"), text("title"));
    let news = alert["news"].as_str().map_or_else(|| text("summary"), str::to_owned);
    let mut line = format!("{clock}  {id}  {status:<9} {severity:<8} {title}: {news}  p {p:.0e}\n");
    let advice = alert["action"]["suggested"].as_str().unwrap_or("?").to_owned();
    if alert["ends_at"].is_null() && advised.get(&id) != Some(&advice) {
        // Writing into a string cannot fail.
        let _ = writeln!(line, "                  to do: {advice}");
        advised.insert(id, advice);
    }
    Some(line)
}
