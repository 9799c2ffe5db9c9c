//! `foreshock check`: its finding about each thing that the service needs, with its exit codes, on real brokers.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::{fs, io::Write as _, net::TcpListener, time::Duration};

use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};
use tempfile::NamedTempFile;

use support::{
    command::foreshock,
    deadline::Deadline,
    http::Metrics,
    kafka::{
        KafkaBroker,
        authorized::{AuthorizedBroker, USER},
        port,
    },
    service::Service,
    topic::{Isolation, Topic},
};

/// Time in which the broker learns of a new right.
const WAIT_MAX: Duration = Duration::from_mins(1);

/// The output of a check.
#[derive(Debug)]
struct Checked {
    code: i32,
    lines: Vec<String>,
    stderr: String,
}

impl Checked {
    /// The line about something, which begins with the verdict.
    #[track_caller]
    fn about(&self, about: &str) -> &str {
        let words = |line: &str| line.split_once(' ').is_some_and(|(_, rest)| rest.trim_start().starts_with(about));
        self.lines.iter().find(|line| words(line)).unwrap_or_else(|| panic!("nothing about {about}: {self:#?}"))
    }

    #[track_caller]
    fn says(&self, verdict: &str, about: &str, words: &str) {
        let line = self.about(about);
        assert!(line.starts_with(verdict) && line.contains(words), "{verdict} {about} {words}: {self:#?}");
    }

    #[track_caller]
    fn exits(&self, code: i32) {
        assert_eq!(self.code, code, "{self:#?}");
        for line in &self.lines {
            let verdict = line.split(' ').next().unwrap();
            assert!(["ok", "warn", "fail"].contains(&verdict), "{line}");
        }
    }
}

fn check(config: &str) -> Checked {
    check_as("", config)
}

