//! Refusals of the broker that waiting does not cure: the service ends with a fixed exit code and says what to do, or
//! cuts a dead letter that is too large.

use std::io::Write as _;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tempfile::NamedTempFile;

use crate::ANSWER_MAX;
use crate::support::kafka::KafkaBroker;
use crate::support::kafka::authorized::{AuthorizedBroker, USER};
use crate::support::service::Service;
use crate::support::topic::{Isolation, Topic};

const INPUT: &str = "orderflow.events";
const DEAD: &str = "foreshock.dead-letter";
const OUTPUTS: [&str; 4] = ["foreshock.alerts", "foreshock.audit", "foreshock.state", "foreshock.view"];
/// The user's rights: all that the service needs but Write on the dead letters.
const RIGHTS: [[&str; 3]; 12] = [
    ["TOPIC", INPUT, "READ"],
    ["TOPIC", INPUT, "DESCRIBE"],
    ["TOPIC", DEAD, "DESCRIBE"],
    ["TOPIC", OUTPUTS[0], "WRITE"],
    ["TOPIC", OUTPUTS[1], "WRITE"],
    ["TOPIC", OUTPUTS[1], "READ"],
    ["TOPIC", OUTPUTS[2], "WRITE"],
    ["TOPIC", OUTPUTS[2], "READ"],
    ["TOPIC", OUTPUTS[3], "WRITE"],
    ["GROUP", "foreshock", "READ"],
    ["TRANSACTIONAL_ID", "foreshock", "WRITE"],
    ["TRANSACTIONAL_ID", "foreshock", "DESCRIBE"],
];

fn send(bootstrap: &str, payload: &[u8]) {
    let mut config = ClientConfig::new();
    let producer: BaseProducer = config.set("bootstrap.servers", bootstrap).create().unwrap();
    producer.send(BaseRecord::to(INPUT).key("k").payload(payload)).map_err(|(error, _)| error).unwrap();
    producer.flush(ANSWER_MAX).unwrap();
}

fn configure(bootstrap: &str, further: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    write!(file, "[kafka]\nbrokers = '{bootstrap}'\n[http]\nlisten = '127.0.0.1:0'\n{further}").unwrap();
    file
}

#[test]
fn a_missing_right_ends_the_service_and_is_named() {
    let broker = AuthorizedBroker::start();
    for topic in [INPUT, DEAD].into_iter().chain(OUTPUTS) {
        broker.create_topic(topic, 1, &[]);
    }
    broker.allow(&RIGHTS);
    let (user, password) = USER;
    let mut secret = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    writeln!(secret, "{password}").unwrap();
    let login = format!(
        "[kafka.client]\n'security.protocol' = 'sasl_plaintext'\n'sasl.mechanism' = 'PLAIN'\n'sasl.username' = '{user}'\n\
         'sasl.password_file' = '{}'\n",
        secret.path().display()
    );
    let config = configure(&broker.users_bootstrap(), &login);
    let mut service = Service::start(config.path(), "");
    service.wait_line("partitions were assigned");
    send(&broker.bootstrap(), b"this goes to the dead letters");
    let (status, last) = service.ended();
    assert_eq!(status.code(), Some(69), "{last}");
    assert!(last.contains("its user needs Read and Describe on the input, Write and Describe on the output"), "{last}");
}

#[test]
fn a_dead_letter_that_is_too_large_for_its_topic_is_cut_and_blocks_nothing() {
    let broker = KafkaBroker::start();
    broker.create_topic(INPUT, 1, &[]);
    broker.create_topic(DEAD, 1, &[("max.message.bytes", "2000")]);
    let [small, large] = [vec![b's'; 300], vec![b'l'; 50_000]];
    // The small records together exceed the topic's limit for one batch.
    for payload in [&small, &large, &small, &small, &small, &small, &small, &small, &small, &small] {
        send(&broker.bootstrap(), payload);
    }
    let config = configure(&broker.bootstrap(), "");
    let mut service = Service::start(config.path(), "");
    service.wait_line("it is cut");
    let dead = Topic::new(&broker.bootstrap(), DEAD);
    let mut follower = dead.follow();
    follower.wait(10);
    assert_eq!(service.terminate().code(), Some(0));
    dead.wait_closed();
    let letters = dead.records(Isolation::ReadCommitted);
    let sizes: Vec<usize> = letters.iter().map(|letter| letter.payload.len()).collect();
    assert_eq!(sizes, [300, 0, 300, 300, 300, 300, 300, 300, 300, 300]);
    assert_eq!(letters[1].headers["cut_from_bytes"], "50000");
}
