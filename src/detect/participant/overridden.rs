//! Parties under overrides: some have settings of their own, resolved when they get a full window and when settings change.

use std::sync::Arc;

use super::{FOUND, Parties, member, member::Member, party_settings, proportion, withdrawal::Key};
use crate::{
    detect::{Overrides, Subject},
    window::BurstSettings,
};

impl<K: Key> Parties<K> {
    /// The same parties under overrides of the settings of all.
    #[must_use]
    pub fn overridden(mut self, overrides: &Overrides, of_all: BurstSettings) -> Self {
        self.follow_overrides(overrides, of_all);
        self
    }

    /// Follows overrides of the settings of all. Members do so with the next [`Parties::retune`].
    pub fn follow_overrides(&mut self, overrides: &Overrides, of_all: BurstSettings) {
        self.overrides = (Arc::new(overrides.clone()), of_all);
    }

    /// The settings of a party with a full window. The number of false alarms that an override allows changes the party's share in
    /// the same proportion.
    pub(super) fn settings_of(&self, subject: &Subject) -> BurstSettings {
        let (overrides, of_all) = &self.overrides;
        if overrides.is_empty() {
            return self.settings;
        }
        let own = overrides.cancel_burst(*of_all, subject);
        let warnings_per_day = self.settings.warnings_per_day * proportion(own, *of_all);
        party_settings(BurstSettings { warnings_per_day, ..own })
    }

    /// Gives each member its settings, if they are others than before.
    pub(super) fn retune_members(&mut self) {
        let other = |(key, member): (&K, &Arc<Member>)| {
            let own = self.settings_of(member.subject());
            (own != member.settings).then(|| (key.clone(), own))
        };
        let others: Vec<(K, BurstSettings)> = self.pool.iter().filter_map(other).collect();
        for (key, settings) in others {
            let handle = self.pool.find(&key).expect(FOUND);
            member(&mut self.pool, handle).retune(settings);
        }
    }
}
