//! A broker that demands TLS and a login: the service's way through, what it says where it is not let in, and that no secret
//! is ever seen.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod support;

use std::fmt::Write as _;
use std::io::Write as _;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use tempfile::NamedTempFile;

use support::command::foreshock;
use support::kafka::secured::{KEY_PASSWORD, SecuredBroker, USER};
use support::service::Service;
use support::topic::{Isolation, Topic};

const INPUT: &str = "orderflow.events";
const ANSWER_MAX: Duration = Duration::from_secs(30);
const RECORDS: usize = 20;
/// The variable that may hold a secret instead of a file.
const PASSWORD_VARIABLE: &str = "FORESHOCK_KAFKA__CLIENT__SASL_PASSWORD";

/// A configuration file with these settings of the client.
fn configure(bootstrap: &str, group: &str, settings: &[(&str, &str)]) -> NamedTempFile {
    let mut text = format!(
        "[kafka]\nbrokers = '{bootstrap}'\ngroup = '{group}'\n[topics]\ndead_letter = '{group}.dead'\n\
         [http]\nlisten = '127.0.0.1:0'\n[kafka.client]\n"
    );
    for (name, value) in settings {
        writeln!(text, "'{name}' = '{value}'").unwrap();
    }
    file(&text)
}

fn file(text: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file
}

/// Sends records that go to the dead letters, so that what the service does with each shows.
fn send(broker: &SecuredBroker) {
    broker.create_topic(INPUT, 3);
    let mut config = ClientConfig::new();
    let producer: BaseProducer = config.set("bootstrap.servers", broker.bootstrap()).create().unwrap();
    for number in 0..RECORDS {
        let payload = format!("hostile {number}");
        producer.send(BaseRecord::to(INPUT).key(&payload).payload(&payload)).map_err(|(error, _)| error).unwrap();
    }
    producer.flush(ANSWER_MAX).unwrap();
}

/// Proves that a service reads everything and commits its output, and logs no secret, not even at the level `trace`.
fn serves(broker: &SecuredBroker, group: &str, config: &NamedTempFile, variables: &[(&str, &str)]) {
    let variables = [variables, &[("FORESHOCK_LOG", "trace")]].concat();
    let mut service = Service::start_with(config.path(), &variables);
    service.wait_line("partitions were assigned");
    let dead = Topic::new(&broker.bootstrap(), &format!("{group}.dead"));
    dead.follow().wait(RECORDS);
    assert_no_secret(&service.log_so_far());
    assert_eq!(service.terminate().code(), Some(0));
    dead.wait_closed();
    assert_eq!(dead.records(Isolation::ReadCommitted).len(), RECORDS);
}

#[track_caller]
fn assert_no_secret(text: &str) {
    for secret in [USER.1, KEY_PASSWORD] {
        assert!(!text.contains(secret), "a secret is seen in {text}");
    }
}

/// The exit code and the output of a `run` that does not even begin.
fn refused(config: &NamedTempFile, variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = foreshock();
    command.args(["run", "--config"]).arg(config.path()).envs(variables.iter().copied());
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_no_secret(&said);
    (output.status.code(), said)
}

#[test]
fn a_service_is_let_in_with_a_password_or_a_certificate_and_tells_neither() {
    let broker = SecuredBroker::start();
    send(&broker);
    let ca = broker.certificate();
    let ca = ca.to_str().unwrap();
    let (user, password) = USER;
    let login = [
        ("security.protocol", "sasl_ssl"),
        ("ssl.ca.location", ca),
        ("sasl.mechanism", "PLAIN"),
        ("sasl.username", user),
    ];

    let config = configure(&broker.users_bootstrap(), "by-variable", &login);
    serves(&broker, "by-variable", &config, &[(PASSWORD_VARIABLE, password)]);

    let secret = file(&format!("{password}\n"));
    let in_file = [("sasl.password_file", secret.path().to_str().unwrap())];
    let config = configure(&broker.users_bootstrap(), "by-file", &[&login[..], &in_file].concat());
    serves(&broker, "by-file", &config, &[]);

    let (key, key_secret) = (broker.client_key(), file(KEY_PASSWORD));
    let certificate = [
        ("security.protocol", "ssl"),
        ("ssl.ca.location", ca),
        ("ssl.keystore.location", key.to_str().unwrap()),
        ("ssl.keystore.password_file", key_secret.path().to_str().unwrap()),
    ];
    let config = configure(&broker.clients_bootstrap(), "by-key", &certificate);
    serves(&broker, "by-key", &config, &[]);

    is_not_let_in(&broker, &login);
}

fn is_not_let_in(broker: &SecuredBroker, login: &[(&str, &str)]) {
    let config = configure(&broker.users_bootstrap(), "wrong", login);
    let (code, said) = refused(&config, &[(PASSWORD_VARIABLE, "wrong")]);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("cannot log in") && said.contains("`sasl.*`"), "{said}");

    let other = broker.other_certificate();
    let mut strange = login.to_vec();
    strange[1].1 = other.to_str().unwrap();
    let config = configure(&broker.users_bootstrap(), "wrong", &strange);
    let (code, said) = refused(&config, &[(PASSWORD_VARIABLE, USER.1)]);
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("cannot log in") && said.contains("`ssl.*`"), "{said}");

    let literal = [login, &[("sasl.password", USER.1)]].concat();
    let (code, said) = refused(&configure(&broker.users_bootstrap(), "wrong", &literal), &[]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("a secret must not be in this file"), "{said}");

    let absent = [login, &[("sasl.password_file", "/does/not/exist")]].concat();
    let (code, said) = refused(&configure(&broker.users_bootstrap(), "wrong", &absent), &[]);
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("/does/not/exist"), "{said}");
}
