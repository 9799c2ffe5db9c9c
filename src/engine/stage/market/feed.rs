//! The state of a feed, and the steps that all its work shares: its clocks, its symbols, and the publishing of verdicts.

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{
    Outbox,
    participants::{Participants, PartyContext},
    pulse::Pulse,
    streams::Streams,
    symbol::{Session, Symbol},
};
use crate::{
    book::{Fault, Orders},
    calendar::Calendars,
    detect::{Change, Detection, Signal, Subject, Verdict, participant::PartyVerdict, symbol::FlowPools},
    engine::{
        Limits,
        message::{CorrelationFact, SymbolForgotten},
        observe::FeedCounters,
    },
    event::{Event, NameRef, Origin, SharedName},
    table::{Handle, Table},
    time::EventTime,
    trust::{FeedJudge, Known, Mode, Schedule, Stamps},
};

/// The work to be done at the first event after a break of the log.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Resume {
    /// Records are missing before it.
    AfterLoss,
    /// The event is the first of another log. The limits are those of tables that may have to begin anew.
    WithLog(Limits),
}

/// One feed and its symbols.
#[derive(Clone, Serialize, Deserialize)]
pub struct FeedStage {
    /// The clock with which messages are stamped.
    pub(super) clock: Option<EventTime>,
    /// The feed's own clock, and which stamps move it.
    pub(super) stamps: Stamps,
    pub(super) judge: FeedJudge,
    /// Shared with the snapshot that is being written: each is copied when it is first changed after one, not all at once.
    pub(super) symbols: Table<SharedName, Arc<Symbol>>,
    pub(super) participants: Participants,
    pub(super) orders: Orders,
    /// What the symbols have shown each other of the tails of their flow.
    pub(super) pools: FlowPools,
    /// Deadlines of symbols with an episode; a deadline may be early, never late.
    pub(super) deadlines: BTreeSet<(EventTime, Handle)>,
    pub(super) pulse: Option<Pulse>,
    pub(super) streams: Streams,
    /// Whether the venue trades, by its statuses, its calendar and the partition's events.
    pub(super) session: Session,
    pub(super) counters: FeedCounters,
    pub(super) modes: Schedule<Mode>,
    /// The work that a break of the log asks for at the next event.
    pub(super) resume: Option<Resume>,
    pub(super) settings: Detection,
    pub(super) calendars: Calendars,
    /// Scratch buffer of the current symbol's verdicts; drained after each event, its allocation reused.
    #[serde(skip)]
    pub(super) verdicts: Vec<Verdict>,
    /// Scratch buffer of the verdicts about parties; drained after each event, its allocation reused.
    #[serde(skip)]
    pub(super) party_verdicts: Vec<PartyVerdict>,
}

