//! HTTP of a running service on a real broker, as an operator sees it: points, numbers, a rebalance, the end.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use tempfile::NamedTempFile;

use support::command::foreshock;
use support::deadline::Deadline;
use support::http::{Metrics, get};
use support::kafka::KafkaBroker;
use support::prometheus::{self, Prometheus};
use support::service::Service;
use support::topic::{Isolation, Topic};

const TOPIC: &str = "orderflow.events";
const PARTITIONS: i32 = 3;
/// A start, some ten thousand records, and a loaded machine.
const WAIT_MAX: Duration = Duration::from_mins(2);
const POLL: Duration = Duration::from_millis(50);

/// A broker with half an hour of flow in it, and a burst at its end.
fn flow() -> (KafkaBroker, Topic) {
    let broker = KafkaBroker::start();
    broker.create_topic(TOPIC, PARTITIONS, &[]);
    let words =
        "simulate --seed 3 --minutes 36 --symbols 3 --scenario cancel_burst@33 --topic orderflow.events --kafka";
    let output = foreshock().args(words.split(' ')).arg(broker.bootstrap()).output().unwrap();
    assert!(output.status.success(), "simulate: {output:?}");
    let topic = Topic::new(&broker.bootstrap(), TOPIC);
    (broker, topic)
}

fn configuration(bootstrap: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    write!(file, "[kafka]\nbrokers = '{bootstrap}'\n[http]\nlisten = '127.0.0.1:0'\n").unwrap();
    file
}

/// Waits until the metrics serve, and hands them out.
#[track_caller]
fn wait(service: &mut Service, address: SocketAddr, awaited: &str, serves: impl Fn(&Metrics) -> bool) -> Metrics {
    let deadline = Deadline::after(WAIT_MAX);
    loop {
        service.assert_running();
        let metrics = Metrics::of(address);
        if serves(&metrics) {
            return metrics;
        }
        assert!(!deadline.left().is_zero(), "not in time: {awaited}: {metrics:#?}");
        std::thread::park_timeout(POLL);
    }
}

fn whole(value: f64) -> u64 {
    assert!(value >= 0.0 && value.fract() == 0.0, "{value} is no count");
    format!("{value}").parse().unwrap()
}

fn lags(metrics: &Metrics) -> Option<Vec<u64>> {
    let series = |partition| format!("foreshock_consumer_lag_records{{partition=\"{partition}\",topic=\"{TOPIC}\"}}");
    (0..PARTITIONS).map(|partition| metrics.get(&series(partition)).map(whole)).collect()
}

#[test]
fn a_service_says_how_it_is_and_a_real_prometheus_understands_it() {
    let (broker, topic) = flow();
    let records = u64::try_from(topic.ends(Isolation::ReadUncommitted).iter().sum::<i64>()).unwrap();
    let config = configuration(&broker.bootstrap());
    let mut service = Service::start(config.path(), "");
    let address = service.http();
    let early = Metrics::of(address);
    let mut prometheus = Prometheus::scraping(address);

    let caught_up = wait(&mut service, address, "the end of the input", |metrics| {
        metrics.value("foreshock_ready") > 0.5 && whole(metrics.sum("foreshock_records_total")) == records
    });
    caught_up.assert_not_before(&early);
    assert_eq!(get(address, "/readyz").status, 200);
    assert_eq!(get(address, "/livez").status, 200);
    let settled = wait(&mut service, address, "no lag", |metrics| lags(metrics) == Some(vec![0; 3]));
    alerts_are_counted(&settled, &broker);
    prometheus::check_metrics(&get(address, "/metrics").body);

    prometheus.wait("sum(foreshock_records_total)", |value| whole(value) == records);
    prometheus.wait(r#"foreshock_mode{mode="normal"}"#, |value| whole(value) == 1);
    prometheus.wait("count(foreshock_watermark_lag_seconds)", |value| whole(value) == 3);

    let after = rebalance(&mut service, address, &broker, &settled);
    assert_eq!(whole(after.sum("foreshock_records_total")), records, "what was read again is not counted again");

    let mut second = Service::start(config.path(), "");
    let standby = second.http();
    second.wait_line("stands by");
    let waits = get(standby, "/readyz");
    assert!(waits.status == 503 && waits.body.contains("another process works"), "{waits:?}");
    assert_eq!(get(standby, "/livez").status, 200);

    assert_eq!(service.terminate().code(), Some(0));
    wait(&mut second, standby, "the second's turn", |metrics| metrics.value("foreshock_ready") > 0.5);
    let ready = get(standby, "/readyz").body;
    assert!(ready.starts_with("ready\n") && ready.contains("\ncancel_burst judges "), "{ready}");
    assert_eq!(second.terminate().code(), Some(0));
    assert!(TcpStream::connect(address).is_err(), "somebody still listens");
}

/// Every revision on the alerts topic was measured on its way there.
fn alerts_are_counted(metrics: &Metrics, broker: &KafkaBroker) {
    let alerts = Topic::new(&broker.bootstrap(), "foreshock.alerts");
    alerts.wait_closed();
    let alerts = alerts.records(Isolation::ReadCommitted).len() as u64;
    assert!(alerts > 0, "the burst was not found");
    let delivered = metrics.value("foreshock_notifications_total{outcome=\"delivered\",receiver=\"kafka\"}");
    assert_eq!(whole(delivered), alerts);
    for stage in ["feed", "queue", "engine", "delivery"] {
        let count = metrics.value(&format!("foreshock_alert_latency_seconds_count{{stage=\"{stage}\"}}"));
        // A revision that a timer completes has no record: only its delivery is known.
        assert!(whole(count) <= alerts && (stage != "delivery" || whole(count) == alerts), "{stage}: {count}");
    }
    assert!(metrics.value("foreshock_engine_seconds_count") > 0.0);
    assert!(metrics.sum("foreshock_incidents_opened_total") > 0.0);
    assert!(metrics.value("foreshock_commits_total{outcome=\"committed\"}") > 0.0);
}

/// Another member of the group takes partitions away and gives them back: no counter falls or counts twice.
fn rebalance(service: &mut Service, address: SocketAddr, broker: &KafkaBroker, before: &Metrics) -> Metrics {
    let other: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", broker.bootstrap())
        .set("group.id", "foreshock")
        .set("enable.auto.commit", "false")
        .create()
        .unwrap();
    other.subscribe(&[TOPIC]).unwrap();
    let deadline = Deadline::after(WAIT_MAX);
    while other.assignment().unwrap().count() == 0 {
        other.poll(POLL);
        deadline.check("the other member's partitions");
    }
    let less = wait(service, address, "fewer partitions", |metrics| lags(metrics).is_none());
    less.assert_not_before(before);
    drop(other);
    let again = wait(service, address, "all partitions again", |metrics| lags(metrics) == Some(vec![0; 3]));
    again.assert_not_before(&less);
    again
}
