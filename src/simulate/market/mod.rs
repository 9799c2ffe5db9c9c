//! The market of one symbol: an order book with price–time matching, and the tape of events that it makes.
//!
//! The market has no will of its own: agents send orders, and the market accepts, matches, rests or cancels them and records
//! each step on the tape. No other code changes the book, so that every fill has a resting order and every cancel a live one.

mod book;
mod order;
mod scale;
mod tape;

use std::sync::Arc;

pub(super) use self::{
    book::RestingOrder,
    order::{Order, TimeInForce},
    scale::Scale,
    tape::{AccountEffect, Fill},
};
use self::{
    book::{Book, Match},
    tape::Tape,
};
use super::population::Population;
use crate::{
    event::{CancelReason, Event, Side},
    time::EventTime,
};

/// How far from the best price a market order may trade: the venue's price protection, in ticks.
const PROTECTION: i64 = 30;

/// One symbol's order book with its tape.
#[derive(Debug)]
pub(super) struct Market {
    book: Book,
    pub(super) tape: Tape,
    /// Matches of the order at hand; empty between orders, its allocation reused.
    matches: Vec<Match>,
}

impl Market {
    /// The empty market of the symbol with this index.
    pub(super) fn new(index: u32, scale: Scale, population: Arc<Population>) -> Self {
        Self { book: Book::default(), tape: Tape::new(index, scale, population), matches: Vec::new() }
    }

    /// The decimals of the symbol's ticks and lots.
    pub(super) const fn scale(&self) -> Scale {
        self.tape.scale
    }

    /// The best price of a side, in ticks.
    pub(super) fn best(&self, side: Side) -> Option<i64> {
        self.book.best(side)
    }

    /// An order, as long as it rests.
    pub(super) fn resting(&self, order: u64) -> Option<&RestingOrder> {
        self.book.get(order)
    }

    /// All resting orders with their ids, in order of the ids.
    pub(super) fn resting_orders(&self) -> impl Iterator<Item = (u64, &RestingOrder)> {
        self.book.iter()
    }

    /// The time of the oldest event on the tape.
    pub(super) fn next_ts(&self) -> Option<EventTime> {
        self.tape.next_ts()
    }

    /// Removes and returns the oldest event from the tape, with its effect on accounts.
    pub(super) fn pop(&mut self) -> Option<(Event<'static>, AccountEffect)> {
        self.tape.pop()
    }

    /// Accepts an order, trades it as far as possible, and rests or cancels the remainder. Returns the order's id if it rests.
    /// Appends to `filled` the account and side of every resting order of which nothing is left.
    pub(super) fn submit(&mut self, now: EventTime, order: &Order, filled: &mut Vec<(u32, Side)>) -> Option<u64> {
        let id = self.tape.accepted(now, order);
        let limit = order.price.or_else(|| self.protected_limit(order.side))?;
        if order.time_in_force == TimeInForce::PostOnly && self.book.crosses(order.side, limit) {
            self.tape.cancelled(now, id, order, CancelReason::PostOnly);
            return None;
        }
        let mut matches = std::mem::take(&mut self.matches);
        let lots = self.book.match_incoming(order.account, order.side, limit, order.lots, &mut matches);
        for step in matches.drain(..) {
            match step {
                Match::Trade { order: resting, maker, price, lots, filled: nothing_left } => {
                    self.tape.traded(now, (id, order), (resting, maker), price, lots);
                    if nothing_left {
                        filled.push((maker, order.side.opposite()));
                    }
                }
                Match::SelfTrade { order, was } => self.record_cancel(now, order, &was, CancelReason::SelfTrade),
            }
        }
        self.matches = matches;
        self.settle(now, id, &Order { lots, ..*order }, limit)
    }

    /// Rests or cancels what is left of an order after matching.
    fn settle(&mut self, now: EventTime, id: u64, left: &Order, price: i64) -> Option<u64> {
        match left.time_in_force {
            _ if left.lots == 0 => None,
            TimeInForce::GoodTillCancel | TimeInForce::PostOnly => {
                let &Order { account, side, lots, .. } = left;
                self.book.insert(id, RestingOrder { account, side, price, lots });
                Some(id)
            }
            TimeInForce::ImmediateOrCancel | TimeInForce::Liquidation => {
                let reason = if left.price.is_some() { CancelReason::Expired } else { CancelReason::System };
                self.tape.cancelled(now, id, left, reason);
                None
            }
        }
    }

    /// Cancels an order, if it still rests.
    pub(super) fn cancel(&mut self, now: EventTime, order: u64, reason: CancelReason) {
        if let Some(was) = self.book.cancel(order) {
            self.record_cancel(now, order, &was, reason);
        }
    }

    /// Gives a resting order another price and size, at the end of the queue at its new price.
    pub(super) fn replace(&mut self, now: EventTime, order: u64, with: RestingOrder) {
        self.book.cancel(order);
        self.book.insert(order, with);
        self.tape.replaced(now, with.account, order, with.price, with.lots);
    }

    fn record_cancel(&mut self, now: EventTime, order: u64, was: &RestingOrder, reason: CancelReason) {
        let &RestingOrder { account, side, price, lots } = was;
        let time_in_force = TimeInForce::GoodTillCancel;
        let left = Order { account, side, price: Some(price), lots, time_in_force };
        self.tape.cancelled(now, order, &left, reason);
    }

    /// The limit that price protection gives a market order; `None` where the other side is empty.
    fn protected_limit(&self, side: Side) -> Option<i64> {
        let best = self.book.best(side.opposite())?;
        Some(match side {
            Side::Buy => best + PROTECTION,
            Side::Sell => best - PROTECTION,
        })
    }
}
