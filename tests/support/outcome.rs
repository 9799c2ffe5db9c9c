//! The comparison that every test of faults ends with: the records that the service left in Kafka against `replay` of
//! the same topic. They must agree whatever fault the test caused.

use std::collections::BTreeMap;

use serde_json::Value;

use super::flow::Flow;
use super::histories::{assert_same, histories, is_free_of_the_clock};
use super::replay::Replay;
use super::topic::Record;

/// Least numbers of incidents and revisions: fewer would prove little.
const INCIDENTS_MIN: usize = 15;
const REVISIONS_MIN: usize = 100;

/// Proves that readers of committed records see every alert of the replay once, every hostile record once among the
/// dead letters, and nothing else. Prints how much was compared.
#[expect(clippy::print_stderr, reason = "how much was compared belongs to the result of a long form")]
pub fn assert_exactly_once(flow: &Flow, replay: &Replay, alerts: &[Record], dead_letters: &[Record]) {
    assert_totals(flow, replay);
    let expected = histories(replay.alerts.iter().cloned());
    assert!(expected.len() >= INCIDENTS_MIN, "only {} incidents", expected.len());
    assert!(replay.alerts.len() >= REVISIONS_MIN, "only {} revisions", replay.alerts.len());
    assert_same(&histories(alerts.iter().map(alert)), &expected);
    assert_eq!(payloads_by_position(&flow.topic.name, dead_letters), flow.hostile, "the dead letters");
    eprintln!("{}: {} revisions compared, of {:?}", flow.topic.name, alerts.len(), replay.totals);
}

/// The alert in a record of the alerts topic.
pub fn alert(record: &Record) -> Value {
    let alert: Value = serde_json::from_slice(&record.payload).unwrap();
    assert_eq!(alert["id"].as_str().map(str::as_bytes), Some(record.key.as_slice()), "the key of {alert}");
    assert!(alert["emitted_at"].is_i64(), "no time of sending in {alert}");
    alert
}

/// Proves that every record of the topic has one fate, and that the replay's totals agree with the alerts that it
/// wrote.
fn assert_totals(flow: &Flow, replay: &Replay) {
    let (alerts, totals) = (&replay.alerts, &replay.totals);
    assert_eq!(totals.records, flow.records(), "the records of {totals:?}");
    assert_eq!(totals.fates(), totals.records, "the fates of {totals:?}");
    assert_eq!(totals.rejected, flow.hostile.len() as u64, "the rejected of {totals:?}");
    assert_eq!(totals.alerts, alerts.len() as u64, "the alerts of {totals:?}");
    let opened = alerts.iter().filter(|alert| alert["revision"] == 1).count();
    assert_eq!(totals.incidents, opened as u64, "the incidents of {totals:?}");
    let timed = alerts.iter().find(|alert| !is_free_of_the_clock(alert));
    assert_eq!(timed, None, "a replay knows no wall clock");
}

/// Payloads of dead letters by the position of the record that each came from.
fn payloads_by_position(topic: &str, dead_letters: &[Record]) -> BTreeMap<(i32, i64), Vec<u8>> {
    let mut payloads = BTreeMap::new();
    for letter in dead_letters {
        let header = |name: &str| {
            let found = letter.headers.get(name);
            found.unwrap_or_else(|| panic!("no header `{name}` in {letter:?}")).as_str()
        };
        assert_eq!(header("topic"), topic);
        assert_ne!(header("reason"), "", "{letter:?}");
        let position = (header("partition").parse().unwrap(), header("offset").parse().unwrap());
        let before = payloads.insert(position, letter.payload.clone());
        assert_eq!(before, None, "twice among the dead letters: {letter:?}");
    }
    payloads
}
