//! The market stage: one ordered feed of records, and everything that its symbols need.
//!
//! A feed owns all its state, limits included, so that its findings depend on its own records alone and not on how they interleave
//! with those of other feeds. It evaluates on arrival. It has two clocks. Its own is the newest time it has seen and believed
//! ([`Stamps`]): by this one its symbols and producers are judged. The other is at least that, or the time it was given while it
//! was idle or far behind: with this one its messages are stamped, and deadlines move with it.
//!
//! ```text
//! event ─▶ sequence ─▶ clock (deadlines, silence) ─▶ book ─▶ order facts ─▶ detectors ─▶ signals
//!                                                                └─▶ participants ─▶ signals, digests
//!                                                        └─▶ facts for the account and correlation stages
//! ```

mod apply;
mod digests;
mod held_back;
mod judged;
mod log_break;
mod outbox;
mod participants;
mod placements;
mod pulse;
mod requotes;
mod sequence;
mod sharing;
mod streams;
mod symbol;
mod venue;

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

pub use self::outbox::Outbox;
use self::{
    log_break::Resume,
    participants::{Participants, PartyContext},
    pulse::Pulse,
    sequence::Succession,
    streams::{FORGOTTEN, Streams},
    symbol::{Session, Symbol},
};
use crate::{
    book::{Fault, Orders},
    detect::{Change, Detection, Subject, Verdict, participant::PartyVerdict},
    engine::{
        Limits,
        message::{Blind, CorrelationFact, SymbolForgotten},
        observe::{Fate, Fates, FeedCounters, NamedReading, Occupancy},
    },
    event::{Event, Key, NameRef, Origin, RecordRef, SharedName},
    table::{Handle, Table},
    time::{EventTime, Span},
    trust::{FeedJudge, FeedView, Known, Mode, Schedule, Stamps},
};

/// One feed and its symbols.
#[derive(Clone, Serialize, Deserialize)]
pub struct FeedStage {
    /// The clock with which messages are stamped.
    clock: Option<EventTime>,
    /// The feed's own clock, and which stamps move it.
    stamps: Stamps,
    judge: FeedJudge,
    /// Shared with the snapshot that is being written: each is copied when it is first changed after one, not all at once.
    symbols: Table<SharedName, Arc<Symbol>>,
    participants: Participants,
    orders: Orders,
    /// When a symbol with an episode must be looked at again; an entry may be early, never late.
    deadlines: BTreeSet<(EventTime, Handle)>,
    pulse: Option<Pulse>,
    streams: Streams,
    /// Whether the venue trades, as far as all that the partition carries shows.
    session: Session,
    counters: FeedCounters,
    modes: Schedule<Mode>,
    /// The work that a break of the log asks for at the next event.
    resume: Option<Resume>,
    settings: Detection,
    /// Verdicts of the symbol at hand; drained after each event, the allocation reused.
    #[serde(skip)]
    verdicts: Vec<Verdict>,
    /// The same for parties.
    #[serde(skip)]
    party_verdicts: Vec<PartyVerdict>,
}

impl FeedStage {
    /// A feed that has seen nothing.
    #[must_use]
    pub fn new(limits: &Limits, settings: &Detection) -> Self {
        Self {
            clock: None,
            stamps: Stamps::default(),
            judge: FeedJudge::default(),
            symbols: Table::new(limits.symbols_max),
            participants: Participants::new(limits, settings.cancel_burst),
            orders: Orders::new(limits.orders_max),
            deadlines: BTreeSet::new(),
            pulse: None,
            streams: Streams::default(),
            session: Session::default(),
            counters: FeedCounters::default(),
            modes: Schedule::default(),
            resume: None,
            settings: settings.clone(),
            verdicts: Vec::new(),
            party_verdicts: Vec::new(),
        }
    }

    /// Continues under other limits and settings. Entries that have to make room do so as of the last record taken.
    pub fn retune(&mut self, limits: &Limits, settings: &Detection, last: RecordRef, outbox: &mut Outbox) {
        let origin = Origin::from(last);
        if self.settings != *settings {
            let before = std::mem::replace(&mut self.settings, settings.clone());
            self.symbols.values_mut().map(Arc::make_mut).for_each(|symbol| symbol.retune(&before, settings));
        }
        self.participants.retune(limits, settings.cancel_burst, &mut self.party_verdicts);
        self.publish_parties(origin, outbox);
        for (key, order) in self.orders.limit(limits.orders_max) {
            if let Some(symbol) = self.symbols.get_mut(key.symbol()).map(Arc::make_mut) {
                symbol.displace(&order);
            }
        }
        for (name, symbol) in self.symbols.limit(limits.symbols_max) {
            self.forget(&name, symbol, origin, outbox);
        }
    }

    /// The clock with which messages are stamped: the newest event time seen, or the time that the feed was given.
    #[must_use]
    pub const fn clock(&self) -> Option<EventTime> {
        self.clock
    }

    /// The counters.
    #[must_use]
    pub const fn counters(&self) -> &FeedCounters {
        &self.counters
    }

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

