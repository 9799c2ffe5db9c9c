//! One symbol's market: its state, its run from job to job, and the one way in which orders enter.
//!
//! What the agents do stands in a file each (`makers`, `takers`, `crowd`, `planted`), as methods of the market that the
//! agenda calls. Density makes everything happen so many times faster: rates times density, and where it is above 1 the
//! delays of all agents divided by it, or makers would never come back to the book between two trades.

use std::sync::Arc;

use super::{
    agenda::{Agenda, Job},
    book::{Book, Met, Resting},
    dice::{Dice, secs, whole},
    fair::{Fair, ordinary_jump},
    forced::Forced,
    ledger::Ledger,
    lever::Levering,
    makers::{MAKERS, Maker},
    parties::Parties,
    plan::Plan,
    planted::Plant,
    script::Act,
    takers::Takers,
    tape::{Deed, Entry, How, Scale, Tape},
};
use crate::{
    event::{CancelReason, Event, Side},
    time::{EventTime, Span},
};

/// How often makers look at the fair value.
const DRIFT_EVERY: Span = Span::from_millis(500);
/// Ordinary jumps: one in this many seconds.
const JUMP_EVERY_SECS: f64 = 150.0;
/// The opening finds its price in jumps, about one in so many seconds for so many times. Markets do open like that, and a
/// baseline that begins with the flow (after 91 s) has then seen what a re-quote looks like before it judges one.
const OPENING_JUMPS: (i64, Span) = (4, Span::from_secs(7));
/// How often the venue says its mark and its load.
const MARK_EVERY: Span = Span::from_secs(5);
const LOAD_EVERY: Span = Span::from_secs(10);
/// How far from the best price a market order may trade: the venue's price protection, in ticks.
const PROTECTION: i64 = 30;

/// One symbol.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) dice: Dice,
    pub(super) now: EventTime,
    pub(super) density: f64,
    /// How many accounts there are.
    pub(super) accounts: u32,
    pub(super) agenda: Agenda,
    pub(super) book: Book,
    pub(super) tape: Tape,
    pub(super) fair: Fair,
    pub(super) makers: [Maker; MAKERS],
    pub(super) takers: Takers,
    pub(super) plants: Vec<Plant>,
    pub(super) levers: Vec<Levering>,
    pub(super) forced: Vec<Forced>,
    /// Of its symbol.
    pub(super) index: usize,
    /// Makers and crowd have withdrawn, and takers know.
    pub(super) thin: bool,
    /// The side that makers lean away from.
    pub(super) lean: Option<Side>,
    end: EventTime,
    /// Kept to spare an allocation per order.
    met: Vec<Met>,
}

impl Market {
    /// A market about to open. Its stream of random numbers depends on the seed and its own index only.
    pub(super) fn new(plan: &Plan, index: u32, open: EventTime, acts: &[Act], parties: &Arc<Parties>) -> Self {
        let mut dice = Dice::new(plan.seed, u64::from(index) + 1);
        let places = |dice: &mut Dice| u32::try_from(dice.between(0, 3)).unwrap_or(0);
        let scale = Scale { price_places: places(&mut dice) };
        // A draw that nothing needs: the decimals of a lot used to be drawn, and leaving it out would change every flow.
        places(&mut dice);
        let reference = dice.between(8_000, 16_000);
        let makers = Maker::draw(&mut dice);
        let mut market = Self {
            takers: Takers::new(plan.density, open, &mut dice),
            now: open,
            density: plan.density,
            accounts: plan.accounts,
            agenda: Agenda::default(),
            book: Book::default(),
            tape: Tape::new(index, scale, Arc::clone(parties)),
            fair: Fair::new(reference),
            makers,
            plants: Vec::new(),
            levers: Vec::new(),
            forced: Vec::new(),
            index: usize::try_from(index).unwrap_or(usize::MAX),
            thin: false,
            lean: None,
            end: plan.end(),
            met: Vec::new(),
            dice,
        };
        market.open();
        market.plant(index, acts);
        market
    }

    fn open(&mut self) {
        self.tape.listed(self.now);
        self.agenda.add(self.now, Job::Mark);
        self.agenda.add(self.now.plus(LOAD_EVERY), Job::Load);
        for maker in 0..MAKERS {
            self.requote(maker, Span::from_millis(10));
        }
        self.later(DRIFT_EVERY, Job::Drift);
        for nth in 1..=OPENING_JUMPS.0 {
            let around = self.dice.span(Span::ZERO, Span::from_secs(3)).nanos();
            let ticks = ordinary_jump(&mut self.dice);
            self.agenda
                .add(self.now.plus(Span::from_nanos(nth * OPENING_JUMPS.1.nanos() - around)), Job::JumpBy(ticks));
        }
        self.after_wait(1.0 / JUMP_EVERY_SECS, Job::Jump);
        self.later(Span::from_secs(1), Job::Place);
        self.next_take();
    }

    /// Runs until something is on the tape, with the ledger as it is by then; `None` when the market has closed.
    pub(super) fn next_ts(&mut self, ledger: &Ledger) -> Option<EventTime> {
        loop {
            if let Some(ts) = self.tape.next_ts() {
                return Some(ts);
            }
            let (at, job) = self.agenda.next_before(self.end)?;
            self.now = at;
            self.run(job, ledger);
        }
    }

    /// Takes the oldest event from the tape.
    pub(super) fn pop(&mut self) -> Option<(Event<'static>, Deed)> {
        self.tape.pop()
    }

