//! `cancel_burst` of parties: accounts, owners, and either on one symbol (DETECTION 2.1, "Memory").
//!
//! ```text
//!   light, 40 B ──5 in a minute──▶ with its last arrivals ──20 in a minute──▶ a full window from the pool
//!        ▲                               │ ten calm minutes                      │ an hour without 20 in a minute,
//!        └───────────────────────────────┴───────────────────────────────────────┘ or the least recently used of too many
//! ```
//! A party's burst must be one of withdrawals: in the ten-second slots that the burst reaches into, at least nine orders
//! are withdrawn for ten that are placed. Otherwise every party that begins to trade would be a burst. An order that is
//! only moved counts as neither: the market stage hands in what stayed withdrawn for a second (`engine/stage/market/requotes`).
//!
//! No party is judged before its tier has been observed for a quarter of an hour: until then only the prior is known, and
//! the first busy account of a recording would be a burst. A tier is observed from the first event on of a party that
//! belongs to it, with a full window or without.
//!
//! The members of one budget (`super::budget`: that of their symbol, or that of everybody) share its false alarms: with n
//! members each has an n-th of them. Beyond a hundred members the share no longer falls. Until a member has levels of its own,
//! the fixed levels are raised by as much as a hundred members need.
//!
//! This module does not handle symbols, whose windows are permanent, and does not know which account belongs to which
//! owner.

mod member;
mod settings;
mod withdrawal;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

pub(crate) use self::withdrawal::{PartyVerdict, WithdrawalBatch};
use self::{
    member::Member,
    settings::{Overridden, party_settings, proportion},
    withdrawal::Key,
};
use super::{Burst, BurstKind, CoverageState, Overrides, Signal, Subject};
use crate::{
    event::Origin,
    table::{Handle, Table},
    time::{EventTime, Span},
    window::{BurstSettings, DECADES, Light, TEACH_EVERY, Tier},
};

/// How far the fixed levels are raised, in nats. From a tenth of a false alarm a day to a hundredth of that takes 7.6.
const FIXED_LEVEL_RAISE: f64 = 8.0;
/// How long a tier must have been observed before a party of it is judged: as long as a symbol is judged by absolute
/// rules alone (DETECTION 6, where the cold start of a party is that of its tier).
const OBSERVED_MIN: Span = Span::from_secs(900);
/// The tiers to which every party belongs that does too little to be followed: up to 99 events a day.
const LEAST_TIERS: usize = 2;
/// A member loses its window after so long without many withdrawals in a minute.
const DEMOTED_AFTER: Span = Span::from_secs(3_600);
/// The most members among whom the false alarms are divided: as many as the fixed levels are raised for. Without this
/// limit, filling a pool would put the levels of all its members out of reach.
const SHARERS_MAX: usize = 100;

/// The parties of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "K: Key")]
pub(crate) struct Parties<K: Key> {
    /// Parties without a full window.
    light: Table<K, Light>,
    /// Parties with a full window. Shared with a snapshot that is being written, as symbols are.
    pool: Table<K, Arc<Member>>,
    tiers: [Tier; DECADES],
    /// Since when there has been a party of each tier.
    observed_since: [Option<EventTime>; DECADES],
    /// The deadlines of parties: one for each that is busy or has a full window. A deadline may be early, never late.
    due: BTreeSet<(EventTime, K)>,
    /// The number of members with an episode.
    firing: usize,
    /// The number of members that share each budget.
    sharers: BTreeMap<K::Budget, usize>,
    settings: BurstSettings,
    /// The overrides, with the settings that they change. Not in a snapshot: the restore sets them, and members have their own
    /// settings.
    #[serde(skip)]
    overrides: Overridden,
}

impl<K: Key> Parties<K> {
    /// An empty set for at most `parties_max` parties without a full window and `bursts_max` with one.
    #[must_use]
    pub fn new(parties_max: usize, bursts_max: usize, settings: BurstSettings) -> Self {
        Self {
            light: Table::new(parties_max),
            pool: Table::new(bursts_max),
            tiers: std::array::from_fn(|_| Tier::default()),
            observed_since: [None; DECADES],
            due: BTreeSet::new(),
            firing: 0,
            sharers: BTreeMap::new(),
            settings: party_settings(settings),
            overrides: Overridden::default(),
        }
    }

