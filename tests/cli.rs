//! The command line as scripts see it: exit codes, what is printed where, files that appear whole.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use serde_json::Value;

fn foreshock(dir: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_foreshock")).args(args).current_dir(dir).output().unwrap()
}

#[track_caller]
fn exits(dir: &Path, args: &[&str], code: i32) -> (String, String) {
    let output = foreshock(dir, args);
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{args:?}\n{stdout}\n{stderr}");
    (stdout, stderr)
}

/// Two hours with a burst, made once for each test that wants them.
fn flow(dir: &Path) {
    let words =
        "simulate --seed 3 --minutes 100 --symbols 2 --scenario cancel_burst@90 --events e.jsonl --labels l.jsonl";
    exits(dir, &words.split(' ').collect::<Vec<_>>(), 0);
}

fn summary(stdout: &str) -> Value {
    serde_json::from_str(stdout.lines().last().unwrap()).unwrap()
}

#[test]
fn every_command_helps_with_an_example() {
    let dir = tempfile::tempdir().unwrap();
    for command in ["demo", "run", "check", "replay", "simulate", "convert", "schema"] {
        let (stdout, _) = exits(dir.path(), &[command, "--help"], 0);
        assert!(stdout.contains("Example") && stdout.contains(&format!("foreshock {command}")), "{command}: {stdout}");
    }
}

#[test]
fn mistakes_end_with_their_codes_and_say_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("bad.toml"), "[kafka]\nbrokrs = 'a:1'\n").unwrap();
    fs::write(dir.path().join("noise.jsonl"), "noise\nmore noise\n").unwrap();
    let cases: [(&[&str], i32, &str); 9] = [
        (&["replai"], 64, "replay"),
        (&["replay"], 64, "FILE"),
        (&["run", "--config", "bad.toml"], 64, "bad.toml:2:1: unknown key `kafka.brokrs`: did you mean `brokers`?"),
        (&["run", "--config", "nowhere.toml"], 64, "nowhere.toml"),
        (&["replay", "nowhere.jsonl"], 65, "nowhere.jsonl"),
        (&["replay", "noise.jsonl"], 65, "--format"),
        (&["replay", "noise.jsonl", "--format", "bitstmap"], 64, "bitstamp"),
        (
            &["simulate", "--seed", "1", "--minutes", "9", "--scenario", "x", "--events", "e", "--labels", "l"],
            64,
            "cancel_burst",
        ),
        (&["replay", "--kafka", "nowhere", "--topic", "t"], 64, "host:port"),
    ];
    for (args, code, words) in cases {
        let (_, stderr) = exits(dir.path(), args, code);
        assert!(stderr.contains(words), "{args:?}: {stderr}");
    }
    assert!(!dir.path().join("e").exists(), "a refused run leaves no file");
}

#[test]
fn a_broker_that_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    // Port 1 on the loopback: nobody listens there.
    fs::write(dir.path().join("f.toml"), "[kafka]\nbrokers = '127.0.0.1:1'\n[http]\nlisten = '127.0.0.1:0'\n").unwrap();
    let (_, stderr) = exits(dir.path(), &["run", "--config", "f.toml"], 69);
    assert!(stderr.contains("no broker answers at `127.0.0.1:1`"), "{stderr}");
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_the_same_alerts() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    for dir in [a.path(), b.path()] {
        flow(dir);
        let (stdout, _) = exits(dir, &["replay", "e.jsonl", "--alerts", "a.jsonl", "--metrics", "m.txt"], 0);
        let summary = summary(&stdout);
        let fates = ["accepted", "rejected", "late", "duplicate", "shed"].map(|fate| summary[fate].as_u64().unwrap());
        assert_eq!(fates.iter().sum::<u64>(), summary["records"].as_u64().unwrap());
        assert_eq!(summary["incidents"], 1, "{summary}");
    }
    for file in ["e.jsonl", "l.jsonl", "a.jsonl", "m.txt"] {
        assert_eq!(fs::read(a.path().join(file)).unwrap(), fs::read(b.path().join(file)).unwrap(), "{file}");
    }
    let metrics = fs::read_to_string(a.path().join("m.txt")).unwrap();
    assert!(metrics.contains("foreshock_records_total{fate=\"accepted\",topic=\"e.jsonl\"}"), "{metrics}");
}

