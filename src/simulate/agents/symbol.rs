//! All agents of one symbol with their market: set up, then run from job to job.

use std::sync::Arc;

use super::{
    action::{Action, ScriptedAction},
    background,
    cancel_burst::BurstRun,
    environment::Environment,
    forced_close::ForcedCloseRun,
    job::Job,
    leverage::LeverageRun,
    maker::{MAKERS, Maker},
    makers::QuotedMarket,
    takers::{self, Takers},
    withdrawal,
};
use crate::{
    event::Event,
    simulate::{
        fair_value::{FairValue, ordinary_jump},
        ledger::Ledger,
        market::{AccountEffect, Market, Scale},
        plan::SimulationPlan,
        population::Population,
        random::{RandomStream, floor, secs},
        schedule::Schedule,
    },
    time::{EventTime, Span},
};

/// How often makers look at the fair value.
const DRIFT_EVERY: Span = Span::from_millis(500);
/// Mean time between ordinary jumps, in seconds.
const JUMP_EVERY_SECS: f64 = 150.0;
/// Number of jumps in which the opening finds its price, and the time from one to the next. Markets do open like that, and a
/// baseline that begins with the flow (after 91 s) has then seen re-quotes before it judges one.
const OPENING_JUMPS: (i64, Span) = (4, Span::from_secs(7));
/// Longest time by which an opening jump comes early.
const OPENING_JUMP_EARLY_MAX: Span = Span::from_secs(3);
/// How often the venue publishes its mark.
const MARK_EVERY: Span = Span::from_secs(5);
/// How often the venue publishes its load.
const LOAD_EVERY: Span = Span::from_secs(10);

/// One symbol's agents and market.
#[derive(Debug)]
pub(crate) struct SymbolAgents {
    market: QuotedMarket,
    takers: Takers,
    bursts: Vec<BurstRun>,
    leverage_changes: Vec<LeverageRun>,
    forced_closes: Vec<ForcedCloseRun>,
    end: EventTime,
}

impl SymbolAgents {
    /// Agents of a symbol whose trading begins at `open`. The symbol's stream of random numbers depends on the seed and its own
    /// index only.
    pub(crate) fn new(
        plan: &SimulationPlan,
        index: u32,
        open: EventTime,
        actions: &[ScriptedAction],
        population: &Arc<Population>,
    ) -> Self {
        let mut rng = RandomStream::new(plan.seed, u64::from(index) + 1);
        let scale = Scale { price_places: u32::try_from(rng.between(0, 3)).unwrap_or(0) };
        // This draw is not used: without it every later draw, and so the flow of every seed, would change.
        rng.between(0, 3);
        let fair = FairValue::new(rng.between(8_000, 16_000));
        let makers = Maker::draw(&mut rng);
        let takers = Takers::new(plan.density, open, &mut rng);
        let env = Environment {
            market: Market::new(index, scale, Arc::clone(population)),
            fair,
            rng,
            now: open,
            density: plan.density,
            accounts: plan.accounts,
            symbol: usize::try_from(index).unwrap_or(usize::MAX),
            schedule: Schedule::new(),
        };
        let mut symbol = Self {
            market: QuotedMarket::new(env, makers),
            takers,
            bursts: Vec::new(),
            leverage_changes: Vec::new(),
            forced_closes: Vec::new(),
            end: plan.end(),
        };
        symbol.open();
        for &ScriptedAction { start, action, .. } in actions.iter().filter(|action| action.symbol == index) {
            symbol.add(start, action);
        }
        symbol
    }

    /// Publishes the symbol's terms and schedules the first job of each agent.
    fn open(&mut self) {
        let now = self.market.env.now;
        self.market.env.market.tape.listed(now);
        self.market.env.schedule.add(now, Job::PublishMark);
        self.market.env.schedule.add(now.plus(LOAD_EVERY), Job::PublishLoad);
        for maker in 0..MAKERS {
            self.market.requote(maker, Span::from_millis(10));
        }
        let env = &mut self.market.env;
        env.add_after(DRIFT_EVERY, Job::Drift);
        for nth in 1..=OPENING_JUMPS.0 {
            let early = env.rng.span(Span::ZERO, OPENING_JUMP_EARLY_MAX).nanos();
            let ticks = ordinary_jump(&mut env.rng);
            let after = Span::from_nanos(nth * OPENING_JUMPS.1.nanos() - early);
            env.schedule.add(now.plus(after), Job::JumpBy(ticks));
        }
        env.add_after_wait(1.0 / JUMP_EVERY_SECS, Job::Jump);
        env.add_after(Span::from_secs(1), Job::PlaceOrder);
        self.takers.schedule_next(&mut self.market);
    }

