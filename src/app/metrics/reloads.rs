//! Meters of the configuration: how its last reading went, and which settings this process goes by.

use prometheus::{Gauge, GaugeVec, IntCounterVec, Registry};

use super::{CONFIG, CONFIG_RELOADED, CONFIG_RELOADED_AT, CONFIG_RELOADS, counter, gauge};
use crate::time::WallTime;

/// The outcome of a reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reloaded {
    /// Other settings are in force.
    Applied,
    /// Nothing differs.
    Unchanged,
    /// The file has a mistake, or differs in a key that needs a restart: the old configuration stays.
    Refused,
}

impl Reloaded {
    const ALL: [(Self, &'static str); 3] =
        [(Self::Applied, "applied"), (Self::Unchanged, "unchanged"), (Self::Refused, "refused")];
}

/// The meters.
pub struct ReloadMeters {
    outcomes: IntCounterVec,
    successful: Gauge,
    succeeded_at: Gauge,
    config: GaugeVec,
}

impl ReloadMeters {
    /// Creates the meters, with every outcome at 0.
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        let outcomes = counter(registry, CONFIG_RELOADS)?;
        for (_, outcome) in Reloaded::ALL {
            outcomes.with_label_values(&[outcome]);
        }
        Ok(Self {
            outcomes,
            successful: gauge(registry, CONFIG_RELOADED)?.with_label_values::<&str>(&[]),
            succeeded_at: gauge(registry, CONFIG_RELOADED_AT)?.with_label_values::<&str>(&[]),
            config: gauge(registry, CONFIG)?,
        })
    }

    /// Records the reading with which the process began, and the hash of its settings.
    pub fn began(&self, config: &str, now: WallTime) {
        self.succeeded(now);
        // One series at a time: the settings before are no longer in force.
        self.config.reset();
        self.config.with_label_values(&[config]).set(1.0);
    }

    /// Records a further reading; `config` is the hash of the settings after it.
    pub fn reloaded(&self, outcome: Reloaded, config: &str, now: WallTime) {
        self.outcomes.with_label_values(&[Reloaded::ALL[outcome as usize].1]).inc();
        match outcome {
            Reloaded::Applied | Reloaded::Unchanged => self.began(config, now),
            Reloaded::Refused => self.successful.set(0.0),
        }
    }

    fn succeeded(&self, now: WallTime) {
        self.successful.set(1.0);
        self.succeeded_at.set(now.nanos() as f64 / 1e9);
    }
}
