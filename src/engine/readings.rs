//! Readings of an engine: counters of all stages together, how full its tables are, the state of the books, and how its
//! input stands.

use std::cmp::Reverse;

use super::{
    Counters, Coverage, Engine, Fates, Keys, Occupancy, Recorded, Settings, State, SymbolReadings,
    observe::NamedReading,
    stage::{account::AccountStage, market::FeedStage},
};
use crate::{
    book::BookState,
    correlate::Incident,
    detect::{Detector, DetectorState},
    event::SourceId,
    time::EventTime,
    trust::{FeedView, Mode, Situation, Standing, Trouble},
};

impl Engine {
    /// The counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        let mut counters = Counters::of(self.state.correlation.counters());
        self.state.feeds.iter().for_each(|feed| counters.add(feed.counters()));
        counters
    }

    /// How full each limited table is.
    #[must_use]
    pub fn occupancy(&self) -> [(Keys, Occupancy); Keys::ALL.len()] {
        let state = &self.state;
        let sum = |all: &mut dyn Iterator<Item = Occupancy>| all.fold(Occupancy::default(), Occupancy::plus);
        let over_feeds = |nth: usize| sum(&mut state.feeds.iter().map(|feed| feed.occupancy()[nth]));
        let over_shards = |nth: usize| sum(&mut state.shards.iter().map(|shard| shard.occupancy()[nth]));
        let [symbols, orders, accounts, owners, parties, bursts, withdrawals, troubles] =
            std::array::from_fn(over_feeds);
        let [holders, shard_parties, shard_bursts] = std::array::from_fn(over_shards);
        let [all_owners, owner_parties, owner_bursts] = state.correlation.occupancy();
        let of = |(held, evicted): (usize, u64)| Occupancy { held: held as u64, evicted };
        let incidents = (state.correlation.incidents().count(), state.correlation.incidents_evicted());
        [
            (Keys::Symbol, symbols),
            (Keys::Account, accounts),
            (Keys::Order, orders),
            (Keys::Incident, of(incidents)),
            (Keys::Signal, of(state.correlation.pending())),
            (Keys::Holder, holders),
            (Keys::Fact, self.messages()),
            (Keys::Owner, owners.plus(all_owners)),
            (Keys::Party, parties.plus(shard_parties).plus(owner_parties)),
            (Keys::Burst, bursts.plus(shard_bursts).plus(owner_bursts)),
            (Keys::Withdrawal, withdrawals),
            (Keys::Trouble, troubles),
        ]
    }

    /// The symbols that had an event within the last hour; at most `listed_max` of them by name, those whose books change most.
    #[must_use]
    pub fn symbols(&self, listed_max: usize) -> SymbolReadings {
        let mut all: Vec<NamedReading<'_>> = self.state.feeds.iter().flat_map(FeedStage::readings).collect();
        all.sort_unstable_by_key(|symbol| (Reverse(symbol.changes), symbol.symbol));
        let (listed, others) = all.split_at(listed_max.min(all.len()));
        let mut symbols = SymbolReadings {
            listed: listed.iter().map(|one| (one.symbol.as_str().to_owned(), one.reading)).collect(),
            others: others.iter().map(|one| one.reading).reduce(|all, one| all.worst(&one)),
            ..SymbolReadings::default()
        };
        for symbol in &all {
            match symbol.state {
                BookState::Absent => {}
                BookState::Usable => symbols.usable += 1,
                BookState::Unusable { flaw, .. } => symbols.unusable[flaw as usize] += 1,
            }
        }
        symbols
    }

    /// The share of symbols whose books are thin; `None` while too few symbols are known.
    #[must_use]
    pub fn thin_share(&self) -> Option<f64> {
        self.state.correlation.thin_share()
    }

    /// Counts how many subjects each detector can judge now, and why it cannot judge the rest. Every symbol and account is visited.
    #[must_use]
    pub fn coverage(&self) -> Coverage {
        let mut coverage = Coverage::default();
        self.state.feeds.iter().for_each(|feed| feed.coverage(&mut coverage));
        self.state.shards.iter().for_each(|shard| shard.coverage(&mut coverage));
        self.state.correlation.coverage(&mut coverage);
        let states = &self.plan.detection.states;
        let off = Detector::ALL.into_iter().filter(|(detector, _)| states.of(*detector) == DetectorState::Off);
        off.for_each(|(detector, _)| coverage.disable(detector));
        coverage
    }

    /// The least of the feeds' clocks; `None` while a feed has none.
    #[must_use]
    pub const fn watermark(&self) -> Option<EventTime> {
        self.state.watermarks.least()
    }

    /// Whether anything waits for clocks to move on: a finding, an incident, the end of either, or a message.
    #[must_use]
    pub fn waits(&self) -> bool {
        let State { feeds, shards, correlation, .. } = &self.state;
        correlation.waits()
            || shards.iter().any(AccountStage::waits)
            || feeds.iter().any(FeedStage::waits)
            || self.messages().held > 0
    }

    /// The clock with which a source's messages are stamped: its feed's own, or the later one that it was given while idle or far
    /// behind.
    #[must_use]
    pub fn clock(&self, source: usize) -> Option<EventTime> {
        self.state.feeds[self.context.sources.get(source)?.feed].clock()
    }

    /// The fates of each source's records.
    #[must_use]
    pub fn fates(&self) -> &[Fates] {
        &self.state.fates
    }

    /// Incidents that are open.
    pub fn incidents(&self) -> impl Iterator<Item = &Incident> {
        self.state.correlation.incidents()
    }

    /// The ceiling above the stamps of a source, as last decided.
    #[must_use]
    pub fn ceiling(&self, source: SourceId) -> Option<EventTime> {
        self.state.feeds[self.context.sources.get(source.index())?.feed].ceiling()
    }

    /// The position of the last record of a source that was taken.
    #[must_use]
    pub fn last_offset(&self, source: SourceId) -> Option<u64> {
        self.state.next.get(source.index())?.checked_sub(1)
    }

    /// The own clock of a source's feed, whatever clock it was given while others waited for it.
    #[must_use]
    pub fn own_clock(&self, source: SourceId) -> Option<EventTime> {
        self.state.feeds[self.context.sources[source.index()].feed].own_clock()
    }

    /// Events whose stamps were not believed so far.
    #[must_use]
    pub fn held_back(&self) -> u64 {
        self.state.feeds.iter().map(|feed| feed.counters().held_back).sum()
    }

    /// Returns the mode by the last decision and the last reports, and the troubles behind it.
    #[must_use]
    pub fn standing(&self) -> (Standing, Vec<Trouble>) {
        self.state.correlation.standing()
    }

    /// The last decision of the service about its input by its clock: its mode, and the troubles behind it.
    #[must_use]
    pub fn decided_mode(&self) -> (Mode, &[Trouble]) {
        self.state.correlation.decided()
    }

    /// Returns the view of each source that the watch over the input has, at a time of this machine's clock.
    #[must_use]
    pub fn feeds(&self, now: EventTime) -> Vec<FeedView> {
        let state = &self.state;
        let each = self.context.sources.iter().zip(state.next.iter().zip(&state.fates));
        each.map(|(source, (next, fates))| state.feeds[source.feed].view(next.checked_sub(1), fates, now)).collect()
    }

    /// The input as the policy of decisions sees it at a time of this machine's clock. `is_drained`: all that was read has been
    /// handled.
    #[must_use]
    pub fn situation(&self, is_drained: bool, now: EventTime) -> Situation {
        let holds = self.has_found() || self.messages().held > 0;
        Situation {
            feeds: self.feeds(now),
            waits: self.waits(),
            has_found: self.has_found(),
            holds,
            is_drained,
            at_end: Vec::new(),
        }
    }

    /// Whether a signal waits for the watermark.
    #[must_use]
    pub fn has_found(&self) -> bool {
        self.state.correlation.pending().0 > 0
    }

    /// Returns the number of the last decision taken. The service numbers its decisions; those up to this number are part of the
    /// state.
    #[must_use]
    pub const fn decided(&self) -> u64 {
        self.state.decided
    }

    /// Returns the written form of a change to other settings at the place where the engine stands; `None` where a source has no
    /// partition, as files have none.
    #[must_use]
    pub fn settings_change(&self, now: &Settings) -> Option<Recorded> {
        Recorded::settings_change(&self.plan, &self.plan.clone().with(now.clone()), |source| self.last_offset(source))
    }

    /// The settings that are in force.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.plan.settings()
    }
}