    /// Schedules an action of the script.
    fn add(&mut self, start: EventTime, action: Action) {
        let schedule = &mut self.market.env.schedule;
        match action {
            Action::Jump(ticks) => schedule.add(start, Job::JumpBy(ticks)),
            Action::News(ticks) => schedule.add(start, Job::News(ticks)),
            Action::Shift(tenths_of_bps) => schedule.add(start, Job::Shift(tenths_of_bps)),
            Action::Lean(lean, length) => schedule.add(start, Job::Lean(lean, start.plus(length))),
            Action::Rush(length) => schedule.add(start, Job::Rush(start.plus(length))),
            Action::MakersAway(length) => schedule.add(start, Job::MakersAway(length)),
            Action::ThinBook(length) => {
                schedule.add(start, Job::ThinOut);
                schedule.add(start.plus(length), Job::Refill);
            }
            Action::SkewQuotes(side, length) => {
                schedule.add(start, Job::SkewQuotes(Some(side)));
                schedule.add(start.plus(length), Job::SkewQuotes(None));
            }
            Action::ChangeLeverage(change) => {
                let index = self.leverage_changes.len();
                self.leverage_changes.push(LeverageRun::schedule(index, change, start, &mut self.market));
            }
            Action::ForceClose(close) => {
                let index = self.forced_closes.len();
                self.forced_closes.push(ForcedCloseRun::schedule(index, close, start, &mut self.market));
            }
            Action::CancelBurst(burst) => {
                let index = self.bursts.len();
                self.bursts.push(BurstRun::schedule(index, burst, start, &mut self.market));
            }
        }
    }

    /// The decimals of the symbol's ticks and lots.
    pub(crate) const fn scale(&self) -> Scale {
        self.market.env.market.scale()
    }

    /// Runs jobs until the tape holds an event, and returns its time; `None` when the market has closed. Agents read the
    /// ledger as it is by then.
    pub(crate) fn next_ts(&mut self, ledger: &Ledger) -> Option<EventTime> {
        loop {
            if let Some(ts) = self.market.env.market.next_ts() {
                return Some(ts);
            }
            let (at, job) = self.market.env.schedule.pop_before(self.end)?;
            self.market.env.now = at;
            self.run(job, ledger);
        }
    }

    /// Removes and returns the oldest event from the tape, with its effect on accounts.
    pub(crate) fn pop(&mut self) -> Option<(Event<'static>, AccountEffect)> {
        self.market.env.market.pop()
    }

    fn run(&mut self, job: Job, ledger: &Ledger) {
        let market = &mut self.market;
        match job {
            Job::Drift => self.drift(),
            Job::Jump => {
                let ticks = ordinary_jump(&mut market.env.rng);
                self.jump(ticks);
                self.market.env.add_after_wait(1.0 / JUMP_EVERY_SECS, Job::Jump);
            }
            Job::JumpBy(ticks) => self.jump(ticks),
            Job::News(ticks) => {
                self.jump(ticks);
                self.takers.react_to_news();
            }
            Job::PublishMark => self.publish_mark(),
            Job::PublishLoad => self.publish_load(),
            Job::TakerArrives => self.takers.arrive(market),
            Job::Shift(tenths_of_bps) => market.env.fair.shift(tenths_of_bps),
            Job::Lean(lean, until) => takers::arrive_leaning(market, lean, until),
            Job::Rush(until) => self.takers.arrive_in_rush(market, until),
            Job::Sweep => self.takers.sweep(market),
            Job::PlaceOrder => background::arrive(market),
            Job::CancelOrder(order, reason) => market.cancel(order, reason),
            Job::CancelQuotes(maker) => market.cancel_quotes(maker),
            Job::UpdateQuote(maker, slot) => market.update_quote(maker, slot),
            Job::WidenSide(maker, side) => market.widen_side(maker, side),
            Job::ThinOut => {
                let planted: Vec<u32> = self.bursts.iter().map(BurstRun::account).collect();
                withdrawal::thin_out(market, &planted);
            }
            Job::WithdrawMaker(maker) => withdrawal::withdraw_maker(market, maker),
            Job::Refill => withdrawal::refill(market),
            Job::MakersAway(length) => withdrawal::step_away(market, length),
            Job::SkewQuotes(side) => withdrawal::skew_quotes(market, side),
            Job::PlaceBurstOrder(index) => self.bursts[index].place_next(market),
            Job::CancelBurstOrder(index) => self.bursts[index].cancel_next(market),
            Job::ChangeLeverage(index) => self.leverage_changes[index].send_next(market, ledger),
            Job::ForceClose(index) => self.forced_closes[index].send_next(market, ledger),
        }
    }

    fn drift(&mut self) {
        let env = &mut self.market.env;
        // Drift follows density also below 1, where makers look at the fair value as often as at 1.
        let elapsed = secs(DRIFT_EVERY.secs_f64() * env.density.min(1.0));
        env.fair.drift(elapsed, &mut env.rng);
        self.market.react_to_drift();
        self.takers.look_for_stale(&mut self.market);
        self.market.env.add_after(DRIFT_EVERY, Job::Drift);
    }

    fn jump(&mut self, ticks: i64) {
        self.market.env.fair.jump(ticks);
        self.market.react_to_jump();
        self.takers.react_to_jump();
        self.takers.look_for_stale(&mut self.market);
    }

    fn publish_mark(&mut self) {
        let env = &mut self.market.env;
        let tenths = env.fair.ticks() * 10.0;
        let basis = env.rng.normal() * 3.0;
        env.market.tape.marked(env.now, floor(tenths), floor(tenths + basis));
        env.schedule.add(env.now.plus(MARK_EVERY), Job::PublishMark);
    }

    fn publish_load(&mut self) {
        let env = &mut self.market.env;
        let p50 = env.rng.between(80, 120);
        let p99 = p50 * 3 + env.rng.pareto(2.0, 2_000) * 20;
        env.market.tape.loaded(env.now, p50, p99);
        env.schedule.add(env.now.plus(LOAD_EVERY), Job::PublishLoad);
    }
}
