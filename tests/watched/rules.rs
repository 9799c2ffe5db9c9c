//! Rules of Prometheus: the tool of Prometheus checks and tests them, and each alert has what its reader needs.

use super::{files, path, read, run};

const ALERTS: &str = "deploy/prometheus/foreshock.alerts.yml";
const TESTS: &str = "deploy/prometheus/tests/foreshock.test.yml";

#[test]
fn promtool_accepts_the_rules_and_their_unit_tests_pass() {
    run("promtool", &["check", "rules", "deploy/prometheus/foreshock.rules.yml", ALERTS]);
    run("promtool", &["check", "config", "deploy/prometheus/prometheus.yml"]);
    run("promtool", &["check", "config", "deploy/container/prometheus.yml"]);
    run("promtool", &["test", "rules", TESTS]);
}

#[test]
fn each_alert_has_a_severity_a_summary_a_runbook_and_tests_for_firing_and_for_silence() {
    let (alerts, tests) = (read(ALERTS), read(TESTS));
    let alerts: Vec<&str> = alerts.split("- alert: ").skip(1).collect();
    assert!(alerts.len() >= 12, "{} alerts", alerts.len());
    // In the tests a group of series begins with its name.
    let groups: Vec<&str> = tests.split("- name: ").skip(1).collect();
    for alert in alerts {
        let name = alert.lines().next().unwrap();
        let has = |text: &str| assert!(alert.contains(text), "{name} has no {text}");
        for text in ["summary: \"", "description: \""] {
            has(text);
        }
        assert!(alert.contains("severity: critical") || alert.contains("severity: warning"), "{name}: no severity");
        has(&format!("runbook_url: docs/runbooks/{name}.md"));
        let runbook = format!("docs/runbooks/{name}.md");
        assert!(path(&runbook).exists(), "{runbook} is missing");
        let forms = [format!("alertname: {name}\n"), format!("alertname: {name},")];
        let about: Vec<_> = groups.iter().filter(|group| forms.iter().any(|form| group.contains(form))).collect();
        assert!(about.iter().any(|group| group.contains("exp_labels")), "{name} is never seen firing");
        assert!(about.iter().any(|group| !group.contains("exp_labels")), "{name} has no series in which it is silent");
    }
}

#[test]
fn each_runbook_belongs_to_an_alert_or_a_detector() {
    let alerts = read(ALERTS);
    for file in files("docs/runbooks", ".md") {
        let name = file.trim_end_matches(".md");
        let is_detector = foreshock::detect::Detector::ALL.iter().any(|(_, detector)| *detector == name);
        assert!(
            is_detector || alerts.contains(&format!("- alert: {name}\n")),
            "docs/runbooks/{file} belongs to nothing"
        );
    }
    for (_, detector) in foreshock::detect::Detector::ALL {
        assert!(path(&format!("docs/runbooks/{detector}.md")).exists(), "{detector} has no runbook");
    }
}
