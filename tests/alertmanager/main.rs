//! Alerts on their way from a real broker to a real Alertmanager, and to receivers that fail.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bench;
mod own_alerts;
mod routed;
#[path = "../support/mod.rs"]
mod support;
mod webhook;

use std::io::{Seek as _, Write as _};
use std::sync::{Arc, Mutex};

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509Builder, X509NameBuilder};
use serde_json::Value;
use tempfile::NamedTempFile;

use bench::{Bench, RESEND_S, alert, url, wait_metric};
use support::alertmanager::Alertmanager;
use support::deadline::Deadline;
use support::fake_receiver::FakeReceiver;
use support::kafka::KafkaBroker;
use support::service::Service;
use support::topic::{Isolation, Record};

/// Time for an answer of the broker.
const ANSWER_MAX: std::time::Duration = std::time::Duration::from_secs(30);

#[test]
fn an_incident_opens_becomes_critical_and_ends_at_a_real_alertmanager_which_may_be_away() {
    let address = Alertmanager::free_address();
    let bench = Bench::resending("life", RESEND_S, &[url(address)]);
    let alertmanager = Alertmanager::at(address);
    // What had ended before the start is never posted as firing.
    bench.write("early", 1, "firing", "warning");
    bench.write("early", 2, "resolved", "warning");
    bench.write("a", 1, "firing", "warning");
    let service = bench.notify();
    alertmanager.wait(&[("a", "warning")]);
    let shown = alertmanager.firing().remove(0);
    let labels =
        serde_json::json!({"alertname": "cancel_burst", "incident": "a", "severity": "warning", "venue": "XY"});
    assert_eq!(shown["labels"], labels, "labels are identity alone");
    let recorded = alert("a", 1, "firing", "warning");
    assert_eq!(shown["annotations"]["summary"], recorded["summary"]);
    let described = shown["annotations"]["description"].as_str().unwrap();
    let (title, past) = (recorded["title"].as_str().unwrap(), "Not seen before within the look-back");
    assert!(described.starts_with(title) && described.ends_with(past), "{described}");

    bench.write("a", 2, "amended", "critical");
    alertmanager.wait(&[("a", "critical")]);
    bench.write("b", 1, "firing", "critical");
    alertmanager.wait(&[("a", "critical"), ("b", "critical")]);
    bench.write("b", 2, "withdrawn", "critical");
    alertmanager.wait(&[("a", "critical")]);
    bench.write("calm", 1, "firing", "info");
    bench.write("long", 1, "firing", "warning");
    alertmanager.wait(&[("a", "critical"), ("long", "warning")]);

    drop(alertmanager);
    bench.write("a", 3, "resolved", "critical");
    bench.write("c", 1, "firing", "warning");
    bench.write("d", 1, "firing", "warning");
    bench.write("d", 2, "resolved", "warning");
    let alertmanager = Alertmanager::at(address);
    alertmanager.wait(&[("c", "warning"), ("long", "warning")]);

    // Another process knows the same, and two of them are one alert.
    let second = bench.notify();
    assert_eq!(service.terminate().code(), Some(0));
    bench.write("e", 1, "firing", "warning");
    alertmanager.wait(&[("c", "warning"), ("e", "warning"), ("long", "warning")]);
    let first = bench.notify();
    for id in ["c", "e", "long"] {
        bench.write(id, 2, "resolved", "warning");
    }
    alertmanager.wait(&[]);
    for service in [first, second] {
        assert_eq!(service.terminate().code(), Some(0));
    }
}

