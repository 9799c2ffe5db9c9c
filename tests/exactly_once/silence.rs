//! A service whose input falls silent: it says so as an incident of the pipeline, and a replay that gets its decisions repeats it.

use std::sync::Arc;

use crate::support::flow::Flow;
use crate::support::outcome::alert;
use crate::support::topic::Isolation;
use crate::support::trial::Trial;

#[test]
fn a_service_that_hears_nothing_pages_and_a_replay_repeats_it() {
    // The broker is asked once more when the trial is over.
    let flow = Flow::shared();
    let trial = Trial::named(Arc::clone(&flow), "silent");
    let (follower, alerts) = (trial.alerts.follow(), trial.alerts.clone());
    let mut service = trial.start();
    // Everything is read, and nothing more comes.
    service.wait_line("\"mode\":\"blind\"");
    trial.finish(service, follower);
    let alerts: Vec<_> = alerts.records(Isolation::ReadCommitted).iter().map(alert).collect();
    let feed: Vec<_> = alerts.iter().filter(|alert| alert["detectors"] == serde_json::json!(["feed"])).collect();
    let blind = feed.iter().find(|alert| alert["trust"]["mode"] == "blind").expect("an alert of the pipeline");
    assert_eq!((&blind["severity"], &blind["symbols"]), (&"critical".into(), &serde_json::json!([])), "{blind}");
    let silent = blind["features"].as_array().unwrap().iter().filter(|feature| feature["name"] == "silence");
    assert_eq!(silent.count(), 3, "every partition: {blind}");
}
