//! The service while another process works: it asks for the group's members, logs once which one works, and joins when it may.

use std::time::Duration;

use backon::{BackoffBuilder as _, ConstantBuilder};

use super::{following::Following, parts::Service};
use crate::app::{
    Exit, Failure,
    kafka::{
        group::{Admission, admission},
        seat::Seat,
        unavailable,
    },
    telemetry::Point,
};

/// The shortest wait of a standby before it asks again; the longest is twice that. An answer costs the broker little, and two
/// standbys should not ask at the same time.
const ASK_EVERY: Duration = Duration::from_millis(350);

/// A process outside the group.
pub(super) struct Standby {
    seat: Seat,
    /// Whether this process worked before and may have been taken for dead.
    suspected: bool,
}

impl Standby {
    /// Takes a seat among the processes of this host.
    pub(super) fn new(service: &mut Service<'_>) -> Result<Self, Failure> {
        let kafka = &service.config.kafka;
        let cluster = service.roster.cluster().map_err(|e| unavailable("cannot ask for the cluster's name", &e))?;
        let seat = Seat::take(kafka.instance.as_deref(), &cluster, &kafka.group);
        Ok(Self { seat, suspected: false })
    }

    /// Records that the process did not leave the group by its own decision, unlike one that was never in the group.
    pub(super) const fn suspect(&mut self) {
        self.suspected = true;
    }

    /// Waits until this process may join, and returns its name in the group.
    ///
    /// # Errors
    /// Exit 1 when another process has taken over from this one, 130 at an interrupt.
    pub(super) fn wait(&mut self, service: &mut Service<'_>) -> Result<String, Failure> {
        let mut pauses = ConstantBuilder::default().with_delay(ASK_EVERY).with_jitter().without_max_times().build();
        let mut known = None;
        loop {
            service.interrupt.check()?;
            // There is no consumer now, so no thread of one reports progress.
            service.telemetry.consumer().beat();
            // What differs counts when this process works.
            let _ = service.reload.read_if_asked(&service.telemetry.meters);
            match service.roster.members() {
                Err(error) => service.contact.failed("cannot ask who is in the group", &error),
                Ok(members) => {
                    service.contact.worked();
                    match admission(&members, &mut self.seat) {
                        Admission::Join => break,
                        Admission::StandBy(works) if self.suspected => return Err(superseded(&works)),
                        Admission::StandBy(works) => {
                            if known.as_ref() != Some(&works) {
                                tracing::info!(works, "another process works: this one stands by");
                                known = Some(works);
                            }
                            follow(service)?;
                        }
                    }
                }
            }
            service.interrupt.wait(pauses.next().unwrap_or(ASK_EVERY))?;
        }
        self.suspected = false;
        Ok(self.seat.instance_id())
    }
}

/// Keeps a state close behind the process that works.
fn follow(service: &mut Service<'_>) -> Result<(), Failure> {
    let Service { following, reload, telemetry, interrupt, report, .. } = service;
    match following {
        None => {
            let meters = telemetry.meters.standby.clone();
            *following = Some(Following::start(reload.config(), meters, interrupt)?);
        }
        Some(following) => report.reach(Point::StandingBy { holds_state: following.holds_state() }),
    }
    Ok(())
}

fn superseded(works: &str) -> Failure {
    Failure::new(
        Exit::Failed,
        format!(
            "`{works}` has taken over: this process gave no sign of life for longer than the group waits (frozen, or cut off \
             from Kafka). Nothing is lost or sent twice; start it again to have one that stands by"
        ),
    )
}
