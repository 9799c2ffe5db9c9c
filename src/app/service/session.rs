//! A session: the service as a member of the group, from joining to leaving.
//!
//! ```text
//!             all partitions, alone        read up to the committed offsets
//!  Waiting ────────────────────▶ Restoring ───────────────────▶ Working
//!     ▲                              │ revoked                      │ revoked
//!     └──────────────────────────────┴───────────── Draining ◀──────┘
//! ```
//! Draining handles and commits what was read. Lost partitions are not drained: another process has them, or no process has.

use std::time::{Duration, Instant};

use crossbeam_channel::RecvTimeoutError;
use rdkafka::consumer::Consumer as _;

use super::{
    parts::{MISSING_MAX, Service},
    restore::Ground,
    worker::{Resumed, Worker},
};
use crate::app::{
    Exit, Failure, Interrupt, clock,
    kafka::{
        consumer::{Assignment, Delivery, Membership, Moved, Revoked},
        group::{Share, share},
        life_sign::LifeSigns,
        publisher::Publisher,
        topics::own_output,
    },
    telemetry::Point,
};
use crate::config::Subscription;

/// How often an idle service checks the interrupt.
const IDLE: Duration = Duration::from_millis(100);
/// Interval at which a member asks for the group's members until it is the only one.
const ASK_EVERY: Duration = Duration::from_millis(200);

/// The state of a session.
enum State {
    /// The group has not yet assigned all partitions to this member.
    Waiting,
    /// The member has all partitions and reads them again up to the committed offsets.
    Restoring,
    /// The session handles records.
    Working(Box<Work>),
    /// The partitions are being revoked: what was read is committed, and nothing more is read.
    Draining(Box<Work>),
}

/// A worker on the partitions, the publisher that commits for it, and the signs of life that it gives.
struct Work {
    worker: Worker,
    publisher: Publisher,
    signs: LifeSigns,
}

/// How a session ended, where nothing went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SessionEnd {
    /// The process was asked to end.
    Ended,
    /// Another process had joined at the same moment, and this one left.
    GaveWay,
    /// The group ended the membership.
    Lost,
}

/// A member of the group at work.
pub(super) struct Session<'t, 's> {
    service: &'t mut Service<'s>,
    membership: &'t Membership,
    state: State,
    has_worked: bool,
    /// Since when the group has no partitions to give, because the input's topics are gone.
    empty_since: Option<Instant>,
}

impl<'t, 's> Session<'t, 's> {
    /// A session without partitions.
    pub(super) const fn new(service: &'t mut Service<'s>, membership: &'t Membership) -> Self {
        Self { service, membership, state: State::Waiting, has_worked: false, empty_since: None }
    }

    /// Whether anything was committed.
    pub(super) const fn has_worked(&self) -> bool {
        self.has_worked
    }

    /// Works until the end is asked for or the membership ends.
    ///
    /// # Errors
    /// Returns the failure, recoverable or not. The membership cannot be used again.
    pub(super) fn work(&mut self) -> Result<SessionEnd, Failure> {
        let end = match self.run() {
            // The membership ended and interrupted the work.
            Err(failure) if failure.exit == Exit::Interrupted && !self.service.interrupt.requested() => {
                Ok(SessionEnd::Lost)
            }
            end => end,
        };
        self.close();
        match self.membership.failure() {
            Some(failure) if end == Ok(SessionEnd::Lost) => Err(failure),
            Some(_) | None => end,
        }
    }

