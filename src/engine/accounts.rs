//! The account stage: what each account holds, over all feeds, and how far its leverage is from its habit.
//!
//! A position that the venue states at a time holds every fill up to then; fills after it are added until the next one. What is older
//! than what is known changes nothing. A position without a mark is valued at its entry. Leverage is judged at every event of the
//! account and learned once a minute, with the marks of then.
//!
//! It owns its tables and their limits. Margin tiers, liquidation prices and bands are not here.

use std::collections::BTreeSet;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    forward::{Fact, Forwarded},
    observe::Occupancy,
};
use crate::{
    detect::{Insolvent, LeverageJump, LeverageSample, Node, Signal, Subject, Verdict},
    event::Place,
    stats::{math::ln, quantile::Quantile},
    table::{Handle, Table},
    time::{EventTime, Span, WallTime},
    trust::Mode,
};

/// Positions of one account; the one that was looked at longest ago makes room.
const POSITIONS_MAX: usize = 256;
/// The share of an account's notional from which on a symbol is part of what it does.
const PART: f64 = 0.5;
/// Decades of equity, from below ten to above ten million (DETECTION 2.1, "Tier").
const TIERS: usize = 8;
/// The share of accounts above the quantile of their tier, and how far their ℓ spreads, in nats.
const CROWD: (f64, f64) = (0.01, 1.0);
const MINUTE: Span = Span::from_secs(60);

/// All accounts and marks.
#[derive(Clone, Serialize, Deserialize)]
pub struct Accounts {
    known: Table<CompactString, Account>,
    symbols: Marks,
    tiers: [Quantile; TIERS],
    /// When an account that fires must be looked at again; may be early, never late.
    deadlines: BTreeSet<(EventTime, Handle)>,
    /// The minute that is learned next.
    minute: Option<i64>,
}

/// What the venue values each symbol at, and since when; nothing before it says so.
type Marks = Table<CompactString, Option<(EventTime, f64)>>;

/// What is known of one account.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Account {
    owner: Option<CompactString>,
    equity: Option<(EventTime, f64)>,
    positions: Vec<Position>,
    leverage: Option<Box<LeverageJump>>,
    insolvent: Option<Box<Insolvent>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Position {
    symbol: Handle,
    quantity: f64,
    entry: f64,
    /// What it was last valued at.
    mark: f64,
    stated_at: EventTime,
}

/// An account's notional and leverage.
#[derive(Clone, Copy)]
struct Exposure {
    notional: f64,
    /// The same at the marks at which it was last valued.
    notional_before: f64,
    equity: f64,
}

/// Where the stage leaves what it has to say.
pub struct Said<'a> {
    /// Signals, in order.
    pub signals: &'a mut Vec<Signal>,
    /// The mode in force.
    pub mode: Mode,
}

impl Accounts {
    /// Nothing is known yet, and at most so many accounts and symbols ever are.
    #[must_use]
    pub fn new(accounts_max: usize, symbols_max: usize) -> Self {
        Self {
            known: Table::new(accounts_max),
            symbols: Table::new(symbols_max),
            tiers: [Quantile::default(); TIERS],
            deadlines: BTreeSet::new(),
            minute: None,
        }
    }

    /// Goes on under other limits; what must make room does so silently, but for its open findings, which end.
    pub fn retune(&mut self, accounts_max: usize, symbols_max: usize, place: Place, said: &mut Said<'_>) {
        for (name, account) in self.known.limit(accounts_max) {
            Self::forget(&name, account, None, place, said);
        }
        self.symbols.limit(symbols_max);
    }

