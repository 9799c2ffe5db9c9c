//! A market that is closed for a while or for good: no orders or trades of it reach the reader meanwhile.
//!
//! A venue that states the closure takes all resting orders out first, and lets them in again in an auction at the end,
//! which prints one trade without an aggressor. Where it states nothing, the reader only sees that other orders rest afterwards.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::distortion::Distortion;
use crate::{
    event::{
        Body, CancelReason, Event, Key, Name, OrderCancel, OrderNew, Quantity, Trade, TradingPhase, TradingStatus,
    },
    simulate::item::Item,
    time::{EventTime, Span},
};

/// How long before the reopening the auction begins.
const AUCTION: Span = Span::from_secs(60);

/// The kinds of closures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The venue halts one symbol, and sends the status.
    Halt,
    /// The venue closes, and sends the status.
    Close,
    /// The venue closes, and sends no status.
    Pause,
    /// The orders of one symbol expire, and it never trades again.
    Expiry,
}

impl Kind {
    /// How long the market is closed; `None` if it is for good.
    pub(super) const fn lasts(self) -> Option<Span> {
        match self {
            Self::Halt => Some(Span::from_secs(300)),
            Self::Close | Self::Pause => Some(Span::from_secs(480)),
            Self::Expiry => None,
        }
    }

    /// Whether all symbols are closed.
    pub(super) const fn is_of_venue(self) -> bool {
        matches!(self, Self::Close | Self::Pause)
    }
}

/// The stages of a closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Open,
    Closed,
    Auction,
    Reopened,
}

/// Closes the market of one symbol or of all.
#[derive(Debug)]
pub(super) struct Closure {
    kind: Kind,
    /// The symbol that is closed; `None` for all.
    symbol: Option<Name<'static>>,
    from: EventTime,
    until: EventTime,
    stage: Stage,
    /// The orders that rest, by symbol and id, each as the event that would place what is left of it.
    resting: BTreeMap<(Name<'static>, Name<'static>), Event<'static>>,
    /// The orders that the reader knows to rest.
    known: BTreeSet<(Name<'static>, Name<'static>)>,
    /// The last price of each symbol, as its last trade.
    prints: BTreeMap<Name<'static>, Trade<'static>>,
    /// The number of each symbol's last event, as it is sent.
    numbers: BTreeMap<Name<'static>, u64>,
}

impl Closure {
    pub(super) fn new(kind: Kind, symbol: Name<'static>, from: EventTime) -> Self {
        Self {
            kind,
            symbol: if kind.is_of_venue() { None } else { Some(symbol) },
            from,
            until: kind.lasts().map_or(EventTime::from_nanos(i64::MAX), |lasts| from.plus(lasts)),
            stage: Stage::Open,
            resting: BTreeMap::new(),
            known: BTreeSet::new(),
            prints: BTreeMap::new(),
            numbers: BTreeMap::new(),
        }
    }

    /// Whether the venue sends the status of the closure.
    fn is_stated(&self) -> bool {
        matches!(self.kind, Kind::Halt | Kind::Close)
    }

    /// Does what is due by a time.
    fn advance(&mut self, at: EventTime, arrived: &mut VecDeque<Item>) {
        if self.stage == Stage::Open && at >= self.from {
            self.stage = Stage::Closed;
            self.state(
                if self.kind == Kind::Halt { TradingPhase::Halted } else { TradingPhase::Closed },
                self.from,
                arrived,
            );
            if self.kind != Kind::Pause {
                self.take_out(self.from, arrived);
            }
        }
        let auction = self.until.minus(AUCTION);
        if self.stage == Stage::Closed && at >= auction {
            self.stage = Stage::Auction;
            self.state(TradingPhase::Auction, auction, arrived);
        }
        if self.stage == Stage::Auction && at >= self.until {
            self.stage = Stage::Reopened;
            self.reopen(arrived);
        }
    }

    /// Sends a status, where the venue states any.
    fn state(&mut self, status: TradingPhase, ts: EventTime, arrived: &mut VecDeque<Item>) {
        if !self.is_stated() {
            return;
        }
        let body = Body::TradingStatus(TradingStatus { status, reason: None, until: None });
        let status = Event { ts, symbol: self.symbol.clone(), seq: None, account: None, owner: None, body };
        self.send(status, arrived);
    }

    /// Sends the cancels of all orders that the reader knows.
    fn take_out(&mut self, ts: EventTime, arrived: &mut VecDeque<Item>) {
        let reason = if self.kind == Kind::Expiry { CancelReason::Expired } else { CancelReason::System };
        for (symbol, order) in std::mem::take(&mut self.known) {
            let cancel = OrderCancel { order, side: None, price: None, qty: None, reason: Some(reason) };
            let body = Body::OrderCancel(cancel);
            self.send(Event { ts, symbol: Some(symbol), seq: Some(0), account: None, owner: None, body }, arrived);
        }
    }

