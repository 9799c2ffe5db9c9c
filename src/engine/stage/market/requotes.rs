//! Withdrawals that wait for a second, in case they are put back.
//!
//! A maker that follows the price cancels and places the same exposure all day long, and has withdrawn as much as it has
//! placed at any time. Such moves are no withdrawals. So a withdrawal counts for its party only if it has stayed for a second:
//! what the party places on the same side of the same symbol within that second is put back, at whatever price. What comes
//! later is not: exposure that was withdrawn for longer was withdrawn. The party is the owner, where the venue names one: an
//! exposure that moves from one account of a firm to another is still there.
//!
//! A maker that moves both sides together is judged on each: a side that is back is no withdrawal, and one that is not back
//! is one. An order counts as put back with half of its quantity, because makers change their sizes as they move.
//!
//! A placement puts back what was withdrawn last, and then what was withdrawn before that:
//!
//! ```text
//!   t   0       400     500     1,000 ms
//!       −10     −10     +10               the second is back; the first has stayed and counts at 1,000
//! ```
//! Exactly the exposure that was missing for a second counts. If the oldest were put back first, a party that withdraws for
//! two seconds and begins to come back in the second one would have withdrawn next to nothing. The withdrawals of one party,
//! symbol and side form a stack in the queue of all; a withdrawal and a placement cost a step each, whatever waits. So parties
//! are judged a second late; the detectors of the symbol itself see every withdrawal at once.
//!
//! This module does not see prices: an order that is put back far from the touch counts as put back. The depth near the
//! touch shows that (`thin_book`).

use std::collections::VecDeque;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use crate::{
    book::Party,
    engine::observe::Occupancy,
    event::{Origin, Side},
    table::{Handle, Table},
    time::{EventTime, Span},
};

/// How long a withdrawal waits: makers are back within a second, and a party may be judged so late.
pub const WITHIN: Span = Span::from_secs(1);
/// The share of a quantity with which it counts as put back.
const BACK_MIN: f64 = 0.5;
/// Withdrawals that wait at once, some 160 B each: ten times what a partition of the busiest venue withdraws in a second.
/// Beyond that the oldest are judged early.
const WAITING_MAX: usize = 100_000;

/// A party that quotes on a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Quoter {
    /// The owner, or the account where the owner is unknown.
    pub party: Handle,
    /// Whether the party is an owner. Accounts and owners are in tables of their own, with the same handles.
    pub is_owner: bool,
    /// The symbol.
    pub symbol: Handle,
}

impl Quoter {
    /// The quoter that a party is on a symbol.
    pub fn of(Party { account, owner }: Party, symbol: Handle) -> Self {
        Self { party: owner.unwrap_or(account), is_owner: owner.is_some(), symbol }
    }
}

/// A withdrawal of an order.
#[derive(Clone, Copy)]
pub struct Withdrawal<'a> {
    /// The party.
    pub party: Party,
    /// The symbol.
    pub symbol: Handle,
    /// The order's id.
    pub order: &'a str,
    /// Side, quantity and age, where the order was known.
    pub rested: Option<(Side, f64, Span)>,
    /// Its price times quantity; 0 where the order was not known.
    pub notional: f64,
}

/// A withdrawal that waits.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Waiting {
    /// The account.
    pub account: Handle,
    /// The symbol.
    pub symbol: Handle,
    /// The order's id.
    pub order: CompactString,
    /// The record.
    pub origin: Origin,
    /// When the withdrawal has stayed for its second, by the clock of the feed.
    pub due: EventTime,
    /// The same instant by the withdrawal's own time, which may be behind the clock.
    pub at: EventTime,
    /// Its price times quantity; 0 where the order was not known.
    notional: f64,
    /// The exposure, where the order was known.
    exposure: Option<Exposure>,
}

/// The exposure of a withdrawal, in the stack of its party, symbol and side.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Exposure {
    quoter: Handle,
    side: Side,
    quantity: f64,
    /// How much of it is not put back.
    left: f64,
    /// The withdrawal before it of which something is left.
    below: Option<u64>,
}

/// The withdrawals of one party on one symbol, by side. A number is that of a withdrawal, which may no longer wait.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
struct Moves {
    /// The newest withdrawal of which something is left.
    top: [Option<u64>; 2],
    /// The newest withdrawal.
    newest: [Option<u64>; 2],
    /// Withdrawals that wait.
    waiting: u32,
}

/// The withdrawals of one feed that wait, in the order in which they are due.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Requotes {
    waiting: VecDeque<Waiting>,
    /// The number of the first one that waits.
    first: u64,
    quoters: Table<Quoter, Moves>,
    judged_early: u64,
}

impl Default for Requotes {
    fn default() -> Self {
        // Each entry has a withdrawal that waits, so none is ever evicted.
        Self { waiting: VecDeque::new(), first: 0, quoters: Table::new(WAITING_MAX), judged_early: 0 }
    }
}

impl Requotes {
    /// The withdrawals that wait, and how many were judged early for want of room.
    #[must_use]
    pub fn occupancy(&self) -> Occupancy {
        Occupancy { held: self.waiting.len() as u64, evicted: self.judged_early }
    }

