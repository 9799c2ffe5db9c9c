//! The account stage: what each account holds, over all feeds, and how far its leverage is from its habit.
//!
//! A position that the venue states at a time holds every fill up to then; fills after it are added until the next one. What is older
//! than what is known changes nothing. A position without a mark is valued at its entry. Leverage is judged at every event of the
//! account and learned once a minute, with the marks of then: each second a sixtieth of the accounts, or with every minute all
//! would wait for a hundred thousand of them.
//!
//! It owns its tables and their limits. Margin tiers, liquidation prices and bands are not here.

mod holding;
mod marks;
mod withdrawals;

use std::{collections::BTreeSet, sync::Arc};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use self::{
    holding::{Account, related, tier},
    marks::Marks,
    withdrawals::Withdrawals,
};
use super::{
    Limits,
    forward::{Fact, Forwarded},
    observe::Occupancy,
};
use crate::{
    detect::{LeverageSample, Signal, Subject, Verdict},
    event::Place,
    stats::{math::ln, quantile::Quantile},
    table::{Handle, Table},
    time::{EventTime, Span, WallTime},
    trust::Mode,
    window::BurstSettings,
};

/// Decades of equity, from below ten to above ten million (DETECTION 2.1, "Tier").
const TIERS: usize = 8;
/// The share of accounts above the quantile of their tier, and how far their ℓ spreads, in nats.
const CROWD: (f64, f64) = (0.01, 1.0);
/// Seconds in which every account is learned once.
const TURNS: u8 = 60;
/// Seconds after the last fact of any account that still teach: a day. Beyond that nothing is known of what they hold.
const QUIET_SECONDS: i64 = 86_400;

/// All accounts and marks.
#[derive(Clone, Serialize, Deserialize)]
pub struct Accounts {
    /// Shared with a snapshot that is being written, as symbols are.
    known: Table<CompactString, Arc<Account>>,
    marks: Marks,
    tiers: [Quantile; TIERS],
    /// When an account that fires must be looked at again; may be early, never late.
    deadlines: BTreeSet<(EventTime, Handle)>,
    /// The last second in which accounts were learned.
    second: Option<i64>,
    /// When the last fact was visible, of which nothing is said earlier.
    now: EventTime,
    withdrawals: Withdrawals,
}

/// Where the stage leaves what it has to say.
pub struct Said<'a> {
    /// Signals, in order.
    pub signals: &'a mut Vec<Signal>,
    /// The mode in force.
    pub mode: Mode,
}

impl Accounts {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(limits: &Limits, settings: BurstSettings) -> Self {
        Self {
            known: Table::new(limits.accounts_max),
            marks: Marks::new(limits.symbols_max),
            tiers: [Quantile::default(); TIERS],
            deadlines: BTreeSet::new(),
            second: None,
            now: EventTime::from_nanos(i64::MIN),
            withdrawals: Withdrawals::new(limits, settings),
        }
    }

    /// Goes on under other limits and settings; what must make room does so silently, but for its open findings, which end.
    pub fn retune(&mut self, limits: &Limits, settings: BurstSettings, place: Place, said: &mut Said<'_>) {
        for (name, account) in self.known.limit(limits.accounts_max) {
            Self::forget(&name, Arc::unwrap_or_clone(account), None, place, said);
        }
        self.marks.limit(limits.symbols_max);
        self.withdrawals.retune(limits, settings, place, said);
    }

    /// How full the tables of accounts, owners, parties that withdraw, and full windows are.
    #[must_use]
    pub fn occupancy(&self) -> [Occupancy; 4] {
        let accounts = Occupancy { held: self.known.len() as u64, evicted: self.known.evicted() };
        let [owners, parties, bursts] = self.withdrawals.occupancy();
        [accounts, owners, parties, bursts]
    }