    fn run(&mut self, job: Job, ledger: &Ledger) {
        match job {
            Job::Drift => self.drift(),
            Job::Jump => {
                let ticks = ordinary_jump(&mut self.dice);
                self.jump(ticks);
                self.after_wait(1.0 / JUMP_EVERY_SECS, Job::Jump);
            }
            Job::Take => self.taker_arrives(),
            Job::Sweep => self.sweep(),
            Job::Place => self.crowd_places(),
            Job::Withdraw(order, reason) => self.cancel(order, reason),
            Job::Pull(maker) => self.pull_quotes(maker),
            Job::Quote(maker, slot) => self.quote(maker, slot),
            Job::StandBack(maker, side) => self.stand_back(maker, side),
            Job::Mark => self.mark(),
            Job::Load => self.load(),
            Job::PlantOrder(plant) => self.plant_order(plant),
            Job::PullOrder(plant) => self.pull_order(plant),
            Job::JumpBy(ticks) => self.jump(ticks),
            Job::News(ticks) => {
                self.jump(ticks);
                self.takers.hear();
            }
            Job::Rush(until) => self.rush(until),
            Job::Away(length) => self.makers_go_away(length),
            Job::Lean(side) => self.makers_lean(side),
            Job::Thin => self.thin_out(),
            Job::Retreat(maker) => self.retreat(maker),
            Job::Refill => self.refill(),
            Job::Lever(nth) => self.lever(nth, ledger),
            Job::Force(nth) => self.force(nth, ledger),
        }
    }

    /// Asks for a job after a delay of an agent's.
    pub(super) fn later(&mut self, delay: Span, job: Job) -> EventTime {
        let at = self.now.plus(secs(delay.secs_f64() / self.density.max(1.0)));
        self.agenda.add(at, job);
        at
    }

    /// Asks for a job after the wait of a Poisson process with this rate at density 1.
    pub(super) fn after_wait(&mut self, per_sec: f64, job: Job) {
        let at = self.now.plus(self.dice.wait(per_sec * self.density));
        self.agenda.add(at, job);
    }

    fn drift(&mut self) {
        // Drift runs at the pace of density, also below 1, where looking at it does not get rarer.
        let by = secs(DRIFT_EVERY.secs_f64() * self.density.min(1.0));
        self.fair.drift(by, &mut self.dice);
        self.makers_look();
        self.look_for_stale();
        self.later(DRIFT_EVERY, Job::Drift);
    }

    pub(super) fn jump(&mut self, ticks: i64) {
        self.fair.jump(ticks);
        self.makers_react();
        self.takers.stir();
        self.look_for_stale();
    }

    /// An order enters: it is accepted, trades as far as it can, and the rest rests or goes. Returns its id if it rests.
    pub(super) fn submit(&mut self, entry: &Entry) -> Option<u64> {
        let order = self.tape.accepted(self.now, entry);
        let limit = entry.price.or_else(|| self.protected(entry.side))?;
        if entry.how == How::PostOnly && self.book.crosses(entry.side, limit) {
            self.tape.cancelled(self.now, order, entry, CancelReason::PostOnly);
            return None;
        }
        let mut met = std::mem::take(&mut self.met);
        let lots = self.book.take(entry.account, entry.side, limit, entry.lots, &mut met);
        for met in met.drain(..) {
            self.meet(order, entry, met);
        }
        self.met = met;
        self.settle(order, &Entry { lots, ..*entry }, limit)
    }

    fn settle(&mut self, order: u64, left: &Entry, price: i64) -> Option<u64> {
        match left.how {
            _ if left.lots == 0 => None,
            How::Rest | How::PostOnly => {
                let &Entry { account, side, lots, .. } = left;
                self.book.rest(order, Resting { account, side, price, lots });
                Some(order)
            }
            How::Immediate | How::Forced => {
                let reason = if left.price.is_some() { CancelReason::Expired } else { CancelReason::System };
                self.tape.cancelled(self.now, order, left, reason);
                None
            }
        }
    }

    fn meet(&mut self, order: u64, entry: &Entry, met: Met) {
        match met {
            Met::Fill { order: resting, maker, price, lots, done } => {
                self.tape.traded(self.now, (order, entry), (resting, maker), price, lots);
                if done {
                    self.maker_filled(maker, entry.side.opposite());
                }
            }
            Met::Own { order, was } => self.report_cancel(order, &was, CancelReason::SelfTrade),
        }
    }

    /// Takes an order out of the book, if it still rests.
    pub(super) fn cancel(&mut self, order: u64, reason: CancelReason) {
        if let Some(was) = self.book.cancel(order) {
            self.report_cancel(order, &was, reason);
        }
    }

    fn report_cancel(&mut self, order: u64, was: &Resting, reason: CancelReason) {
        let &Resting { account, side, price, lots } = was;
        let left = Entry { account, side, price: Some(price), lots, how: How::Rest };
        self.tape.cancelled(self.now, order, &left, reason);
    }

    fn protected(&self, side: Side) -> Option<i64> {
        let best = self.book.best(side.opposite())?;
        Some(match side {
            Side::Buy => best + PROTECTION,
            Side::Sell => best - PROTECTION,
        })
    }

    fn mark(&mut self) {
        let tenths = self.fair.ticks() * 10.0;
        let basis = self.dice.normal() * 3.0;
        self.tape.marked(self.now, whole(tenths), whole(tenths + basis));
        self.agenda.add(self.now.plus(MARK_EVERY), Job::Mark);
    }

    fn load(&mut self) {
        let p50 = self.dice.between(80, 120);
        let p99 = p50 * 3 + self.dice.pareto(2.0, 2_000) * 20;
        self.tape.loaded(self.now, p50, p99);
        self.agenda.add(self.now.plus(LOAD_EVERY), Job::Load);
    }
}
