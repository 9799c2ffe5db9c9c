//! `run`: the service. Records in, through the engine, alerts and dead letters out, in transactions with the input's offsets.
//!
//! ```text
//!  consumer thread ──batches──▶ this thread: decode → engine → outputs wait ──▶ one transaction
//!                                                                    alert: after the batch; else every 100 ms
//! ```
//!
//! State is not in the transaction. What the engine has put out is a function of the offsets read, however the partitions
//! interleaved, so a restart reads the input again up to the committed offsets, discards what comes out, and goes on.
//!
//! One process works, others stand by ([`turn`]); what one does with the partitions that it has is [`tenure`]. Whatever ends a
//! tenure that may pass ends in the same way: the process leaves the group and begins again. It then finds itself alone, and
//! reads the input again; or it finds another at work, that took over while this one was thought dead, and ends.

mod open;
mod tenure;
mod turn;

use std::{sync::atomic::AtomicU64, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};

use self::{
    tenure::{Tenure, Verdict},
    turn::Standby,
};
use super::{
    Exit, Failure, Interrupt, cli, clock,
    kafka::{consumer::Membership, contact::Contact, topics},
    settings,
};
use crate::config::Config;

/// The first and the longest wait before the service begins again. A tenure as long as the longest begins the count anew.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(10));

/// How long a topic may be missing that was there.
const MISSING_MAX: Duration = Duration::from_secs(10);
/// How often it is asked for.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// Runs until it is told to end.
pub(super) fn run(args: &cli::Run, interrupt: &Interrupt) -> Result<Exit, Failure> {
    let config = settings::load(Some(&args.config))?;
    serve(&config, interrupt, &AtomicU64::new(0))
}

/// Runs the service of a configuration until it is told to end; counts the records that it has handled.
///
/// # Errors
/// Exit 69 where Kafka is not there, 1 where another process took over.
pub fn serve(config: &Config, interrupt: &Interrupt, handled: &AtomicU64) -> Result<Exit, Failure> {
    topics::prepare(config)?;
    tracing::info!(brokers = config.kafka.brokers.as_str(), group = config.kafka.group, "the service has started");
    match live(config, interrupt, handled) {
        // Nothing is lost: what was not committed is read again next time.
        Err(failure) if failure.exit == Exit::Interrupted => {}
        outcome => outcome?,
    }
    tracing::info!("the service has ended");
    Ok(Exit::Done)
}

fn live(config: &Config, interrupt: &Interrupt, handled: &AtomicU64) -> Result<(), Failure> {
    let contact = Contact::default();
    let mut standby = Standby::new(&config.kafka, &contact)?;
    let backoff = || {
        let exponential = ExponentialBuilder::default().with_min_delay(BACKOFF.0).with_max_delay(BACKOFF.1);
        exponential.with_jitter().without_max_times().build()
    };
    let mut waits = backoff();
    loop {
        let instance_id = standby.wait(interrupt)?;
        let membership = Membership::join(&config.kafka, instance_id, interrupt, &contact)?;
        let mut tenure = Tenure::new(config, interrupt, &membership, handled, &contact, standby.roster());
        let verdict = tenure.work();
        if tenure.has_worked() {
            waits = backoff();
        }
        drop(tenure);
        membership.leave(standby.roster())?;
        match verdict {
            Ok(Verdict::Ended) => return Ok(()),
            Ok(Verdict::GaveWay) => {}
            Ok(Verdict::Lost) => standby.suspect(),
            Err(failure) if failure.is_passing() => {
                contact.failed("the service begins again", &failure);
                standby.suspect();
            }
            Err(failure) => return Err(failure),
        }
        interrupt.wait(waits.next().unwrap_or(BACKOFF.1))?;
        prepare_again(config, &contact, interrupt)?;
    }
}

/// Looks whether the topics are there, as at the start. Brokers that are away are waited for; a topic that is missing is given
/// some seconds, because brokers that just started may not know it yet.
fn prepare_again(config: &Config, contact: &Contact, interrupt: &Interrupt) -> Result<(), Failure> {
    let mut give_up_at = None;
    loop {
        match topics::prepare(config) {
            Ok(()) => return Ok(()),
            Err(failure) if failure.is_passing() => {
                contact.failed("the topics cannot be asked for", &failure);
                give_up_at = None;
            }
            Err(failure) => {
                let now = clock::monotonic();
                if now >= *give_up_at.get_or_insert(now + MISSING_MAX) {
                    return Err(failure);
                }
            }
        }
        interrupt.wait(ASK_EVERY)?;
    }
}
