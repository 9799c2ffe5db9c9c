//! Dashboards of Grafana: as their generator makes them, by Grafana's own types, and by the conventions of mixins.

use std::collections::BTreeSet;

use serde_json::Value;

use super::queries::{dashboards, selectors};
use super::{PYTHON, path, read, run};

fn dashboard(name: &str) -> Value {
    serde_json::from_str(&read(&format!("grafana/dashboards/{name}"))).unwrap()
}

fn panels(dashboard: &Value) -> impl Iterator<Item = &Value> {
    dashboard["panels"].as_array().unwrap().iter().filter(|panel| panel["type"] != "row")
}

#[test]
fn the_dashboards_are_as_generated_and_grafanas_types_accept_them() {
    run(&format!("{PYTHON}/python"), &["grafana/generate.py", "--check"]);
    run(&format!("{PYTHON}/mypy"), &["--strict", "--cache-dir", "target/python/mypy", "grafana/generate.py"]);
}

#[test]
fn there_are_the_dashboards_that_links_lead_to() {
    let uids: Vec<_> = dashboards().iter().map(|name| dashboard(name)["uid"].as_str().unwrap().to_owned()).collect();
    let expected = ["incident", "notifications", "overview", "pipeline", "symbols"];
    assert_eq!(uids, expected.map(|name| format!("foreshock-{name}")));
}

#[test]
fn each_panel_has_a_description_and_a_unit_and_shows_what_the_variables_choose() {
    for name in dashboards() {
        let dashboard = dashboard(&name);
        let variables = dashboard["templating"]["list"].as_array().unwrap().iter();
        let variables: Vec<_> = variables.map(|variable| variable["name"].as_str().unwrap()).collect();
        assert!(variables.starts_with(&["datasource", "job", "instance"]), "{name}: {variables:?}");
        let mut ids = BTreeSet::new();
        for panel in panels(&dashboard) {
            let title = format!("{name}: {}", panel["title"]);
            assert!(ids.insert(panel["id"].as_u64().unwrap()), "{title}: an id twice");
            assert!(panel["description"].as_str().unwrap().len() > 15, "{title}: no description");
            assert!(panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}: no unit");
            assert_eq!(panel["datasource"]["uid"], "${datasource}", "{title}");
            for target in panel["targets"].as_array().unwrap() {
                let query = target["expr"].as_str().unwrap();
                for selector in selectors(query) {
                    assert!(selector.contains(r#"job=~"$job""#), "{title}: {selector} is of every job");
                    let is_record = selector.contains(':');
                    assert!(
                        is_record || selector.contains(r#"instance=~"$instance""#),
                        "{title}: {selector} is of every instance"
                    );
                }
                assert!(!query.contains("rate(") || query.contains("[$__rate_interval]"), "{title}: {query}");
            }
        }
    }
}

#[test]
fn no_panel_covers_another() {
    for name in dashboards() {
        let dashboard = dashboard(&name);
        let mut taken = BTreeSet::new();
        for panel in dashboard["panels"].as_array().unwrap() {
            let at = |key: &str| panel["gridPos"][key].as_u64().unwrap_or(0);
            assert!(at("x") + at("w") <= 24, "{name}: {} is beyond the edge", panel["title"]);
            for (x, y) in (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y))) {
                assert!(taken.insert((x, y)), "{name}: {} covers another panel", panel["title"]);
            }
        }
    }
}

#[test]
fn the_provisioned_files_are_where_the_provisioning_looks() {
    let compose = read("deploy/container/compose.yaml");
    let provider = read("grafana/provisioning/dashboards/foreshock.yml");
    let (_, folder) = provider.split_once("path: ").unwrap();
    let folder = folder.trim_end().trim_end_matches('}');
    assert!(compose.contains(&format!("../../grafana/dashboards:{folder}:ro")), "{folder}");
    for line in compose.lines().map(str::trim).filter_map(|line| line.strip_prefix("- ")) {
        if let Some((from, _)) = line.split_once(':').filter(|(from, _)| from.starts_with('.')) {
            assert!(path("deploy/container").join(from).exists(), "compose.yaml mounts {from}, which is not there");
        }
    }
}
