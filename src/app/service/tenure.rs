//! What the service does as a member of the group, from joining to leaving.
//!
//! ```text
//!             all partitions, alone        read up to the committed offsets
//!  Waiting ────────────────────▶ Restoring ───────────────────▶ Working
//!     ▲                              │ they go                      │ they go
//!     └──────────────────────────────┴───────────── Draining ◀──────┘
//! ```
//! Draining handles and commits what was read. Partitions that are lost are not drained: they are another's, or nobody's.

use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use rdkafka::consumer::Consumer as _;

use super::{Service, open::Open};
use crate::app::{
    Exit, Failure, Interrupt, clock,
    kafka::{
        consumer::{Assignment, Delivery, Membership, Revoked},
        group::{Share, share},
        publisher::Publisher,
    },
    telemetry::Point,
};

/// How often an idle service looks at the interrupt.
const IDLE: Duration = Duration::from_millis(100);
/// How often a member that is not alone asks whether it is.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// What the service does with the input.
enum Life {
    /// Nothing: the group has yet to give it everything.
    Waiting,
    /// It has all partitions and reads them again up to the committed offsets.
    Restoring,
    /// It takes records.
    Working(Box<Work>),
    /// The partitions go: what was read is committed, nothing more is taken.
    Draining(Box<Work>),
}

/// An engine that has read the partitions so far, with outputs that wait for their commit, and who commits them.
struct Work {
    open: Open,
    publisher: Publisher,
}

/// How a membership ended, where nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The end was asked for.
    Ended,
    /// Another had joined at the same moment.
    GaveWay,
    /// The group took the seat away.
    Lost,
}

/// A member of the group at work.
pub(super) struct Tenure<'t, 's> {
    service: &'t mut Service<'s>,
    membership: &'t Membership,
    life: Life,
    has_worked: bool,
}

impl<'t, 's> Tenure<'t, 's> {
    /// Begins with nothing.
    pub(super) const fn new(service: &'t mut Service<'s>, membership: &'t Membership) -> Self {
        Self { service, membership, life: Life::Waiting, has_worked: false }
    }

    /// Whether anything was committed.
    pub(super) const fn has_worked(&self) -> bool {
        self.has_worked
    }

    /// Works until the end is asked for or the membership ends.
    ///
    /// # Errors
    /// What went wrong; the membership is of no further use, whether it may pass or not.
    pub(super) fn work(&mut self) -> Result<Verdict, Failure> {
        let verdict = match self.take_turns() {
            // Something was given up because the seat is gone.
            Err(failure) if failure.exit == Exit::Interrupted && !self.service.interrupt.requested() => {
                Ok(Verdict::Lost)
            }
            verdict => verdict,
        };
        self.close();
        match self.membership.failure() {
            Some(failure) if verdict == Ok(Verdict::Lost) => Err(failure),
            Some(_) | None => verdict,
        }
    }

    /// Lets go of what was not given back.
    fn close(&mut self) {
        match std::mem::replace(&mut self.life, Life::Waiting) {
            Life::Working(work) | Life::Draining(work) => self.service.report.end(Some(&work.open)),
            Life::Waiting | Life::Restoring => self.service.report.end(None),
        }
    }

    fn take_turns(&mut self) -> Result<Verdict, Failure> {
        while !self.service.interrupt.requested() {
            if self.membership.lost.requested() {
                return Ok(Verdict::Lost);
            }
            let wait = match &self.life {
                Life::Working(work) => work.open.until_commit(clock::monotonic()).min(IDLE),
                Life::Waiting | Life::Restoring | Life::Draining(_) => IDLE,
            };
            let idle = match self.membership.deliveries.recv_timeout(wait) {
                Ok(delivery) => {
                    if let Some(verdict) = self.handle(delivery)? {
                        return Ok(verdict);
                    }
                    false
                }
                Err(RecvTimeoutError::Timeout) => true,
                // The thread broke down; leaving tells.
                Err(RecvTimeoutError::Disconnected) => return Ok(Verdict::Lost),
            };
            self.look()?;
            self.commit_if_due(clock::monotonic())?;
            if let Life::Working(work) = &self.life {
                self.service.report.turn(&work.open, &self.membership.reader.context().ends, idle, clock::monotonic());
            }
        }
        self.commit()?;
        self.hand_over();
        Ok(Verdict::Ended)
    }

    /// Silence is judged only where nothing waits: a service that was held up has not heard yet what came meanwhile.
    fn look(&mut self) -> Result<(), Failure> {
        let Life::Working(work) = &mut self.life else { return Ok(()) };
        work.open.look(clock::monotonic(), self.membership.deliveries.is_empty())
    }

    fn handle(&mut self, delivery: Delivery) -> Result<Option<Verdict>, Failure> {
        match delivery {
            Delivery::Assigned(assignment) => return self.begin(&assignment),
            Delivery::Batch(batch) => {
                if let Life::Working(work) = &mut self.life {
                    for record in batch.records() {
                        work.open.take(record)?;
                        self.service.telemetry.took_record();
                    }
                }
            }
            Delivery::Revoked(Revoked { lost: true, .. }) => return Ok(Some(Verdict::Lost)),
            Delivery::Revoked(Revoked { done, .. }) => {
                self.drain()?;
                // The consumer may have stopped waiting.
                let _ = done.try_send(());
            }
        }
        Ok(None)
    }

