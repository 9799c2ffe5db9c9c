//! The market stage: one ordered feed of records, and everything that its symbols need.
//!
//! A feed owns all its state, limits included, so that what it finds depends on its own records alone and not on how they
//! interleave with those of other feeds. It evaluates on arrival. Its clock is the newest time it has seen, or what it was given
//! while it was idle; with the clock move its deadlines.

use std::{collections::BTreeSet, sync::Arc};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    Detection, Limits,
    crowd::Crowd,
    forward::{Fact, Forwarded, Queue},
    observe::{Fate, Fates, Occupancy},
    pulse::Pulse,
    sequence::Succession,
    sink::Sink,
    streams::Streams,
    symbol::{Age, Moment, Shared, Symbol},
};
use crate::{
    book::Orders,
    detect::{Change, Sample, Subject},
    event::{Body, Event, Key, Place, Side},
    table::{Handle, Table},
    time::{EventTime, Span},
    trust::{FeedView, Mode, Schedule},
};

/// One feed and its symbols.
#[derive(Clone, Serialize, Deserialize)]
pub struct Market {
    clock: Option<EventTime>,
    /// Shared with the snapshot that is being written: each is copied when it is first changed after one, not all at once.
    symbols: Table<CompactString, Arc<Symbol>>,
    crowd: Crowd,
    orders: Orders,
    /// What the stages that see all feeds have not taken yet.
    forwards: Queue,
    /// When a firing symbol must be looked at again; an entry may be early, never late.
    deadlines: BTreeSet<(EventTime, Handle)>,
    pulse: Option<Pulse>,
    streams: Streams,
    /// Gaps in its symbols' sequences.
    gaps: u64,
    modes: Schedule<Mode>,
    settings: Detection,
}

impl Market {
    /// A feed that has seen nothing.
    #[must_use]
    pub fn new(limits: &Limits, settings: &Detection) -> Self {
        Self {
            clock: None,
            symbols: Table::new(limits.symbols_max),
            crowd: Crowd::new(limits, settings.cancel_burst.window),
            orders: Orders::new(limits.orders_max),
            forwards: Queue::default(),
            deadlines: BTreeSet::new(),
            pulse: None,
            streams: Streams::default(),
            gaps: 0,
            modes: Schedule::default(),
            settings: settings.clone(),
        }
    }

    /// Goes on under other limits and settings. What has to make room does so as of the record at `place`, the last one taken.
    pub fn retune(&mut self, limits: &Limits, settings: &Detection, place: Place, sink: &mut Sink<'_>) {
        if self.settings != *settings {
            let before = std::mem::replace(&mut self.settings, settings.clone());
            self.symbols.values_mut().map(Arc::make_mut).for_each(|symbol| symbol.retune(&before, settings));
        }
        self.crowd.retune(limits, settings.cancel_burst.window, sink.sayings);
        sink.repeat(self.clock, place);
        for (key, order) in self.orders.limit(limits.orders_max) {
            if let Some(symbol) = self.symbols.get_mut(key.symbol()).map(Arc::make_mut) {
                symbol.displace(&order);
            }
        }
        for (name, symbol) in self.symbols.limit(limits.symbols_max) {
            self.forget(name, symbol, place, sink);
        }
    }

    /// The newest event time seen.
    #[must_use]
    pub const fn clock(&self) -> Option<EventTime> {
        self.clock
    }

    /// How full the tables of symbols, orders, accounts, owners, parties on symbols and full windows are.
    #[must_use]
    pub fn occupancy(&self) -> [Occupancy; 6] {
        let of = |held: usize, evicted| Occupancy { held: held as u64, evicted };
        let [accounts, owners, parties, bursts] = self.crowd.occupancy();
        let symbols = of(self.symbols.len(), self.symbols.evicted());
        [symbols, of(self.orders.len(), self.orders.evicted()), accounts, owners, parties, bursts]
    }

