//! The market stage: one ordered feed of records, and everything that its symbols need.
//!
//! A feed owns all its state, limits included, so that its findings depend on its own records alone and not on how they interleave
//! with those of other feeds. It evaluates on arrival. It has two clocks. Its own clock is the newest time that it has seen and
//! believed ([`Stamps`](crate::trust::Stamps)); its symbols and producers are judged by it. The second clock is the own one or a
//! later time that the feed was given while it was idle or far behind; it stamps messages and moves deadlines.
//!
//! ```text
//! event ─▶ sequence ─▶ clock (deadlines, silence) ─▶ book ─▶ order facts ─▶ detectors ─▶ signals
//!                                                                └─▶ participants ─▶ signals, digests
//!                                                        └─▶ facts for the account and correlation stages
//! ```

mod apply;
mod digests;
mod feed;
mod held_back;
mod judged;
mod log_break;
mod outbox;
mod participants;
mod placements;
mod pulse;
mod readings;
mod requotes;
mod sequence;
mod set_back;
mod sharing;
mod streams;
mod symbol;
mod venue;

use std::sync::Arc;

pub use self::{feed::FeedStage, outbox::Outbox};
use self::{pulse::Pulse, sequence::Succession, symbol::Held};
use crate::{
    calendar::Calendars,
    detect::{Detection, Subject},
    engine::{Limits, message::Blind, observe::Fate},
    event::{Event, Key, Origin, RecordRef},
    table::Handle,
    time::EventTime,
};

impl FeedStage {
    /// Continues under other limits, settings and calendars. Entries that have to make room do so as of the last record taken.
    pub fn retune(
        &mut self,
        limits: &Limits,
        (settings, calendars): (&Detection, &Calendars),
        last: RecordRef,
        outbox: &mut Outbox,
    ) {
        let origin = Origin::from(last);
        self.follow_calendars(calendars);
        if self.settings != *settings {
            let before = std::mem::replace(&mut self.settings, settings.clone());
            for (name, symbol) in self.symbols.iter_mut() {
                let subject = Subject::Symbol(name.to_compact());
                Arc::make_mut(symbol).retune(&before.of(&subject), &settings.of(&subject));
            }
        }
        self.participants.retune(limits, settings, &mut self.party_verdicts);
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

    /// Moves the second clock of a feed that is idle or far behind to the time of the other feeds; `after` is its last record. Its
    /// own clock does not move.
    pub fn idle(&mut self, until: EventTime, after: Option<RecordRef>, outbox: &mut Outbox) {
        match after {
            Some(record) => self.advance(until, record.into(), outbox),
            // Before its first record a feed has no deadlines.
            None => self.clock = self.clock.max(Some(until)),
        }
    }

    /// Takes one event of a record; `is_only` says whether the record has no other. Returns the event's fate; `None` where the
    /// events after it decide. The fate of a record with one event is then in the outbox once it is settled.
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

    /// Judges producers, symbols and the feed as a whole when its own clock moves.
    fn judge_feed(&mut self, before: Option<EventTime>, to: EventTime, origin: Origin, outbox: &mut Outbox) {
        if before.is_some_and(|before| to <= before) {
            return;
        }
        let Self { streams, symbols, judge, calendars, .. } = self;
        if let Some(before) = before {
            streams.advance((before, to), (symbols, calendars), |symbol, since| judge.book(symbol, since, to));
        }
        if judge.is_due(to) {
            self.report(to, origin, outbox);
        }
    }

    /// Begins a new sequence with the held events and the event that shows the new sequence, in the order of their numbers. Returns
    /// the fate of that event.
    ///
    /// The fate of a record with a held event is known only when the events after it have come. Until then the record is shown as
    /// late, and no counter that may only rise includes it (`observe::Fates`). So the five fates sum to the records read at any
    /// time, and no count is taken back.
    fn begin_anew(
        &mut self,
        symbol: Handle,
        event: &Event<'_>,
        origin: Origin,
        is_only: bool,
        outbox: &mut Outbox,
    ) -> Option<Fate> {
        self.counters.restarts += 1;
        let mut held = self.symbol_mut(symbol).begin_anew();
        held.sort_by_key(|held| held.seq);
        let (before, after): (Vec<Held>, Vec<Held>) = held.into_iter().partition(|held| Some(held.seq) <= event.seq);
        for held in &before {
            self.settle(symbol, held, outbox);
        }
        let fate = self.place(symbol, event, origin, is_only, outbox);
        for held in &after {
            self.settle(symbol, held, outbox);
        }
        fate
    }

    /// Applies an event that was held.
    fn settle(&mut self, symbol: Handle, held: &Held, outbox: &mut Outbox) {
        let fate = self.place(symbol, &held.event(), held.origin, held.is_open, outbox);
        if let Some(fate) = fate.filter(|_| held.is_open) {
            outbox.settled.push((held.origin.record, fate));
        }
    }

    /// Settles the fate of all events that are held, because nothing follows that could decide.
    pub fn conclude(&mut self, outbox: &mut Outbox) {
        for symbol in self.symbols.values_mut().filter(|symbol| symbol.holds_events()) {
            Arc::make_mut(symbol).release_held(&mut outbox.settled);
        }
    }
}
