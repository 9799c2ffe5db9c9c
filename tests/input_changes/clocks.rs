//! Clocks of others that are wrong, and records of which none can be used: what the input itself makes the service believe.

use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use serde_json::Value;

use crate::TOLD_MAX;
use crate::bench::{Bench, pause};
use crate::support::deadline::Deadline;
use crate::support::http::Metrics;

const SECOND_NS: i64 = 1_000_000_000;
/// Seconds of calm flow before anything happens: more than the twenty minutes after which a burst is judged by its own.
const HISTORY_S: i64 = 1_600;
/// Cancels of the burst.
const BURST: i64 = 400;

/// This machine's clock.
#[expect(clippy::disallowed_methods, reason = "the stamps of a flow that comes now")]
fn now() -> i64 {
    i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos()).unwrap()
}

/// An order that is cancelled 300 ms after it was placed.
fn order(symbol: &str, ts: i64, nth: i64) -> [String; 2] {
    let account = nth % 5;
    [
        format!(
            r#"{{"type":"order_new","ts":{ts},"symbol":"{symbol}","account":"a{account}","order":"{symbol}-{nth}","side":"buy","price":"99.9","qty":"1"}}"#
        ),
        format!(
            r#"{{"type":"order_cancel","ts":{},"symbol":"{symbol}","account":"a{account}","order":"{symbol}-{nth}","reason":"user"}}"#,
            ts + 300_000_000
        ),
    ]
}

fn heartbeat(ts: i64, producer: &str) -> String {
    format!(r#"{{"type":"heartbeat","ts":{ts},"producer":"{producer}"}}"#)
}

/// Sends records to the input of a bench.
struct Sender<'a> {
    bench: &'a Bench,
    producer: BaseProducer,
    /// The time that each record has in the broker, in milliseconds; `None` is the time of sending.
    record_time: Option<i64>,
}

impl<'a> Sender<'a> {
    fn new(bench: &'a Bench) -> Self {
        Self { bench, producer: bench.input.producer(), record_time: None }
    }

    fn send(&self, partition: i32, text: &str) {
        let mut record = BaseRecord::<str, str>::to(&self.bench.input.name).payload(text).partition(partition);
        record.timestamp = self.record_time;
        self.producer.send(record).map_err(|(error, _)| error).unwrap();
        self.producer.poll(Duration::ZERO);
    }

    /// Sends calm flow of a symbol: an order and its cancel each second, up to a second before `end`.
    fn history(&self, partition: i32, symbol: &str, end: i64) {
        for second in 0..HISTORY_S {
            let ts = end - (HISTORY_S - second) * SECOND_NS;
            for text in order(symbol, ts, second) {
                self.send(partition, &text);
            }
            self.send(partition, &heartbeat(ts + 500_000_000, &format!("p{partition}")));
        }
        self.producer.flush(TOLD_MAX).unwrap();
    }

    /// Sends a burst of cancels within half a second from `ts` on.
    fn burst(&self, partition: i32, symbol: &str, ts: i64) {
        let orders = (0..BURST).map(|n| order(symbol, ts + n * 500_000, HISTORY_S + n));
        let (new, cancels): (Vec<_>, Vec<_>) = orders.map(|[new, cancel]| (new, cancel)).unzip();
        for text in new.iter().chain(&cancels) {
            self.send(partition, text);
        }
        self.producer.flush(TOLD_MAX).unwrap();
    }

    /// Keeps the partitions' clocks going, each `ahead` of this machine's, until an alert is as it should be.
    #[track_caller]
    fn beat_until(&self, ahead_s: &[i64], within: Duration, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Deadline::after(within);
        loop {
            for (partition, ahead) in (0..).zip(ahead_s) {
                self.send(partition, &heartbeat(now() + ahead * SECOND_NS, &format!("p{partition}")));
            }
            self.producer.flush(TOLD_MAX).unwrap();
            let alerts = self.bench.alerts();
            if let Some(alert) = alerts.iter().find(|alert| is_it(alert)) {
                return alert.clone();
            }
            assert!(!deadline.left().is_zero(), "no alert of {what}: {alerts:#?}");
            pause();
        }
    }
}

/// A counter of the service, over all its labels.
fn count(address: SocketAddr, metric: &str) -> i32 {
    let sum = Metrics::of(address).sum(metric);
    (0..100_000).find(|n| f64::from(*n) >= sum).expect("a count of some records")
}

/// Proves that a replay with the recorded decisions judges the same stamps the same way.
#[track_caller]
fn assert_replays(bench: &Bench) {
    let reported = |alerts: &[Value]| {
        let each = alerts.iter().map(|alert| format!("{} {} {}", alert["id"], alert["revision"], alert["summary"]));
        let mut reported: Vec<String> = each.collect();
        reported.sort();
        reported
    };
    assert_eq!(reported(&bench.replay().alerts), reported(&bench.alerts()));
}

