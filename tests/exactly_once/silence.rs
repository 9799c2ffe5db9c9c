//! A service whose input falls silent: it opens an incident of the pipeline, and a replay with its recorded inputs
//! gives the same.

use std::sync::Arc;

use crate::support::flow::Flow;
use crate::support::outcome::alert;
use crate::support::topic::Isolation;
use crate::support::trial::Trial;

#[test]
fn a_service_whose_input_is_silent_pages_and_a_replay_gives_the_same_alert() {
    // Kept until the end: the broker answers once more after the trial.
    let flow = Flow::shared();
    let trial = Trial::named(Arc::clone(&flow), "silent");
    let (follower, alerts) = (trial.alerts.follow(), trial.alerts.clone());
    let mut service = trial.start();
    // The service has read everything, and no more input comes.
    service.wait_line("\"mode\":\"blind\"");
    trial.finish(service, follower);
    let alerts: Vec<_> = alerts.records(Isolation::ReadCommitted).iter().map(alert).collect();
    let feed: Vec<_> = alerts.iter().filter(|alert| alert["detectors"] == serde_json::json!(["feed"])).collect();
    let blind = feed.iter().find(|alert| alert["trust"]["mode"] == "blind").expect("an alert of the pipeline");
    assert_eq!((&blind["severity"], &blind["symbols"]), (&"critical".into(), &serde_json::json!([])), "{blind}");
    let silent = blind["features"].as_array().unwrap().iter().filter(|feature| feature["name"] == "silence");
    assert_eq!(silent.count(), 3, "every partition: {blind}");
}
