//! The speed of the service on a real broker: CPU time per event by stage, latency under load, memory, and a restart.
//!
//! ```text
//!  simulated exchange ──fast──▶ topic ──▶ poll │ + decode │ + engine │ the service itself     CPU time, stage by stage
//!                     ──paced─▶ topic ──▶ the service ──▶ alerts ──▶ reader of committed       latency, memory
//!                                         killed, started again                                restart
//! ```
//! The flow is synthetic: 3,000 symbols and 50,000 accounts of the simulated exchange, 17 order events a second on each
//! symbol. It is written once, and every stage reads all of it; the measured part begins when each symbol's window has
//! learned enough to judge. Decoder and engine are measured by the CPU time of the thread that runs them, first
//! decoding alone and then both. The client, and the service as a whole, are measured by the CPU time of all threads of
//! the process, without the broker's (`stages` says why). Polling costs most when it is measured alone: the faster
//! records are consumed, the fewer each poll returns.
//!
//! `make bench` writes `target/bench.json`. Wall time appears in it only for latency and the restart.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench prints and stops at what it did not expect")]

#[path = "../../tests/support/mod.rs"]
mod support;

mod flow;
mod latency;
mod machine;
mod process;
mod restart;
mod stages;

use std::{fs, path::Path};

use serde_json::{Value, json};

use self::{flow::Flow, stages::Stages};

/// Runs of the stages; the median counts.
const ROUNDS: usize = 3;

/// Bytes of an idle account from the report of `make bench-idle`; null if that has not run.
fn idle_account() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench-idle.json");
    let report: Option<Value> = fs::read(path).ok().and_then(|text| serde_json::from_slice(&text).ok());
    report.map_or(Value::Null, |report| report["accounts"]["bytes_per_idle_account"]["allocated"].clone())
}

fn main() {
    let machine = machine::describe();
    let mut flow = Flow::new();
    flow.fill();
    let stages = Stages::measure(&flow, ROUNDS);
    let mut trial = process::Trial::new(&flow);
    let (service, resident) = trial.catch_up(&flow);
    let latency = latency::measure(&mut flow, &trial);
    let restart = restart::measure(trial);
    let report = json!({
        "machine": machine,
        "flow": flow.describe(),
        "poll": stages.poll.report(),
        "decode": stages.decode.report(),
        "decode_and_engine": stages.decode_and_engine.report(),
        "poll_decode_and_engine": stages.all.report(),
        "service": service.report(),
        "decode_ns_per_event": stages.decode.nanos(),
        "engine_ns_per_event": stages.decode_and_engine.nanos() - stages.decode.nanos(),
        "output_ns_per_event": service.nanos() - stages.all.nanos(),
        "bytes_per_idle_account": idle_account(),
        "resident": resident,
        "latency": latency,
        "restart": restart,
    });
    let text = serde_json::to_string_pretty(&report).unwrap();
    println!("{text}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/bench.json");
    fs::write(path, text + "\n").unwrap();
}
