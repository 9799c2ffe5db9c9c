//! Latency under load: from the append of the record that completes a finding until a reader of committed records has
//! the alert.
//!
//! The flow is sent at its own event times, with its bursts and lulls. An alert carries the time that its record spent
//! in the queue and in the engine (`latency_ms`, counted from the record's append) and the time at which it was
//! emitted. The reader adds the time from there on, by the clock of the same machine. Alerts that a timer completes
//! have no such record and are left out.

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
/// Range of the histogram: microseconds up to a minute, to three digits.
const RANGE: (u64, u64, u8) = (1, 60_000_000, 3);
/// Readings of the memory in the report.
const READINGS: usize = 12;

/// Sends the paced part and reads the alerts.
pub fn measure(flow: &mut Flow, trial: &Trial) -> Value {
    let ready = flow.paced();
    let alerts = flow.topic(ALERTS);
    let (ended, records) = (AtomicBool::new(false), ready.len());
    let mut resident = vec![trial.resident_kb()];
    let (seconds, behind, latencies) = thread::scope(|scope| {
        let reader = scope.spawn(|| read_alerts(&alerts, &ended));
        let (seconds, behind) = send(flow, &ready, || resident.push(trial.resident_kb()));
        ended.store(true, Ordering::Relaxed);
        (seconds, behind, reader.join().unwrap())
    });
    let at = |q: f64| latencies.value_at_quantile(q) as f64 / 1e3;
    json!({
        "records": records,
        "records_per_s": records as f64 / seconds,
        "producer_behind_ms_max": behind.as_secs_f64() * 1e3,
        "alerts": latencies.len(),
        "ms_p50": at(0.5), "ms_p90": at(0.9), "ms_p99": at(0.99), "ms_max": latencies.max() as f64 / 1e3,
        "service_resident_kb": resident,
    })
}

/// Sends each record when it is due, and returns the seconds that this took and the greatest delay of a record.
/// `sample` is called now and then.
fn send(flow: &Flow, ready: &[Ready], mut sample: impl FnMut()) -> (f64, Duration) {
    let began = clock::monotonic();
    let first = ready[0].ts;
    let mut behind = Duration::ZERO;
    for (i, record) in ready.iter().enumerate() {
        let due = began + Duration::from_nanos(u64::try_from(record.ts.since(first).nanos()).unwrap());
        wait(due);
        behind = behind.max(clock::monotonic().saturating_duration_since(due));
        flow.send(record);
        if i % (ready.len() / READINGS) == 0 {
            sample();
        }
    }
    flow.flush();
    (clock::monotonic().duration_since(began).as_secs_f64(), behind)
}

/// Waits until less than a millisecond is left: a parked thread is not woken more precisely.
fn wait(due: Instant) {
    loop {
        let left = due.saturating_duration_since(clock::monotonic());
        if left < Duration::from_millis(1) {
            return;
        }
        thread::park_timeout(left);
    }
}

/// Reads alerts until the flow has ended and no more come, and returns their latencies in microseconds.
fn read_alerts(alerts: &Topic, ended: &AtomicBool) -> Histogram<u64> {
    let mut latencies = Histogram::new_with_bounds(RANGE.0, RANGE.1, RANGE.2).unwrap();
    let mut follower = alerts.follow();
    // Alerts from the time when the service caught up are not counted.
    let (began, mut quiet) = (clock::wall().nanos(), 0);
    // The reader stops after half a second without an alert.
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
            latencies.record(micros.max(1.0) as u64).unwrap();
        }
    }
    latencies
}