impl FeedStage {
    /// A feed that has seen nothing.
    #[must_use]
    pub fn new(limits: &Limits, settings: &Detection, calendars: &Calendars) -> Self {
        let mut session = Session::default();
        session.set_calendar(calendars.of_venue());
        Self {
            clock: None,
            stamps: Stamps::default(),
            judge: FeedJudge::default(),
            symbols: Table::new(limits.symbols_max),
            participants: Participants::new(limits, settings),
            orders: Orders::new(limits.orders_max),
            pools: FlowPools::default(),
            deadlines: BTreeSet::new(),
            pulse: None,
            streams: Streams::default(),
            session,
            counters: FeedCounters::default(),
            modes: Schedule::default(),
            resume: None,
            settings: settings.clone(),
            calendars: calendars.clone(),
            verdicts: Vec::new(),
            party_verdicts: Vec::new(),
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

    /// Whether an open episode waits for the clock to move on.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.deadlines.is_empty() || self.participants.waits()
    }

    /// Puts another mode in force from a time on.
    pub fn schedule(&mut self, from: EventTime, mode: Mode) {
        self.modes.push(from, mode);
    }

    /// The clock, once an event's time has been observed.
    pub(super) fn now(&self) -> EventTime {
        self.clock.expect("an event moves the clock before it is applied")
    }

    /// The mode for an event of a symbol: the service's, or that of the feed's own troubles if it is worse.
    pub(super) fn mode_of(&self, symbol: Option<&str>) -> Mode {
        let own = symbol.map_or(Mode::Normal, |symbol| self.judge.mode(symbol));
        own.max(*self.modes.current())
    }

    /// The entry of a symbol, made if it is new.
    pub(super) fn symbol(&mut self, name: &str, origin: Origin, outbox: &mut Outbox) -> Handle {
        let text = name;
        let name = NameRef::new(text);
        if let Some(symbol) = self.symbols.find(&name) {
            self.symbols.touch(symbol);
            return symbol;
        }
        let session = Session::of_venue(&self.session, self.calendars.of_symbol(text));
        let settings = self.settings.of(&Subject::Symbol(text.into()));
        let (symbol, displaced) = self.symbols.insert(name.into(), Arc::new(Symbol::new(&settings, session)));
        if let Some((name, displaced)) = displaced {
            self.forget(&name, displaced, origin, outbox);
        }
        symbol
    }

    /// The state of a symbol that an event names: it was found or made for this event.
    pub(super) fn symbol_mut(&mut self, symbol: Handle) -> &mut Symbol {
        self.symbols.get_mut(symbol).map(Arc::make_mut).expect("the event's symbol is the one used last")
    }

    /// Ends the episodes of a symbol that is forgotten: it can no longer clear them.
    pub(super) fn forget(&mut self, name: &SharedName, mut symbol: Arc<Symbol>, origin: Origin, outbox: &mut Outbox) {
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
        let symbol_state = Arc::make_mut(&mut symbol);
        outbox.publish(self.verdicts.drain(..), &Subject::Symbol(name.to_compact()), self.clock, origin, |verdict| {
            symbol_state.flow_facts(name, verdict.finding.starts_at, verdict.at)
        });
        // Removes the symbol's deadline; it would otherwise keep the engine waiting.
        let Self { deadlines, symbols, .. } = self;
        deadlines.retain(|(_, symbol)| symbols.get(*symbol).is_some());
    }

    /// Marks the interval in which events of a symbol are missing, as of the event that shows it.
    pub(super) fn gap(
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
    pub(super) fn publish_symbol(&mut self, me: Handle, origin: Origin, outbox: &mut Outbox) {
        if self.verdicts.is_empty() {
            return;
        }
        if self.verdicts.iter().any(|verdict| verdict.change == Change::Opened) {
            let deadline = self.symbols.get(me).and_then(|symbol| symbol.deadline());
            self.deadlines.extend(deadline.map(|at| (at, me)));
        }
        let name = self.symbols.key(me).expect("a symbol with verdicts is in its table").clone();
        let symbol = self.symbols.get_mut(me).map(Arc::make_mut).expect("a symbol with verdicts is in its table");
        outbox.publish(self.verdicts.drain(..), &Subject::Symbol(name.to_compact()), self.clock, origin, |verdict| {
            symbol.flow_facts(&name, verdict.finding.starts_at, verdict.at)
        });
    }

    pub(super) fn publish_parties(&mut self, origin: Origin, outbox: &mut Outbox) {
        for (subject, verdict) in self.party_verdicts.drain(..) {
            let visible_at = self.clock.unwrap_or(verdict.at);
            let symbol = subject.symbol().and_then(|name| self.symbols.find(&NameRef::new(name)));
            let flow = symbol.and_then(|handle| {
                let name = self.symbols.key(handle)?.clone();
                let symbol = self.symbols.get_mut(handle).map(Arc::make_mut)?;
                Some(Box::new(symbol.flow_facts(&name, verdict.finding.starts_at, verdict.at)))
            });
            outbox.signals.push(Signal { flow, ..verdict.signal(subject, visible_at, origin) });
        }
    }

    /// Judges the feed at a time of its own clock, and reports what changed.
    pub(super) fn report(&mut self, at: EventTime, origin: Origin, outbox: &mut Outbox) {
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
    pub(super) fn advance(&mut self, to: EventTime, origin: Origin, outbox: &mut Outbox) {
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
