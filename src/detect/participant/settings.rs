//! The burst settings of parties: those of all parties, and those of one party under overrides.

use std::sync::Arc;

use crate::{
    detect::{Overrides, Subject},
    window::BurstSettings,
};

/// The fewest withdrawals that can be a party's burst (DETECTION 3).
const A_MIN: u32 = 20;

/// The overrides, with the settings that they change.
#[derive(Clone, Debug, Default)]
pub(super) struct Overridden {
    overrides: Arc<Overrides>,
    of_all: BurstSettings,
}

impl Overridden {
    /// Overrides of the settings of all.
    pub(super) fn new(overrides: &Overrides, of_all: BurstSettings) -> Self {
        Self { overrides: Arc::new(overrides.clone()), of_all }
    }

    /// The settings of a party with a full window; `others` are those of a party without overrides. An override of the number of
    /// false alarms changes the party's share in the same proportion.
    pub(super) fn settings_of(&self, subject: &Subject, others: BurstSettings) -> BurstSettings {
        if self.overrides.is_empty() {
            return others;
        }
        let own = self.overrides.cancel_burst(self.of_all, subject);
        let warnings_per_day = others.warnings_per_day * proportion(own, self.of_all);
        party_settings(BurstSettings { warnings_per_day, ..own })
    }
}

/// The number of false alarms that these settings allow, as a multiple of that of others.
pub(super) fn proportion(settings: BurstSettings, others: BurstSettings) -> f64 {
    settings.warnings_per_day / others.warnings_per_day
}

/// Returns the settings with the fewest withdrawals that a party's burst needs.
pub(super) fn party_settings(settings: BurstSettings) -> BurstSettings {
    BurstSettings { a_min: settings.a_min.max(A_MIN), ..settings }
}
