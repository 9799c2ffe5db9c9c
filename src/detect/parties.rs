//! `cancel_burst` of parties: accounts, owners, and either on one symbol (DETECTION 2.1, "Memory").
//!
//! ```text
//!   light, 40 B ──5 in a minute──▶ with its last arrivals ──20 in a minute──▶ a full window from the pool
//!        ▲                               │ ten calm minutes                      │ an hour without 20 in a minute,
//!        └───────────────────────────────┴───────────────────────────────────────┘ or the longest unused of too many
//! ```
//! A party's burst must be one of withdrawals: in the ten-second slots that it reaches into at least nine orders are withdrawn
//! for ten that are placed, or whoever begins to trade would be a burst.
//!
//! The members of a pool share its false alarms: each is set to a warning every so many days as there are members. The
//! specification names one a day for a subject and no more for many; with a thousand members that would be a thousand
//! tickets a day. Beyond a hundred members the share no longer falls. Before a member's levels are its own its fixed ones are raised by as much as a hundred members need.
//!
//! Not here: symbols, whose windows are their own for good, and who belongs to whom.

use std::{collections::BTreeSet, hash::Hash, sync::Arc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Burst, Detect, Kind, Sample, Subject, Verdict};
use crate::{
    table::{Handle, Table},
    time::{EventTime, Span},
    trust::Mode,
    window::{BurstSettings, DECADES, Light, TEACH_EVERY, Tier},
};

/// The fewest withdrawals that can be a party's burst (DETECTION 3).
const A_MIN: u32 = 20;
/// Orders withdrawn for one that is placed, from which on a burst is one of withdrawals (DETECTION 3).
const WITHDRAWN_MIN: f64 = 0.9;
/// What fixed levels are raised by, in nats: from a tenth of a false alarm a day to a hundredth of that takes 7.6.
const COLD: f64 = 8.0;
/// A member that has not been worth a window for so long goes back.
const CALM: Span = Span::from_secs(3_600);

/// After all time.
const NOT_PLANNED: EventTime = EventTime::from_nanos(i64::MAX);

/// How many members share the false alarms of one at most: as many as the fixed levels are raised for. Beyond that whoever fills a
/// pool would make everybody in it deaf.
const SHARERS_MAX: usize = 100;

/// What a key of parties must be able to do.
pub trait Key: Clone + Ord + Hash + Serialize + DeserializeOwned {}
impl<K: Clone + Ord + Hash + Serialize + DeserializeOwned> Key for K {}

/// All parties of one kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(bound = "K: Key")]
pub struct Parties<K: Key> {
    light: Table<K, Light>,
    /// Shared with a snapshot that is being written, as symbols are.
    pool: Table<K, Arc<Member>>,
    tiers: [Tier; DECADES],
    /// When a party must be looked at again; may be early, never late. One entry for each that is busy or has a full window.
    due: BTreeSet<(EventTime, K)>,
    /// How many members have an episode.
    firing: usize,
    settings: BurstSettings,
}

/// A party with a full window.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Member {
    subject: Subject,
    light: Light,
    burst: Burst,
    /// The last time with many in a minute.
    busy_at: EventTime,
    taught_at: EventTime,
    /// How far its newest sample lies behind the clock.
    behind: Span,
    due: EventTime,
}

/// Withdrawals of one instant.
#[derive(Clone, Copy)]
pub struct Withdrawn<'a> {
    /// The last of them.
    pub sample: Sample<'a>,
    /// How many.
    pub orders: u16,
    /// How many were placed since the last.
    pub placed: u16,
    /// The clock.
    pub clock: EventTime,
    /// What comes before this time may have been missed.
    pub blind_until: EventTime,
    /// How the symbol clusters, where they are of one.
    pub symbol: Option<&'a Burst>,
    /// The mode in force.
    pub mode: Mode,
}

/// What is said of a party.
pub type Saying = (Subject, Verdict);

impl<K: Key> Parties<K> {
    /// Nobody is known, at most so many ever are, and at most so many of them have a full window.
    #[must_use]
    pub fn new(parties_max: usize, bursts_max: usize, settings: BurstSettings) -> Self {
        Self {
            light: Table::new(parties_max),
            pool: Table::new(bursts_max),
            tiers: std::array::from_fn(|_| Tier::default()),
            due: BTreeSet::new(),
            firing: 0,
            settings: of_party(settings),
        }
    }

    /// Goes on under other limits and settings: what was learned under other settings goes, as it does for a symbol.
    pub fn retune(&mut self, parties_max: usize, bursts_max: usize, settings: BurstSettings, said: &mut Vec<Saying>) {
        for (key, mut light) in self.light.limit(parties_max) {
            self.forget(&key, &mut light);
        }
        for (key, member) in self.pool.limit(bursts_max) {
            self.demote(&key, Arc::unwrap_or_clone(member), said);
        }
        let settings = of_party(settings);
        if self.settings != settings {
            self.settings = settings;
            self.tiers = std::array::from_fn(|_| Tier::default());
            self.pool.values_mut().map(Arc::make_mut).for_each(|member| member.burst.retune(settings));
        }
    }

