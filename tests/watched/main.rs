//! Files with which Foreshock is watched and deployed: rules, dashboards, units and manifests. Each is checked by the tool that will read
//! it, and the queries are asked of a real Prometheus.
//!
//! Not here: Grafana, docker and systemd themselves, which no machine of the tests runs.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../support/mod.rs"]
mod support;

mod dashboards;
mod deployment;
mod documents;
mod queries;
mod rules;
mod scraped;

use std::path::{Path, PathBuf};
use std::process::Command;

/// A path of the repository.
fn path(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

/// The text of a file of the repository.
fn read(below: &str) -> String {
    std::fs::read_to_string(path(below)).unwrap_or_else(|e| panic!("{below}: {e}"))
}

/// Names of the files in a folder of the repository that end so, in order.
fn files(below: &str, ending: &str) -> Vec<String> {
    let entries = std::fs::read_dir(path(below)).unwrap_or_else(|e| panic!("{below}: {e}"));
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(ending)).collect();
    names.sort_unstable();
    names
}

/// Runs a program in the repository's root, and returns what it prints; fails the test with it if the program fails.
fn run(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).current_dir(path("")).output();
    let output = output.unwrap_or_else(|e| {
        panic!("{program} does not start ({e}): run `make test`, which installs or fetches what tests need")
    });
    let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {}: {said}", words.join(" "));
    said
}

/// The folder of the programs of Python that tests ask for.
const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/target/python/bin");
