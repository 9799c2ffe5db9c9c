//! `Watchdog` and `Storm` at a real Alertmanager.

use crate::bench::{Bench, RESEND_S, broker, url};
use crate::support::alertmanager::Alertmanager;
use crate::support::service::Service;

#[test]
fn the_watchdog_fires_while_a_process_of_this_service_is_at_work_and_ends_when_none_is() {
    let address = Alertmanager::free_address();
    let bench = Bench::resending("watchdog", RESEND_S, &[url(address)]);
    let alertmanager = Alertmanager::at(address);
    let notifications = bench.notify();
    // Signs of another service, and old ones, are none.
    bench.write_sign("other", 0);
    bench.write_sign(&bench.name, 40_000);
    bench.write("a", 1, "firing", "warning");
    alertmanager.wait(&[("a", "warning")]);
    // A real process at work, which is killed: its last sign is then written again as an older one, for time to pass faster.
    let service = Service::start(bench.config.path(), "");
    alertmanager.wait(&[("Watchdog", "info"), ("a", "warning")]);
    let shown = alertmanager.firing();
    let watchdog = shown.iter().find(|alert| alert["labels"]["alertname"] == "Watchdog").unwrap();
    assert_eq!(watchdog["labels"]["venue"], "XY");
    service.kill();
    // The last real sign was younger than 10 s when the process ended, so the alert ends 20 to 30 s later, long before Alertmanager
    // itself would end it.
    alertmanager.wait(&[("a", "warning")]);
    bench.write_sign(&bench.name, 0);
    alertmanager.wait(&[("Watchdog", "info"), ("a", "warning")]);
    assert_eq!(notifications.terminate().code(), Some(0));
}

#[test]
fn more_pages_than_an_hour_may_have_are_one_alert_that_names_them() {
    let address = Alertmanager::free_address();
    let tables =
        format!("[notify]\nresend_s = {RESEND_S}\npages_per_hour = 2\n[[notify.alertmanager]]\n{}", url(address));
    let bench = Bench::with(broker(), "storm", &tables);
    let alertmanager = Alertmanager::at(address);
    let first = bench.notify();
    for id in ["a", "b", "c", "d"] {
        bench.write(id, 1, "firing", "critical");
    }
    let shown = [("Storm", "critical"), ("a", "critical"), ("b", "critical")];
    alertmanager.wait(&shown);
    alertmanager.wait_for("a storm of two", |am| {
        let storm =
            |alert: &serde_json::Value| alert["annotations"]["summary"].as_str().unwrap().starts_with("2 critical");
        am.firing().iter().any(|alert| alert["labels"]["alertname"] == "Storm" && storm(alert))
    });
    // A process that starts later decides the same, so nothing more fires.
    let second = bench.notify();
    assert_eq!(first.terminate().code(), Some(0));
    bench.write("c", 2, "resolved", "critical");
    alertmanager.wait_for("a storm of one", |am| {
        let storm =
            |alert: &serde_json::Value| alert["annotations"]["summary"].as_str().unwrap().starts_with("1 critical");
        am.firing().iter().any(|alert| alert["labels"]["alertname"] == "Storm" && storm(alert))
    });
    alertmanager.wait(&shown);
    bench.write("d", 2, "resolved", "critical");
    alertmanager.wait(&[("a", "critical"), ("b", "critical")]);
    assert_eq!(second.terminate().code(), Some(0));
}
