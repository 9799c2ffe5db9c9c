//! A real Prometheus with the rules scrapes a real service during a simulated crisis: every query of every panel and rule is understood
//! and has something to show, or is named here as rightly empty.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::time::Duration;

use rdkafka::producer::{BaseRecord, Producer as _};
use tempfile::NamedTempFile;

use super::path;
use super::queries::{dashboards, of_dashboard, selectors};
use super::support::alertmanager::Alertmanager;
use super::support::command::foreshock;
use super::support::deadline::Deadline;
use super::support::kafka::KafkaBroker;
use super::support::prometheus::Prometheus;
use super::support::service::Service;
use super::support::topic::{Isolation, Topic};

const TOPIC: &str = "orderflow.events";
/// The reading of all records, and the scrapes after it, on a loaded machine.
const WAIT_MAX: Duration = Duration::from_mins(4);
const POLL: Duration = Duration::from_millis(250);
/// Long enough for books to be judged (from the third hour on) before the crisis.
const FLOW: &str =
    "simulate --seed 7 --minutes 150 --symbols 12 --scenario crisis@140 --topic orderflow.events --kafka";

/// Queries that show nothing after this crisis, each by a part of it, with the reason.
const RIGHTLY_EMPTY: [(&str, &str); 1] =
    [("offset 1m", "a mark where an incident became critical is gone after a minute")];

/// A query as Grafana asks it when everything is chosen.
fn asked(query: &str) -> String {
    ["$job", "$instance", "$symbol"]
        .iter()
        .fold(query.to_owned(), |text, name| text.replace(name, ".+"))
        .replace("$__rate_interval", "5m")
}

/// Whether a series has a value now: no number is nothing to show.
fn is_number(series: &serde_json::Value) -> bool {
    series["value"][1].as_str().is_some_and(|value| value != "NaN")
}

#[test]
fn every_query_of_panels_and_rules_shows_something_during_a_crisis() {
    let broker = KafkaBroker::start();
    broker.create_topic(TOPIC, 3, &[]);
    let receiver = Alertmanager::free_address();
    let _alertmanager = Alertmanager::at(receiver);
    let mut config = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    write!(
        config,
        "[kafka]\nbrokers = '{}'\n[http]\nlisten = '127.0.0.1:0'\n[state]\ninterval_s = 1\n\
         [notify]\nresend_s = 1\n[[notify.alertmanager]]\nurl = 'http://{receiver}'\n",
        broker.bootstrap()
    )
    .unwrap();
    let mut service = Service::start(config.path(), "");
    let address = service.http();
    let rules = ["foreshock.rules.yml", "foreshock.alerts.yml"].map(|name| path("deploy/prometheus").join(name));
    let mut prometheus = Prometheus::evaluating(address, &rules);
    // What rises from 0 is a rise only for a Prometheus that has seen the 0.
    prometheus.wait("sum(foreshock_records_total)", |value| value < 0.5);

    let output = foreshock().args(FLOW.split(' ')).arg(broker.bootstrap()).output().unwrap();
    assert!(output.status.success(), "simulate: {output:?}");
    let topic = Topic::new(&broker.bootstrap(), TOPIC);
    let producer = topic.producer();
    producer.send(BaseRecord::<str, str>::to(TOPIC).payload("no event").partition(0)).map_err(|(e, _)| e).unwrap();
    producer.flush(WAIT_MAX).unwrap();
    let records: i64 = topic.ends(Isolation::ReadUncommitted).iter().sum();
    prometheus.wait("sum(foreshock_records_total)", |value| (value - records as f64).abs() < 0.5);

    let mut queries: BTreeSet<String> = dashboards().iter().flat_map(|name| of_dashboard(name)).collect();
    let rules = prometheus.rules();
    assert!(rules.len() > 30, "{} rules", rules.len());
    // The condition of an alert is false when all is well; what it looks at must be there.
    queries.extend(rules.iter().flat_map(|rule| selectors(&rule.query)));
    let of_panels: Vec<String> = queries.iter().flat_map(|query| selectors(query)).collect();
    queries.extend(of_panels);
    let awaited = queries.iter().map(|query| asked(query));
    let mut awaited: BTreeSet<String> = awaited
        .filter(|query| !RIGHTLY_EMPTY.iter().any(|(part, _)| query.contains(part) && query.contains("> 0")))
        .collect();
    assert!(awaited.len() > 100, "{} queries", awaited.len());
    let deadline = Deadline::after(WAIT_MAX);
    while !awaited.is_empty() {
        assert!(!deadline.left().is_zero(), "{} queries show nothing: {awaited:#?}", awaited.len());
        service.assert_running();
        awaited.retain(|query| !prometheus.ask(query).iter().any(is_number));
        std::thread::park_timeout(POLL);
    }
    let faults: BTreeMap<_, _> =
        prometheus.rules().into_iter().filter(|rule| rule.health != "ok").map(|rule| (rule.name, rule.error)).collect();
    assert!(faults.is_empty(), "{faults:#?}");
    // The flow has ended, which is reported as such.
    prometheus.wait("ALERTS{alertname=\"ForeshockBlind\",alertstate=\"firing\"}", |value| value > 0.5);
    assert_eq!(service.terminate().code(), Some(0));
}
