//! Makers that withdraw, lean or step away, and the crowd that goes with them.
//!
//! A book thins as books do before a fall: one maker after another pulls its quotes and shows one small quote a side from then
//! on, and within half a minute nearly all of the crowd's orders near the touch are gone, half withdrawn and half expired;
//! who comes asks for little and offers little. Nothing moves the price. When they come back, the makers quote in full at once
//! and the crowd within a minute or two.

use super::{agenda::Job, makers::MAKERS, market::Market, planted::Plant, tape::MAKER_ACCOUNTS};
use crate::{
    event::{CancelReason, Side},
    time::Span,
};

/// A maker that has withdrawn shows this part of its size on one level of three: a sixtieth of what it did.
pub(super) const MAKER_SHARE: i64 = 20;
/// The greatest size of a crowd order, in lots.
pub(super) const CROWD_LOTS: i64 = 3;
/// Share of the crowd that still places orders, and that leaves theirs where they are.
const CROWD_STAYS: f64 = 0.12;
const CROWD_LEAVES: f64 = 0.04;
/// By when the crowd has withdrawn.
const CROWD_GONE: Span = Span::from_secs(25);
/// From one maker's withdrawal to the next.
const MAKER_AFTER: (Span, Span) = (Span::from_secs(2), Span::from_secs(6));
/// How far apart makers step away for a moment, and come back.
const TOGETHER: Span = Span::from_millis(100);

impl Market {
    /// Makers and crowd begin to withdraw.
    pub(super) fn thin_out(&mut self) {
        self.thin = true;
        let mut at = self.now;
        for maker in 0..MAKERS {
            self.agenda.add(at, Job::Retreat(maker));
            at = at.plus(self.dice.span(MAKER_AFTER.0, MAKER_AFTER.1));
        }
        let planted: Vec<u32> = self.plants.iter().map(Plant::account).collect();
        let crowd = |account| account > MAKER_ACCOUNTS && !planted.contains(&account);
        let orders: Vec<u64> = self.book.iter().filter(|(_, o)| crowd(o.account)).map(|(order, _)| order).collect();
        for order in orders {
            if !self.dice.chance(CROWD_LEAVES) {
                let reason = if self.dice.chance(0.5) { CancelReason::User } else { CancelReason::Expired };
                let at = self.now.plus(self.dice.span(Span::ZERO, CROWD_GONE));
                self.agenda.add(at, Job::Withdraw(order, reason));
            }
        }
    }

    /// One maker withdraws.
    pub(super) fn retreat(&mut self, maker: usize) {
        if self.thin {
            self.makers[maker].retreated = true;
            self.pull_quotes(maker);
            self.requote(maker, Span::from_millis(200));
        }
    }

    /// Makers and crowd come back.
    pub(super) fn refill(&mut self) {
        self.thin = false;
        for maker in 0..MAKERS {
            self.makers[maker].retreated = false;
            self.pull_quotes(maker);
            self.requote(maker, Span::from_millis(200));
        }
    }

    /// Whether one of the crowd places an order although the book is thin.
    pub(super) fn crowd_stays(&mut self) -> bool {
        self.dice.chance(CROWD_STAYS)
    }

    /// The makers pull everything, and quote anew after a while.
    pub(super) fn makers_go_away(&mut self, length: Span) {
        for maker in 0..MAKERS {
            let apart = self.dice.span(Span::ZERO, TOGETHER);
            self.pull_quotes(maker);
            self.requote(maker, self.real(Span::from_nanos(length.nanos() + apart.nanos())));
        }
    }

    /// The makers lean away from a side, or stand upright again.
    pub(super) fn makers_lean(&mut self, side: Option<Side>) {
        self.lean = side;
        for maker in 0..MAKERS {
            let delay = self.dice.span(Span::ZERO, Span::from_secs(2));
            self.pull_later(maker, self.real(delay));
        }
    }

    /// All quotes of a maker go and come back at once, which also changes their sizes.
    fn pull_later(&mut self, maker: usize, delay: Span) {
        self.later(delay, Job::Pull(maker));
        self.requote(maker, delay);
    }

    /// A delay that `later` will not shorten with density.
    fn real(&self, delay: Span) -> Span {
        super::dice::secs(delay.secs_f64() * self.density.max(1.0))
    }
}
