//! Queries: those of dashboards and rules, and the selectors in them.

use std::collections::BTreeSet;

use foreshock::app::metrics::{ALL, MetricKind};
use regex_lite::Regex;
use serde_json::Value;

use super::{files, read};

/// The names of the recording rules, and those under which Prometheus itself keeps series.
const NOT_OURS: [&str; 3] = ["up", "ALERTS", "time"];

/// Every query of a dashboard: of its panels, its variables and its marks.
pub fn of_dashboard(name: &str) -> Vec<String> {
    let dashboard: Value = serde_json::from_str(&read(&format!("grafana/dashboards/{name}"))).unwrap();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let targets = list(&dashboard["panels"]).into_iter().flat_map(|panel| list(&panel["targets"]));
    let marks = list(&dashboard["annotations"]["list"]);
    let exprs = targets.chain(marks).map(|query| query["expr"].as_str().unwrap().to_owned());
    let variables = list(&dashboard["templating"]["list"]).into_iter().filter(|variable| variable["type"] == "query");
    let values = variables.map(|variable| {
        let query = variable["query"].as_str().unwrap();
        let (selector, _) = query.strip_prefix("label_values(").unwrap().rsplit_once(',').unwrap();
        selector.to_owned()
    });
    exprs.chain(values).collect()
}

/// The dashboards by file name.
pub fn dashboards() -> Vec<String> {
    files("grafana/dashboards", ".json")
}

/// The selectors of metrics in a query, without their ranges.
pub fn selectors(query: &str) -> BTreeSet<String> {
    let selector = Regex::new(r"\b(?:[a-z]+(?:_[a-z]+)*:)?foreshock_[a-z0-9_:]+(?:\{[^}]*\})?").unwrap();
    selector.find_iter(query).map(|found| found.as_str().to_owned()).collect()
}

/// The names of metrics in a text.
fn names(text: &str) -> BTreeSet<String> {
    let name = Regex::new(r"(?:[a-z_]+:)?\bforeshock_[a-z0-9_]+(?::[a-z0-9_]+)?").unwrap();
    name.find_iter(text).map(|found| found.as_str().to_owned()).collect()
}

/// The series of every metric, and of every recording rule.
fn known() -> BTreeSet<String> {
    let series = ALL.iter().flat_map(|metric| {
        let endings: &[&str] =
            if metric.kind == MetricKind::Histogram { &["", "_bucket", "_sum", "_count"] } else { &[""] };
        endings.iter().map(|ending| format!("{}{ending}", metric.name))
    });
    let rules = read("deploy/prometheus/foreshock.rules.yml");
    let records = rules.lines().filter_map(|line| line.trim().strip_prefix("- record: ")).map(str::to_owned);
    series.chain(records).collect()
}

#[test]
fn every_metric_of_rules_dashboards_and_documents_is_in_the_list_of_metrics() {
    let known = known();
    let in_folder =
        |folder: &'static str, ending| files(folder, ending).into_iter().map(move |name| format!("{folder}/{name}"));
    let texts = in_folder("deploy/prometheus", ".yml")
        .chain(in_folder("deploy/prometheus/tests", ".yml"))
        .chain(in_folder("grafana/dashboards", ".json"))
        .chain(in_folder("docs", ".md"))
        .chain(in_folder("docs/runbooks", ".md"));
    // Groups of rules have names of their own.
    let groups = ["foreshock_objectives", "foreshock_input"];
    let mut checked = 0;
    for file in texts {
        for name in names(&read(&file)).iter().filter(|name| !groups.contains(&name.as_str())) {
            checked += 1;
            assert!(known.contains(name), "{file}: `{name}` is no metric");
        }
    }
    assert!(checked > 100, "{checked} names");
}

#[test]
fn selectors_are_found_with_their_labels() {
    let query = r#"sum by (le) (rate(foreshock_x_bucket{a="1",b!="2"}[5m])) / job:foreshock_y:rate5m unless foreshock_z offset 1m"#;
    let expected = [r#"foreshock_x_bucket{a="1",b!="2"}"#, "foreshock_z", "job:foreshock_y:rate5m"];
    assert_eq!(selectors(query), expected.map(str::to_owned).into());
    assert!(NOT_OURS.iter().all(|name| selectors(name).is_empty()));
}