    /// Replaces the orders that the reader knows by those that rest now, and sends the auction's trades and the status.
    fn reopen(&mut self, arrived: &mut VecDeque<Item>) {
        self.take_out(self.until, arrived);
        for (key, mut event) in self.resting.clone() {
            event.ts = self.until;
            self.known.insert(key);
            self.send(event, arrived);
        }
        if self.is_stated() {
            for (symbol, print) in self.prints.clone() {
                let body = Body::Trade(print);
                let (ts, symbol) = (self.until, Some(symbol));
                self.send(Event { ts, symbol, seq: Some(0), account: None, owner: None, body }, arrived);
            }
        }
        self.state(TradingPhase::Open, self.until, arrived);
    }

    /// Sends an event with the next number of its symbol, if it has a number.
    fn send(&mut self, mut event: Event<'static>, arrived: &mut VecDeque<Item>) {
        if let (Some(symbol), Some(seq)) = (&event.symbol, &mut event.seq) {
            let number = self.numbers.entry(symbol.clone()).or_insert(0);
            *number += 1;
            *seq = *number;
        }
        arrived.push_back(Item::Event(event));
    }

    /// Follows which orders rest. Returns whether the event is about an order or a trade.
    fn follow(&mut self, event: &Event<'static>) -> bool {
        let Some(symbol) = &event.symbol else { return false };
        let key = |order: &Name<'static>| (symbol.clone(), order.clone());
        if let Body::OrderNew(new) = &event.body {
            if new.price.is_some() {
                self.resting.insert(key(&new.order), event.clone());
            }
        } else if let Body::OrderReplace(replace) = &event.body {
            let new_order = replace.new_order.clone().unwrap_or_else(|| replace.order.clone());
            if let Some(mut before) = self.resting.remove(&key(&replace.order)) {
                if let Body::OrderNew(new) = &mut before.body {
                    let (price, qty) = (Some(replace.price), replace.qty);
                    *new = OrderNew { order: new_order.clone(), price, qty, ..new.clone() };
                }
                self.resting.insert(key(&new_order), before);
            }
        } else if let Body::OrderCancel(cancel) = &event.body {
            self.resting.remove(&key(&cancel.order));
        } else if let Body::Trade(trade) = &event.body {
            for order in [&trade.maker_order, &trade.taker_order].into_iter().flatten() {
                self.fill(&key(order), trade.qty);
            }
            let nobody = Trade { maker: None, taker: None, maker_owner: None, taker_owner: None, ..trade.clone() };
            let print = Trade { side: None, maker_order: None, taker_order: None, ..nobody };
            self.prints.insert(symbol.clone(), print);
        } else {
            return false;
        }
        true
    }

    fn fill(&mut self, key: &(Name<'static>, Name<'static>), quantity: Quantity) {
        let Some(Event { body: Body::OrderNew(new), .. }) = self.resting.get_mut(key) else { return };
        match Quantity::new(new.qty.get().minus(quantity.get())) {
            Some(left) => new.qty = left,
            None => _ = self.resting.remove(key),
        }
    }

    /// Passes on an event of a symbol that is affected, or hides it while the market is closed.
    fn pass_event(&mut self, event: Event<'static>, arrived: &mut VecDeque<Item>) {
        let is_hidden = matches!(self.stage, Stage::Closed | Stage::Auction);
        let is_of_orders = self.follow(&event);
        let is_over = self.kind == Kind::Expiry && is_hidden;
        if is_over || (is_hidden && is_of_orders) {
            return;
        }
        // Nothing is hidden now, so the reader knows what rests.
        for order in touched(&event) {
            let key = (event.symbol.clone().unwrap_or_else(|| order.clone()), order);
            if self.resting.contains_key(&key) {
                self.known.insert(key);
            } else {
                self.known.remove(&key);
            }
        }
        self.send(event, arrived);
    }
}

/// The orders that an event names.
fn touched(event: &Event<'static>) -> Vec<Name<'static>> {
    let orders = if let Body::OrderNew(new) = &event.body {
        [Some(new.order.clone()), None]
    } else if let Body::OrderReplace(replace) = &event.body {
        [Some(replace.order.clone()), replace.new_order.clone()]
    } else if let Body::OrderCancel(cancel) = &event.body {
        [Some(cancel.order.clone()), None]
    } else if let Body::Trade(trade) = &event.body {
        [trade.maker_order.clone(), trade.taker_order.clone()]
    } else {
        [None, None]
    };
    orders.into_iter().flatten().collect()
}

impl Distortion for Closure {
    fn pass(&mut self, item: Item, arrived: &mut VecDeque<Item>) {
        let at = match &item {
            Item::Event(event) => event.ts,
            Item::Heartbeat(at) => *at,
        };
        self.advance(at, arrived);
        match item {
            Item::Event(event)
                if event.body.kind().key() == Key::Symbol && (self.symbol.is_none() || event.symbol == self.symbol) =>
            {
                self.pass_event(event, arrived);
            }
            item @ (Item::Event(_) | Item::Heartbeat(_)) => arrived.push_back(item),
        }
    }
}
