//! The trial of an operator for whom everything goes wrong: each time the message says what to do and the exit code is right.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::Duration,
};

use serde_json::Value;
use tempfile::{NamedTempFile, TempDir};

use support::{
    command::foreshock,
    deadline::Deadline,
    http::{Metrics, get, try_get},
    kafka::{
        KafkaBroker,
        authorized::{AuthorizedBroker, USER},
        port,
    },
    service::Service,
    watchdog::Watchdog,
};

/// A start on a loaded machine.
const WAIT_MAX: Duration = Duration::from_mins(1);
const NOBODY: &str = "127.0.0.1:1";

fn configuration(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

fn minimal(brokers: &str, listen: &str) -> String {
    format!("[kafka]\nbrokers = '{brokers}'\n[http]\nlisten = '{listen}'\n")
}

fn directory() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// Runs the service in vain: it must end with a code, and say something.
#[track_caller]
fn run_fails(config: &str, code: i32, words: &[&str]) -> String {
    let file = configuration(config);
    let output = foreshock().args(["run", "--config"]).arg(file.path()).output().unwrap();
    fails(&output, code, words)
}

#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) -> String {
    let stderr = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    // The failure is printed last, after the log lines.
    let at = stderr.find("foreshock: ").unwrap_or_else(|| panic!("no last words: {stderr}"));
    for word in words {
        assert!(stderr[at..].contains(word), "{word}: {stderr}");
    }
    stderr
}

#[test]
fn a_broken_configuration_is_shown_at_its_place_before_anything_else() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap();
    // The port is taken and the broker away too: the configuration comes first.
    let broken = minimal(NOBODY, &listen.to_string()) + "connections_max = 'many'\n";
    run_fails(&broken, 64, &[":5:19: `http.connections_max`", "expected a whole number", "5 | connections_max"]);
    let misspelt = minimal(NOBODY, &listen.to_string()) + "[kafka.client]\n'sasl.pasword' = 'hunter2'\n";
    let stderr = run_fails(&misspelt, 64, &["`sasl.pasword`", "kafka.client"]);
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn a_port_in_use_ends_a_demo_and_is_reported_by_a_service_that_may_stand_by() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = taken.local_addr().unwrap().to_string();
    let stderr = run_fails(&minimal(NOBODY, &listen), 69, &[&format!("no broker answers at `{NOBODY}`")]);
    let is_reported = |line: &serde_json::Value| line["level"] == "WARN" && line["wanted"] == listen.as_str();
    assert!(logged(&stderr).iter().any(is_reported), "{stderr}");
    let demo = foreshock().args(["demo", "--listen", &listen]).output().unwrap();
    fails(&demo, 69, &[&listen, "in use"]);
    assert!(demo.stdout.is_empty(), "nothing had begun: {demo:?}");
    // An address of documentation, which no machine has.
    run_fails(&minimal(NOBODY, "192.0.2.1:9464"), 69, &["192.0.2.1:9464", "no interface of this machine has it"]);
}

#[test]
fn no_broker_and_an_address_for_everyone() {
    let stderr =
        run_fails(&minimal(NOBODY, "0.0.0.0:0"), 69, &[&format!("no broker answers at `{NOBODY}`"), "start one"]);
    let warned = logged(&stderr).into_iter().any(|line| {
        line["level"] == "WARN"
            && line["message"].as_str().is_some_and(|message| message.contains("beyond this machine"))
    });
    assert!(warned, "{stderr}");
}

#[test]
fn no_topic() {
    let broker = KafkaBroker::start();
    let config = minimal(&broker.bootstrap(), "127.0.0.1:0");
    run_fails(&config, 69, &["topic `orderflow.events` is not there", "create it"]);
    broker.create_topic("orderflow.events", 1, &[]);
    let config = config.replace("[http]", "create_topics = false\n[http]");
    run_fails(&config, 69, &["topic `foreshock.alerts` is not there", "create it, or set `kafka.create_topics`"]);
}

