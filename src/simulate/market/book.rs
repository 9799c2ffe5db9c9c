//! The venue's limit order book: price–time priority, in whole ticks and lots.
//!
//! This book decides who trades with whom. The product's own book, rebuilt from events, shares no code with it, so that one
//! can test the other. Levels are kept best first, orders in a level by arrival. Where an incoming order would trade with an
//! order of the same account, the resting order is cancelled first (self-trade prevention).

use std::collections::{BTreeMap, VecDeque};

use crate::event::Side;

/// An order that rests in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RestingOrder {
    pub(crate) account: u32,
    pub(crate) side: Side,
    /// Price in ticks.
    pub(crate) price: i64,
    pub(crate) lots: i64,
}

/// One step of matching an incoming order with the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    /// A trade with a resting order; `filled` if nothing of that order is left.
    Trade { order: u64, maker: u32, price: i64, lots: i64, filled: bool },
    /// A resting order of the same account, removed from the book.
    SelfTrade { order: u64, was: RestingOrder },
}

/// The resting orders of one symbol.
#[derive(Debug, Default)]
pub(super) struct Book {
    orders: BTreeMap<u64, RestingOrder>,
    /// Best first: bids are keyed by minus their price.
    bids: BTreeMap<i64, VecDeque<u64>>,
    asks: BTreeMap<i64, VecDeque<u64>>,
}

/// Key of a price level: the best price of a side has the lowest one.
const fn rank(side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => -price,
        Side::Sell => price,
    }
}

impl Book {
    /// The best price of a side, in ticks.
    pub(super) fn best(&self, side: Side) -> Option<i64> {
        self.side(side).first_key_value().map(|(&ranked, _)| rank(side, ranked))
    }

    /// An order, as long as it rests.
    pub(super) fn get(&self, order: u64) -> Option<&RestingOrder> {
        self.orders.get(&order)
    }

    /// All resting orders with their ids, in order of the ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &RestingOrder)> {
        self.orders.iter().map(|(&order, resting)| (order, resting))
    }

    /// Whether an order at this price would trade at once.
    pub(super) fn crosses(&self, side: Side, price: i64) -> bool {
        let other = side.opposite();
        self.best(other).is_some_and(|best| rank(other, best) <= rank(other, price))
    }

    /// Adds an order, last at its price.
    pub(super) fn insert(&mut self, order: u64, resting: RestingOrder) {
        assert!(
            resting.lots > 0 && !self.crosses(resting.side, resting.price),
            "only an order that cannot trade may rest"
        );
        self.side_mut(resting.side).entry(rank(resting.side, resting.price)).or_default().push_back(order);
        let before = self.orders.insert(order, resting);
        assert!(before.is_none(), "order ids are used once");
    }

    /// Removes an order, if it rests.
    pub(super) fn cancel(&mut self, order: u64) -> Option<RestingOrder> {
        let was = self.orders.remove(&order)?;
        let levels = self.side_mut(was.side);
        if let Some(level) = levels.get_mut(&rank(was.side, was.price)) {
            level.retain(|&other| other != order);
            if level.is_empty() {
                levels.remove(&rank(was.side, was.price));
            }
        }
        Some(was)
    }

    /// Matches an incoming order as far as `limit` and its lots allow; returns the lots left.
    pub(super) fn match_incoming(
        &mut self,
        account: u32,
        side: Side,
        limit: i64,
        lots: i64,
        matches: &mut Vec<Match>,
    ) -> i64 {
        let other = side.opposite();
        let mut left = lots;
        while left > 0 && self.crosses(side, limit) {
            let Some(order) = self.side(other).first_key_value().and_then(|(_, level)| level.front().copied()) else {
                break;
            };
            let Some(resting) = self.orders.get_mut(&order) else { break };
            if resting.account == account {
                matches.extend(self.cancel(order).map(|was| Match::SelfTrade { order, was }));
                continue;
            }
            let (maker, price, traded) = (resting.account, resting.price, left.min(resting.lots));
            resting.lots -= traded;
            left -= traded;
            let filled = resting.lots == 0;
            if filled {
                self.cancel(order);
            }
            matches.push(Match::Trade { order, maker, price, lots: traded, filled });
        }
        left
    }

    fn side(&self, side: Side) -> &BTreeMap<i64, VecDeque<u64>> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut BTreeMap<i64, VecDeque<u64>> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(account: u32, price: i64, lots: i64) -> RestingOrder {
        RestingOrder { account, side: Side::Sell, price, lots }
    }

    #[test]
    fn the_best_price_trades_first_then_the_oldest_order() {
        let mut book = Book::default();
        book.insert(1, ask(1, 101, 5));
        book.insert(2, ask(2, 100, 5));
        book.insert(3, ask(3, 100, 5));
        let mut matches = Vec::new();
        assert_eq!(book.match_incoming(9, Side::Buy, 101, 12, &mut matches), 0);
        let orders: Vec<_> = matches
            .iter()
            .map(|m| match *m {
                Match::Trade { order, price, lots, filled, .. } => (order, price, lots, filled),
                Match::SelfTrade { .. } => unreachable!("no account trades with itself here"),
            })
            .collect();
        assert_eq!(orders, [(2, 100, 5, true), (3, 100, 5, true), (1, 101, 2, false)]);
        assert_eq!(book.get(1).map(|o| o.lots), Some(3));
    }

    #[test]
    fn an_order_trades_up_to_its_limit_and_the_remainder_is_returned() {
        let mut book = Book::default();
        book.insert(1, ask(1, 100, 5));
        book.insert(2, ask(2, 102, 5));
        let mut matches = Vec::new();
        assert_eq!(book.match_incoming(9, Side::Buy, 101, 12, &mut matches), 7);
        assert_eq!((matches.len(), book.best(Side::Sell), book.best(Side::Buy)), (1, Some(102), None));
    }

    #[test]
    fn a_resting_order_of_the_same_account_is_removed_first() {
        let mut book = Book::default();
        book.insert(1, ask(9, 100, 5));
        book.insert(2, ask(2, 100, 5));
        let mut matches = Vec::new();
        assert_eq!(book.match_incoming(9, Side::Buy, 100, 5, &mut matches), 0);
        assert_eq!(matches[0], Match::SelfTrade { order: 1, was: ask(9, 100, 5) });
        assert!(matches!(matches[1], Match::Trade { order: 2, .. }));
        assert_eq!(book.best(Side::Sell), None);
    }
}
