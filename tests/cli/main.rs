//! The command line as scripts see it: exit codes, what is printed where, files that appear whole.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod overwriting;

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use foreshock::simulate::SimulationPlan;
use rdkafka::{mocking::MockCluster, producer::DefaultProducerContext};
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
fn a_pace_is_for_kafka_and_help_says_when_a_flow_begins() {
    let dir = tempfile::tempdir().unwrap();
    let words = "simulate --seed 1 --minutes 1 --events e --speed 1";
    exits(dir.path(), &words.split(' ').collect::<Vec<_>>(), 64);
    let (stdout, _) = exits(dir.path(), &["simulate", "--help"], 0);
    let stdout = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let start = SimulationPlan::new(1, 1).start.to_string();
    assert!(stdout.contains(&start) && stdout.contains("with --speed it is now"), "{start}: {stdout}");
    assert!(stdout.contains("as fast as possible without it"), "{stdout}");
}

#[test]
fn a_paced_flow_takes_its_time_and_ends_by_the_clock() {
    let broker: MockCluster<'_, DefaultProducerContext> = MockCluster::new(1).unwrap();
    broker.create_topic("t", 2, 1).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let bootstrap = broker.bootstrap_servers();
    let words = "simulate --seed 1 --minutes 1 --symbols 1 --density 0.1 --speed 60 --topic t --kafka";
    let args: Vec<&str> = words.split(' ').chain([bootstrap.as_str()]).collect();
    let began = now();
    exits(dir.path(), &args, 0);
    let ended = now();
    // A minute of flow and two of heartbeats.
    assert!(ended - began >= 2.9, "{began} {ended}");
    exits(dir.path(), &["replay", "--kafka", &bootstrap, "--topic", "t", "--metrics", "m.txt"], 0);
    let metrics = fs::read_to_string(dir.path().join("m.txt")).unwrap();
    let last = metrics.lines().find_map(|line| line.strip_prefix("foreshock_watermark_seconds "));
    let last: f64 = last.unwrap().parse().unwrap();
    assert!((began..ended + 3.0).contains(&last), "{began} {last} {ended}");
}

/// Seconds since the epoch by this machine's clock.
#[expect(clippy::disallowed_methods, reason = "what a paced flow must keep up with")]
fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
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
        let (stdout, stderr) = exits(dir, &["replay", "e.jsonl", "--alerts", "a.jsonl", "--metrics", "m.txt"], 0);
        for reported in ["cancel_burst judged 2 of 2 symbols", "thin_book judged 0 of 2 symbols (2 in warm-up)"] {
            assert!(stderr.contains(&format!("replay: at its end {reported}")), "{stderr}");
        }
        let summary = summary(&stdout);
        let fates = ["accepted", "rejected", "late", "duplicate", "shed"].map(|fate| summary[fate].as_u64().unwrap());
        assert_eq!(fates.iter().sum::<u64>(), summary["records"].as_u64().unwrap());
        assert_eq!(summary["incidents"], 1, "{summary}");
    }
    for file in ["e.jsonl", "l.jsonl", "a.jsonl", "m.txt"] {
        assert_eq!(fs::read(a.path().join(file)).unwrap(), fs::read(b.path().join(file)).unwrap(), "{file}");
    }
    let metrics = fs::read_to_string(a.path().join("m.txt")).unwrap();
    let covered = r#"foreshock_coverage{detector="thin_book",state="warm_up",subject="symbol"} 2"#;
    assert!(metrics.contains(covered), "{metrics}");
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

/// Alerts of a replay as lines, changed and written to a file.
fn rewritten(dir: &Path, file: &str, change: impl FnOnce(&mut Vec<Value>)) {
    let text = fs::read_to_string(dir.join("a.jsonl")).unwrap();
    let mut alerts: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(alerts.len() > 2, "{} alerts", alerts.len());
    change(&mut alerts);
    let lines: Vec<String> = alerts.iter().map(Value::to_string).collect();
    fs::write(dir.join(file), lines.join("\n")).unwrap();
}