    /// The same parties under overrides of the settings of all.
    #[must_use]
    pub fn overridden(mut self, overrides: &Overrides, of_all: BurstSettings) -> Self {
        self.follow_overrides(overrides, of_all);
        self
    }

    /// Follows overrides of the settings of all. Members do so with the next [`Parties::retune`].
    pub fn follow_overrides(&mut self, overrides: &Overrides, of_all: BurstSettings) {
        self.overrides = Overridden::new(overrides, of_all);
    }

    /// Continues under other limits and settings. Tails that were learned under the old settings begin anew, as those of a
    /// symbol do.
    pub fn retune(
        &mut self,
        parties_max: usize,
        bursts_max: usize,
        settings: BurstSettings,
        verdicts: &mut Vec<PartyVerdict>,
    ) {
        for (key, mut light) in self.light.limit(parties_max) {
            self.cancel_deadline(&key, &mut light);
        }
        for (key, member) in self.pool.limit(bursts_max) {
            self.demote(&key, Arc::unwrap_or_clone(member), verdicts);
        }
        let settings = party_settings(settings);
        if self.settings != settings {
            self.settings = settings;
            self.tiers = std::array::from_fn(|_| Tier::default());
        }
        let Self { pool, settings, overrides, .. } = self;
        for member in pool.values_mut() {
            let own = overrides.settings_of(member.subject(), *settings);
            if own != member.settings {
                Arc::make_mut(member).retune(own);
            }
        }
    }

    /// Ends every episode, because all parties are forgotten.
    pub fn end(&mut self, verdicts: &mut Vec<PartyVerdict>) {
        self.pool.values_mut().map(Arc::make_mut).for_each(|member| verdicts.extend(member.end()));
        self.firing = 0;
    }

    /// The numbers of parties without and with a full window, each with the number evicted so far.
    #[must_use]
    pub fn occupancy(&self) -> [(usize, u64); 2] {
        [(self.light.len(), self.light.evicted()), (self.pool.len(), self.pool.evicted())]
    }

