//! The crowd: accounts that place a limit order, wait, and withdraw it if nobody took it.
//!
//! How long they wait is a mixture from seconds to minutes, so that withdrawals are spread and not in step with arrivals.

use super::{
    agenda::Job,
    dice::{Dice, secs, whole},
    market::Market,
    tape::{Entry, How, MAKER_ACCOUNTS},
    thin,
};
use crate::event::{CancelReason, Side};

/// Orders per second at density 1.
const PER_SEC: f64 = 1.6;
/// Share and mean wait in seconds of the impatient, the ordinary and the patient; nobody waits longer than the last.
const WAITS: [(f64, f64); 3] = [(0.3, 3.0), (0.4, 20.0), (0.3, 120.0)];
const WAIT_MAX: f64 = 600.0;
/// Tail index of the distance from the fair value (Bouchaud, Mézard, Potters 2002 find .6; less depth suffices here),
/// and the greatest distance in ticks.
const DISTANCE_INDEX: f64 = 1.0;
const DISTANCE_MAX: i64 = 50;
/// The greatest size in lots.
const LOTS_MAX: i64 = 100;

/// An account of the crowd; a few are busy and most are not.
pub(super) fn account(accounts: u32, dice: &mut Dice) -> u32 {
    let u = dice.unit();
    let crowd = accounts - MAKER_ACCOUNTS;
    let nth = u32::try_from(whole(u * u * f64::from(crowd))).unwrap_or(0).min(crowd - 1);
    MAKER_ACCOUNTS + 1 + nth
}

impl Market {
    /// Somebody places an order and will withdraw it, or lets it expire.
    pub(super) fn crowd_places(&mut self) {
        if !self.thin || self.crowd_stays() {
            self.crowd_places_one();
        }
        self.after_wait(PER_SEC, Job::Place);
    }

    fn crowd_places_one(&mut self) {
        let side = if self.dice.chance(0.5) { Side::Buy } else { Side::Sell };
        let out = self.dice.pareto(DISTANCE_INDEX, DISTANCE_MAX) - 1;
        let fair = self.fair.ticks();
        let entry = Entry {
            account: account(self.accounts, &mut self.dice),
            side,
            price: Some(if side == Side::Buy { whole(fair) - out } else { -whole(-fair) + out }),
            lots: self.dice.pareto(1.2, if self.thin { thin::CROWD_LOTS } else { LOTS_MAX }),
            how: if self.dice.chance(0.3) { How::PostOnly } else { How::Rest },
        };
        let wait = self.wait();
        if let Some(order) = self.submit(&entry) {
            let expires = self.dice.chance(0.1);
            let reason = if expires { CancelReason::Expired } else { CancelReason::User };
            self.later(secs(wait), Job::Withdraw(order, reason));
        }
    }

    fn wait(&mut self) -> f64 {
        let (mut u, mut mean) = (self.dice.unit(), WAITS[0].1);
        for (share, of) in WAITS {
            mean = of;
            if u < share {
                break;
            }
            u -= share;
        }
        (mean * self.dice.exponential()).min(WAIT_MAX)
    }
}
