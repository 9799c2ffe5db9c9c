//! Readings of a feed: how full its tables are, its books, and how the watch over the input sees it.

use super::{FeedStage, streams::FORGOTTEN, symbol::Symbol};
use crate::{
    engine::observe::{Fate, Fates, NamedReading, Occupancy},
    time::{EventTime, Span},
    trust::FeedView,
};

impl FeedStage {
    /// How full the tables of symbols, orders, accounts, owners, parties on symbols, full windows, withdrawals that wait and
    /// troubles are.
    #[must_use]
    pub fn occupancy(&self) -> [Occupancy; 8] {
        let of = |held: usize, evicted| Occupancy { held: held as u64, evicted };
        let [accounts, owners, parties, bursts, withdrawals] = self.participants.occupancy();
        let symbols = of(self.symbols.len(), self.symbols.evicted());
        let orders = of(self.orders.len(), self.orders.evicted());
        let troubles = of(self.judge.kept(), self.judge.omitted());
        [symbols, orders, accounts, owners, parties, bursts, withdrawals, troubles]
    }

    /// Each symbol that had an event within the last hour, as the metrics show it.
    pub fn readings(&self) -> impl Iterator<Item = NamedReading<'_>> {
        let open = self.stamps.newest().into_iter().flat_map(move |clock| {
            let is_open = move |symbol: &Symbol| clock.since(symbol.rhythm().0) < FORGOTTEN;
            self.symbols.iter().filter(move |(_, symbol)| is_open(symbol)).map(move |entry| (entry, clock))
        });
        open.map(|((name, symbol), clock)| symbol.reading(name, clock))
    }

    /// The feed as the watch over the input sees it at a time, with the offset of the last record.
    #[must_use]
    pub fn view(&self, last_offset: Option<u64>, fates: &Fates, now: EventTime) -> FeedView {
        FeedView {
            clock: self.clock,
            own_clock: self.stamps.newest(),
            last_offset,
            beats: self.pulse.is_some_and(|pulse| pulse.has_heartbeats()),
            usual_gap: self.pulse.map_or(Span::ZERO, |pulse| pulse.usual_gap()),
            rests: self.rests(now),
            usable: fates.of(Fate::Accepted).saturating_sub(self.counters.held_back),
        }
    }
}