    /// Takes the oldest withdrawal if there is no room for another one; it must then be judged.
    pub fn make_room(&mut self) -> Option<Waiting> {
        if self.waiting.len() < WAITING_MAX {
            return None;
        }
        self.judged_early += 1;
        self.first += 1;
        self.waiting.pop_front()
    }

    /// Lets a withdrawal wait. There must be room.
    pub fn add(&mut self, quoter: Quoter, exposure: Option<(Side, f64)>, mut waiting: Waiting) {
        let number = self.first + self.waiting.len() as u64;
        waiting.exposure = exposure.map(|(side, quantity)| {
            let found = self.quoters.find(&quoter);
            let handle = found.unwrap_or_else(|| self.quoters.insert(quoter, Moves::default()).0);
            let moves = self.quoters.get_mut(handle).expect(FOUND);
            moves.waiting += 1;
            moves.newest[side as usize] = Some(number);
            let below = moves.top[side as usize].replace(number);
            Exposure { quoter: handle, side, quantity, left: quantity, below }
        });
        self.waiting.push_back(waiting);
    }

    /// Notes that a party has placed a quantity. Returns how much of it puts back what it has withdrawn.
    pub fn placed(&mut self, quoter: &Quoter, side: Side, quantity: f64) -> f64 {
        let Some(handle) = self.find(quoter) else { return 0.0 };
        let (mut rest, mut top) = (quantity, self.quoters.get(handle).expect(FOUND).top[side as usize]);
        while rest > 0.0
            && let Some(number) = top
            && let Some(exposure) = self.exposure(number)
        {
            let back = rest.min(exposure.left);
            exposure.left -= back;
            rest -= back;
            if exposure.left > 0.0 {
                break;
            }
            top = exposure.below;
        }
        self.quoters.get_mut(handle).expect(FOUND).top[side as usize] = top;
        quantity - rest
    }

    /// Notes that the venue has taken out a quantity that the party had just placed: it puts back nothing, and is missing from
    /// the newest withdrawal.
    pub fn refused(&mut self, quoter: &Quoter, side: Side, quantity: f64) {
        let Some(handle) = self.find(quoter) else { return };
        let moves = *self.quoters.get(handle).expect(FOUND);
        let Some(newest) = moves.newest[side as usize] else { return };
        let Some(exposure) = self.exposure(newest) else { return };
        let was_back = exposure.left <= 0.0;
        exposure.left += quantity;
        if was_back {
            exposure.below = moves.top[side as usize];
            self.quoters.get_mut(handle).expect(FOUND).top[side as usize] = Some(newest);
        }
    }

    /// Takes the next withdrawal that has waited for its second at a time.
    pub fn pop_due(&mut self, now: EventTime) -> Option<Waiting> {
        let waiting = self.waiting.pop_front_if(|waiting| waiting.due <= now)?;
        self.first += 1;
        Some(waiting)
    }

    /// Settles a withdrawal that was taken. Returns whether it was put back.
    pub fn settle(&mut self, waiting: &Waiting) -> bool {
        let Some(Exposure { quoter, quantity, left, .. }) = waiting.exposure else { return false };
        let moves = self.quoters.get_mut(quoter).expect(FOUND);
        moves.waiting -= 1;
        if moves.waiting == 0 {
            self.quoters.remove(quoter);
        }
        is_back(quantity - left, quantity)
    }

    fn find(&self, quoter: &Quoter) -> Option<Handle> {
        if self.waiting.is_empty() { None } else { self.quoters.find(quoter) }
    }

    /// The exposure of a withdrawal by its number; `None` if it no longer waits. All below it are older.
    fn exposure(&mut self, number: u64) -> Option<&mut Exposure> {
        let nth = usize::try_from(number.checked_sub(self.first)?).ok()?;
        self.waiting.get_mut(nth)?.exposure.as_mut()
    }
}

/// The invariant behind the entry of a party.
const FOUND: &str = "a party with a withdrawal that waits is in its table";

impl Waiting {
    /// A withdrawal at a time, while the clock of the feed is at another one.
    #[must_use]
    pub fn new(
        (account, symbol): (Handle, Handle),
        (order, notional): (&str, f64),
        origin: Origin,
        (at, clock): (EventTime, EventTime),
    ) -> Self {
        let (order, due, at) = (CompactString::new(order), clock.plus(WITHIN), at.plus(WITHIN));
        Self { account, symbol, order, origin, due, at, notional, exposure: None }
    }

    /// The side on which the order rested, and its price times quantity; `None` where it was not known.
    #[must_use]
    pub fn rested(&self) -> Option<(Side, f64)> {
        self.exposure.map(|exposure| (exposure.side, self.notional))
    }
}

/// Whether so much of a quantity is put back that the whole counts as put back.
#[must_use]
pub fn is_back(back: f64, quantity: f64) -> bool {
    back >= BACK_MIN * quantity
}

#[cfg(test)]
mod tests;