    /// Makes sure that nobody else is at work, and reads the input again. While that lasts nothing is taken from the
    /// consumer, which pauses; it is given up when the partitions go.
    fn begin(&mut self, assignment: &Assignment) -> Result<Option<Verdict>, Failure> {
        self.refuse_own_outputs(&assignment.partitions)?;
        self.life = Life::Waiting;
        match self.settle(&assignment.end)? {
            Share::All => {}
            Share::Unsettled => return Ok(None),
            Share::GiveWay(to) => {
                tracing::info!(to, "another process joined at the same moment: this one gives way");
                return Ok(Some(Verdict::GaveWay));
            }
        }
        tracing::info!(partitions = assignment.partitions.len(), "partitions were assigned");
        self.life = Life::Restoring;
        self.service.report.reach(Point::Restoring);
        self.life = match self.restore(assignment) {
            Ok(Some(work)) => {
                self.service.report.begin(&work.open, &self.membership.reader.context().ends, clock::monotonic());
                Life::Working(Box::new(work))
            }
            Ok(None) => self.wait(),
            // They go again, and the consumer says so next.
            Err(failure) if failure.exit == Exit::Interrupted && !self.service.interrupt.requested() => self.wait(),
            Err(failure) => return Err(failure),
        };
        Ok(None)
    }

    /// Nothing is its own.
    fn wait(&mut self) -> Life {
        self.service.report.end(None);
        Life::Waiting
    }

    /// Waits until this member is the only one, or knows that it must leave. Unsettled when the partitions go before.
    fn settle(&mut self, end: &Interrupt) -> Result<Share, Failure> {
        loop {
            match self.service.roster.members() {
                Ok(members) => match share(&members, &self.membership.instance_id) {
                    Share::Unsettled => {}
                    decided @ (Share::All | Share::GiveWay(_)) => return Ok(decided),
                },
                Err(error) => self.service.contact.failed("cannot ask who is in the group", &error),
            }
            match end.wait(ASK_EVERY) {
                Ok(()) => {}
                Err(_) if !self.service.interrupt.requested() => return Ok(Share::Unsettled),
                Err(interrupted) => return Err(interrupted),
            }
        }
    }

    fn restore(&self, assignment: &Assignment) -> Result<Option<Work>, Failure> {
        // The transactions first: whoever had them can commit no more, so that the committed offsets stand.
        let publisher = self.publisher(&assignment.end)?;
        let Service { config, telemetry, .. } = &*self.service;
        let open = Open::restore(config, telemetry, &self.membership.reader, &assignment.partitions, &assignment.end)?;
        Ok(open.map(|open| Work { open, publisher }))
    }

    fn publisher(&self, end: &Interrupt) -> Result<Publisher, Failure> {
        let Service { config, contact, telemetry, interrupt, .. } = &*self.service;
        Publisher::open(&config.kafka, contact, telemetry.meters.retries().clone(), end, interrupt)
    }

    /// A pattern of input topics may match what the service writes: it would read itself for ever.
    fn refuse_own_outputs(&self, partitions: &[(String, i32)]) -> Result<(), Failure> {
        let outputs = self.service.config.topics.all();
        match partitions.iter().find(|(topic, _)| outputs.iter().any(|output| output.as_str() == topic)) {
            None => Ok(()),
            Some((topic, _)) => Err(Failure::usage(format!("`kafka.input` matches the output topic `{topic}`"))),
        }
    }

    /// Commits what was read and lets the partitions go.
    fn drain(&mut self) -> Result<(), Failure> {
        self.life = match std::mem::replace(&mut self.life, Life::Waiting) {
            Life::Working(work) | Life::Draining(work) => Life::Draining(work),
            Life::Waiting | Life::Restoring => return Ok(()),
        };
        self.commit()?;
        self.hand_over();
        tracing::info!("partitions were given back");
        Ok(())
    }

    /// Leaves the state, of which all is committed, to whoever has the partitions next.
    fn hand_over(&mut self) {
        match std::mem::replace(&mut self.life, Life::Waiting) {
            Life::Working(work) | Life::Draining(work) => {
                self.service.report.end(Some(&work.open));
                work.open.finish();
            }
            Life::Waiting | Life::Restoring => {}
        }
    }

    fn commit_if_due(&mut self, now: Instant) -> Result<(), Failure> {
        match &self.life {
            Life::Working(work) if work.open.is_due(now) => self.commit(),
            Life::Working(_) | Life::Waiting | Life::Restoring | Life::Draining(_) => Ok(()),
        }
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let (Life::Working(work) | Life::Draining(work)) = &mut self.life else { return Ok(()) };
        work.open.commit(&work.publisher, &self.membership.reader, &self.membership.lost)?;
        self.has_worked = true;
        Ok(())
    }
}
