//! The account stage: what each account holds over all feeds, how far its leverage is from its habit, and its withdrawals.
//!
//! A position that the venue states at a time includes every fill up to then; fills after it are added until the next statement.
//! Statements older than what is known change nothing. A position without a mark is valued at its entry. Leverage is judged at
//! every message about the account and learned once a minute, at the marks of that time: a sixtieth of the accounts each second,
//! because learning a hundred thousand at once would hold up the flow.
//!
//! Messages of all feeds are taken in one fixed order, and what is due between two of them is done at its own time; so nothing
//! depends on how the feeds interleave or how far the watermark jumps. The stage owns its tables and their limits. Margin tiers,
//! liquidation prices and bands are not here yet; the messages carry what they need.

mod holding;
mod marks;
mod outbox;
mod owner_sums;
mod withdrawals;

use std::{collections::BTreeSet, sync::Arc};

use serde::{Deserialize, Serialize};

pub use self::outbox::Outbox;
use self::{
    holding::{Account, TIERS, related, tier},
    marks::Marks,
    withdrawals::Withdrawals,
};
use crate::{
    detect::{CoverageState, Detection, Detector, LeverageSample, Subject, Verdict, account::leverage_jump},
    engine::{
        Coverage, Covered, Plan,
        message::{AccountFact, Message},
        observe::Occupancy,
    },
    event::{Origin, RecordRef, SharedName, SourceId},
    stats::{math::ln, quantile::Quantile},
    table::{Handle, Table},
    time::{EventTime, Span},
    trust::{Mode, Overall, Schedule},
};

/// The share of accounts above the quantile of their tier, and how far their ℓ spreads, in nats.
const TIER_TAIL: (f64, f64) = (0.01, 1.0);
/// Seconds in which every account is learned once.
const TURNS: u8 = 60;
/// Seconds after the last message about any account in which accounts are still learned: a day. After that their holdings are
/// unknown.
const QUIET_SECONDS: i64 = 86_400;

/// A shard of the account stage: its accounts, and all marks.
#[derive(Clone, Serialize, Deserialize)]
pub struct AccountStage {
    /// The accounts by name. An account is shared with a snapshot that is being written, as symbols are.
    known: Table<SharedName, Arc<Account>>,
    marks: Marks,
    tiers: [Quantile; TIERS],
    /// Deadlines of accounts with an episode; a deadline may be early, never late.
    deadlines: BTreeSet<(EventTime, Handle)>,
    /// The last second in which accounts were learned.
    second: Option<i64>,
    /// The time at which the last message became visible: no signal is visible earlier.
    now: EventTime,
    /// The record behind the last message: signals that a deadline causes refer to it.
    last: RecordRef,
    withdrawals: Withdrawals,
    modes: Schedule<Mode>,
    /// The reports of the feeds.
    overall: Overall,
    /// The settings from which new accounts get theirs. Not in a snapshot: the restore sets them.
    #[serde(skip)]
    detection: Arc<Detection>,
}