fn is_burst(alert: &Value) -> bool {
    alert["detectors"].as_array().unwrap().iter().any(|name| name == "cancel_burst")
}

fn has_reason(alert: &Value, reason: &str) -> bool {
    alert["trust"]["reasons"].as_array().unwrap().iter().any(|one| one == reason)
}

#[test]
fn stamps_far_ahead_of_this_machine_hold_nothing_up_and_are_reported() {
    let bench = Bench::new("ahead", 1);
    let sender = Sender::new(&bench);
    let end = now();
    sender.history(0, "X", end);
    let mut service = bench.start();
    let address = service.http();
    service.wait_line("the input was read again");
    // The record bears the wrong clock too. 50 minutes are rejected; 290 seconds are held back.
    let mut wrong = Sender::new(&bench);
    for (ahead_s, orders) in [(3_000, 1), (290, 3)] {
        let ts = now() + ahead_s * SECOND_NS;
        wrong.record_time = Some(ts / 1_000_000);
        for text in (0..orders).flat_map(|n| order("X", ts + n, 9_000 + ahead_s + n)) {
            wrong.send(0, &text);
        }
    }
    wrong.producer.flush(TOLD_MAX).unwrap();
    sender.burst(0, "X", now());
    let alert = sender.beat_until(&[0], TOLD_MAX, "the burst", is_burst);
    assert_eq!(alert["symbols"], serde_json::json!(["X"]), "{alert}");
    let skew = sender.beat_until(&[0], TOLD_MAX, "the clock", |alert| has_reason(alert, "skew"));
    assert!(skew["summary"].as_str().unwrap().contains("ahead"), "{skew}");
    assert_eq!(count(address, "foreshock_held_back_events_total"), 6);
    assert_eq!(count(address, "foreshock_rejected_total"), 2);
    let letters = bench.dead_letters();
    assert_eq!(letters.len(), 2);
    assert!(letters.iter().all(|(_, headers)| headers["reason"] == "ts_future"), "{letters:?}");
    assert_eq!(service.terminate().code(), Some(0));
    assert_replays(&bench);
}

#[test]
fn a_partition_an_hour_behind_holds_the_others_up_for_seconds_and_is_reported() {
    let bench = Bench::new("behind", 2);
    let sender = Sender::new(&bench);
    let end = now();
    sender.history(0, "X", end);
    sender.history(1, "Y", end - 3_600 * SECOND_NS);
    let service = bench.start();
    sender.burst(0, "X", now());
    let alert = sender.beat_until(&[0, -3_600], TOLD_MAX * 2, "the burst", is_burst);
    assert_eq!(alert["symbols"], serde_json::json!(["X"]), "{alert}");
    let behind = sender.beat_until(&[0, -3_600], TOLD_MAX, "the partition", |alert| has_reason(alert, "behind"));
    assert!(behind["summary"].as_str().unwrap().contains("behind"), "{behind}");
    assert_eq!(service.terminate().code(), Some(0));
    assert_replays(&bench);
}

#[test]
fn a_record_time_in_another_unit_counts_as_none() {
    let bench = Bench::new("seconds", 1);
    let mut sender = Sender::new(&bench);
    let end = now();
    sender.record_time = Some(end / SECOND_NS);
    sender.history(0, "X", end);
    let mut service = bench.start();
    let address = service.http();
    sender.record_time = Some(1);
    sender.burst(0, "X", now());
    sender.beat_until(&[0], TOLD_MAX * 2, "the burst", is_burst);
    assert_eq!(count(address, "foreshock_rejected_total"), 0);
    let reported: Vec<Value> = bench.alerts().into_iter().filter(|alert| has_reason(alert, "lag")).collect();
    assert_eq!(reported, Vec::<Value>::new(), "a time that cannot be meant is no lag");
    assert_eq!(service.terminate().code(), Some(0));
    assert_replays(&bench);
}

#[test]
fn records_of_which_none_can_be_used_are_blindness_though_heartbeats_go_on() {
    let bench = Bench::new("useless", 1);
    let sender = Sender::new(&bench);
    sender.history(0, "X", now());
    let service = bench.start();
    let deadline = Deadline::after(TOLD_MAX * 2);
    let mut nth = 0;
    let blind = loop {
        // The producer has renamed a field.
        for text in order("X", now(), 5_000 + nth) {
            sender.send(0, &text.replace("\"order\":", "\"id\":"));
        }
        nth += 1;
        sender.send(0, &heartbeat(now(), "p0"));
        sender.producer.flush(TOLD_MAX).unwrap();
        if let Some(alert) = bench.alerts().into_iter().find(|alert| has_reason(alert, "nothing_usable")) {
            break alert;
        }
        deadline.check("the alert of records that cannot be used");
        pause();
    };
    assert_eq!((&blind["severity"], &blind["trust"]["mode"]), (&"critical".into(), &"blind".into()), "{blind}");
    assert_eq!(service.terminate().code(), Some(0));
    assert_replays(&bench);
}
