//! The environment of one symbol's agents: the market they trade on, the fair value, the time, the schedule, random draws.
//!
//! Density makes everything happen so many times faster: rates are multiplied by it, and where it is above 1 the delays of all
//! agents are divided by it, or makers would never come back to the book between two trades.

use super::job::Job;
use crate::{
    simulate::{
        fair_value::FairValue,
        market::Market,
        random::{RandomStream, secs},
        schedule::Schedule,
    },
    time::{EventTime, Span},
};

/// The state that all agents of a symbol share.
#[derive(Debug)]
pub(super) struct Environment {
    pub(super) market: Market,
    pub(super) fair: FairValue,
    pub(super) rng: RandomStream,
    /// Time of the job at hand.
    pub(super) now: EventTime,
    /// Factor on all rates.
    pub(super) density: f64,
    /// Number of accounts of the exchange.
    pub(super) accounts: u32,
    /// Index of the symbol.
    pub(super) symbol: usize,
    pub(super) schedule: Schedule<Job>,
}

impl Environment {
    /// Schedules a job after an agent's delay; returns its time.
    pub(super) fn add_after(&mut self, delay: Span, job: Job) -> EventTime {
        let at = self.now.plus(secs(delay.secs_f64() / self.density.max(1.0)));
        self.schedule.add(at, job);
        at
    }

    /// Schedules a job after the wait of a Poisson process with this rate at density 1.
    pub(super) fn add_after_wait(&mut self, per_sec: f64, job: Job) {
        let at = self.now.plus(self.rng.poisson_wait(per_sec * self.density));
        self.schedule.add(at, job);
    }

    /// The delay for which [`Self::add_after`] schedules a job after exactly this time, whatever the density.
    pub(super) fn unscaled(&self, delay: Span) -> Span {
        secs(delay.secs_f64() * self.density.max(1.0))
    }
}