impl AccountStage {
    /// Makes a shard without accounts.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let limits = plan.limits.of_shard(plan.stages.account_shards);
        Self {
            known: Table::new(limits.accounts_max),
            marks: Marks::new(limits.symbols_max),
            tiers: [Quantile::default(); TIERS],
            deadlines: BTreeSet::new(),
            second: None,
            now: EventTime::from_nanos(i64::MIN),
            last: RecordRef { source: SourceId(0), offset: 0 },
            withdrawals: Withdrawals::new(&limits, plan),
            modes: Schedule::default(),
            overall: Overall::default(),
            detection: Arc::new(plan.detection.clone()),
        }
    }

    /// Continues under other limits and settings. Entries beyond a smaller limit are evicted, and the ends of their open findings
    /// are published.
    pub fn retune(&mut self, plan: &Plan, outbox: &mut Outbox) {
        let limits = plan.limits.of_shard(plan.stages.account_shards);
        self.detection = Arc::new(plan.detection.clone());
        for (name, account) in self.known.iter_mut() {
            let jump = jump_settings(&self.detection, name);
            if account.jump != jump {
                Arc::make_mut(account).jump = jump;
            }
        }
        for (name, account) in self.known.limit(limits.accounts_max) {
            forget(&name, Arc::unwrap_or_clone(account), None, self.last, outbox);
        }
        self.marks.limit(limits.symbols_max);
        self.withdrawals.retune(&limits, plan, self.last, &mut outbox.signals);
    }

    /// Returns how full the tables of accounts, of accounts that withdraw, and of full windows are.
    #[must_use]
    pub fn occupancy(&self) -> [Occupancy; 3] {
        let accounts = Occupancy { held: self.known.len() as u64, evicted: self.known.evicted() };
        let [parties, bursts] = self.withdrawals.occupancy();
        [accounts, parties, bursts]
    }

    /// Counts which of the shard's accounts can be judged. An account of which only withdrawals are known has no positions.
    pub fn coverage(&self, coverage: &mut Coverage) {
        let [insolvent, jump] = [Detector::Insolvent, Detector::LeverageJump].map(|of| (of, Covered::Account));
        for (_, account) in self.known.iter() {
            let states = account.coverage(&self.marks, |equity| self.tiers[tier(equity)].known().is_some());
            coverage.add(insolvent, states[0], 1);
            coverage.add(jump, states[1], 1);
        }
        let second = self.second.map_or(self.now, |second| EventTime::of_slot(second, Span::SECOND));
        for (name, state) in self.withdrawals.coverage(self.now.max(second)) {
            coverage.add((Detector::CancelBurst, Covered::Account), state, 1);
            if self.known.find(&name.as_ref()).is_none() {
                coverage.add(insolvent, CoverageState::NoPositions, 1);
                coverage.add(jump, CoverageState::NoPositions, 1);
            }
        }
    }

    /// Whether an episode is open that will end when the clock moves on.
    #[must_use]
    pub fn waits(&self) -> bool {
        !self.deadlines.is_empty() || self.withdrawals.waits()
    }

    /// Puts another mode in force from a time on.
    pub fn schedule(&mut self, from: EventTime, mode: Mode) {
        self.modes.push(from, mode);
    }

    /// Does what is due up to and including a time.
    pub fn advance(&mut self, to: EventTime, outbox: &mut Outbox) {
        while let Some(&(at, me)) = self.deadlines.first().filter(|(at, _)| *at <= to) {
            self.learn_until(at);
            self.deadlines.remove(&(at, me));
            // An account that is forgotten has ended its episodes.
            let Some(account) = self.known.get_mut(me).map(Arc::make_mut) else { continue };
            let settings = account.jump;
            let jump = account.leverage.as_mut().and_then(|leverage| leverage.expire(at, settings));
            let insolvent = account.insolvent.as_mut().and_then(|insolvent| insolvent.expire(at));
            self.deadlines.extend(account.deadline().map(|later| (later, me)));
            for verdict in jump.into_iter().chain(insolvent) {
                self.publish(me, verdict, at.max(self.now), self.last.into(), outbox);
            }
        }
        self.learn_until(to);
        self.withdrawals.advance(to, self.now, self.last, outbox);
        self.modes.advance(to);
    }

    /// Returns the mode at a time: the service's, or that of the feeds' own troubles if it is worse.
    fn mode_at(&self, time: EventTime) -> Mode {
        self.overall.mode(*self.modes.at(time), &[])
    }

    /// Takes one message. What is due before it must have been done.
    pub fn handle(&mut self, message: &Message<AccountFact>, outbox: &mut Outbox) {
        let Message { visible_at, at, origin, body } = message;
        if let AccountFact::Feed(standing) = body {
            self.overall.observe(*standing);
            return;
        }
        self.now = self.now.max(*visible_at);
        self.last = origin.record;
        let judged = match body {
            AccountFact::Mark(set) => {
                let symbol = self.marks.symbol(&set.symbol);
                self.marks.set(symbol, *at, set.mark.get().to_f64());
                None
            }
            AccountFact::Owner(stated) => {
                // The owner of an account that holds nothing is of no use here, and an account that only trades must not take the
                // place of one that holds.
                let known = self.known.find(&stated.account.as_ref());
                if let Some(account) = known.and_then(|account| self.known.get_mut(account))
                    && account.owner.as_ref() != Some(&stated.owner)
                {
                    Arc::make_mut(account).owner = Some(stated.owner.clone());
                }
                None
            }
            AccountFact::Withdrawals(digest) => {
                let mode = self.mode_at(*visible_at);
                self.withdrawals.handle(digest, message, mode, &mut outbox.signals);
                None
            }
            AccountFact::Blind(blind) => {
                self.withdrawals.blind(blind);
                None
            }
            AccountFact::Position(stated) => {
                let symbol = self.marks.symbol(&stated.symbol);
                let (me, mark) = (self.account(&stated.account, *visible_at, outbox), self.marks.get(symbol));
                let (quantity, entry) = (stated.quantity.to_f64(), stated.entry.to_f64());
                self.account_mut(me).state(symbol, (quantity, entry), *at, mark);
                Some(me)
            }
            AccountFact::Balance(stated) => {
                let me = self.account(&stated.account, *visible_at, outbox);
                let account = self.account_mut(me);
                if account.equity.is_none_or(|(known_at, _)| *at >= known_at) {
                    account.equity = Some((*at, stated.equity.to_f64()));
                }
                Some(me)
            }
            AccountFact::Fill(fill) => {
                // Without a stated position a fill does not tell what the account holds.
                let known = self.known.find(&fill.account.as_ref()).zip(self.marks.find(&fill.symbol));
                known.and_then(|(me, symbol)| {
                    let account = self.known.get_mut(me).map(Arc::make_mut);
                    let changed = account.is_some_and(|account| account.fill(symbol, fill.signed_quantity(), *at));
                    changed.then_some(me)
                })
            }
            // Carried for margins and bands; leverage is judged by positions and equity.
            AccountFact::Leverage(_) | AccountFact::Instrument(_) | AccountFact::Feed(_) => None,
        };
        if let Some(me) = judged {
            self.judge(me, *at, *visible_at, *origin, outbox);
        }
    }

    /// Judges an account as it stands.
    fn judge(&mut self, me: Handle, at: EventTime, visible_at: EventTime, origin: Origin, outbox: &mut Outbox) {
        let mode = self.mode_at(visible_at);
        let Self { known, marks, tiers, .. } = self;
        let account = known.get_mut(me).map(Arc::make_mut).expect("a judged account is known");
        let Some(exposure) = account.value(marks) else { return };
        let mut verdicts = Vec::new();
        if exposure.notional > 0.0 && exposure.equity <= 0.0 || account.insolvent.is_some() {
            let insolvent = account.insolvent.get_or_insert_default();
            let owes = if exposure.notional > 0.0 { -exposure.equity } else { f64::NEG_INFINITY };
            let related = related(account.owner.as_ref(), &account.positions, marks, exposure.notional);
            verdicts.extend(insolvent.handle(at, owes, origin.record, &related));
        }
        if let Some(log_leverage) = exposure.log() {
            let jump = account.leverage.get_or_insert_default();
            let drift = ln(exposure.notional / exposure.notional_before);
            let sample = LeverageSample {
                at,
                record: origin.record,
                log_leverage,
                intent: jump.change(log_leverage) - drift,
                peers_q99: tiers[tier(exposure.equity)].known(),
                mode,
                settings: account.jump,
            };
            let (owner, positions) = (account.owner.as_ref(), &account.positions);
            verdicts.extend(jump.handle(&sample, || related(owner, positions, marks, exposure.notional)));
        }
        self.deadlines.extend(account.deadline().filter(|_| !verdicts.is_empty()).map(|at| (at, me)));
        for verdict in verdicts {
            self.publish(me, verdict, visible_at, origin, outbox);
        }
    }

    /// Learns the accounts whose turn has come.
    fn learn_until(&mut self, to: EventTime) {
        if self.second.is_some_and(|second| to < EventTime::of_slot(second.saturating_add(1), Span::SECOND)) {
            return;
        }
        let now = to.slot(Span::SECOND);
        let second = self.second.replace(now).unwrap_or(now);
        let Self { known, marks, tiers, .. } = self;
        for second in second.saturating_add(1)..=now.min(self.now.slot(Span::SECOND) + QUIET_SECONDS) {
            let turn = usize::try_from(second.rem_euclid(TURNS.into())).expect("a remainder is not negative");
            for account in known.values_in_turn(turn, TURNS.into()) {
                let Some((log_leverage, equity)) = account.log_leverage(marks) else { continue };
                tiers[tier(equity)].learn(log_leverage, TIER_TAIL.0, TIER_TAIL.1);
                Arc::make_mut(account)
                    .leverage
                    .get_or_insert_default()
                    .learn(EventTime::of_slot(second, Span::SECOND), log_leverage);
            }
        }
    }

    /// Returns the entry of an account, and adds one if the account is new.
    fn account(&mut self, name: &SharedName, visible_at: EventTime, outbox: &mut Outbox) -> Handle {
        if let Some(handle) = self.known.find(&name.as_ref()) {
            self.known.touch(handle);
            return handle;
        }
        let account = Account { jump: jump_settings(&self.detection, name), ..Account::default() };
        let (handle, displaced) = self.known.insert(name.clone(), Arc::new(account));
        if let Some((name, account)) = displaced {
            forget(&name, Arc::unwrap_or_clone(account), Some(visible_at), self.last, outbox);
        }
        handle
    }

    fn account_mut(&mut self, me: Handle) -> &mut Account {
        self.known.get_mut(me).map(Arc::make_mut).expect("the message's account is the one used last")
    }

    fn publish(&self, me: Handle, verdict: Verdict, visible_at: EventTime, origin: Origin, outbox: &mut Outbox) {
        let name = self.known.key(me).expect("an account with verdicts is in its table");
        outbox.signals.push(verdict.signal(Subject::Account(name.to_compact()), visible_at, origin));
    }
}

/// The settings of the detector of leverage jumps for an account.
fn jump_settings(detection: &Detection, name: &SharedName) -> leverage_jump::Settings {
    if detection.overrides.is_empty() {
        return detection.leverage_jump;
    }
    detection.of(&Subject::Account(name.to_compact())).leverage_jump
}

/// Ends the findings of an account that is forgotten: they can no longer clear.
fn forget(name: &SharedName, mut account: Account, clock: Option<EventTime>, last: RecordRef, outbox: &mut Outbox) {
    let jump = account.leverage.as_mut().and_then(|leverage| leverage.end());
    let insolvent = account.insolvent.as_mut().and_then(|insolvent| insolvent.end());
    for verdict in jump.into_iter().chain(insolvent) {
        let visible_at = clock.unwrap_or(verdict.at);
        outbox.signals.push(verdict.signal(Subject::Account(name.to_compact()), visible_at, last.into()));
    }
}
