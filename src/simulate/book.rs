//! The simulator's limit order book: price–time priority, in whole ticks and lots.
//!
//! It is the venue's book, the one that decides who trades with whom; the product's own book, rebuilt from events, is
//! another and the two share no code, so that one can test the other. Levels are kept best first, orders in a level by
//! arrival. Whoever would meet an order of the same account has that older order cancelled first (self-trade prevention).

use std::collections::{BTreeMap, VecDeque};

use crate::event::Side;

/// An order in the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resting {
    pub(super) account: u32,
    pub(super) side: Side,
    /// In ticks.
    pub(super) price: i64,
    pub(super) lots: i64,
}

/// What an incoming order met, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Met {
    /// A trade with a resting order, and whether it is used up by it.
    Fill { order: u64, maker: u32, price: i64, lots: i64, done: bool },
    /// An older order of the same account, taken out of the book.
    Own { order: u64, was: Resting },
}

/// The resting orders of one symbol.
#[derive(Debug, Default)]
pub(super) struct Book {
    orders: BTreeMap<u64, Resting>,
    /// Best first: bids are keyed by minus their price.
    bids: BTreeMap<i64, VecDeque<u64>>,
    asks: BTreeMap<i64, VecDeque<u64>>,
}

const fn rank(side: Side, price: i64) -> i64 {
    match side {
        Side::Buy => -price,
        Side::Sell => price,
    }
}

impl Book {
    /// The best price of a side.
    pub(super) fn best(&self, side: Side) -> Option<i64> {
        self.side(side).first_key_value().map(|(&ranked, _)| rank(side, ranked))
    }

    /// An order, while it rests.
    pub(super) fn get(&self, order: u64) -> Option<&Resting> {
        self.orders.get(&order)
    }

    /// All resting orders with their ids, in order of the ids.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, &Resting)> {
        self.orders.iter().map(|(&order, resting)| (order, resting))
    }

    /// Whether an order at this price would trade at once.
    pub(super) fn crosses(&self, side: Side, price: i64) -> bool {
        let other = side.opposite();
        self.best(other).is_some_and(|best| rank(other, best) <= rank(other, price))
    }

    /// Puts an order in the book, last at its price.
    pub(super) fn rest(&mut self, order: u64, resting: Resting) {
        assert!(resting.lots > 0 && !self.crosses(resting.side, resting.price), "only what cannot trade rests");
        self.side_mut(resting.side).entry(rank(resting.side, resting.price)).or_default().push_back(order);
        let before = self.orders.insert(order, resting);
        assert!(before.is_none(), "order ids are used once");
    }

    /// Takes an order out.
    pub(super) fn cancel(&mut self, order: u64) -> Option<Resting> {
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

    /// Trades an incoming order as far as `limit` and its lots go; returns the lots left.
    pub(super) fn take(&mut self, account: u32, side: Side, limit: i64, lots: i64, met: &mut Vec<Met>) -> i64 {
        let other = side.opposite();
        let mut left = lots;
        while left > 0 && self.crosses(side, limit) {
            let Some(order) = self.side(other).first_key_value().and_then(|(_, level)| level.front().copied()) else {
                break;
            };
            let Some(resting) = self.orders.get_mut(&order) else { break };
            if resting.account == account {
                met.extend(self.cancel(order).map(|was| Met::Own { order, was }));
                continue;
            }
            let (maker, price, traded) = (resting.account, resting.price, left.min(resting.lots));
            resting.lots -= traded;
            left -= traded;
            let done = resting.lots == 0;
            if done {
                self.cancel(order);
            }
            met.push(Met::Fill { order, maker, price, lots: traded, done });
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

    fn ask(account: u32, price: i64, lots: i64) -> Resting {
        Resting { account, side: Side::Sell, price, lots }
    }

    #[test]
    fn the_best_price_trades_first_then_the_oldest_order() {
        let mut book = Book::default();
        book.rest(1, ask(1, 101, 5));
        book.rest(2, ask(2, 100, 5));
        book.rest(3, ask(3, 100, 5));
        let mut met = Vec::new();
        assert_eq!(book.take(9, Side::Buy, 101, 12, &mut met), 0);
        let orders: Vec<_> = met
            .iter()
            .map(|m| match *m {
                Met::Fill { order, price, lots, done, .. } => (order, price, lots, done),
                Met::Own { .. } => unreachable!("nobody trades with himself here"),
            })
            .collect();
        assert_eq!(orders, [(2, 100, 5, true), (3, 100, 5, true), (1, 101, 2, false)]);
        assert_eq!(book.get(1).map(|o| o.lots), Some(3));
    }

    #[test]
    fn the_limit_is_kept_and_the_rest_is_left() {
        let mut book = Book::default();
        book.rest(1, ask(1, 100, 5));
        book.rest(2, ask(2, 102, 5));
        let mut met = Vec::new();
        assert_eq!(book.take(9, Side::Buy, 101, 12, &mut met), 7);
        assert_eq!((met.len(), book.best(Side::Sell), book.best(Side::Buy)), (1, Some(102), None));
    }

    #[test]
    fn an_own_resting_order_gives_way() {
        let mut book = Book::default();
        book.rest(1, ask(9, 100, 5));
        book.rest(2, ask(2, 100, 5));
        let mut met = Vec::new();
        assert_eq!(book.take(9, Side::Buy, 100, 5, &mut met), 0);
        assert_eq!(met[0], Met::Own { order: 1, was: ask(9, 100, 5) });
        assert!(matches!(met[1], Met::Fill { order: 2, .. }));
        assert_eq!(book.best(Side::Sell), None);
    }
}