    /// Parties without a full window, and those with one, each with how many had to make room.
    #[must_use]
    pub fn occupancy(&self) -> [(usize, u64); 2] {
        [(self.light.len(), self.light.evicted()), (self.pool.len(), self.pool.evicted())]
    }

    /// Whether an episode waits for the clock to be over.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.firing > 0
    }

    /// When [`Parties::advance`] must be called.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Orders were placed by a party that is busy; of any other that says nothing.
    pub fn placed(&mut self, key: &K, at: EventTime) {
        let light = if let Some(handle) = self.pool.find(key) {
            self.pool.get_mut(handle).map(|member| &mut Arc::make_mut(member).light)
        } else {
            self.light.find(key).and_then(|handle| self.light.get_mut(handle))
        };
        if let Some(recent) = light.and_then(Light::recent) {
            recent.quoting.note(at, 1, 0);
        }
    }

    /// Orders were withdrawn. What is due before must have been done.
    pub fn withdrawn(
        &mut self,
        key: &K,
        withdrawn: &Withdrawn<'_>,
        subject: impl FnOnce() -> Subject,
        said: &mut Vec<Saying>,
    ) {
        if let Some(handle) = self.pool.find(key) {
            self.pool.touch(handle);
            if let Some(member) = self.pool.get_mut(handle).map(Arc::make_mut) {
                let fired = member.burst.is_firing();
                member.withdrawn(key, withdrawn, &mut self.due, said);
                self.firing = count(self.firing, fired, member.burst.is_firing());
            }
            return;
        }
        let handle = match self.light.find(key) {
            Some(handle) => {
                self.light.touch(handle);
                handle
            }
            None => self.admit(key, Light::default()),
        };
        let at = withdrawn.sample.at;
        let Some(light) = self.light.get_mut(handle) else { return };
        light.count(at, withdrawn.orders);
        let Some(recent) = light.recent() else { return };
        recent.quoting.note(at, withdrawn.placed, withdrawn.orders);
        if recent.is_many(at) {
            self.promote(key, handle, withdrawn, subject(), said);
        } else if recent.is_new() {
            let behind = withdrawn.clock.since(at).max(Span::ZERO);
            self.due.extend(light.plan(behind).map(|at| (at, key.clone())));
        }
    }

    /// Puts a party among those without a full window.
    fn admit(&mut self, key: &K, light: Light) -> Handle {
        let (handle, displaced) = self.light.insert(key.clone(), light);
        if let Some((key, mut light)) = displaced {
            self.forget(&key, &mut light);
        }
        handle
    }

    /// Nobody looks at a party again.
    fn forget(&mut self, key: &K, light: &mut Light) {
        if let Some(recent) = light.recent() {
            self.due.remove(&(recent.due, key.clone()));
        }
    }

    /// Gives a party a full window.
    fn promote(
        &mut self,
        key: &K,
        handle: Handle,
        withdrawn: &Withdrawn<'_>,
        subject: Subject,
        said: &mut Vec<Saying>,
    ) {
        let Some((_, mut light)) = self.light.remove(handle) else { return };
        self.forget(key, &mut light);
        let at = withdrawn.sample.at;
        let mut times = light.recent().map(|recent| recent.times(at)).unwrap_or_default();
        // The window judges the last ones as they come.
        times.truncate(times.len().saturating_sub(withdrawn.orders.into()));
        let factors = withdrawn.symbol.map(|symbol| symbol.window().burst().baseline().factors());
        let warm = self.tiers[light.tier()].warm(&light, times, at, factors);
        let mut burst = Burst::warm(Kind::Cancels, self.settings, &warm, COLD);
        burst.share(self.share());
        let mut member =
            Member { subject, light, burst, busy_at: at, taught_at: at, behind: Span::ZERO, due: NOT_PLANNED };
        member.judge(key, withdrawn, &mut self.due, said);
        self.firing = count(self.firing, false, member.burst.is_firing());
        if let (_, Some((old, displaced))) = self.pool.insert(key.clone(), Arc::new(member)) {
            self.demote(&old, Arc::unwrap_or_clone(displaced), said);
        }
    }

    /// Does what is due up to and including a time.
    pub fn advance(&mut self, now: EventTime, said: &mut Vec<Saying>) {
        while let Some((at, key)) = self.due.pop_first() {
            if at > now {
                self.due.insert((at, key));
                return;
            }
            if let Some(handle) = self.pool.find(&key) {
                self.look(&key, handle, at, said);
            } else if let Some(light) = self.light.find(&key).and_then(|handle| self.light.get_mut(handle)) {
                let behind = light.recent().map_or(Span::ZERO, |recent| recent.behind);
                light.calm(at.minus(behind));
                self.due.extend(light.plan(behind).map(|at| (at, key)));
            }
        }
    }

    /// Looks at a member whose time has come.
    fn look(&mut self, key: &K, handle: Handle, at: EventTime, said: &mut Vec<Saying>) {
        let share = self.share();
        let Some(member) = self.pool.get_mut(handle).map(Arc::make_mut) else { return };
        let own = at.minus(member.behind);
        let fired = member.burst.is_firing();
        said.extend(member.burst.handle_timeout(own).map(|verdict| member.saying(verdict)));
        self.firing = count(self.firing, fired, member.burst.is_firing());
        if own >= member.taught_at.plus(TEACH_EVERY) {
            // Whoever was silent since knows nothing new.
            if member.burst.window().burst().now() > Some(member.taught_at) {
                self.tiers[member.light.tier()].learn(member.burst.window());
            }
            member.taught_at = own;
            member.burst.share(share);
        }
        if own >= member.busy_at.plus(CALM) && !member.burst.is_firing() {
            if let Some((key, member)) = self.pool.remove(handle) {
                self.demote(&key, Arc::unwrap_or_clone(member), said);
            }
            return;
        }
        member.due = NOT_PLANNED;
        member.plan(key, &mut self.due);
    }

    /// Takes the window away from a party.
    fn demote(&mut self, key: &K, mut member: Member, said: &mut Vec<Saying>) {
        self.firing = count(self.firing, member.burst.is_firing(), false);
        said.extend(member.end());
        self.due.remove(&(member.due, key.clone()));
        let mut light = member.light;
        light.give_back();
        self.admit(key, light);
    }

    /// The false alarms a day of each member.
    fn share(&self) -> f64 {
        self.settings.warnings_per_day / self.pool.len().clamp(1, SHARERS_MAX) as f64
    }
}

