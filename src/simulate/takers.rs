//! Takers: arrivals that excite each other, sizes with a heavy tail, sides that persist; and those who pick off stale quotes.

use super::{
    agenda::Job,
    crowd,
    dice::Dice,
    hawkes::Hawkes,
    market::Market,
    tape::{Entry, How},
};
use crate::{
    event::Side,
    time::{EventTime, Span},
};

/// Arrivals per second at density 1, and how many a mean arrival excites.
const PER_SEC: f64 = 0.65;
const BRANCHING: f64 = 0.6;
/// Tail index of the sizes (Gopikrishnan and others 2000: about 1.5), and the greatest size in lots.
const SIZE_INDEX: f64 = 1.5;
const SIZE_MAX: i64 = 400;
/// How likely the side stays the same as the last taker's.
const SAME_SIDE: f64 = 0.6;
/// How many arrivals a jump is worth.
const STIR: f64 = 2.0;
/// How many more news is worth: with what they excite in turn, some 25 trades within 20 s where 13 are usual. News that
/// brings as many as a planted burst would be one.
const HEAR: f64 = 12.0;
/// A rush: how many times the ordinary arrivals come on top of them, and how many more a second, so that it can be told from
/// chance where almost nobody trades.
const RUSH_TIMES: f64 = 9.0;
const RUSH_MORE: f64 = 3.0;
/// How far a price may be on the wrong side of the fair value before somebody takes it, in ticks.
const STALE: f64 = 2.0;

/// The takers of a symbol.
#[derive(Debug)]
pub(super) struct Takers {
    arrivals: Hawkes,
    dice: Dice,
    last: Side,
    /// Somebody is already on the way to take what is stale.
    sweeping: bool,
}

impl Takers {
    pub(super) fn new(density: f64, start: EventTime, dice: &mut Dice) -> Self {
        // After the makers' first quotes. A stream of its own keeps arrivals the same whatever else is planted.
        let open = start.plus(Span::from_secs(3));
        let arrivals = Hawkes::new(PER_SEC * density, BRANCHING, open);
        Self { arrivals, dice: dice.fork(), last: Side::Buy, sweeping: false }
    }

    /// News makes takers arrive.
    pub(super) fn stir(&mut self) {
        self.arrivals.excite(STIR);
    }

    /// News that everybody hears.
    pub(super) fn hear(&mut self) {
        self.arrivals.excite(HEAR);
    }
}

impl Market {
    /// Asks for the next taker.
    pub(super) fn next_take(&mut self) {
        let at = self.takers.arrivals.next(&mut self.takers.dice);
        self.agenda.add(at, Job::Take);
    }

    /// A taker arrives and takes.
    pub(super) fn taker_arrives(&mut self) {
        self.take();
        self.next_take();
    }

    /// One of a rush of takers, and the next.
    pub(super) fn rush(&mut self, until: EventTime) {
        self.take();
        let next = self.now.plus(self.dice.wait(RUSH_TIMES * PER_SEC * self.density + RUSH_MORE));
        if next <= until {
            self.agenda.add(next, Job::Rush(until));
        }
    }

    fn take(&mut self) {
        let side = if self.dice.chance(SAME_SIDE) { self.takers.last } else { self.takers.last.opposite() };
        self.takers.last = side;
        let account = crowd::account(self.accounts, &mut self.dice);
        let lots = (2 * self.dice.pareto(SIZE_INDEX, SIZE_MAX)).min(SIZE_MAX);
        // Whoever sees that nothing is there asks for little.
        let lots = if self.thin { 1 } else { lots };
        let best = self.book.best(side.opposite());
        match best {
            _ if self.dice.chance(0.005) => self.tape.refused(self.now, account, "insufficient_margin"),
            None => self.tape.refused(self.now, account, "no_liquidity"),
            Some(best) => {
                let through = self.dice.between(0, 4);
                let limit = if side == Side::Buy { best + through } else { best - through };
                let price = self.dice.chance(0.4).then_some(limit);
                self.submit(&Entry { account, side, price, lots, how: How::Immediate });
            }
        }
    }

    /// If a price is on the wrong side of the fair value, somebody sets out to take it.
    pub(super) fn look_for_stale(&mut self) {
        if !self.takers.sweeping && (self.stale(Side::Sell) || self.stale(Side::Buy)) {
            self.takers.sweeping = true;
            let delay = self.dice.span(Span::from_millis(50), Span::from_millis(400));
            self.later(delay, Job::Sweep);
        }
    }

    fn stale(&self, side: Side) -> bool {
        let fair = self.fair.ticks();
        self.book.best(side).is_some_and(|best| match side {
            Side::Sell => best as f64 <= fair - STALE,
            Side::Buy => best as f64 >= fair + STALE,
        })
    }

    /// Takes what is stale, up to the fair value.
    pub(super) fn sweep(&mut self) {
        self.takers.sweeping = false;
        for side in [Side::Buy, Side::Sell] {
            if self.stale(side.opposite()) {
                let account = crowd::account(self.accounts, &mut self.dice);
                let fair = super::dice::whole(self.fair.ticks());
                let price = Some(if side == Side::Buy { fair - 1 } else { fair + 1 });
                let lots = self.dice.between(10, 80);
                let lots = if self.thin { 1 } else { lots };
                self.submit(&Entry { account, side, price, lots, how: How::Immediate });
            }
        }
    }
}
