//! `run`: the service. It reads records, hands them to the engine, and publishes alerts and dead letters in transactions with
//! the input's offsets.
//!
//! ```text
//!  consumer thread ──batches──▶ this thread: decode → engine → outputs wait ──▶ one transaction
//!                                                                    alert: after the batch; else every 100 ms
//! ```
//!
//! State is not in the transaction. The engine's outputs are a function of the offsets read, however the partitions
//! interleaved, so a restart goes on from the newest snapshot: it reads the input again from there up to the committed offsets and
//! discards the outputs (`restore`). Snapshots are taken after commits and written aside (`snapshots`).
//!
//! One process works, and the others stand by (`standby`) and keep a state of their own close behind (`following`). A `session` is
//! one membership of the group, and a `worker` handles the partitions of a session. Every failure that may pass ends a session in the
//! same way: the process leaves the group and joins it again. If it is then alone in the group, it reads the input again. If another process has taken over meanwhile, it ends.

mod crashes;
mod following;
mod input_watch;
mod partitions;
mod parts;
mod pending;
mod positions;
mod reload;
mod report;
mod restore;
mod session;
mod snapshots;
mod standby;
mod unread;
mod worker;

use std::{path, sync::Arc, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};

pub use self::reload::Reload;
use self::{
    parts::{MISSING_MAX, Service},
    report::Reporter,
    session::{Session, SessionEnd},
    standby::Standby,
};
use super::{
    Exit, Failure, Interrupt, cli, clock, http,
    interrupt::Hangup,
    kafka::{consumer::Membership, contact::Contact, group::Roster, refusal, topics},
    metrics::Numbers,
    notifications::Notifier,
    plan,
    readiness::Latch,
    settings,
    supervisor::Supervisor,
    telemetry::{Point, Telemetry},
};
use crate::{config::Config, engine::Engine};

/// The first and the longest wait before the service begins again. A session that worked begins the count anew.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// How often missing topics are asked for: a person who creates one sees the service go on at once.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Runs the service until an interrupt ends it.
pub(super) fn run(args: &cli::Run, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let hangup = Hangup::install()?;
    let (mut config, written) = settings::load_written(Some(&args.config))?;
    // An alert names the file, and is read wherever on-call is.
    config.file = path::absolute(&args.config).ok().map(|path| path.display().to_string()).or(config.file);
    refusal::settings(&config.kafka)?;
    let port = http::Port::take_when_free(&config.http)?;
    let (telemetry, latch) = telemetry(&config)?;
    let server = port.serve(Arc::clone(&telemetry))?;
    let _supervisor = Supervisor::start(Arc::clone(&telemetry))?;
    let reload = Reload::at(hangup, args.config.clone(), &config, written);
    let outcome = serve(&config, reload, interrupt, &telemetry, latch);
    // The server answers until the service has ended, and ends before the process does.
    drop(server);
    outcome
}

/// Makes the telemetry of a service that has not begun: every bounded counter is there and stands at 0.
///
/// # Errors
/// Exit 1 where the metrics cannot be made.
pub fn telemetry(config: &Config) -> Result<(Arc<Telemetry>, Latch), Failure> {
    let engine = Engine::new(plan::of_partitions(config, &[], None, &[]));
    let mut numbers = Numbers::of(&engine, config.metrics.symbols_max, 0);
    numbers.unread(0);
    let (telemetry, latch) = Telemetry::new(numbers)?;
    telemetry.meters.config.began(&engine.context().config, clock::wall());
    Ok((Arc::new(telemetry), latch))
}

/// Runs the service of a configuration until an interrupt ends it, and reports its progress to `telemetry`. Its settings are those
/// of `reload`.
///
/// # Errors
/// Exit 69 where Kafka is not there, 1 where another process took over.
pub fn serve(
    config: &Config,
    reload: Reload,
    interrupt: &Interrupt,
    telemetry: &Arc<Telemetry>,
    latch: Latch,
) -> Result<Exit, Failure> {
    let interrupt = &interrupt.beating(telemetry.service());
    topics::prepare(config)?;
    let _notifier = Notifier::start(config, telemetry, interrupt)?;
    tracing::info!(brokers = config.kafka.brokers.as_str(), group = config.kafka.group, "the service has started");
    let report = Reporter::new(Arc::clone(telemetry), latch, config.metrics.symbols_max, clock::monotonic());
    let (contact, roster) = (Contact::default(), Roster::new(&config.kafka));
    let outcome = Service { config, interrupt, telemetry, contact, report, roster, following: None, reload }.live();
    telemetry.reach(Point::Ending);
    match outcome {
        // Nothing is lost: what was not committed is read again next time.
        Err(failure) if failure.exit == Exit::Interrupted => {}
        outcome => outcome?,
    }
    tracing::info!("the service has ended");
    Ok(Exit::Done)
}

impl Service<'_> {
    /// Stands by, works as a member of the group, and begins again after a failure that may pass, until the service is to end.
    fn live(&mut self) -> Result<(), Failure> {
        self.report.reach(Point::StandingBy { holds_state: false });
        let mut standby = Standby::new(self)?;
        let mut waits = backoff();
        loop {
            let instance_id = standby.wait(self)?;
            let membership = self.join(instance_id)?;
            let mut session = Session::new(self, &membership);
            let end = session.work();
            if session.has_worked() {
                waits = backoff();
            }
            membership.leave(&mut self.roster)?;
            match end {
                Ok(SessionEnd::Ended) => return Ok(()),
                Ok(SessionEnd::GaveWay) => {}
                Ok(SessionEnd::Lost) => standby.suspect(),
                Err(failure) if failure.is_passing() => {
                    self.contact.failed("the service begins again", &failure);
                    standby.suspect();
                }
                Err(failure) => return Err(failure),
            }
            self.interrupt.wait(waits.next().unwrap_or(BACKOFF.1))?;
            self.prepare_again()?;
        }
    }

    fn join(&self, instance_id: String) -> Result<Membership, Failure> {
        let pulse = self.telemetry.consumer();
        Membership::join(&self.config.kafka, instance_id, self.interrupt, pulse, &self.contact)
    }

    /// Checks that the topics exist, as at the start. The check waits for brokers that are away, without limit. A missing topic
    /// fails only after some seconds, because brokers that just started may not know it yet.
    fn prepare_again(&self) -> Result<(), Failure> {
        let mut give_up_at = None;
        loop {
            self.telemetry.consumer().beat();
            match topics::prepare(self.config) {
                Ok(()) => return Ok(()),
                Err(failure) if failure.is_passing() => {
                    self.contact.failed("the topics cannot be asked for", &failure);
                    give_up_at = None;
                }
                Err(failure) => {
                    let now = clock::monotonic();
                    if now >= *give_up_at.get_or_insert(now + MISSING_MAX) {
                        return Err(failure);
                    }
                }
            }
            self.interrupt.wait(ASK_EVERY)?;
        }
    }
}

fn backoff() -> impl Iterator<Item = Duration> {
    let exponential = ExponentialBuilder::default().with_min_delay(BACKOFF.0).with_max_delay(BACKOFF.1);
    exponential.with_jitter().without_max_times().build()
}
