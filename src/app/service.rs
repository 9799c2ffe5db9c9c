//! `run`: the service. Records in, through the engine, alerts and dead letters out, in transactions with the input's offsets.
//!
//! ```text
//!  consumer thread ──batches──▶ this thread: decode → engine → outputs wait ──▶ one transaction
//!                                                                    alert: after the batch; else every 100 ms
//! ```
//!
//! State is not in the transaction. What the engine has put out is a function of the offsets read, however the partitions
//! interleaved, so a restart goes on from the newest snapshot: it reads the input again from there up to the committed offsets and
//! discards what comes out (`restore`). Snapshots are taken after commits and written aside (`keeper`).

mod keeper;
mod open;
mod report;
mod restore;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use rdkafka::consumer::Consumer as _;

use self::{open::Open, report::Reporter};
use super::{
    Exit, Failure, Interrupt, cli, clock, http,
    kafka::{
        consumer::{self, Delivery, Handle},
        publisher::Publisher,
        topics,
    },
    metrics::Numbers,
    plan,
    readiness::Latch,
    settings,
    telemetry::{Point, Telemetry},
};
use crate::{config::Config, engine::Engine};

/// How often an idle service looks at the interrupt.
const IDLE: Duration = Duration::from_millis(100);

/// Runs until it is told to end.
pub(super) fn run(args: &cli::Run, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let config = settings::load(Some(&args.config))?;
    let port = http::Port::take(&config.http)?;
    let (telemetry, latch) = telemetry(&config)?;
    let server = port.serve(Arc::clone(&telemetry))?;
    let outcome = serve(&config, interrupt, &telemetry, latch);
    // It answers to the last, and is gone before the process is.
    drop(server);
    outcome
}

/// The telemetry of a service that has not begun: every bounded counter is there and stands at 0.
///
/// # Errors
/// Exit 1 where the metrics cannot be made.
pub fn telemetry(config: &Config) -> Result<(Arc<Telemetry>, Latch), Failure> {
    let (telemetry, latch) = Telemetry::new(Numbers::of(&Engine::new(plan::of_partitions(config, &[]))))?;
    Ok((Arc::new(telemetry), latch))
}

/// Runs the service of a configuration until it is told to end, and tells `telemetry` how it goes.
///
/// # Errors
/// Exit 69 where Kafka is not there, 1 where another process took over.
pub fn serve(
    config: &Config,
    interrupt: &Interrupt,
    telemetry: &Arc<Telemetry>,
    latch: Latch,
) -> Result<Exit, Failure> {
    let (interrupt, consumers) = (&interrupt.beating(telemetry.service()), interrupt.beating(telemetry.consumer()));
    topics::prepare(config)?;
    let publisher = Publisher::open(&config.kafka, telemetry.meters.retries().clone())?;
    let (reader, deliveries, thread) = consumer::start(&config.kafka, &consumers)?;
    tracing::info!(brokers = config.kafka.brokers.as_str(), group = config.kafka.group, "the service has started");
    let report = Reporter::new(Arc::clone(telemetry), latch, clock::monotonic());
    report.reach(Point::StandingBy);
    let mut service = Service { config, interrupt, publisher, reader, telemetry, report, state: State::Idle };
    let outcome = service.work(&deliveries);
    telemetry.reach(Point::Ending);
    // The thread ends with its receiver or with the interrupt; only then may the consumer go.
    drop(deliveries);
    if outcome.is_err() {
        interrupt.request();
    }
    let joined = thread.join();
    match outcome {
        // The end was asked for while the input was being read again: nothing is lost, it is read again next time.
        Err(failure) if failure.exit == Exit::Interrupted => {}
        outcome => outcome?,
    }
    joined.map_err(|_| Failure::new(Exit::Failed, "the consumer's thread broke down"))?;
    tracing::info!("the service has ended");
    Ok(Exit::Done)
}

