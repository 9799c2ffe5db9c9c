//! Histories of incidents: the revisions of each, in the order in which they were published.

use std::collections::BTreeMap;

use serde_json::Value;

/// The revisions of each incident, by the incident's id.
pub type Histories = BTreeMap<String, Vec<Value>>;

/// Fields that depend on the wall clock or on the build. They are null in a replay, and not compared.
const NOT_COMPARED: [&str; 3] = ["/emitted_at", "/latency_ms", "/audit/build"];

/// The command that reads the input again: it names the configuration where there is one.
const COMMAND: &str = "/evidence/replay";

/// Sorts alerts into histories, with the fields that are not compared set to null, and proves that the revisions of
/// each are 1, 2, 3 …, each once and in order.
pub fn histories(alerts: impl IntoIterator<Item = Value>) -> Histories {
    let mut histories = Histories::new();
    for mut alert in alerts {
        for field in NOT_COMPARED.into_iter().chain([COMMAND]) {
            *alert.pointer_mut(field).expect("every field of an alert") = Value::Null;
        }
        let id = alert["id"].as_str().expect("a text for an id").to_owned();
        histories.entry(id).or_default().push(alert);
    }
    for (id, history) in &histories {
        let revisions: Vec<u64> = history.iter().map(|alert| alert["revision"].as_u64().unwrap()).collect();
        let expected: Vec<u64> = (1..).take(revisions.len()).collect();
        assert_eq!(revisions, expected, "the revisions of incident {id}");
    }
    histories
}

/// Proves that two sets of histories are equal; a failure names the first difference.
pub fn assert_same(seen: &Histories, expected: &Histories) {
    for (id, history) in expected {
        let seen = seen.get(id).unwrap_or_else(|| panic!("incident {id} is missing: {}", history[0]));
        for (seen, expected) in seen.iter().zip(history) {
            assert_eq!(seen, expected, "incident {id}, revision {}", expected["revision"]);
        }
        assert_eq!(seen.len(), history.len(), "the number of revisions of incident {id}");
    }
    let surplus: Vec<_> = seen.keys().filter(|id| !expected.contains_key(*id)).collect();
    assert!(surplus.is_empty(), "incidents that the replay does not have: {surplus:?}");
}

/// Whether every field that depends on the wall clock or on the build is null.
pub fn is_free_of_the_clock(alert: &Value) -> bool {
    NOT_COMPARED.iter().all(|field| alert.pointer(field).is_some_and(Value::is_null))
}