    /// The feed as the watch over the input sees it, with the offset of the last record.
    #[must_use]
    pub fn view(&self, last_offset: Option<u64>, fates: &Fates) -> FeedView {
        FeedView {
            clock: self.clock,
            own_clock: self.stamps.newest(),
            last_offset,
            beats: self.pulse.is_some_and(|pulse| pulse.has_heartbeats()),
            usual_gap: self.pulse.map_or(Span::ZERO, |pulse| pulse.usual_gap()),
            records: fates.total(),
            usable: fates.of(Fate::Accepted).saturating_sub(self.counters.held_back),
        }
    }

    /// Whether an episode waits for the clock to be over.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.deadlines.is_empty() || self.participants.waits()
    }

    /// Puts another mode in force from a time on.
    pub fn schedule(&mut self, from: EventTime, mode: Mode) {
        self.modes.push(from, mode);
    }

    /// Moves the clock of a feed that is idle or far behind on to where the others are; `after` is its last record. Its own clock
    /// stays.
    pub fn idle(&mut self, until: EventTime, after: Option<RecordRef>, outbox: &mut Outbox) {
        match after {
            Some(record) => self.advance(until, record.into(), outbox),
            // Nothing came yet: there is nothing whose time could come.
            None => self.clock = self.clock.max(Some(until)),
        }
    }

    /// Takes one event of a record, which is its only one or one of several. Returns the event's fate; `None` where the events
    /// after it decide. The outbox then has the fate of the record once it is settled, if the event is its only one.
    pub fn handle(&mut self, event: &Event<'_>, origin: Origin, is_only: bool, outbox: &mut Outbox) -> Option<Fate> {
        self.counters.events[event.body.kind() as usize] += 1;
        let symbol = match (event.body.kind().key(), &event.symbol) {
            (Key::Symbol | Key::Any, Some(name)) => self.symbol(name, origin, outbox),
            (Key::Account, _) | (_, None) => {
                self.observe_time(event, origin, outbox);
                self.observe_venue(event, origin, outbox);
                outbox.send_owner(event, self.now(), origin);
                outbox.send_stated(event, self.now(), origin);
                return Some(Fate::Accepted);
            }
        };
        self.place(symbol, event, origin, is_only, outbox)
    }

    /// Finds an event's place in the sequence of its symbol, and applies it there.
    fn place(
        &mut self,
        symbol: Handle,
        event: &Event<'_>,
        origin: Origin,
        is_only: bool,
        outbox: &mut Outbox,
    ) -> Option<Fate> {
        match self.symbol_mut(symbol).succession(event, origin, is_only, &mut outbox.settled) {
            Succession::Duplicate => return Some(Fate::Duplicate),
            Succession::Late => return Some(Fate::Late),
            Succession::Held => return None,
            Succession::Restart => return self.begin_anew(symbol, event, origin, is_only, outbox),
            Succession::Gap { since, up_to } => {
                self.counters.gaps += 1;
                self.observe_time(event, origin, outbox);
                let (from, until) = (since.min(event.ts), since.max(event.ts));
                self.gap(symbol, event, (from, until, up_to), origin);
            }
            Succession::Next => self.observe_time(event, origin, outbox),
        }
        let age = self.apply(symbol, event, origin, outbox);
        Some(if age.is_timely() { Fate::Accepted } else { Fate::Late })
    }

    /// The clock, once an event's time has been observed.
    fn now(&self) -> EventTime {
        self.clock.expect("an event moves the clock before it is applied")
    }

    /// Observes an event's time. If the feed's clock had stopped, marks that interval as unobserved.
    fn observe_time(&mut self, event: &Event<'_>, origin: Origin, outbox: &mut Outbox) {
        let stopped = self.pulse.get_or_insert_with(|| Pulse::new(event)).observe(event);
        if let Some(since) = stopped {
            self.counters.stops += 1;
            for symbol in self.symbols.values_mut().map(Arc::make_mut) {
                symbol.gap(since, event.ts, None);
            }
            self.streams.resume(event.ts);
        }
        let before = self.stamps.newest();
        self.streams.observe(event, before);
        self.stamps.believe(event.ts);
        self.advance(event.ts, origin, outbox);
        self.judge_feed(before, event.ts, origin, outbox);
        if stopped.is_some() {
            let (until, clock) = (event.ts, self.now());
            outbox.send_blind(Blind { until, reopens: false }, clock, origin);
        }
        self.observe_session(event, origin, outbox);
    }

    /// The entry of a symbol, made if it is new.
    fn symbol(&mut self, name: &str, origin: Origin, outbox: &mut Outbox) -> Handle {
        let name = NameRef::new(name);
        if let Some(symbol) = self.symbols.find(&name) {
            self.symbols.touch(symbol);
            return symbol;
        }
        let (symbol, displaced) =
            self.symbols.insert(name.into(), Arc::new(Symbol::new(&self.settings, Session::of_venue(&self.session))));
        if let Some((name, displaced)) = displaced {
            self.forget(&name, displaced, origin, outbox);
        }
        symbol
    }

    /// The state of a symbol that an event names: it was found or made for this event.
    fn symbol_mut(&mut self, symbol: Handle) -> &mut Symbol {
        self.symbols.get_mut(symbol).map(Arc::make_mut).expect("the event's symbol is the one used last")
    }

    /// Ends the episodes of a symbol that is forgotten: it can no longer clear them.
    fn forget(&mut self, name: &SharedName, mut symbol: Arc<Symbol>, origin: Origin, outbox: &mut Outbox) {
        let clock = self.clock.unwrap_or(EventTime::from_nanos(0));
        if let Some(visible_at) = self.clock {
            let body = CorrelationFact::Forgotten(SymbolForgotten { symbol: name.clone() });
            outbox.send_on(body, clock, visible_at, origin);
        }
        Arc::make_mut(&mut symbol).end(&mut self.verdicts);
        Arc::make_mut(&mut symbol).release_held(&mut outbox.settled);
        if self.verdicts.is_empty() {
            return;
        }
        outbox.publish(self.verdicts.drain(..), &Subject::Symbol(name.to_compact()), self.clock, origin);
        // Removes the symbol's deadline; it would otherwise keep the engine waiting.
        let Self { deadlines, symbols, .. } = self;
        deadlines.retain(|(_, symbol)| symbols.get(*symbol).is_some());
    }

    /// Marks the interval in which events of a symbol are missing, as of the event that shows it.
    fn gap(
        &mut self,
        symbol: Handle,
        event: &Event<'_>,
        (from, until, up_to): (EventTime, EventTime, u64),
        origin: Origin,
    ) {
        if let (Some(name), Some(clock)) = (&event.symbol, self.stamps.newest()) {
            self.judge.gap(name, origin.record, clock);
        }
        if self.symbol_mut(symbol).gap(from, until, Some(up_to)) {
            self.counters.book_faults[Fault::Broken as usize] += 1;
        }
    }

    /// Publishes the verdicts of a symbol's detectors, and notes when the symbol must be looked at again.
    fn publish_symbol(&mut self, me: Handle, origin: Origin, outbox: &mut Outbox) {
        if self.verdicts.is_empty() {
            return;
        }
        if self.verdicts.iter().any(|verdict| verdict.change == Change::Opened) {
            let deadline = self.symbols.get(me).and_then(|symbol| symbol.deadline());
            self.deadlines.extend(deadline.map(|at| (at, me)));
        }
        let name = self.symbols.key(me).expect("a symbol with verdicts is in its table");
        outbox.publish(self.verdicts.drain(..), &Subject::Symbol(name.to_compact()), self.clock, origin);
    }

    fn publish_parties(&mut self, origin: Origin, outbox: &mut Outbox) {
        for (subject, verdict) in self.party_verdicts.drain(..) {
            let visible_at = self.clock.unwrap_or(verdict.at);
            outbox.signals.push(verdict.signal(subject, visible_at, origin));
        }
    }

    /// Judges producers, symbols and the feed as a whole when its own clock moves.
    fn judge_feed(&mut self, before: Option<EventTime>, to: EventTime, origin: Origin, outbox: &mut Outbox) {
        if before.is_some_and(|before| to <= before) {
            return;
        }
        let Self { streams, symbols, judge, .. } = self;
        if let Some(before) = before {
            streams.advance((before, to), symbols, |symbol, since| judge.book(symbol, since, to));
        }
        if judge.is_due(to) {
            self.report(to, origin, outbox);
        }
    }

    /// Judges the feed at a time of its own clock, and reports what changed.
    fn report(&mut self, at: EventTime, origin: Origin, outbox: &mut Outbox) {
        let known = Known {
            silent_producer: self.streams.silent_producer(),
            silent_symbols: self.streams.silent_symbols(),
            open: self.streams.open(),
            last: origin.record,
        };
        if let Some(report) = self.judge.judge(at, &known) {
            outbox.report(report, at, self.now(), origin);
        }
    }

    /// Moves the clock and does what is due by then.
    fn advance(&mut self, to: EventTime, origin: Origin, outbox: &mut Outbox) {
        if self.clock.is_some_and(|clock| clock >= to) {
            return;
        }
        if let Some(clock) = self.clock {
            let mut context = PartyContext {
                symbols: &self.symbols,
                mode: *self.modes.current(),
                troubles: &self.judge,
                messages: &mut outbox.accounts,
                verdicts: &mut self.party_verdicts,
            };
            self.participants.advance(clock, to, &mut context);
        }
        self.clock = Some(to);
        self.modes.advance(to);
        while let Some(&(deadline, me)) = self.deadlines.first().filter(|(deadline, _)| *deadline <= to) {
            self.deadlines.remove(&(deadline, me));
            // A symbol that is forgotten has no deadlines; an entry of its successor's time may remain.
            let Some(symbol) = self.symbols.get_mut(me).map(Arc::make_mut) else { continue };
            symbol.expire(to, &mut self.verdicts);
            self.deadlines.extend(symbol.deadline().map(|later| (later, me)));
            self.publish_symbol(me, origin, outbox);
        }
        self.publish_parties(origin, outbox);
    }
}