    /// As the watch over the input sees it, with the offset of the last record.
    #[must_use]
    pub fn view(&self, last_offset: Option<u64>, fates: &Fates) -> FeedView {
        FeedView {
            clock: self.clock,
            last_offset,
            beats: self.pulse.is_some_and(|pulse| pulse.beats()),
            usual_gap: self.pulse.map_or(Span::ZERO, |pulse| pulse.usual_gap()),
            gaps: self.gaps,
            records: fates.total(),
            duplicates: fates.of(Fate::Duplicate),
            late: fates.of(Fate::Late),
            silent_producer: self.streams.silent_producer().cloned(),
            silent_symbols: self.streams.silent_symbols().cloned(),
        }
    }

    /// What the stages that see all feeds have not taken yet.
    pub const fn forwards(&mut self) -> &mut Queue {
        &mut self.forwards
    }

    /// How much of that there is, and how much had to make room.
    #[must_use]
    pub fn waiting(&self) -> (usize, u64) {
        self.forwards.occupancy()
    }

    /// Whether an episode waits for the clock to be over.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.deadlines.is_empty() || self.crowd.waits()
    }

    /// From this time on another mode is in force.
    pub fn schedule(&mut self, from: EventTime, mode: Mode) {
        self.modes.push(from, mode);
    }

    /// The feed has nothing to say since the record at `place`; its clock goes on to where the others are.
    pub fn idle(&mut self, until: EventTime, place: Option<Place>, sink: &mut Sink<'_>) {
        match place {
            Some(place) => self.advance(until, place, sink),
            // Nothing came yet: there is nothing whose time could come.
            None => self.clock = self.clock.max(Some(until)),
        }
    }

    /// Takes one event of a record.
    pub fn handle(&mut self, event: &Event<'_>, place: Place, sink: &mut Sink<'_>) -> Fate {
        sink.counters.events[event.body.kind() as usize] += 1;
        let symbol = match (event.body.kind().key(), &event.symbol) {
            (Key::Symbol | Key::Any, Some(name)) => Some(self.symbol(name, place, sink)),
            (Key::Account, _) | (_, None) => None,
        };
        let Some(me) = symbol else {
            self.hear(event, place, sink);
            self.pass_on(event, place, sink);
            return Fate::Accepted;
        };
        match self.symbols.get_mut(me).map(Arc::make_mut).map(|symbol| symbol.place(event)) {
            Some(Succession::Duplicate) => return Fate::Duplicate,
            Some(Succession::Late) => return Fate::Late,
            Some(Succession::Gap { since }) => {
                sink.counters.gaps += 1;
                self.gaps += 1;
                self.hear(event, place, sink);
                self.gap(me, since, event.ts, sink);
            }
            Some(Succession::Restart) => {
                sink.counters.restarts += 1;
                self.hear(event, place, sink);
            }
            Some(Succession::Next) | None => self.hear(event, place, sink),
        }
        self.apply(me, event, place, sink)
    }

    /// Notes an event's time. Where the clock stood before it, no symbol was seen meanwhile.
    fn hear(&mut self, event: &Event<'_>, place: Place, sink: &mut Sink<'_>) {
        let pulse = self.pulse.get_or_insert_with(|| Pulse::new(event));
        let stood = pulse.hear(event);
        if let Some(since) = stood {
            sink.counters.stops += 1;
            for symbol in self.symbols.values_mut().map(Arc::make_mut) {
                symbol.gap(since, event.ts, false, sink.counters);
            }
            self.streams.resume(event.ts);
        }
        self.streams.hear(event, self.clock);
        self.advance(event.ts, place, sink);
        if stood.is_some() {
            self.forward(event.ts, Fact::Blind(event.ts), place, sink);
        }
    }

    /// The symbol's state, made if it is new.
    fn symbol(&mut self, name: &str, place: Place, sink: &mut Sink<'_>) -> Handle {
        if let Some(handle) = self.symbols.find(name) {
            self.symbols.touch(handle);
            return handle;
        }
        let (handle, displaced) = self.symbols.insert(CompactString::new(name), Arc::new(Symbol::new(&self.settings)));
        if let Some((name, symbol)) = displaced {
            self.forget(name, symbol, place, sink);
        }
        handle
    }

    /// What is forgotten can no longer clear: its episodes end here.
    fn forget(&mut self, name: CompactString, mut symbol: Arc<Symbol>, place: Place, sink: &mut Sink<'_>) {
        self.forward(self.clock.unwrap_or(EventTime::from_nanos(0)), Fact::Forgotten(name.clone()), place, sink);
        Arc::make_mut(&mut symbol).end(sink.verdicts);
        if sink.verdicts.is_empty() {
            return;
        }
        sink.say(&Subject::Symbol(name), self.clock, place);
        // Its deadline finds nobody any more, and without this would wait for a clock that may never come to it.
        let Self { deadlines, symbols, .. } = self;
        deadlines.retain(|(_, me)| symbols.get(*me).is_some());
    }

    fn gap(&mut self, me: Handle, since: EventTime, until: EventTime, sink: &mut Sink<'_>) {
        if let Some(symbol) = self.symbols.get_mut(me).map(Arc::make_mut) {
            symbol.gap(since.min(until), since.max(until), true, sink.counters);
        }
    }

    fn apply(&mut self, me: Handle, event: &Event<'_>, place: Place, sink: &mut Sink<'_>) -> Fate {
        let Self { symbols, crowd, orders, modes, clock, forwards, .. } = self;
        let Some(symbol) = symbols.get_mut(me).map(Arc::make_mut) else { return Fate::Accepted };
        let age = symbol.age(event, sink.counters);
        let moment = Moment { at: event.ts, clock: *clock, place, mode: *modes.current() };
        if age == Age::Timely {
            symbol.look_at_book(&moment, sink.verdicts);
        }
        let mut shared =
            Shared { orders, crowd, counters: sink.counters, displaced: None, owner_changed: false, placed: None };
        let withdrawal = symbol.apply(me, event, &mut shared);
        let Shared { displaced, owner_changed, placed, .. } = shared;
        if let Some(account) = placed.filter(|_| age == Age::Timely) {
            crowd.placed(account, me, event.ts);
        }
        match (age, withdrawal, &event.body) {
            (Age::Timely, Some(withdrawal), _) => {
                let (account, owner) = withdrawal.account.map_or((None, None), |account| crowd.names(account));
                let sample = Sample { at: event.ts, place, id: withdrawal.order, account, owner };
                symbol.withdrawn(&moment, &sample, sink.verdicts);
                if let Some(account) = withdrawal.account {
                    let sample = Sample { at: event.ts, place, id: withdrawal.order, account: None, owner: None };
                    let from = (account, (me, event.symbol.as_deref().unwrap_or_default()));
                    crowd.withdrawn(from, &sample, (&moment, symbol), (forwards, sink.appended_at), sink.sayings);
                }
            }
            (Age::Timely, None, Body::Trade(trade)) => symbol.traded(&moment, trade, sink.verdicts),
            (Age::Timely, None, Body::Heartbeat(_)) => symbol.heartbeat(event.ts),
            (Age::Timely | Age::Late, ..) => {}
        }
        let (thin, trades) = (symbol.thinned(), symbol.trades(event));
        if age == Age::Timely {
            self.tell(me, event, (thin, trades), place, sink);
        }
        if owner_changed || matches!(event.body, Body::Mark(_) | Body::Trade(_)) {
            self.pass_on(event, place, sink);
        }
        if !sink.verdicts.is_empty() {
            self.say(me, place, sink);
        }
        sink.repeat(self.clock, place);
        if let Some((owner, order)) = displaced
            && let Some(symbol) = self.symbols.get_mut(owner).map(Arc::make_mut)
        {
            symbol.displace(&order);
        }
        if age == Age::Late { Fate::Late } else { Fate::Accepted }
    }

    /// Passes on how a symbol stands, where that changed.
    fn tell(
        &mut self,
        me: Handle,
        event: &Event<'_>,
        (thin, trades): (Option<(bool, Vec<CompactString>)>, Option<bool>),
        place: Place,
        sink: &Sink<'_>,
    ) {
        let Some(name) = self.symbols.key(me).filter(|_| thin.is_some() || trades.is_some()).cloned() else { return };
        if let Some((thin, by)) = thin {
            self.forward(event.ts, Fact::Thin(name.clone(), thin, by), place, sink);
        }
        if let Some(fast) = trades {
            self.forward(event.ts, Fact::Trades(name, fast), place, sink);
        }
    }

    /// Passes on what an event says of accounts and marks.
    fn pass_on(&mut self, event: &Event<'_>, place: Place, sink: &Sink<'_>) {
        let owned = |name: &str| CompactString::new(name);
        let (account, symbol) = (event.account.as_deref().map(owned), event.symbol.as_deref().map(owned));
        if let (Some(account), Some(owner)) = (&account, &event.owner) {
            self.forward(event.ts, Fact::Owner(account.clone(), owned(owner)), place, sink);
        }
        match (&event.body, account, symbol) {
            (Body::Position(position), Some(account), Some(symbol)) => {
                let (quantity, entry) = (position.qty.to_f64(), position.entry.to_f64());
                self.forward(event.ts, Fact::Position(account, symbol, quantity, entry), place, sink);
            }
            (Body::Balance(balance), Some(account), _) => {
                self.forward(event.ts, Fact::Equity(account, balance.equity.to_f64()), place, sink);
            }
            (Body::Mark(mark), _, Some(symbol)) => {
                self.forward(event.ts, Fact::Mark(symbol, mark.mark.get().to_f64()), place, sink);
            }
            (Body::Trade(trade), _, Some(symbol)) => {
                let quantity = trade.qty.get().to_f64();
                let bought = |side: Side| if side == Side::Buy { quantity } else { -quantity };
                let Some(side) = trade.side else { return };
                for (name, side) in [(&trade.taker, side), (&trade.maker, side.opposite())] {
                    if let Some(name) = name {
                        let fact = Fact::Fill(owned(name), symbol.clone(), bought(side));
                        self.forward(event.ts, fact, place, sink);
                    }
                }
            }
            _ => {}
        }
    }

    fn forward(&mut self, at: EventTime, fact: Fact, place: Place, sink: &Sink<'_>) {
        if let Some(visible_at) = self.clock {
            self.forwards.push(Forwarded { visible_at, at, place, appended_at: sink.appended_at, fact });
        }
    }

    fn say(&mut self, me: Handle, place: Place, sink: &mut Sink<'_>) {
        if sink.verdicts.iter().any(|verdict| verdict.change == Change::Opened) {
            let deadline = self.symbols.get(me).and_then(|symbol| symbol.deadline());
            self.deadlines.extend(deadline.map(|at| (at, me)));
        }
        if let Some(name) = self.symbols.key(me) {
            sink.say(&Subject::Symbol(name.clone()), self.clock, place);
        }
    }

    /// Moves the clock and honours the deadlines that it passes.
    fn advance(&mut self, to: EventTime, place: Place, sink: &mut Sink<'_>) {
        if self.clock.is_some_and(|clock| clock >= to) {
            return;
        }
        if let Some(clock) = self.clock {
            self.crowd.advance(clock, to, &mut self.forwards, sink.sayings);
            self.streams.advance(clock, to, &self.symbols);
        }
        self.clock = Some(to);
        self.modes.advance(to);
        while let Some(&(deadline, me)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= to) {
            self.deadlines.remove(&(deadline, me));
            let Some(symbol) = self.symbols.get_mut(me).map(Arc::make_mut) else { continue };
            symbol.handle_timeout(to, sink.verdicts);
            self.deadlines.extend(symbol.deadline().map(|later| (later, me)));
            self.say(me, place, sink);
        }
        sink.repeat(self.clock, place);
    }
}