#[test]
fn a_receiver_that_fails_holds_nobody_up_and_one_bad_alert_no_other() {
    let good = FakeReceiver::answering(|_, _| Some(200));
    let failing = FakeReceiver::answering(|n, _| Some([500, 429, 503].get(n).copied().unwrap_or(200)));
    let silent = FakeReceiver::answering(|_, _| None);
    let strict = FakeReceiver::answering(|_, alerts| {
        Some(if alerts.iter().any(|alert| alert["labels"]["incident"] == "b") { 400 } else { 200 })
    });
    let mut token = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    writeln!(token, "swordfish").unwrap();
    let with_token = format!("{}\nbearer_file = '{}'", url(good.address), token.path().display());
    let hasty = format!("{}\ntimeout_s = 1", url(silent.address));
    let bench = Bench::new("faults", &[hasty, url(failing.address), url(strict.address), with_token]);
    for id in ["a", "b", "c"] {
        bench.write(id, 1, "firing", "warning");
    }
    let mut service = Service::command("notify", bench.config.path());
    let metrics = service.http();
    let posted = service.wait_json("\"message\":\"posted\"");
    for field in ["receiver", "attempt", "alerts", "bytes", "milliseconds"] {
        assert!(!posted[field].is_null(), "no {field} in {posted}");
    }

    let request = good.next();
    assert_eq!(request.incidents(), ["a", "b", "c"]);
    assert!(request.headers.iter().any(|line| line.eq_ignore_ascii_case("authorization: Bearer swordfish")));
    for reply in [500, 429, 503, 200] {
        let request = failing.next();
        assert_eq!((request.reply, request.incidents()), (Some(reply), vec!["a", "b", "c"]));
    }
    let halves =
        [(400, vec!["a", "b", "c"]), (200, vec!["a"]), (400, vec!["b", "c"]), (400, vec!["b"]), (200, vec!["c"])];
    for (reply, incidents) in halves {
        let request = strict.next();
        assert_eq!((request.reply, request.incidents()), (Some(reply), incidents));
    }
    // The bad one is repeated by itself.
    assert_eq!(strict.next().incidents(), ["a", "c"]);
    assert_eq!(strict.next().incidents(), ["b"]);
    // The one that never answers is asked again.
    for _ in 0..2 {
        assert_eq!(silent.next().incidents(), ["a", "b", "c"]);
    }

    let count = |receiver: &FakeReceiver, outcome: &str| {
        format!("foreshock_notifications_total{{outcome=\"{outcome}\",receiver=\"{}\"}}", receiver.address)
    };
    wait_metric(metrics, &count(&good, "delivered"), |n| (n - 3.0).abs() < 0.5);
    wait_metric(metrics, &count(&good, "repeated"), |n| n > 2.5);
    wait_metric(metrics, &count(&failing, "failed"), |n| (n - 9.0).abs() < 0.5);
    wait_metric(metrics, &count(&strict, "refused"), |n| n > 1.5);
    wait_metric(metrics, &count(&silent, "failed"), |n| n > 2.5);
    // What was there at the start says nothing of how fast alerts arrive.
    let seconds = format!("foreshock_notification_seconds_count{{receiver=\"{}\"}}", good.address);
    wait_metric(metrics, &seconds, |n| n < 0.5);
    bench.write("d", 1, "firing", "warning");
    wait_metric(metrics, &seconds, |n| (n - 1.0).abs() < 0.5);

    let (status, log) = service.end();
    assert_eq!(status.code(), Some(0));
    assert!(!log.contains("swordfish"), "the log shows a secret");
    assert!(log.contains("the receiver refuses the alert"), "{log}");
}

#[test]
fn a_broker_that_is_away_changes_nothing_that_receivers_show() {
    let receiver = FakeReceiver::answering(|_, _| Some(200));
    let broker = Arc::new(Mutex::new(KafkaBroker::start()));
    let bench = Bench::on(Arc::clone(&broker), "outage", 1, &[url(receiver.address)]);
    bench.write("a", 1, "firing", "warning");
    let service = bench.notify();
    let mut before = receiver.next();
    broker.lock().unwrap().kill();
    // Longer than Alertmanager believes a repetition.
    for _ in 0..6 {
        let repeated = receiver.next();
        assert_eq!(repeated.incidents(), ["a"]);
        assert!(repeated.ends() > before.ends(), "it fires on: {repeated:?} after {before:?}");
        before = repeated;
    }
    broker.lock().unwrap().restart();
    bench.write("a", 2, "resolved", "warning");
    let deadline = Deadline::after(ANSWER_MAX);
    loop {
        let repeated = receiver.next();
        // What has ended has the same end in each repetition.
        if repeated.ends() == before.ends() {
            break;
        }
        before = repeated;
        deadline.check("the end of the incident");
    }
    assert_eq!(service.terminate().code(), Some(0));
}

/// A self-signed certificate of 127.0.0.1 and its key, as files in PEM.
fn certificate() -> (NamedTempFile, NamedTempFile) {
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "alertmanager").unwrap();
    let name = name.build();
    let mut builder = X509Builder::new().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&BigNum::from_u32(1).unwrap().to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(2).unwrap()).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.append_extension(BasicConstraints::new().ca().build().unwrap()).unwrap();
    let address = SubjectAlternativeName::new().ip("127.0.0.1").build(&builder.x509v3_context(None, None)).unwrap();
    builder.append_extension(address).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    let file = |bytes: &[u8]| {
        let mut file = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        file.write_all(bytes).unwrap();
        file
    };
    (file(&builder.build().to_pem().unwrap()), file(&key.private_key_to_pem_pkcs8().unwrap()))
}