#[test]
fn a_comparison_goes_by_incident_and_revision_and_names_what_differs() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    flow(dir);
    exits(dir, &["replay", "e.jsonl", "--alerts", "a.jsonl"], 0);
    let first = fs::read_to_string(dir.join("a.jsonl")).unwrap();
    let first: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    let named = format!("revision 1 of {}", first["id"].as_str().unwrap());
    // From another source, incidents are found without their ids.
    fs::copy(dir.join("e.jsonl"), dir.join("other.jsonl")).unwrap();
    let reported = |source: &str, code: i32| exits(dir, &["replay", source, "--diff", "b.jsonl"], code).1;

    rewritten(dir, "b.jsonl", |alerts| alerts.reverse());
    assert!(reported("e.jsonl", 0).contains("alerts agree"));
    assert!(reported("other.jsonl", 0).contains("compared without ids and positions"));

    rewritten(dir, "b.jsonl", |alerts| drop(alerts.remove(0)));
    let stderr = reported("e.jsonl", 2);
    assert!(stderr.contains(&format!("{named} (firing: ")), "{stderr}");
    assert!(stderr.contains("published by the replay, but not recorded") && !stderr.contains("differs in"), "{stderr}");
    let counted = "diff: differing revisions: 1 (0 with other values, 0 missing, 1 not recorded)";
    assert!(stderr.contains(counted), "{stderr}");
    assert!(reported("other.jsonl", 2).contains(counted));

    rewritten(dir, "b.jsonl", |alerts| {
        alerts.reverse();
        alerts.push(first.clone());
        alerts.last_mut().unwrap()["revision"] = 71.into();
    });
    let stderr = reported("e.jsonl", 2);
    assert!(stderr.contains("recorded, but the replay does not put it out"), "{stderr}");
    assert!(
        stderr.contains("diff: differing revisions: 1 (0 with other values, 1 missing, 0 not recorded)"),
        "{stderr}"
    );

    rewritten(dir, "b.jsonl", |alerts| {
        alerts[0]["threshold"]["value"] = 1.into();
        alerts[0]["added"] = true.into();
        alerts[0].as_object_mut().unwrap().remove("owners");
        alerts.reverse();
    });
    for source in ["e.jsonl", "other.jsonl"] {
        let stderr = reported(source, 2);
        assert!(stderr.contains("differs in added, owners, threshold.value\n"), "{stderr}");
        assert!(
            stderr.contains("diff: differing revisions: 1 (1 with other values, 0 missing, 0 not recorded)"),
            "{stderr}"
        );
    }
}

#[test]
fn what_is_no_file_of_alerts_cannot_be_compared_with() {
    let dir = tempfile::tempdir().unwrap();
    overwriting::recording(dir.path());
    let label = r#"{"kind":"layering","symbol":"S3","account":"a17","start":1,"end":2,"benign":false}"#;
    for text in ["noise", "[]", "{}", "7", label, r#"{"type":"heartbeat","ts":1760130000623456789}"#] {
        fs::write(dir.path().join("b.jsonl"), text).unwrap();
        let (_, stderr) = exits(dir.path(), &["replay", "e.jsonl", "--alerts", "n", "--diff", "b.jsonl"], 65);
        assert!(stderr.contains("`b.jsonl`, line 1: expected an alert"), "{text}: {stderr}");
    }
    assert!(!dir.path().join("n").exists());
    // A replay without alerts writes an empty file.
    fs::write(dir.path().join("b.jsonl"), "").unwrap();
    exits(dir.path(), &["replay", "e.jsonl", "--diff", "b.jsonl"], 0);
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
fn a_mistyped_event_type_is_named_with_the_one_that_was_meant() {
    let dir = tempfile::tempdir().unwrap();
    let line = |name: &str, i: u32| format!("{{\"type\":\"{name}\",\"ts\":17601300006234567{i:02}}}\n");
    let lines: String = (0..6)
        .map(|i| line(["order_nwe", "hearbeat", "order_nwe", "gossip", "heartbeat"][i as usize % 5], i))
        .collect();
    fs::write(dir.path().join("e.jsonl"), lines).unwrap();
    let (stdout, stderr) = exits(dir.path(), &["replay", "e.jsonl"], 0);
    assert_eq!(summary(&stdout)["accepted"], 6, "they are accepted as before");
    assert_eq!(stdout.lines().count(), 1);
    let expected = "replay: 5 events of unknown types, counted and otherwise without effect: \
                    `order_nwe` 3 times (did you mean `order_new`?), `gossip` once, \
                    `hearbeat` once (did you mean `heartbeat`?)\n";
    assert!(stderr.contains(expected), "{stderr}");

    let (_, stderr) = exits(dir.path(), &["convert", "events", "e.jsonl", "--out", "c.jsonl"], 0);
    assert!(stderr.contains(&expected.replace("replay:", "convert:")), "{stderr}");
    let unknown = |file: &str| -> Vec<String> {
        let text = fs::read_to_string(dir.path().join(file)).unwrap();
        text.lines().filter(|line| !line.contains("\"heartbeat\"")).map(str::to_owned).collect()
    };
    assert_eq!(unknown("c.jsonl"), unknown("e.jsonl"), "what is not known is copied as it is");
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