#[test]
fn no_rights_and_no_password_in_the_log() {
    let broker = AuthorizedBroker::start();
    let outputs = ["foreshock.alerts", "foreshock.dead-letter", "foreshock.audit", "foreshock.state", "foreshock.view"];
    for topic in ["orderflow.events"].iter().chain(&outputs) {
        broker.create_topic(topic, 1, &[]);
    }
    let (user, password) = USER;
    let client = format!(
        "[kafka.client]\n'security.protocol' = 'sasl_plaintext'\n'sasl.mechanism' = 'PLAIN'\n'sasl.username' = '{user}'\n"
    );
    let config = minimal(&broker.users_bootstrap(), "127.0.0.1:0") + &client;
    let file = configuration(&config);
    let run = || {
        let mut command = foreshock();
        command.args(["run", "--config"]).arg(file.path());
        command.env("FORESHOCK_LOG", "trace").env("FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD", password);
        command.output().unwrap()
    };
    // The broker takes a moment to learn what is allowed: until then it says the same as before.
    let run_after = |before: &str| {
        let deadline = Deadline::after(WAIT_MAX);
        loop {
            let output = run();
            if !String::from_utf8_lossy(&output.stderr).contains(before) {
                return output;
            }
            deadline.check("the broker's knowledge of rights");
        }
    };
    let unseen = fails(&run(), 69, &["topic `orderflow.events` may not be read", "Read and Describe"]);
    broker.allow(&[["TOPIC", "orderflow.events", "READ"]]);
    let unmade = fails(&run_after("may not be read"), 69, &["cannot create topic `foreshock.", "Write and Describe"]);
    broker.allow(&outputs.map(|topic| ["TOPIC", topic, "WRITE"]));
    let alone = fails(&run_after("cannot create"), 69, &["Group authorization failed", "Read on `kafka.group`"]);
    broker.allow(&[["GROUP", "foreshock", "READ"]]);
    let unable = fails(&run_after("Group"), 69, &["ransactional", "Write and Describe on `kafka.transactional_id`"]);
    for text in [unseen, unmade, alone, unable] {
        assert!(!text.contains(password), "{text}");
    }
}

/// The lines of the log, each of which is one JSON object; the last words are for a person.
#[track_caller]
fn logged(stderr: &str) -> Vec<Value> {
    let lines = stderr.lines().take_while(|line| !line.starts_with("foreshock: "));
    lines.map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"))).collect()
}

#[test]
fn the_log_holds_the_life_of_the_service_and_nothing_for_each_event() {
    let broker = KafkaBroker::start();
    broker.create_topic("orderflow.events", 2, &[]);
    let send = "simulate --seed 3 --minutes 36 --symbols 2 --scenario cancel_burst@33 --topic orderflow.events --kafka";
    assert!(foreshock().args(send.split(' ')).arg(broker.bootstrap()).status().unwrap().success());
    let file = configuration(&minimal(&broker.bootstrap(), "127.0.0.1:0"));
    let mut service = Service::start(file.path(), "");
    service.wait_line("the service is ready");
    // Nothing more comes: the service is blind.
    service.wait_line("the mode changes");
    let (status, log) = service.end();
    assert_eq!(status.code(), Some(0), "{log}");
    let lines = logged(&log);
    assert!((5..40).contains(&lines.len()), "{} lines: {log}", lines.len());
    for line in &lines {
        for field in ["timestamp", "level", "message", "target"] {
            assert!(line[field].is_string(), "{field}: {line}");
        }
        let texts = line.as_object().unwrap().values().filter_map(Value::as_str);
        for text in texts {
            assert!(!text.starts_with(['[', '{', '"']), "debug text in a field: {line}");
        }
    }
    let mode = lines.iter().find(|line| line["message"] == "the mode changes").unwrap();
    let reasons: Vec<&str> = mode["reasons"].as_str().unwrap().split(',').collect();
    assert_eq!(mode["reasons_total"], reasons.len(), "{mode}");
    assert!(reasons.iter().all(|reason| *reason == "silence" || *reason == "lag"), "{mode}");
    let has = |message: &str, field: &str| {
        lines.iter().any(|line| line["message"].as_str().unwrap().contains(message) && !line[field].is_null())
    };
    for (message, field) in [
        ("HTTP is served", "address"),
        ("the service has started", "group"),
        ("the service has started", "brokers"),
        ("partitions were assigned", "partitions"),
        ("the service is ready", "timestamp"),
        ("the service has ended", "timestamp"),
    ] {
        assert!(has(message, field), "{message}, {field}: {log}");
    }
}