/// What the service owns of the input.
enum State {
    /// The group gave it nothing, yet.
    Idle,
    /// It has partitions, an engine that has read them, and outputs that wait for their commit.
    Working(Box<Open>),
}

struct Service<'a> {
    config: &'a Config,
    interrupt: &'a Interrupt,
    publisher: Publisher,
    reader: Handle,
    telemetry: &'a Arc<Telemetry>,
    report: Reporter,
    state: State,
}

impl Service<'_> {
    fn work(&mut self, deliveries: &Receiver<Delivery>) -> Result<(), Failure> {
        while !self.interrupt.requested() {
            let wait = match &self.state {
                State::Idle => IDLE,
                State::Working(open) => open.until_commit(clock::monotonic()).min(IDLE),
            };
            let idle = match deliveries.recv_timeout(wait) {
                Ok(delivery) => {
                    self.handle(delivery)?;
                    false
                }
                Err(RecvTimeoutError::Timeout) => true,
                Err(RecvTimeoutError::Disconnected) => break,
            };
            self.commit_if_due(clock::monotonic())?;
            if let State::Working(open) = &self.state {
                self.report.turn(open, &self.reader.context().ends, idle, clock::monotonic());
            }
        }
        self.commit()?;
        self.let_go();
        Ok(())
    }

    fn handle(&mut self, delivery: Delivery) -> Result<(), Failure> {
        match delivery {
            Delivery::Assigned(partitions) => {
                self.refuse_own_outputs(&partitions)?;
                tracing::info!(partitions = partitions.len(), "partitions were assigned");
                self.state = State::Idle;
                self.report.reach(Point::Restoring);
                let restored = Open::restore(self.config, self.telemetry, &self.reader, &partitions, self.interrupt)?;
                match restored {
                    None => self.report.end(None),
                    Some(open) => {
                        self.report.begin(&open, &self.reader.context().ends, clock::monotonic());
                        self.state = State::Working(Box::new(open));
                    }
                }
            }
            Delivery::Batch(batch) => {
                if let State::Working(open) = &mut self.state {
                    for record in batch.records() {
                        open.take(record)?;
                        self.telemetry.took_record();
                    }
                }
            }
            Delivery::Revoked(done) => self.release(&done)?,
            Delivery::Failed(failure) => return Err(failure),
        }
        Ok(())
    }

    /// A pattern of input topics may match what the service writes: it would read itself for ever.
    fn refuse_own_outputs(&self, partitions: &[(String, i32)]) -> Result<(), Failure> {
        let outputs = self.config.topics.all();
        match partitions.iter().find(|(topic, _)| outputs.iter().any(|output| output.as_str() == topic)) {
            None => Ok(()),
            Some((topic, _)) => Err(Failure::usage(format!("`kafka.input` matches the output topic `{topic}`"))),
        }
    }

    /// Commits what was read and lets the partitions go.
    fn release(&mut self, done: &Sender<()>) -> Result<(), Failure> {
        self.commit()?;
        match &self.state {
            State::Working(open) => self.report.end(Some(open)),
            State::Idle => self.report.end(None),
        }
        self.let_go();
        // The consumer may have stopped waiting.
        let _ = done.try_send(());
        tracing::info!("partitions were given back");
        Ok(())
    }

    /// Leaves the state, of which all is committed, to the next.
    fn let_go(&mut self) {
        if let State::Working(open) = std::mem::replace(&mut self.state, State::Idle) {
            open.finish();
        }
    }

    fn commit_if_due(&mut self, now: Instant) -> Result<(), Failure> {
        match &self.state {
            State::Working(open) if open.is_due(now) => self.commit(),
            State::Working(_) | State::Idle => Ok(()),
        }
    }

    fn commit(&mut self) -> Result<(), Failure> {
        match &mut self.state {
            State::Idle => Ok(()),
            State::Working(open) => open.commit(&self.publisher, &self.reader, self.interrupt),
        }
    }
}
