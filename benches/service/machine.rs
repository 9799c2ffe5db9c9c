//! The machine and the commit of the figures.

use std::{fs, thread};

use serde_json::{Value, json};

/// Describes the machine and the commit, for the report.
pub fn describe() -> Value {
    let load = read("/proc/loadavg");
    json!({
        "processor": field("/proc/cpuinfo", "model name"),
        "cores": thread::available_parallelism().unwrap().get(),
        "memory": field("/proc/meminfo", "MemTotal"),
        "load_at_start": load.split_whitespace().next(),
        "commit": option_env!("BUILD_COMMIT").unwrap_or("unknown"),
    })
}

fn field(path: &str, name: &str) -> Option<String> {
    let text = read(path);
    let line = text.lines().find(|line| line.starts_with(name))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

fn read(path: &str) -> String {
    fs::read_to_string(path).unwrap_or_default()
}