    /// How full the table of accounts is.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        Occupancy { held: self.known.len() as u64, evicted: self.known.evicted() }
    }

    /// Whether an episode waits for the clock to be over.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.deadlines.is_empty()
    }

    /// Honours what is due up to and including a time.
    pub fn advance(&mut self, to: EventTime, place: Place, said: &mut Said<'_>) {
        while let Some(&(at, me)) = self.deadlines.first().filter(|(at, _)| *at <= to) {
            self.learn_until(at);
            self.deadlines.remove(&(at, me));
            let Some(account) = self.known.get_mut(me) else { continue };
            let jump = account.leverage.as_mut().and_then(|leverage| leverage.handle_timeout(at));
            let insolvent = account.insolvent.as_mut().and_then(|insolvent| insolvent.handle_timeout(at));
            self.deadlines.extend(account.deadline().map(|later| (later, me)));
            for verdict in jump.into_iter().chain(insolvent) {
                self.say(me, verdict, at, place, None, said);
            }
        }
        self.learn_until(to);
    }

    /// Takes one fact; what is due before it must have been honoured.
    pub fn handle(&mut self, forwarded: &Forwarded, said: &mut Said<'_>) {
        let (at, place) = (forwarded.at, forwarded.place);
        let me = match &forwarded.fact {
            Fact::Mark(symbol, mark) => {
                let symbol = self.symbol(symbol);
                if let Some(known) = self.symbols.get_mut(symbol)
                    && known.is_none_or(|(known_at, _)| at >= known_at)
                {
                    *known = Some((at, *mark));
                }
                return;
            }
            Fact::Owner(account, owner) => {
                let me = self.account(account, forwarded, said);
                if let Some(account) = self.known.get_mut(me) {
                    account.owner = Some(owner.clone());
                }
                return;
            }
            Fact::Position(account, symbol, quantity, entry) => {
                let (me, symbol) = (self.account(account, forwarded, said), self.symbol(symbol));
                let mark = mark(&self.symbols, symbol);
                if let Some(account) = self.known.get_mut(me) {
                    account.state(symbol, (*quantity, *entry), at, mark);
                }
                me
            }
            Fact::Equity(account, equity) => {
                let me = self.account(account, forwarded, said);
                if let Some(account) = self.known.get_mut(me)
                    && account.equity.is_none_or(|(known_at, _)| at >= known_at)
                {
                    account.equity = Some((at, *equity));
                }
                me
            }
            Fact::Fill(account, symbol, quantity) => {
                // Of an account whose positions nobody states a fill says nothing.
                let (Some(me), Some(symbol)) = (self.known.find(account.as_str()), self.symbols.find(symbol.as_str()))
                else {
                    return;
                };
                if !self.known.get_mut(me).is_some_and(|account| account.fill(symbol, *quantity, at)) {
                    return;
                }
                me
            }
            Fact::Thin(..) | Fact::Forgotten(_) | Fact::Trades(..) => return,
        };
        self.judge(me, at, (forwarded.visible_at, place, forwarded.appended_at), said);
    }

    /// Judges an account as it stands.
    fn judge(&mut self, me: Handle, at: EventTime, as_of: (EventTime, Place, Option<WallTime>), said: &mut Said<'_>) {
        let (visible_at, place, appended_at) = as_of;
        let Self { known, symbols, tiers, .. } = self;
        let Some(account) = known.get_mut(me) else { return };
        let Some(exposure) = account.exposure(symbols) else { return };
        let mut verdicts = Vec::new();
        if exposure.notional > 0.0 && exposure.equity <= 0.0 || account.insolvent.is_some() {
            let insolvent = account.insolvent.get_or_insert_default();
            let owes = if exposure.notional > 0.0 { -exposure.equity } else { f64::NEG_INFINITY };
            let related = related(account.owner.as_ref(), &account.positions, symbols, exposure.notional);
            verdicts.extend(insolvent.handle(at, owes, place, &related));
        }
        if let Some(log_leverage) = exposure.log() {
            let jump = account.leverage.get_or_insert_default();
            let drift = ln(exposure.notional / exposure.notional_before);
            let sample = LeverageSample {
                at,
                place,
                log_leverage,
                intent: jump.change(log_leverage) - drift,
                crowd: tiers[tier(exposure.equity)].known(),
                mode: said.mode,
            };
            let (owner, positions) = (account.owner.as_ref(), &account.positions);
            verdicts.extend(jump.handle(&sample, || related(owner, positions, symbols, exposure.notional)));
        }
        account.value(symbols);
        self.deadlines.extend(account.deadline().filter(|_| !verdicts.is_empty()).map(|at| (at, me)));
        for verdict in verdicts {
            self.say(me, verdict, visible_at, place, appended_at, said);
        }
    }

    /// Learns every whole minute that has passed.
    fn learn_until(&mut self, to: EventTime) {
        let now = to.slot(MINUTE);
        let minute = self.minute.replace(now).unwrap_or(now);
        if now <= minute {
            self.minute = Some(minute);
            return;
        }
        let at = EventTime::from_nanos(now.saturating_mul(MINUTE.nanos()));
        let Self { known, symbols, tiers, .. } = self;
        for account in known.values_mut() {
            let Some(exposure) = account.exposure(symbols) else { continue };
            let Some(log_leverage) = exposure.log() else { continue };
            tiers[tier(exposure.equity)].learn(log_leverage, CROWD.0, CROWD.1);
            account.leverage.get_or_insert_default().learn(at, log_leverage);
        }
    }

    fn account(&mut self, name: &CompactString, forwarded: &Forwarded, said: &mut Said<'_>) -> Handle {
        if let Some(handle) = self.known.find(name.as_str()) {
            self.known.touch(handle);
            return handle;
        }
        let (handle, displaced) = self.known.insert(name.clone(), Account::default());
        if let Some((name, account)) = displaced {
            Self::forget(&name, account, Some(forwarded.visible_at), forwarded.place, said);
        }
        handle
    }

    fn symbol(&mut self, name: &CompactString) -> Handle {
        match self.symbols.find(name.as_str()) {
            Some(handle) => {
                self.symbols.touch(handle);
                handle
            }
            None => self.symbols.insert(name.clone(), None).0,
        }
    }

    /// What is forgotten can no longer clear: its findings end here.
    fn forget(name: &str, mut account: Account, clock: Option<EventTime>, place: Place, said: &mut Said<'_>) {
        let jump = account.leverage.as_mut().and_then(|leverage| leverage.end());
        let insolvent = account.insolvent.as_mut().and_then(|insolvent| insolvent.end());
        for verdict in jump.into_iter().chain(insolvent) {
            let visible_at = clock.unwrap_or(verdict.at);
            said.push(CompactString::new(name), verdict, visible_at, place, None);
        }
    }

    fn say(
        &self,
        me: Handle,
        verdict: Verdict,
        visible_at: EventTime,
        place: Place,
        appended_at: Option<WallTime>,
        said: &mut Said<'_>,
    ) {
        if let Some(name) = self.known.key(me) {
            said.push(name.clone(), verdict, visible_at, place, appended_at);
        }
    }
}

