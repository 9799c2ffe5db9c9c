//! The service while another works: it asks who is in the group, says once who that is, and joins when it may.

use std::time::Duration;

use backon::{BackoffBuilder as _, ConstantBuilder};

use super::Service;
use crate::app::{
    Exit, Failure,
    kafka::{
        group::{Turn, turn},
        place::Place,
        unavailable,
    },
};

/// How long a standby waits at least before it asks again, and at most twice that: an answer costs the broker little, and two
/// that wait should not ask together.
const ASK_EVERY: Duration = Duration::from_millis(350);

/// A process that is not in the group.
pub(super) struct Standby {
    place: Place,
    /// This process worked, and may have been taken for dead.
    suspected: bool,
}

impl Standby {
    /// Takes a place among the processes of this host.
    pub(super) fn new(service: &mut Service<'_>) -> Result<Self, Failure> {
        let kafka = &service.config.kafka;
        let cluster = service.roster.cluster().map_err(|e| unavailable("cannot ask for the cluster's name", &e))?;
        let place = Place::take(kafka.instance.as_deref(), &cluster, &kafka.group);
        Ok(Self { place, suspected: false })
    }

    /// The process did not leave the group by itself: it is told apart from one that was never in.
    pub(super) const fn suspect(&mut self) {
        self.suspected = true;
    }

    /// Waits for the turn of this process; its name in the group.
    ///
    /// # Errors
    /// Exit 1 when another has taken over from this one, 130 at an interrupt.
    pub(super) fn wait(&mut self, service: &mut Service<'_>) -> Result<String, Failure> {
        let mut pauses = ConstantBuilder::default().with_delay(ASK_EVERY).with_jitter().without_max_times().build();
        let mut known = None;
        loop {
            service.interrupt.check()?;
            // There is no consumer to show that it lives.
            service.telemetry.consumer().beat();
            match service.roster.members() {
                Err(error) => service.contact.failed("cannot ask who is in the group", &error),
                Ok(members) => {
                    service.contact.worked();
                    match turn(&members, &mut self.place) {
                        Turn::Join => break,
                        Turn::StandBy(works) if self.suspected => return Err(superseded(&works)),
                        Turn::StandBy(works) if known.as_ref() != Some(&works) => {
                            tracing::info!(works, "another process works: this one stands by");
                            known = Some(works);
                        }
                        Turn::StandBy(_) => {}
                    }
                }
            }
            service.interrupt.wait(pauses.next().unwrap_or(ASK_EVERY))?;
        }
        self.suspected = false;
        Ok(self.place.instance_id())
    }
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
