//! A symbol that is sent as levels instead of orders, with snapshots that come after later deltas.
//!
//! The levels are summed from the symbol's orders in the simplest way, because they test the product's own books. All changes
//! of one instant are one delta, as venues publish them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::distortion::Distortion;
use crate::{
    event::{Body, BookDelta, BookSnapshot, Decimal, Event, Level, Name, Price, Side},
    simulate::item::Item,
    time::{EventTime, Span},
};

/// How long the answer to a request for a snapshot takes.
const ANSWER: Span = Span::from_millis(1_500);
/// How long the book may be without a snapshot.
pub(super) const LASTS: Span = Span::from_secs(10);

/// Makes levels of the orders of one symbol.
#[derive(Debug)]
pub(super) struct LateSnapshot {
    symbol: Name<'static>,
    orders: BTreeMap<Name<'static>, (Side, Price, Decimal)>,
    levels: BTreeMap<(Side, Price), Decimal>,
    /// The levels that the present instant has changed.
    changed: BTreeSet<(Side, Price)>,
    clock: EventTime,
    seq: u64,
    /// The times at which the reader asks for a snapshot, and whether a delta is lost first.
    requests: VecDeque<(EventTime, bool)>,
    /// A snapshot on its way, and when it arrives.
    answer: Option<(EventTime, Event<'static>)>,
    /// Number of snapshots so far.
    answered: u32,
}

impl LateSnapshot {
    pub(super) fn new(symbol: Name<'static>, start: EventTime, loses_at: EventTime) -> Self {
        Self {
            symbol,
            orders: BTreeMap::new(),
            levels: BTreeMap::new(),
            changed: BTreeSet::new(),
            clock: start,
            seq: 0,
            requests: VecDeque::from([(start, false), (loses_at, true)]),
            answer: None,
            answered: 0,
        }
    }

    fn event(&mut self, ts: EventTime, body: Body<'static>) -> Event<'static> {
        self.seq += 1;
        Event { ts, symbol: Some(self.symbol.clone()), seq: Some(self.seq), account: None, owner: None, body }
    }

    /// Sends the levels that the last instant has changed, and asks for a snapshot where one is due.
    fn flush(&mut self, arrived: &mut VecDeque<Item>) {
        if self.changed.is_empty() {
            return;
        }
        let mut sides = [Vec::new(), Vec::new()];
        for (side, price) in std::mem::take(&mut self.changed) {
            let quantity = self.levels.get(&(side, price)).copied().unwrap_or(Decimal::ZERO);
            sides[side as usize].push(Level(price, quantity));
        }
        let [bids, asks] = sides;
        let delta = self.event(self.clock, Body::BookDelta(BookDelta { bids, asks, prev_seq: None }));
        let request = self.requests.front().copied().filter(|(at, _)| *at <= self.clock && self.answer.is_none());
        let Some((_, loses)) = request else {
            arrived.push_back(Item::Event(delta));
            return;
        };
        self.requests.pop_front();
        if loses {
            // The reader notices with the next delta, and asks then.
            self.requests.push_front((self.clock, false));
            return;
        }
        arrived.push_back(Item::Event(delta));
        self.answer = Some((self.clock.plus(ANSWER), self.snapshot()));
    }

    fn snapshot(&self) -> Event<'static> {
        let of = |wanted: Side| {
            let levels = self.levels.iter().filter(move |((side, _), _)| *side == wanted);
            levels.map(|(&(_, price), &quantity)| Level(price, quantity))
        };
        let (mut bids, asks): (Vec<Level>, Vec<Level>) = (of(Side::Buy).collect(), of(Side::Sell).collect());
        bids.reverse();
        let body = Body::BookSnapshot(BookSnapshot { bids, asks });
        let (symbol, seq) = (Some(self.symbol.clone()), Some(self.seq));
        Event { ts: self.clock, symbol, seq, account: None, owner: None, body }
    }

    /// Lets a snapshot arrive once it is due. Every other snapshot is stamped with the time of its receipt, as for venues that
    /// state no time.
    fn answer(&mut self, at: EventTime, arrived: &mut VecDeque<Item>) {
        let Some((due, mut snapshot)) = self.answer.take() else { return };
        if due > at {
            self.answer = Some((due, snapshot));
            return;
        }
        if self.answered % 2 == 1 {
            snapshot.ts = due;
        }
        self.answered += 1;
        arrived.push_back(Item::Event(snapshot));
    }

    /// Changes the quantity of a level.
    fn change(&mut self, side: Side, price: Price, more: Decimal, less: Decimal) {
        let level = self.levels.entry((side, price)).or_insert(Decimal::ZERO);
        *level = level.plus(more).minus(less);
        if !level.is_positive() {
            self.levels.remove(&(side, price));
        }
        self.changed.insert((side, price));
    }

    fn rest(&mut self, order: Name<'static>, side: Side, price: Price, quantity: Decimal) {
        self.change(side, price, quantity, Decimal::ZERO);
        self.orders.insert(order, (side, price, quantity));
    }

    fn end(&mut self, order: &Name<'static>) -> Option<Side> {
        let (side, price, quantity) = self.orders.remove(order)?;
        self.change(side, price, Decimal::ZERO, quantity);
        Some(side)
    }

    fn fill(&mut self, order: &Name<'static>, quantity: Decimal) {
        let Some((side, price, left)) = self.orders.get(order).copied() else { return };
        self.end(order);
        let left = left.minus(quantity);
        if left.is_positive() {
            self.rest(order.clone(), side, price, left);
        }
    }

    /// Applies an event of the symbol to the levels. Returns the event that is sent in its place; none for an order's.
    fn take(&mut self, mut event: Event<'static>) -> Option<Event<'static>> {
        if let Body::OrderNew(new) = &event.body {
            if let Some(price) = new.price {
                self.rest(new.order.clone(), new.side, price, new.qty.get());
            }
            return None;
        }
        if let Body::OrderReplace(replace) = &event.body {
            let id = replace.new_order.clone().unwrap_or_else(|| replace.order.clone());
            if let Some(side) = self.end(&replace.order) {
                self.rest(id, side, replace.price, replace.qty.get());
            }
            return None;
        }
        if let Body::OrderCancel(cancel) = &event.body {
            self.end(&cancel.order);
            return None;
        }
        if let Body::Trade(trade) = &mut event.body {
            for order in [trade.maker_order.take(), trade.taker_order.take()].into_iter().flatten() {
                self.fill(&order, trade.qty.get());
            }
        }
        if event.seq.is_some() {
            self.seq += 1;
            event.seq = Some(self.seq);
        }
        Some(event)
    }
}

impl Distortion for LateSnapshot {
    fn pass(&mut self, item: Item, arrived: &mut VecDeque<Item>) {
        let at = match &item {
            Item::Event(event) => event.ts,
            Item::Heartbeat(at) => *at,
        };
        if at > self.clock {
            self.flush(arrived);
            self.answer(at, arrived);
            self.clock = at;
        }
        if let Item::Event(event) = &item
            && event.symbol.as_ref() == Some(&self.symbol)
        {
            arrived.extend(self.take(event.clone()).map(Item::Event));
        } else {
            arrived.push_back(item);
        }
    }
}