#[test]
fn a_difference_from_recorded_alerts_ends_with_two() {
    let dir = tempfile::tempdir().unwrap();
    flow(dir.path());
    exits(dir.path(), &["replay", "e.jsonl", "--alerts", "a.jsonl"], 0);
    exits(dir.path(), &["replay", "e.jsonl", "--diff", "a.jsonl"], 0);
    // From standard input the positions are others: compared without them.
    fs::copy(dir.path().join("e.jsonl"), dir.path().join("other.jsonl")).unwrap();
    exits(dir.path(), &["replay", "other.jsonl", "--diff", "a.jsonl"], 0);
    let changed = fs::read_to_string(dir.path().join("a.jsonl")).unwrap().replacen("warning", "info", 1);
    fs::write(dir.path().join("a.jsonl"), changed).unwrap();
    let (_, stderr) = exits(dir.path(), &["replay", "e.jsonl", "--diff", "a.jsonl"], 2);
    assert!(stderr.contains("differs in severity"), "{stderr}");
}

#[test]
fn a_rejected_line_is_kept_with_its_reason() {
    let dir = tempfile::tempdir().unwrap();
    let good = r#"{"type":"heartbeat","ts":1760130000623456789}"#;
    fs::write(dir.path().join("e.jsonl"), [good.as_bytes(), b"\n\xff\xfe\n{\"ts\":1}\n"].concat()).unwrap();
    exits(dir.path(), &["replay", "e.jsonl", "--dead-letters", "d.jsonl"], 0);
    let dead = fs::read_to_string(dir.path().join("d.jsonl")).unwrap();
    let dead: Vec<Value> = dead.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((dead[0]["position"].as_str(), dead[0]["reason"].as_str()), (Some("e.jsonl:2"), Some("not_utf8")));
    assert_eq!(dead[0]["hex"], "fffe");
    assert_eq!((dead[1]["reason"].as_str(), dead[1]["text"].as_str()), (Some("ts_unit"), Some("{\"ts\":1}")));
}

#[test]
fn what_schema_prints_is_what_the_other_commands_take() {
    let dir = tempfile::tempdir().unwrap();
    for what in ["events", "alerts", "labels", "metrics"] {
        let (stdout, _) = exits(dir.path(), &["schema", what], 0);
        serde_json::from_str::<Value>(&stdout).unwrap();
    }
    let (config, _) = exits(dir.path(), &["schema", "config"], 0);
    fs::write(dir.path().join("f.toml"), config).unwrap();
    fs::write(dir.path().join("e.jsonl"), "{\"type\":\"heartbeat\",\"ts\":1760130000623456789}\n").unwrap();
    exits(dir.path(), &["replay", "e.jsonl", "--config", "f.toml"], 0);
}

#[test]
fn alerts_and_labels_are_what_their_schemas_say() {
    let dir = tempfile::tempdir().unwrap();
    flow(dir.path());
    exits(dir.path(), &["replay", "e.jsonl", "--alerts", "a.jsonl"], 0);
    for (what, file) in [("alerts", "a.jsonl"), ("labels", "l.jsonl"), ("events", "e.jsonl")] {
        let (schema, _) = exits(dir.path(), &["schema", what], 0);
        let schema = jsonschema::validator_for(&serde_json::from_str(&schema).unwrap()).unwrap();
        let lines = fs::read_to_string(dir.path().join(file)).unwrap();
        // Every 97th event is enough: all types come by.
        let step = if what == "events" { 97 } else { 1 };
        for line in lines.lines().step_by(step) {
            let value = serde_json::from_str(line).unwrap();
            assert!(schema.is_valid(&value), "{what}: {:?}\n{line}", schema.iter_errors(&value).next());
        }
    }
}
