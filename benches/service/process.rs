//! The service as a process of its own: its configuration, its progress, its CPU time and its memory.

use std::{fs, io::Write as _, time::Duration};

use foreshock::{app::settings, config::Config};
use serde::Serialize;
use tempfile::NamedTempFile;

use super::{
    flow::{Flow, TOPIC},
    stages::Cost,
    support::{
        service::Service,
        topic::{Group, Topic},
    },
};

pub const ALERTS: &str = "foreshock.alerts";
const GROUP: &str = "foreshock";
/// Time between two questions for the group's progress; the service commits every 100 ms.
const ASK_EVERY: Duration = Duration::from_millis(20);

/// Readings of the memory in the report.
const READINGS: u64 = 8;

/// The resident set of the service when it had committed this many records.
#[derive(Serialize)]
pub struct Resident {
    records: u64,
    kb: u64,
}

/// The smallest configuration that runs.
pub fn config(flow: &Flow, group: &str) -> Config {
    settings::load(Some(written(flow, group).path())).unwrap()
}

/// Writes that configuration to a file.
fn written(flow: &Flow, group: &str) -> NamedTempFile {
    let mut file = NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let brokers = flow.bootstrap();
    write!(file, "[kafka]\nbrokers = \"{brokers}\"\ngroup = \"{group}\"\ninput = [\"{TOPIC}\"]\n").unwrap();
    write!(file, "[http]\nlisten = \"127.0.0.1:0\"\n").unwrap();
    file
}

/// A service on the flow.
pub struct Trial {
    pub service: Service,
    pub input: Topic,
    pub group: Group,
    config: NamedTempFile,
}

impl Trial {
    /// Starts the service.
    pub fn new(flow: &Flow) -> Self {
        flow.create_topic(ALERTS);
        let config = written(flow, GROUP);
        let group = Group::new(&flow.bootstrap(), GROUP);
        Self { service: Service::start(config.path(), ""), input: flow.topic(TOPIC), group, config }
    }

    /// Waits until the service has read the first part of the flow. The cost counts from the first commit in the
    /// measured part.
    pub fn catch_up(&mut self, flow: &Flow) -> (Cost, Vec<Resident>) {
        let mut resident = Vec::new();
        let mut reach = |records| {
            let (committed, seconds) = self.wait_committed(records);
            resident.push(Resident { records: committed, kb: self.resident_kb() });
            (committed, seconds)
        };
        let (from, since) = reach(flow.warm_up);
        let measured = flow.filled - flow.warm_up;
        (1..READINGS).for_each(|i| _ = reach(flow.warm_up + measured * i / READINGS));
        let (until, end) = reach(flow.filled);
        (Cost { events: until - from, seconds: vec![end - since] }, resident)
    }

    /// Waits until `records` records are committed; returns the number committed, and the CPU seconds of the service
    /// then.
    pub fn wait_committed(&mut self, records: u64) -> (u64, f64) {
        loop {
            self.service.assert_running();
            let committed = u64::try_from(self.group.committed(&self.input).unwrap_or(0)).unwrap();
            if committed >= records {
                return (committed, self.cpu_seconds());
            }
            std::thread::park_timeout(ASK_EVERY);
        }
    }

    /// CPU seconds of the service so far, user and system, of all threads.
    fn cpu_seconds(&self) -> f64 {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.service.id())).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        // The fields utime and stime, in ticks of 10 ms.
        after_name.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<f64>().unwrap()).sum::<f64>() / 100.0
    }

    /// The current resident set of the service, in kilobytes.
    pub fn resident_kb(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.service.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Kills the service and starts it again.
    pub fn kill_and_start(self) -> Self {
        let Self { service, input, group, config } = self;
        service.kill();
        Self { service: Service::start(config.path(), ""), input, group, config }
    }
}