#[test]
fn a_full_disk_under_the_output_files() {
    let dir = directory();
    let flow =
        "simulate --seed 3 --minutes 100 --symbols 2 --scenario cancel_burst@90 --events e.jsonl --labels l.jsonl";
    let flow: Vec<&str> = flow.split(' ').collect();
    let cramped = directory();
    fails(&with_little_room(cramped.path(), &flow), 1, &["cannot write `e.jsonl`", "make room, or write elsewhere"]);
    assert_eq!(names(cramped.path()), ["l.jsonl"], "half a file is left");

    assert!(foreshock().args(&flow).current_dir(dir.path()).status().unwrap().success());
    let replay = ["replay", "e.jsonl", "--signals", "s.jsonl", "--alerts", "a.jsonl"];
    fails(&with_little_room(dir.path(), &replay), 1, &["cannot write `", "make room, or write elsewhere"]);
    assert_eq!(names(dir.path()), ["e.jsonl", "l.jsonl"], "half a file is left");
    let device =
        foreshock().args(["replay", "e.jsonl", "--alerts", "/dev/full"]).current_dir(dir.path()).output().unwrap();
    fails(&device, 1, &["cannot write `/dev/full`", "No space left", "make room, or write elsewhere"]);
    let printed = foreshock().args(["schema", "config"]).stdout(full()).output().unwrap();
    fails(&printed, 1, &["cannot write `standard output`", "No space left"]);
}

/// A command whose files may not grow beyond 4 kB. A write beyond fails as on a full disk, if the signal is ignored.
fn with_little_room(dir: &Path, args: &[&str]) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$@\"", "bash"]).arg(foreshock().get_program()).args(args);
    command.current_dir(dir).output().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn full() -> fs::File {
    fs::File::options().write(true).open("/dev/full").unwrap()
}

/// A child that is killed when it is dropped.
struct Running {
    child: Child,
    watchdog: Option<Watchdog>,
}

impl Running {
    fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::null()).spawn().unwrap();
        let watchdog = Some(Watchdog::over(&child));
        Self { child, watchdog }
    }

    /// SIGTERM, and how it ended.
    fn terminate(mut self) -> ExitStatus {
        let sent = Command::new("sh").args(["-c", &format!("kill -TERM {}", self.child.id())]).status().unwrap();
        assert!(sent.success());
        let deadline = Deadline::after(WAIT_MAX);
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            deadline.check("the end");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        self.watchdog = None;
        let _ = self.child.wait();
    }
}

#[test]
fn a_full_disk_under_the_log_does_not_end_the_service() {
    let broker = KafkaBroker::start();
    broker.create_topic("orderflow.events", 1, &[]);
    let listen = SocketAddr::from(([127, 0, 0, 1], port::free(1)[0]));
    let file = configuration(&minimal(&broker.bootstrap(), &listen.to_string()));
    let service = Running::start(
        foreshock().args(["run", "--config"]).arg(file.path()).env("FORESHOCK_LOG", "trace").stderr(full()),
    );
    let deadline = Deadline::after(WAIT_MAX);
    while try_get(listen, "/readyz").is_none_or(|answer| answer.status != 200) {
        deadline.check("ready without a log");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    assert!(Metrics::of(listen).value("foreshock_ready") > 0.5);
    assert_eq!(service.terminate().code(), Some(0));
}

#[test]
fn the_demo_says_where_it_serves_and_serves_there() {
    let mut demo = Running::start(foreshock().args(["demo", "--minutes", "1"]).stdout(Stdio::piped()));
    let stdout = BufReader::new(demo.child.stdout.take().unwrap());
    let mut lines = stdout.lines().map_while(Result::ok);
    let address = lines.find_map(|line| Some(line.split_once("http://")?.1.split('/').next()?.to_owned()));
    let address: SocketAddr = address.expect("an address").parse().unwrap();
    assert!(address.ip().is_loopback());
    assert_eq!(get(address, "/livez").status, 200);
    assert!(get(address, "/metrics").body.contains("foreshock_build_info"));
    // What it goes on to say must find a reader.
    std::thread::spawn(move || lines.for_each(drop));
    assert_eq!(demo.terminate().code(), Some(130));
}
