//! Meters of a standby: whether the process stands by, and how fresh the state is that it keeps.

use prometheus::{Gauge, Registry};

use super::{STANDBY, STANDBY_STATE_AT, gauge};
use crate::time::WallTime;

/// The meters.
#[derive(Clone)]
pub struct StandbyMeters {
    stands_by: Gauge,
    followed_at: Gauge,
}

impl StandbyMeters {
    /// Creates the meters of a process that does not stand by.
    pub(super) fn new(registry: &Registry) -> Result<Self, prometheus::Error> {
        Ok(Self {
            stands_by: gauge(registry, STANDBY)?.with_label_values::<&str>(&[]),
            followed_at: gauge(registry, STANDBY_STATE_AT)?.with_label_values::<&str>(&[]),
        })
    }

    /// Records whether the process stands by. One that works keeps no second state.
    pub fn stands_by(&self, stands_by: bool) {
        self.stands_by.set(if stands_by { 1.0 } else { 0.0 });
        if !stands_by {
            self.followed_at.set(0.0);
        }
    }

    /// Records when the state was brought up to the committed offsets.
    pub fn followed(&self, now: WallTime) {
        self.followed_at.set(now.nanos() as f64 / 1e9);
    }
}