    /// Whether an episode is going on that will end when the clock moves on.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.firing > 0
    }

    /// The parties that are followed, each with whether it is judged: not before its tier has been observed for long enough.
    pub fn coverage(&self, at: EventTime) -> impl Iterator<Item = (&K, CoverageState)> {
        let is_observed =
            move |tier: usize| self.observed_since[tier].is_some_and(|since| at.since(since) >= OBSERVED_MIN);
        let light = self.light.iter().map(move |(key, light)| (key, CoverageState::once(is_observed(light.tier()))));
        light.chain(self.pool.iter().map(move |(key, member)| (key, member.coverage(at))))
    }

    /// When [`Parties::advance`] must be called.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Records that a party is active; this starts observing the two lowest tiers.
    pub fn observe(&mut self, at: EventTime) {
        for since in &mut self.observed_since[..LEAST_TIERS] {
            since.get_or_insert(at);
        }
    }

    /// Counts orders that a party has placed, if the party is busy.
    pub fn placed(&mut self, key: &K, at: EventTime, orders: u16) {
        let light = if let Some(handle) = self.pool.find(key) {
            self.pool.get_mut(handle).map(|member| &mut Arc::make_mut(member).light)
        } else {
            self.light.find(key).and_then(|handle| self.light.get_mut(handle))
        };
        if let Some(recent) = light.and_then(Light::recent) {
            recent.quoting.note(at, orders, 0);
        }
    }

    /// Handles withdrawals of a party. Deadlines up to their time must have been handled.
    pub fn withdrawn(
        &mut self,
        key: &K,
        batch: &WithdrawalBatch<'_>,
        subject: impl FnOnce() -> Subject,
        verdicts: &mut Vec<PartyVerdict>,
    ) {
        if let Some(handle) = self.pool.find(key) {
            self.pool.touch(handle);
            let member = member(&mut self.pool, handle);
            let fired = member.burst.is_firing();
            member.withdrawn(key, batch, &mut self.due, verdicts);
            self.observed_since[member.light.tier()].get_or_insert(batch.sample.at);
            self.firing = count_firing(self.firing, fired, member.burst.is_firing());
            return;
        }
        let handle = match self.light.find(key) {
            Some(handle) => {
                self.light.touch(handle);
                handle
            }
            None => self.admit(key, Light::default()),
        };
        let at = batch.sample.at;
        self.observe(at);
        let light = light(&mut self.light, handle);
        light.count(at, batch.orders);
        self.observed_since[light.tier()].get_or_insert(at);
        let Some(recent) = light.recent() else { return };
        recent.quoting.note(at, batch.placed, batch.orders);
        if recent.is_many(at) {
            self.promote(key, handle, batch, subject(), verdicts);
        } else if recent.is_new() {
            let behind = batch.clock.since(at).max(Span::ZERO);
            self.due.extend(light.plan(behind).map(|at| (at, key.clone())));
        }
    }

    /// Adds a party to those without a full window.
    fn admit(&mut self, key: &K, light: Light) -> Handle {
        let (handle, displaced) = self.light.insert(key.clone(), light);
        if let Some((key, mut light)) = displaced {
            self.cancel_deadline(&key, &mut light);
        }
        handle
    }

    /// Removes the deadline of a party that leaves the table of those without a full window.
    fn cancel_deadline(&mut self, key: &K, light: &mut Light) {
        if let Some(recent) = light.recent() {
            self.due.remove(&(recent.due, key.clone()));
        }
    }

    /// Moves a party into the pool, with a full window that judges the batch.
    fn promote(
        &mut self,
        key: &K,
        handle: Handle,
        batch: &WithdrawalBatch<'_>,
        subject: Subject,
        verdicts: &mut Vec<PartyVerdict>,
    ) {
        let (_, mut light) = self.light.remove(handle).expect(FOUND);
        self.cancel_deadline(key, &mut light);
        let at = batch.sample.at;
        let mut times = light.recent().expect("a party is promoted for its last arrivals").times(at);
        // The window begins before the batch, and then judges it.
        times.truncate(times.len().saturating_sub(batch.orders.into()));
        let factors = batch.symbol.map(|symbol| symbol.window().burst().baseline().factors());
        let tier = light.tier();
        let warm = self.tiers[tier].warm(&light, times, at, factors);
        let settings = self.overrides.settings_of(&subject, self.settings);
        let mut burst = Burst::warm(BurstKind::Cancels, settings, &warm, FIXED_LEVEL_RAISE);
        *self.sharers.entry(key.budget()).or_insert(0) += 1;
        burst.set_warnings_per_day(self.warnings_per_day_each(key) * proportion(settings, self.settings));
        let judged_from = self.observed_since[tier].unwrap_or(at).plus(OBSERVED_MIN);
        let mut member = Member::new((subject, settings), light, burst, at, judged_from);
        member.judge(key, batch, &mut self.due, verdicts);
        self.firing = count_firing(self.firing, false, member.burst.is_firing());
        if let (_, Some((old, displaced))) = self.pool.insert(key.clone(), Arc::new(member)) {
            self.demote(&old, Arc::unwrap_or_clone(displaced), verdicts);
        }
    }

    /// Handles deadlines up to and including a time.
    pub fn advance(&mut self, now: EventTime, verdicts: &mut Vec<PartyVerdict>) {
        while let Some((at, key)) = self.due.pop_first() {
            if at > now {
                self.due.insert((at, key));
                return;
            }
            match self.pool.find(&key) {
                Some(handle) => self.expire_member(&key, handle, at, verdicts),
                None => self.expire_light(key, at),
            }
        }
    }

    /// Frees the arrivals of a party without a full window if it is calm at its deadline, or plans the next deadline.
    fn expire_light(&mut self, key: K, at: EventTime) {
        let handle = self.light.find(&key).expect("a party with a deadline is in one of the two tables");
        let light = light(&mut self.light, handle);
        let behind = light.recent().expect("a party with a deadline is busy or has a full window").behind;
        light.free_if_calm(at.minus(behind));
        self.due.extend(light.plan(behind).map(|at| (at, key)));
    }

    /// Handles the deadline of a member: ends its episode, lets it teach its tier, or demotes it.
    fn expire_member(&mut self, key: &K, handle: Handle, at: EventTime, verdicts: &mut Vec<PartyVerdict>) {
        let warnings_per_day = self.warnings_per_day_each(key);
        let of_all = self.settings;
        let member = member(&mut self.pool, handle);
        let own = at.minus(member.behind);
        let fired = member.burst.is_firing();
        verdicts.extend(member.burst.expire(own).map(|verdict| member.verdict_of(verdict)));
        self.firing = count_firing(self.firing, fired, member.burst.is_firing());
        if own >= member.taught_at.plus(TEACH_EVERY) {
            // A member without a sample since then has nothing new to teach.
            if member.burst.window().burst().now() > Some(member.taught_at) {
                self.tiers[member.light.tier()].learn(member.burst.window());
            }
            member.taught_at = own;
            member.burst.set_warnings_per_day(warnings_per_day * proportion(member.settings, of_all));
        }
        if own >= member.busy_at.plus(DEMOTED_AFTER) && !member.burst.is_firing() {
            let (key, member) = self.pool.remove(handle).expect(FOUND);
            self.demote(&key, Arc::unwrap_or_clone(member), verdicts);
            return;
        }
        member.plan_anew(key, &mut self.due);
    }

    /// Ends the episode of a party that has left the pool, and adds the party to those without a full window.
    fn demote(&mut self, key: &K, mut member: Member, verdicts: &mut Vec<PartyVerdict>) {
        self.firing = count_firing(self.firing, member.burst.is_firing(), false);
        verdicts.extend(member.end());
        self.due.remove(&(member.due, key.clone()));
        let budget = key.budget();
        if let Some(sharers) = self.sharers.get_mut(&budget) {
            *sharers -= 1;
            if *sharers == 0 {
                self.sharers.remove(&budget);
            }
        }
        let mut light = member.light;
        light.give_back();
        self.admit(key, light);
    }

    /// The false alarms a day of a member: its share of the budget.
    fn warnings_per_day_each(&self, key: &K) -> f64 {
        let sharers = self.sharers.get(&key.budget()).copied().unwrap_or(1);
        self.settings.warnings_per_day / sharers.clamp(1, SHARERS_MAX) as f64
    }
}