    /// Discards the work that was not handed over, and reports its end.
    fn close(&mut self) {
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Working(work) | State::Draining(work) => self.service.report.end(Some(&work.worker)),
            State::Waiting | State::Restoring => self.service.report.end(None),
        }
    }

    fn run(&mut self) -> Result<SessionEnd, Failure> {
        while !self.service.interrupt.requested() {
            if self.membership.lost.requested() {
                return Ok(SessionEnd::Lost);
            }
            self.check_input()?;
            let wait = match &self.state {
                State::Working(work) => work.worker.until_commit(clock::monotonic()).min(IDLE),
                State::Waiting | State::Restoring | State::Draining(_) => IDLE,
            };
            let idle = match self.membership.deliveries.recv_timeout(wait) {
                Ok(delivery) => {
                    if let Some(end) = self.handle(delivery)? {
                        return Ok(end);
                    }
                    false
                }
                Err(RecvTimeoutError::Timeout) => true,
                // The consumer's thread ended; closing the membership reports why.
                Err(RecvTimeoutError::Disconnected) => return Ok(SessionEnd::Lost),
            };
            self.decide()?;
            self.reload()?;
            self.commit_if_due(clock::monotonic())?;
            if let State::Working(work) = &mut self.state {
                let now = clock::monotonic();
                work.signs.write_if_due(now);
                self.service.report.turn(&work.worker, &self.membership.reader.context().ends, idle, now);
            }
        }
        self.commit()?;
        self.hand_over();
        Ok(SessionEnd::Ended)
    }

    /// Ends the session where topics that the configuration names have been gone for a while: the service then looks for them as
    /// at its start, and says which is not there. A topic that a pattern matches may come later.
    fn check_input(&self) -> Result<(), Failure> {
        let named = || self.service.config.kafka.input.iter().any(|input| matches!(input, Subscription::Topic(_)));
        match self.empty_since {
            Some(since) if clock::monotonic().duration_since(since) >= MISSING_MAX && named() => {
                let what = "no partition of the input is there: its topics were deleted";
                Err(Failure::new(Exit::Unavailable, what).passing())
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Judges partitions idle only while no delivery is queued: after a stall, their records may be in the queue.
    fn decide(&mut self) -> Result<(), Failure> {
        let State::Working(work) = &mut self.state else { return Ok(()) };
        work.worker.decide(clock::monotonic(), self.membership.deliveries.is_empty(), &self.membership.reader)
    }

    /// Reads the configuration again if that was asked for. Where this process does not work, what differs counts when it does.
    fn reload(&mut self) -> Result<(), Failure> {
        let Some(settings) = self.service.reload.read_if_asked(&self.service.telemetry.meters) else { return Ok(()) };
        let State::Working(work) = &mut self.state else { return Ok(()) };
        work.worker.change_settings(&settings)
    }

    fn handle(&mut self, delivery: Delivery) -> Result<Option<SessionEnd>, Failure> {
        match delivery {
            Delivery::Assigned(assignment) => return self.begin(&assignment),
            Delivery::Batch(batch) => {
                if let State::Working(work) = &mut self.state {
                    work.worker.take_batch(batch.records())?;
                }
            }
            Delivery::Moved(moved) => {
                if let State::Working(work) = &mut self.state {
                    work.worker.move_on(moved, &self.membership.reader)?;
                }
            }
            Delivery::Revoked(Revoked { lost: true, .. }) => return Ok(Some(SessionEnd::Lost)),
            Delivery::Revoked(Revoked { done, .. }) => {
                self.drain()?;
                // The consumer may have stopped waiting.
                let _ = done.try_send(());
            }
        }
        Ok(None)
    }

    /// Makes sure that no other process is at work, and reads the input again. Deliveries wait meanwhile, and the consumer
    /// pauses. A revocation cancels the restore.
    fn begin(&mut self, assignment: &Assignment) -> Result<Option<SessionEnd>, Failure> {
        self.refuse_own_outputs(&assignment.partitions)?;
        self.empty_since = assignment.partitions.is_empty().then(|| self.empty_since.unwrap_or_else(clock::monotonic));
        self.state = State::Waiting;
        match self.settle(&assignment.end)? {
            Share::All => {}
            Share::Unsettled => return Ok(None),
            Share::GiveWay(to) => {
                tracing::info!(to, "another process joined at the same moment: this one gives way");
                return Ok(Some(SessionEnd::GaveWay));
            }
        }
        tracing::info!(partitions = assignment.partitions.len(), "partitions were assigned");
        self.state = State::Restoring;
        self.service.report.reach(Point::Restoring);
        self.state = match self.restore(assignment) {
            Ok(Some((mut work, moved))) => {
                self.service.report.begin(&work.worker, &self.membership.reader.context().ends, clock::monotonic());
                work.worker.break_logs(moved)?;
                work.worker.adopt(&self.service.reload.config().settings())?;
                State::Working(Box::new(work))
            }
            Ok(None) => self.back_to_waiting(),
            // The partitions are being revoked; the next delivery says so.
            Err(failure) if failure.exit == Exit::Interrupted && !self.service.interrupt.requested() => {
                self.back_to_waiting()
            }
            Err(failure) => return Err(failure),
        };
        Ok(None)
    }

    /// Reports that this member has no partitions.
    fn back_to_waiting(&mut self) -> State {
        self.service.report.end(None);
        State::Waiting
    }

    /// Waits until this member is the only one or must leave. Returns `Unsettled` if the partitions are revoked first.
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

    fn restore(&mut self, assignment: &Assignment) -> Result<Option<(Work, Vec<Moved>)>, Failure> {
        // Opening the publisher fences the previous owner, so the committed offsets are final.
        let publisher = self.publisher(&assignment.end)?;
        let following = self.service.following.take();
        let ahead = following.map_or(Ok(None), |following| following.finish(&assignment.end))?;
        let Service { config, telemetry, reload, .. } = &*self.service;
        let (reader, partitions) = (&self.membership.reader, &assignment.partitions);
        let ground = Ground { config: reload.config(), reader, partitions, interrupt: &assignment.end };
        let restored = Worker::restore(ground, telemetry, ahead)?;
        let Some(Resumed { worker, starts, moved }) = restored else { return Ok(None) };
        let signs = LifeSigns::begin(config, &self.membership.instance_id)?;
        // The consumer is gone, or has other partitions, only when a message says so.
        let _ = assignment.start.try_send(starts);
        Ok(Some((Work { worker, publisher, signs }, moved)))
    }

    fn publisher(&self, end: &Interrupt) -> Result<Publisher, Failure> {
        let Service { config, contact, telemetry, interrupt, .. } = &*self.service;
        Publisher::open(&config.kafka, contact, telemetry.meters.retries().clone(), end, interrupt)
    }

    /// Refuses an input pattern that matches the service's own outputs: the service would read itself for ever.
    fn refuse_own_outputs(&self, partitions: &[(String, i32)]) -> Result<(), Failure> {
        let outputs = self.service.config.topics.all();
        match partitions.iter().find(|(topic, _)| outputs.iter().any(|output| output.as_str() == topic)) {
            None => Ok(()),
            Some((topic, _)) => Err(own_output(topic)),
        }
    }

    /// Commits what was read and lets the partitions go.
    fn drain(&mut self) -> Result<(), Failure> {
        self.state = match std::mem::replace(&mut self.state, State::Waiting) {
            State::Working(work) | State::Draining(work) => State::Draining(work),
            State::Waiting | State::Restoring => return Ok(()),
        };
        self.commit()?;
        self.hand_over();
        tracing::info!("partitions were given back");
        Ok(())
    }

    /// Leaves the state, all of it committed, to the process that has the partitions next.
    fn hand_over(&mut self) {
        match std::mem::replace(&mut self.state, State::Waiting) {
            State::Working(work) | State::Draining(work) => {
                self.service.report.end(Some(&work.worker));
                work.worker.finish();
            }
            State::Waiting | State::Restoring => {}
        }
    }

    fn commit_if_due(&mut self, now: Instant) -> Result<(), Failure> {
        match &self.state {
            State::Working(work) if work.worker.is_due(now) => self.commit(),
            State::Working(_) | State::Waiting | State::Restoring | State::Draining(_) => Ok(()),
        }
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let (State::Working(work) | State::Draining(work)) = &mut self.state else { return Ok(()) };
        work.worker.commit(&work.publisher, &self.membership.reader, &self.membership.lost)?;
        self.has_worked = true;
        Ok(())
    }
}