impl Said<'_> {
    fn push(
        &mut self,
        name: CompactString,
        verdict: Verdict,
        visible_at: EventTime,
        place: Place,
        appended_at: Option<WallTime>,
    ) {
        self.signals.push(Signal {
            detector: verdict.detector,
            subject: Subject::Account(name),
            change: verdict.change,
            severity: verdict.severity,
            at: verdict.at,
            visible_at,
            place,
            appended_at,
            finding: verdict.finding,
        });
    }
}

impl Account {
    /// The venue states a position, which holds every fill up to then.
    fn state(&mut self, symbol: Handle, (quantity, entry): (f64, f64), at: EventTime, mark: Option<f64>) {
        let known = self.positions.iter().position(|position| position.symbol == symbol);
        if known.is_some_and(|nth| self.positions[nth].stated_at > at) {
            return;
        }
        let before = known.map(|nth| self.positions.remove(nth));
        if quantity != 0.0 {
            if self.positions.len() >= POSITIONS_MAX {
                self.positions.remove(0);
            }
            let mark = before.map_or_else(|| mark.unwrap_or(entry), |before| before.mark);
            self.positions.push(Position { symbol, quantity, entry, mark, stated_at: at });
        }
    }

    /// A fill after the last statement changes the position. Whether it did.
    fn fill(&mut self, symbol: Handle, quantity: f64, at: EventTime) -> bool {
        let position = self.positions.iter_mut().find(|position| position.symbol == symbol);
        let Some(position) = position.filter(|position| at > position.stated_at) else { return false };
        position.quantity += quantity;
        true
    }

    /// What it holds, if its equity is known.
    fn exposure(&self, symbols: &Marks) -> Option<Exposure> {
        let (_, equity) = self.equity?;
        let (mut notional, mut notional_before) = (0.0, 0.0);
        for position in &self.positions {
            let mark = mark(symbols, position.symbol).unwrap_or(position.entry);
            notional += position.quantity.abs() * mark;
            notional_before += position.quantity.abs() * position.mark;
        }
        Some(Exposure { notional, notional_before, equity })
    }

    /// From here on the marks of now are those of before.
    fn value(&mut self, symbols: &Marks) {
        for position in &mut self.positions {
            position.mark = mark(symbols, position.symbol).unwrap_or(position.entry);
        }
    }

    fn deadline(&self) -> Option<EventTime> {
        let jump = self.leverage.as_ref().and_then(|leverage| leverage.deadline());
        jump.into_iter().chain(self.insolvent.as_ref().and_then(|insolvent| insolvent.deadline())).min()
    }
}

impl Exposure {
    /// ℓ; none without a position, or with nothing left.
    fn log(&self) -> Option<f64> {
        let held = self.notional > 0.0 && self.notional_before > 0.0 && self.equity > 0.0;
        held.then(|| ln(self.notional / self.equity))
    }
}

/// What an account's findings touch: its owner, and the symbols that hold at least half of its notional.
fn related(owner: Option<&CompactString>, positions: &[Position], symbols: &Marks, notional: f64) -> Vec<Node> {
    let large = positions.iter().filter(|position| position.quantity.abs() * position.mark >= PART * notional);
    let symbol = large.filter_map(|position| symbols.key(position.symbol).cloned().map(Node::Symbol));
    owner.cloned().map(Node::Owner).into_iter().chain(symbol).collect()
}

fn mark(symbols: &Marks, symbol: Handle) -> Option<f64> {
    symbols.get(symbol).copied().flatten().map(|(_, mark)| mark)
}

/// The decade of an account's equity.
fn tier(equity: f64) -> usize {
    let edges = [1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];
    edges.iter().filter(|&&edge| equity >= edge).count().min(TIERS - 1)
}
