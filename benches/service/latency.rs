//! From the append of the record that completes a finding to a reader of committed records who has the alert, under load.
//!
//! The flow is sent by its own times: its bursts and lulls are the load. An alert tells how long its record waited and was worked
//! on (`latency_ms`, from the record's own time) and when it was sent; the reader adds how long it took from there, by the same
//! machine's clock. Alerts that a timer made have no such record and are left out.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use foreshock::app::clock;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::{
    flow::{Flow, Ready},
    process::{ALERTS, Trial},
    support::topic::Topic,
};

const POLL: Duration = Duration::from_millis(5);
/// Microseconds up to a minute, to three digits.
const RANGE: (u64, u64, u8) = (1, 60_000_000, 3);
/// How many readings of the memory are told.
const READINGS: usize = 12;

/// Sends the paced part and reads the alerts.
pub fn measure(flow: &mut Flow, trial: &Trial) -> Value {
    let ready = flow.paced();
    let alerts = flow.topic(ALERTS);
    let (ended, records) = (AtomicBool::new(false), ready.len());
    let mut resident = vec![trial.resident_kb()];
    let (seconds, behind, heard) = thread::scope(|scope| {
        let reader = scope.spawn(|| hear(&alerts, &ended));
        let (seconds, behind) = send(flow, &ready, || resident.push(trial.resident_kb()));
        ended.store(true, Ordering::Relaxed);
        (seconds, behind, reader.join().unwrap())
    });
    let at = |q: f64| heard.value_at_quantile(q) as f64 / 1e3;
    json!({
        "records": records,
        "records_per_s": records as f64 / seconds,
        "producer_behind_ms_max": behind.as_secs_f64() * 1e3,
        "alerts": heard.len(),
        "ms_p50": at(0.5), "ms_p90": at(0.9), "ms_p99": at(0.99), "ms_max": heard.max() as f64 / 1e3,
        "service_resident_kb": resident,
    })
}

/// Sends each record when its time has come; how long that took, and how late it was at most.
fn send(flow: &Flow, ready: &[Ready], mut look: impl FnMut()) -> (f64, Duration) {
    let began = clock::monotonic();
    let first = ready[0].ts;
    let mut behind = Duration::ZERO;
    for (i, record) in ready.iter().enumerate() {
        let due = began + Duration::from_nanos(u64::try_from(record.ts.since(first).nanos()).unwrap());
        wait(due);
        behind = behind.max(clock::monotonic().saturating_duration_since(due));
        flow.send(record);
        if i % (ready.len() / READINGS) == 0 {
            look();
        }
    }
    flow.flush();
    (clock::monotonic().duration_since(began).as_secs_f64(), behind)
}

/// In steps of a millisecond: a thread that is parked for less is woken no earlier.
fn wait(due: Instant) {
    loop {
        let left = due.saturating_duration_since(clock::monotonic());
        if left < Duration::from_millis(1) {
            return;
        }
        thread::park_timeout(left);
    }
}

/// Reads alerts until the flow has ended and no more come. Microseconds of each.
fn hear(alerts: &Topic, ended: &AtomicBool) -> Histogram<u64> {
    let mut heard = Histogram::new_with_bounds(RANGE.0, RANGE.1, RANGE.2).unwrap();
    let mut follower = alerts.follow();
    // What was said while the service caught up is of no interest.
    let (began, mut quiet) = (clock::wall().nanos(), 0);
    // Half a second without any.
    while !ended.load(Ordering::Relaxed) || quiet < 100 {
        if !follower.poll(POLL) {
            quiet += 1;
            continue;
        }
        quiet = 0;
        let now = clock::wall().nanos();
        let alert: Value = serde_json::from_slice(&follower.seen().last().unwrap().payload).unwrap();
        let (emitted_at, latency) = (alert["emitted_at"].as_i64().unwrap(), &alert["latency_ms"]);
        if emitted_at < began {
            continue;
        }
        if let (Some(queue), Some(engine)) = (latency["queue"].as_f64(), latency["engine"].as_f64()) {
            let micros = (now - emitted_at) as f64 / 1e3 + (queue + engine) * 1e3;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "microseconds, at least 0")]
            heard.record(micros.max(1.0) as u64).unwrap();
        }
    }
    heard
}