/// One member's part in how many fire.
const fn count(firing: usize, before: bool, after: bool) -> usize {
    (firing + after as usize).saturating_sub(before as usize)
}

fn of_party(settings: BurstSettings) -> BurstSettings {
    BurstSettings { a_min: settings.a_min.max(A_MIN), ..settings }
}

impl Member {
    fn withdrawn<K: Key>(
        &mut self,
        key: &K,
        withdrawn: &Withdrawn<'_>,
        due: &mut BTreeSet<(EventTime, K)>,
        said: &mut Vec<Saying>,
    ) {
        let at = withdrawn.sample.at;
        self.light.count(at, withdrawn.orders);
        if let Some(recent) = self.light.recent() {
            recent.quoting.note(at, withdrawn.placed, withdrawn.orders);
            if recent.is_many(at) {
                self.busy_at = self.busy_at.max(at);
            }
        }
        self.judge(key, withdrawn, due, said);
    }

    fn judge<K: Key>(
        &mut self,
        key: &K,
        withdrawn: &Withdrawn<'_>,
        due: &mut BTreeSet<(EventTime, K)>,
        said: &mut Vec<Saying>,
    ) {
        let Withdrawn { sample, orders, clock, blind_until, mode, .. } = withdrawn;
        let newest = self.burst.window().burst().now();
        if let Some(now) = newest
            && *blind_until > now
        {
            self.burst.gap(now, sample.at.clamp(now, *blind_until));
        }
        // By its own samples an episode may be over before the clock says so.
        said.extend(self.burst.handle_timeout(sample.at).map(|verdict| self.saying(verdict)));
        if newest.is_none_or(|newest| sample.at >= newest) {
            self.behind = clock.since(sample.at).max(Span::ZERO);
        }
        let Self { burst, light, .. } = self;
        let of_withdrawals = |from: EventTime| {
            let (placed, withdrawn) = light.quoting().map_or((0, 0), |quoting| quoting.since(from));
            f64::from(withdrawn) >= WITHDRAWN_MIN * f64::from(placed)
        };
        let verdict = burst.handle(sample, &[*orders], *mode, of_withdrawals);
        said.extend(verdict.map(|verdict| self.saying(verdict)));
        self.plan(key, due);
    }

    /// Notes when it must be looked at again, if that is sooner than it was.
    fn plan<K: Key>(&mut self, key: &K, due: &mut BTreeSet<(EventTime, K)>) {
        let calm = self.taught_at.plus(TEACH_EVERY);
        let next = self.burst.deadline().map_or(calm, |at| at.min(calm)).plus(self.behind);
        if next < self.due {
            due.remove(&(self.due, key.clone()));
            due.insert((next, key.clone()));
            self.due = next;
        }
    }

    fn end(&mut self) -> Option<Saying> {
        self.burst.end().map(|verdict| self.saying(verdict))
    }

    /// Its samples do not name it: it is the same for all.
    fn saying(&self, mut verdict: Verdict) -> Saying {
        if let Subject::Account(account) | Subject::AccountSymbol(account, _) = &self.subject {
            verdict.finding.evidence.accounts = vec![account.clone()];
        }
        (self.subject.clone(), verdict)
    }
}

#[cfg(test)]
mod tests;