/// The same with a password in the environment.
fn check_as(password: &str, config: &str) -> Checked {
    let file = configuration(config);
    let mut command = foreshock();
    if !password.is_empty() {
        command.env("FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD", password);
    }
    let output = command.args(["check", "--config"]).arg(file.path()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Checked {
        code: output.status.code().unwrap(),
        lines: text(&output.stdout).lines().map(str::to_owned).collect(),
        stderr: text(&output.stderr),
    }
}

fn configuration(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// The smallest configuration, with more in `[kafka]` and after it.
fn minimal(bootstrap: &str, kafka: &str, rest: &str) -> String {
    let http = if rest.contains("[http]") { "" } else { "[http]\nlisten = '127.0.0.1:0'\n" };
    format!("[kafka]\nbrokers = '{bootstrap}'\n{kafka}\n{http}{rest}\n")
}

fn topics(bootstrap: &str) -> Vec<String> {
    let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", bootstrap).create().unwrap();
    let metadata = consumer.fetch_metadata(None, WAIT_MAX).unwrap();
    let names = metadata.topics().iter().map(|topic| topic.name().to_owned());
    names.filter(|name| !name.starts_with("__")).collect()
}

#[test]
fn without_a_broker_it_says_so_and_without_a_configuration_nothing_else() {
    let away = check(&minimal("127.0.0.1:1", "", ""));
    away.exits(69);
    away.says("ok", "configuration", "");
    away.says("ok", "http", "127.0.0.1:0 is free");
    away.says("fail", "brokers", "no broker answers at `127.0.0.1:1`");
    assert!(away.about("brokers").contains("refused"), "it says why: {away:#?}");

    let wrong = check("[kafka]\nbrokrs = 'a:1'\n");
    wrong.exits(64);
    wrong.says("fail", "configuration", "unknown key `kafka.brokrs`: did you mean `brokers`?");
    assert_eq!(wrong.lines.len(), 1);
    assert!(wrong.stderr.contains("2 | brokrs"), "the place is shown: {wrong:#?}");
}

#[test]
fn an_address_that_a_stranger_holds_fails_the_check() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("[http]\nlisten = '{}'", taken.local_addr().unwrap());
    let checked = check(&minimal("127.0.0.1:1", "", &listen));
    checked.exits(69);
    checked.says("fail", "http", "another process has it");
}

#[test]
fn topics_are_judged_and_nothing_is_changed() {
    let broker = KafkaBroker::start();
    let bootstrap = broker.bootstrap();
    let missing = check(&minimal(&bootstrap, "create_topics = false", ""));
    missing.exits(69);
    missing.says("ok", "brokers", "1 broker");
    missing.says("fail", "input orderflow.events", "it is not there: create it");
    missing.says("fail", "output foreshock.alerts", "set `kafka.create_topics`");
    missing.says("ok", "group foreshock", "");
    missing.says("ok", "transactions foreshock", "");

    broker.create_topic("orderflow.events", 3, &[("retention.ms", "-1")]);
    let good = check(&minimal(&bootstrap, "input = ['orderflow.events', '^order.*', '^none']", ""));
    good.exits(0);
    good.says("ok", "input orderflow.events", "3 partitions, kept for ever");
    good.says("ok", "input ^order.*", "1 topic match it: orderflow.events");
    good.says("warn", "input ^none", "no topic matches it now");
    good.says("ok", "output foreshock.alerts", "the service creates it");
    good.says("ok", "output foreshock.dead-letter", "the service creates it");
    assert_eq!(topics(&bootstrap), ["orderflow.events"], "a check creates nothing");

    broker.create_topic("short", 1, &[("retention.ms", "90000")]);
    broker.create_topic("folded", 1, &[("cleanup.policy", "compact")]);
    broker.create_topic("foreshock.alerts", 1, &[]);
    broker.create_topic("foreshock.dead-letter", 1, &[("max.message.bytes", "500000")]);
    broker.create_topic("foreshock.audit", 1, &[("retention.ms", "60000")]);
    broker.create_topic("foreshock.state", 1, &[]);
    let bad = check(&minimal(&bootstrap, "input = ['short', 'folded']", ""));
    bad.exits(69);
    bad.says("fail", "input short", "kept for 90 s, but a restart reads up to 2 min again");
    bad.says("fail", "input folded", "set its cleanup.policy to delete");
    bad.says("ok", "output foreshock.alerts", "1 partition");
    bad.says("fail", "output foreshock.dead-letter", "set its max.message.bytes to 1000000 or more");
    bad.says("fail", "output foreshock.audit", "kept for 1 min, but a restart reads up to 2 min again");
    bad.says("fail", "output foreshock.state", "set its cleanup.policy to compact");
    let layout = "[kafka.topics.alerts]\npartitions = 3\nretention_h = 720\n[kafka.topics.view]\nreplication = 1\n";
    let other = check(&minimal(&bootstrap, "input = ['orderflow.events']", layout));
    let differs: Vec<&String> =
        other.lines.iter().filter(|line| line.contains("differs from `kafka.topics`")).collect();
    assert_eq!(differs.len(), 1, "{other:#?}");
    let words = ["warn", "output foreshock.alerts", "1 partition, configured 3", "configured 30 d"];
    assert!(words.iter().all(|words| differs[0].contains(words)), "{differs:?}");
    other.says("ok", "output foreshock.view", "the service creates it");
    for topic in ["foreshock.alerts", "foreshock.dead-letter", "foreshock.audit", "foreshock.state"] {
        assert!(Topic::new(&bootstrap, topic).records(Isolation::ReadUncommitted).is_empty(), "{topic}");
    }
}

#[test]
fn a_service_that_runs_does_not_notice() {
    let broker = KafkaBroker::start();
    broker.create_topic("orderflow.events", 2, &[]);
    let listen = format!("[http]\nlisten = '127.0.0.1:{}'", port::free(1)[0]);
    let layout = "[kafka.topics.alerts]\npartitions = 2\nretention_h = 48\n[kafka.topics.audit]\nreplication = 1\n";
    let config = minimal(&broker.bootstrap(), "", &format!("{listen}\n{layout}"));
    let file = configuration(&config);
    let mut service = Service::start(file.path(), "");
    let address = service.http();
    service.wait_line("the service is ready");
    let checked = check(&config);
    checked.exits(0);
    checked.says("warn", "http", "taken by a foreshock that runs");
    checked.says("ok", "group foreshock", "");
    checked.says("ok", "transactions foreshock", "foreshock-check");
    // Its topics are as they were configured.
    checked.says("ok", "output foreshock.alerts", "2 partitions, kept for 2 d");
    checked.says("ok", "output foreshock.audit", "1 partition, kept for ever");
    assert!(!format!("{checked:?}").contains("differs"), "{checked:#?}");
    // It goes on to commit: nobody took its transactions or its partitions over.
    let send = "simulate --seed 1 --minutes 1 --symbols 1 --topic orderflow.events --kafka";
    let output = foreshock().args(send.split(' ')).arg(broker.bootstrap()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let records: i64 =
        Topic::new(&broker.bootstrap(), "orderflow.events").ends(Isolation::ReadUncommitted).iter().sum();
    let deadline = Deadline::after(WAIT_MAX);
    let committed = |metrics: &Metrics| metrics.value("foreshock_commits_total{outcome=\"committed\"}");
    loop {
        service.assert_running();
        let metrics = Metrics::of(address);
        if metrics.sum("foreshock_records_total") >= records as f64 && committed(&metrics) > 0.0 {
            break;
        }
        deadline.check("the service's commits");
    }
    let log = service.log_so_far();
    assert!(!log.contains("given back"), "{log}");
    assert_eq!(service.terminate().code(), Some(0));
}

#[test]
fn rights_are_asked_for_one_by_one() {
    let broker = AuthorizedBroker::start();
    for topic in ["orderflow.events", "foreshock.alerts", "foreshock.state"] {
        broker.create_topic(topic, 1, &[]);
    }
    let (user, password) = USER;
    let client = format!(
        "[kafka.client]\n'security.protocol' = 'sasl_plaintext'\n'sasl.mechanism' = 'PLAIN'\n'sasl.username' = '{user}'\n"
    );
    let config = minimal(&broker.users_bootstrap(), "", &client);

    let unknown = check_as("wrong", &config);
    unknown.exits(69);
    unknown.says("fail", "brokers", "cannot log in");
    assert!(!format!("{unknown:?}").contains("wrong"), "a password is never shown: {unknown:?}");

    let nothing = check_as(password, &config);
    nothing.exits(69);
    nothing.says("fail", "input orderflow.events", "Read and Describe on the topic");
    nothing.says("fail", "output foreshock.alerts", "Write and Describe on the topic");
    nothing.says("fail", "output foreshock.dead-letter", "");
    nothing.says("fail", "group foreshock", "give its user Read on the group");
    nothing.says("warn", "transactions foreshock", "Write and Describe on the transactional id `foreshock`");

    let outputs = ["foreshock.alerts", "foreshock.dead-letter", "foreshock.audit", "foreshock.state", "foreshock.view"];
    let describe: Vec<_> =
        outputs.iter().chain(&["orderflow.events"]).map(|topic| ["TOPIC", topic, "DESCRIBE"]).collect();
    broker.allow(&describe);
    broker.allow(&[["GROUP", "foreshock", "DESCRIBE"]]);
    let described = check_until(&config, |checked| checked.about("output foreshock.dead").contains("created"));
    described.exits(69);
    described.says("fail", "input orderflow.events", "not allowed to read it: give its user Read on the topic");
    described.says("fail", "output foreshock.alerts", "not allowed to write to it: give its user Write on the topic");
    described.says("fail", "output foreshock.dead-letter", "allow Create on it");
    described.says("fail", "group foreshock", "give its user Read on the group");

    broker.allow(&[
        ["TOPIC", "orderflow.events", "READ"],
        ["TOPIC", "foreshock.alerts", "WRITE"],
        ["TOPIC", "foreshock.dead-letter", "CREATE"],
        ["TOPIC", "foreshock.audit", "CREATE"],
        ["TOPIC", "foreshock.view", "CREATE"],
        ["TOPIC", "foreshock.state", "WRITE"],
        ["GROUP", "foreshock", "READ"],
        ["TRANSACTIONAL_ID", "foreshock-check", "WRITE"],
    ]);
    let allowed = check_until(&config, |checked| checked.about("transactions").starts_with("ok"));
    // What a restart reads again must be readable too.
    allowed.exits(69);
    allowed.says("fail", "output foreshock.state", "give its user Read on the topic");
    allowed.says("warn", "input orderflow.events", "allow DescribeConfigs to have them checked");
    allowed.says("ok", "output foreshock.dead-letter", "the service creates it");
    allowed.says("ok", "group foreshock", "");
    broker.allow(&[["TOPIC", "orderflow.events", "DESCRIBE_CONFIGS"], ["TOPIC", "foreshock.state", "READ"]]);
    let done = |checked: &Checked| {
        checked.about("input").starts_with("ok") && checked.about("output foreshock.state").starts_with("warn")
    };
    check_until(&config, done).exits(0);
    let alerts = Topic::new(&broker.bootstrap(), "foreshock.alerts");
    assert!(alerts.records(Isolation::ReadUncommitted).is_empty(), "a check writes nothing");
}

/// Checks until the broker has learned of what was allowed.
fn check_until(config: &str, learned: impl Fn(&Checked) -> bool) -> Checked {
    let deadline = Deadline::after(WAIT_MAX);
    loop {
        let checked = check_as(USER.1, config);
        if learned(&checked) {
            return checked;
        }
        assert!(!deadline.left().is_zero(), "the broker never learned: {checked:#?}");
    }
}

#[test]
fn it_reads_the_file_that_it_is_given() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("nowhere.toml");
    let output = foreshock().args(["check", "--config"]).arg(&nowhere).output().unwrap();
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8(output.stderr).unwrap().contains("schema config"), "it says how to get one");
    fs::write(&nowhere, "[http]\nlisten = '127.0.0.1:0'\n[kafka]\nbrokers = '127.0.0.1:1'\n").unwrap();
    let output = foreshock().args(["check", "--config"]).arg(&nowhere).output().unwrap();
    assert_eq!(output.status.code(), Some(69));
}