/// The invariant behind a handle that is used at once.
const FOUND: &str = "an entry that was just found";

/// The member behind a handle that was just found.
fn member<K: Key>(pool: &mut Table<K, Arc<Member>>, handle: Handle) -> &mut Member {
    Arc::make_mut(pool.get_mut(handle).expect(FOUND))
}

/// The party without a full window behind a handle that was just found.
fn light<K: Key>(table: &mut Table<K, Light>, handle: Handle) -> &mut Light {
    table.get_mut(handle).expect(FOUND)
}

/// Returns the number of members that fire, after one member has changed.
const fn count_firing(firing: usize, before: bool, after: bool) -> usize {
    (firing + after as usize).checked_sub(before as usize).expect("a member that fired was counted")
}

/// Publishes verdicts as signals. They are visible from `visible_at` on, or from their own times if that is `None`.
pub(crate) fn publish(
    verdicts: Vec<PartyVerdict>,
    visible_at: Option<EventTime>,
    origin: Origin,
    outbox: &mut Vec<Signal>,
) {
    outbox.extend(verdicts.into_iter().map(|(subject, verdict)| {
        let visible_at = visible_at.unwrap_or(verdict.at);
        verdict.signal(subject, visible_at, origin)
    }));
}

#[cfg(test)]
mod tests;