#[test]
fn a_login_over_tls_needs_the_right_authority_and_the_right_password() {
    let address = Alertmanager::free_address();
    let ((trusted, key), (other, _)) = (certificate(), certificate());
    let _alertmanager = Alertmanager::secured(address, trusted.path(), key.path());
    let mut password = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    writeln!(password, "foreshock:opensesame").unwrap();
    let ask = |name: &str, authority: Option<&NamedTempFile>, words: &[&str]| {
        let authority = authority.map_or(String::new(), |file| format!("ca_file = '{}'\n", file.path().display()));
        let login = format!("basic_auth_file = '{}'", password.path().display());
        Bench::new(name, &[format!("url = 'https://{address}'\n{authority}{login}")]).ask(words)
    };
    let tested = ask("tls-right", Some(&trusted), &["notify", "--test"]);
    assert!(tested.0 == Some(0) && tested.1.contains("answered 200"), "{tested:?}");
    for (name, authority) in [("tls-other", Some(&other)), ("tls-system", None)] {
        let tested = ask(name, authority, &["notify", "--test"]);
        assert!(tested.0 == Some(69) && tested.1.contains("certificate verify failed"), "{tested:?}");
    }
    let mut file = password.as_file();
    file.rewind().unwrap();
    file.write_all(b"foreshock:OPENSESAME").unwrap();
    let checked = ask("tls-password", Some(&trusted), &["check"]);
    assert!(checked.0 == Some(69) && checked.1.contains("refuses the login (401)"), "{checked:?}");
}

#[test]
fn a_service_that_runs_pages_a_real_alertmanager_and_a_check_and_a_test_reach_it() {
    let address = Alertmanager::free_address();
    let bench = Bench::new("page", &[url(address)]);
    let away = bench.ask(&["check"]);
    assert!(away.0 == Some(0) && away.1.contains("does not answer"), "{away:?}");
    let tested = bench.ask(&["notify", "--test"]);
    assert!(tested.0 == Some(69) && tested.1.starts_with("fail"), "{tested:?}");

    let alertmanager = Alertmanager::at(address);
    let (code, lines) = bench.ask(&["check"]);
    let line = lines.lines().find(|line| line.contains("receiver")).unwrap();
    assert!(code == Some(0) && line.starts_with("ok"), "{lines}");
    assert!(alertmanager.firing().is_empty(), "a check sends nothing");
    let tested = bench.ask(&["notify", "--test"]);
    assert!(tested.0 == Some(0) && tested.1.starts_with("ok"), "{tested:?}");
    let test = alertmanager.firing().remove(0);
    assert_eq!(test["labels"]["alertname"], "ForeshockTest");
    assert!(test["annotations"]["description"].as_str().unwrap().starts_with("TEST"), "{test}");

    bench.send_flow();
    let service = Service::start(bench.config.path(), "");
    alertmanager.wait_for("a page of the silent input", |am| am.firing().iter().any(is_page));
    assert_eq!(service.terminate().code(), Some(0));
}

/// Whether an alert, or its labels at an Alertmanager, pages because of the input.
fn is_page(alert: &Value) -> bool {
    alert["labels"]["alertname"] == "feed" && alert["labels"]["severity"] == "critical"
}

#[test]
fn a_page_that_was_committed_and_not_sent_when_the_process_was_killed_is_sent_by_the_next() {
    let address = Alertmanager::free_address();
    let bench = Bench::new("killed", &[url(address)]);
    bench.send_flow();
    // Nobody listens at the address, so whatever is committed is not sent.
    let service = Service::start(bench.config.path(), "");
    let deadline = Deadline::after(ANSWER_MAX);
    let is_committed = |record: &Record| {
        let alert: Value = serde_json::from_slice(&record.payload).unwrap();
        alert["detectors"][0] == "feed" && alert["severity"] == "critical"
    };
    while !bench.alerts.records(Isolation::ReadCommitted).iter().any(is_committed) {
        deadline.check("a committed page");
    }
    service.kill();
    let alertmanager = Alertmanager::at(address);
    let next = Service::start(bench.config.path(), "");
    alertmanager.wait_for("the page", |am| am.firing().iter().any(is_page));
    assert_eq!(next.terminate().code(), Some(0));
}

#[test]
fn an_answer_of_ten_megabytes_is_not_read_to_its_end() {
    let receiver = FakeReceiver::answering_at_length(10_000_000, |_, _| Some(200));
    let bench = Bench::new("verbose", &[url(receiver.address)]);
    bench.write("a", 1, "firing", "warning");
    let service = bench.notify();
    for _ in 0..3 {
        assert_eq!(receiver.next().incidents(), ["a"]);
    }
    assert!(service.memory_peak_kb() < 200_000, "{} kB", service.memory_peak_kb());
    assert_eq!(service.terminate().code(), Some(0));
}
