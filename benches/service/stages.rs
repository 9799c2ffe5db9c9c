//! The stages that run in this process: the product's consumer, decoder and engine, each added to those before.
//!
//! Two clocks are used, because the CPU time of the client's own threads varies between runs over the same records, by
//! more than decoding takes. Decoder and engine are measured by the CPU time of the thread that runs them, while it
//! runs them. The client alone, and all three together, are measured by the CPU time of the process.

use std::hint::black_box;

use foreshock::{
    app::{
        Interrupt,
        clock::cpu_seconds,
        kafka::{
            batch::Received,
            consumer::{Delivery, Membership},
            contact::Contact,
            group::Roster,
            topics::Range,
        },
        plan, service,
    },
    config::Config,
    engine::{Engine, Input, Outbox, Record},
    event::{SourceId, decode},
};
use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use super::{
    flow::{Flow, PARTITIONS, TOPIC},
    process,
};

/// The cost of each stage.
pub struct Stages {
    /// CPU time of the process, which only reads.
    pub poll: Cost,
    /// CPU time of the thread that decodes.
    pub decode: Cost,
    /// CPU time of the thread that decodes and runs the engine.
    pub decode_and_engine: Cost,
    /// CPU time of the process that reads, decodes and runs the engine.
    pub all: Cost,
}

/// CPU time of several runs.
pub struct Cost {
    /// Events in the measured part of each run.
    pub events: u64,
    /// CPU seconds of each run, sorted.
    pub seconds: Vec<f64>,
}

impl Cost {
    /// Nanoseconds per event in the median run.
    pub fn nanos(&self) -> f64 {
        self.each(self.seconds[self.seconds.len() / 2])
    }

    fn each(&self, seconds: f64) -> f64 {
        seconds * 1e9 / self.events as f64
    }

    pub fn report(&self) -> Value {
        let all: Vec<f64> = self.seconds.iter().map(|seconds| self.each(*seconds)).collect();
        json!({ "events_per_cpu_s": 1e9 / self.nanos(), "ns_per_event": self.nanos(), "ns_per_event_of_each_run": all })
    }
}

impl Stages {
    /// Runs the stages in turn, so that changes of the machine's load affect all of them.
    pub fn measure(flow: &Flow, rounds: usize) -> Self {
        let mut seconds: [Vec<f64>; 4] = Default::default();
        for round in 0..rounds {
            let (poll, decoded, handled) = (poll(flow, round), decoded(flow, round), handled(flow, round));
            let spent = [poll.process, decoded.thread, handled.thread, handled.process];
            seconds.iter_mut().zip(spent).for_each(|(all, one)| all.push(one));
        }
        let [poll, decode, decode_and_engine, all] = seconds.map(|mut seconds| {
            seconds.sort_by(f64::total_cmp);
            Cost { events: flow.filled - flow.warm_up, seconds }
        });
        Self { poll, decode, decode_and_engine, all }
    }
}

fn poll(flow: &Flow, round: usize) -> Spent {
    let config = process::config(flow, &format!("poll-{round}"));
    read(&config, flow, |record| _ = black_box(record))
}

fn decoded(flow: &Flow, round: usize) -> Spent {
    let config = process::config(flow, &format!("decode-{round}"));
    read(&config, flow, |record| _ = black_box(decode(record.payload, config.limits.decode())))
}

fn handled(flow: &Flow, round: usize) -> Spent {
    let config = process::config(flow, &format!("engine-{round}"));
    let range = |partition| Range { topic: TOPIC.to_owned(), partition, from: 0, to: 0 };
    let ranges: Vec<Range> = (0..PARTITIONS).map(range).collect();
    let mut engine = Engine::new(plan::of_partitions(&config, &ranges, None, &[]));
    let mut outbox = Outbox::default();
    read(&config, flow, |record| {
        let event = decode(record.payload, config.limits.decode());
        engine.handle(
            Input::Record(Record {
                source: SourceId(u32::try_from(record.partition).unwrap()),
                offset: u64::try_from(record.offset).unwrap(),
                appended_at: record.appended_at,
                content: event.as_ref().map(std::slice::from_ref).map_err(Clone::clone),
            }),
            &mut outbox,
        );
        outbox.drain().for_each(|output| _ = black_box(output));
    })
}

/// CPU seconds of the measured part.
struct Spent {
    /// CPU seconds of the process.
    process: f64,
    /// CPU seconds of the thread while it takes records, without waiting for them and freeing them: those cost more the
    /// faster it is.
    thread: f64,
}

/// CPU seconds of the current thread so far.
fn thread_seconds() -> f64 {
    let spent = clock_gettime(ClockId::ThreadCPUTime);
    spent.tv_sec as f64 + spent.tv_nsec as f64 / 1e9
}

/// Reads the whole topic as the service does.
fn read(config: &Config, flow: &Flow, mut take: impl FnMut(Received<'_>)) -> Spent {
    let (telemetry, _) = service::telemetry(config).unwrap();
    let (interrupt, contact) = (Interrupt::default(), Contact::default());
    let instance = config.kafka.group.clone();
    let membership = Membership::join(&config.kafka, instance, &interrupt, telemetry.consumer(), &contact).unwrap();
    let (mut taken, mut since, mut thread) = (0, 0.0, 0.0);
    while taken < flow.filled {
        let Delivery::Batch(batch) = membership.deliveries.recv().unwrap() else { continue };
        let mut began = thread_seconds();
        for record in batch.records() {
            if taken == flow.warm_up {
                (since, thread, began) = (cpu_seconds(), 0.0, thread_seconds());
            }
            take(record);
            taken += 1;
        }
        thread += thread_seconds() - began;
    }
    let process = cpu_seconds() - since;
    membership.leave(&mut Roster::new(&config.kafka)).unwrap();
    Spent { process, thread }
}