    /// Whether an episode waits for the clock to be over.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.deadlines.is_empty() || self.withdrawals.waits()
    }

    /// Honours what is due up to and including a time.
    pub fn advance(&mut self, to: EventTime, place: Place, said: &mut Said<'_>) {
        while let Some(&(at, me)) = self.deadlines.first().filter(|(at, _)| *at <= to) {
            self.learn_until(at);
            self.deadlines.remove(&(at, me));
            let Some(account) = self.known.get_mut(me).map(Arc::make_mut) else { continue };
            let jump = account.leverage.as_mut().and_then(|leverage| leverage.handle_timeout(at));
            let insolvent = account.insolvent.as_mut().and_then(|insolvent| insolvent.handle_timeout(at));
            self.deadlines.extend(account.deadline().map(|later| (later, me)));
            for verdict in jump.into_iter().chain(insolvent) {
                self.say(me, verdict, at.max(self.now), place, None, said);
            }
        }
        self.learn_until(to);
        self.withdrawals.advance(to, self.now, place, said);
    }

    /// Takes one fact; what is due before it must have been honoured.
    pub fn handle(&mut self, forwarded: &Forwarded, said: &mut Said<'_>) {
        let (at, place) = (forwarded.at, forwarded.place);
        self.now = self.now.max(forwarded.visible_at);
        let me = match &forwarded.fact {
            Fact::Mark(symbol, mark) => {
                let symbol = self.marks.symbol(symbol);
                self.marks.set(symbol, at, *mark);
                return;
            }
            Fact::Owner(account, owner) => {
                // Of one that holds nothing it is of no use here, and whoever only trades must not take the place of who holds.
                let known = self.known.find(account.as_str()).and_then(|account| self.known.get_mut(account));
                if let Some(account) = known.filter(|account| account.owner.as_ref() != Some(owner)) {
                    Arc::make_mut(account).owner = Some(owner.clone());
                }
                return;
            }
            Fact::Withdrawn(withdrawn) => {
                self.withdrawals.take(withdrawn, forwarded, said);
                return;
            }
            Fact::Blind(until) => {
                self.withdrawals.blind(*until);
                return;
            }
            Fact::Position(account, symbol, quantity, entry) => {
                let (me, symbol) = (self.account(account, forwarded, said), self.marks.symbol(symbol));
                let mark = self.marks.get(symbol);
                if let Some(account) = self.known.get_mut(me).map(Arc::make_mut) {
                    account.state(symbol, (*quantity, *entry), at, mark);
                }
                me
            }
            Fact::Equity(account, equity) => {
                let me = self.account(account, forwarded, said);
                if let Some(account) = self.known.get_mut(me).map(Arc::make_mut)
                    && account.equity.is_none_or(|(known_at, _)| at >= known_at)
                {
                    account.equity = Some((at, *equity));
                }
                me
            }
            Fact::Fill(account, symbol, quantity) => {
                // Of an account whose positions nobody states a fill says nothing.
                let (Some(me), Some(symbol)) = (self.known.find(account.as_str()), self.marks.find(symbol)) else {
                    return;
                };
                let account = self.known.get_mut(me).map(Arc::make_mut);
                if !account.is_some_and(|account| account.fill(symbol, *quantity, at)) {
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
        let Self { known, marks, tiers, .. } = self;
        let Some(account) = known.get_mut(me).map(Arc::make_mut) else { return };
        let Some(exposure) = account.value(marks) else { return };
        let mut verdicts = Vec::new();
        if exposure.notional > 0.0 && exposure.equity <= 0.0 || account.insolvent.is_some() {
            let insolvent = account.insolvent.get_or_insert_default();
            let owes = if exposure.notional > 0.0 { -exposure.equity } else { f64::NEG_INFINITY };
            let related = related(account.owner.as_ref(), &account.positions, marks, exposure.notional);
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
            verdicts.extend(jump.handle(&sample, || related(owner, positions, marks, exposure.notional)));
        }
        self.deadlines.extend(account.deadline().filter(|_| !verdicts.is_empty()).map(|at| (at, me)));
        for verdict in verdicts {
            self.say(me, verdict, visible_at, place, appended_at, said);
        }
    }

    /// Learns those whose turn has come.
    fn learn_until(&mut self, to: EventTime) {
        if self.second.is_some_and(|second| to < EventTime::of_slot(second.saturating_add(1), Span::SECOND)) {
            return;
        }
        let now = to.slot(Span::SECOND);
        let second = self.second.replace(now).unwrap_or(now);
        let Self { known, marks, tiers, .. } = self;
        for second in second.saturating_add(1)..=now.min(self.now.slot(Span::SECOND) + QUIET_SECONDS) {
            let turn = usize::try_from(second.rem_euclid(TURNS.into())).unwrap_or(0);
            for account in known.values_in_turn(turn, TURNS.into()) {
                let Some((log_leverage, equity)) = account.log_leverage(marks) else { continue };
                tiers[tier(equity)].learn(log_leverage, CROWD.0, CROWD.1);
                Arc::make_mut(account)
                    .leverage
                    .get_or_insert_default()
                    .learn(EventTime::of_slot(second, Span::SECOND), log_leverage);
            }
        }
    }

    fn account(&mut self, name: &CompactString, forwarded: &Forwarded, said: &mut Said<'_>) -> Handle {
        if let Some(handle) = self.known.find(name.as_str()) {
            self.known.touch(handle);
            return handle;
        }
        let (handle, displaced) = self.known.insert(name.clone(), Arc::default());
        if let Some((name, account)) = displaced {
            Self::forget(&name, Arc::unwrap_or_clone(account), Some(forwarded.visible_at), forwarded.place, said);
        }
        handle
    }

    /// What is forgotten can no longer clear: its findings end here.
    fn forget(name: &str, mut account: Account, clock: Option<EventTime>, place: Place, said: &mut Said<'_>) {
        let jump = account.leverage.as_mut().and_then(|leverage| leverage.end());
        let insolvent = account.insolvent.as_mut().and_then(|insolvent| insolvent.end());
        for verdict in jump.into_iter().chain(insolvent) {
            let visible_at = clock.unwrap_or(verdict.at);
            said.signals.push(verdict.signal(Subject::Account(CompactString::new(name)), visible_at, place, None));
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
            said.signals.push(verdict.signal(Subject::Account(name.clone()), visible_at, place, appended_at));
        }
    }
}
