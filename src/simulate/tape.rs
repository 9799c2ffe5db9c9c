//! The tape: numbers what happens on one symbol and makes the contract's events of it.
//!
//! Everything on the tape has a sequence number, one more than the one before, but for `engine`: that type is not keyed by
//! symbol, and a sequence counts symbol-keyed events only. With each event goes what the ledger must know of it, in numbers.

use std::{collections::VecDeque, sync::Arc};

use super::parties::Parties;
use crate::{
    event::{
        Body, CancelReason, Decimal, EngineLoad, Event, Instrument, Liquidation, LiquidationPhase, Mark, Name,
        OrderCancel, OrderKind, OrderNew, OrderReject, OrderReplace, Price, Quantity, Side, Tier, Trade,
    },
    time::EventTime,
};

/// Accounts from 1 to this belong to makers.
pub(super) const MAKER_ACCOUNTS: u32 = 6;

/// A symbol's name by its index.
pub(super) fn symbol(index: u32) -> String {
    format!("S{}", index + 1)
}

/// An account's name by its number.
pub(super) fn account(number: u32) -> Name<'static> {
    name(format!("a{number}"))
}

/// A text that is a name.
pub(super) fn name(text: String) -> Name<'static> {
    Name::new(text).expect("a letter and digits are a name")
}

/// The decimals behind one tick and one lot. Together they are three, so that a lot at a price of so many ticks costs that
/// many thousandths on every symbol, some ten of the quote currency: what an account has on several symbols adds up.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    pub(super) price_places: u32,
}

impl Scale {
    /// Decimals behind a lot.
    pub(super) const fn lot_places(self) -> u32 {
        3 - self.price_places
    }

    fn price(self, ticks: i64) -> Price {
        let price = Decimal::from_parts(ticks, self.price_places).and_then(Price::new);
        price.expect("the fair value stays within half of its reference, so prices are above zero")
    }

    fn lots(self, lots: i64) -> Quantity {
        let qty = Decimal::from_parts(lots, self.lot_places()).and_then(Quantity::new);
        qty.expect("quantities on the tape are at least a lot")
    }
}

/// What an account asks for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) account: u32,
    pub(super) side: Side,
    /// In ticks; a market order without.
    pub(super) price: Option<i64>,
    pub(super) lots: i64,
    pub(super) how: How,
}

/// What becomes of what does not trade at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum How {
    /// It rests.
    Rest,
    /// It rests, and trades never at once.
    PostOnly,
    /// It is cancelled.
    Immediate,
    /// The same, and it is the venue that closes the account's position.
    Forced,
}

/// Two orders that met.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    pub(super) maker: u32,
    pub(super) taker: u32,
    /// The taker's.
    pub(super) side: Side,
    /// In ticks.
    pub(super) price: i64,
    pub(super) lots: i64,
}

/// What an event means to the ledger.
#[derive(Clone, Copy, Debug)]
pub(super) enum Deed {
    Other,
    /// This account ordered.
    Ordered(u32),
    Filled(Fill),
}

/// One symbol's events as they happen.
#[derive(Debug)]
pub(super) struct Tape {
    symbol: Name<'static>,
    pub(super) scale: Scale,
    parties: Arc<Parties>,
    seq: u64,
    orders: u64,
    trades: u64,
    lots: i64,
    /// Messages and rejects since the last load event.
    messages: i64,
    rejects: i64,
    out: VecDeque<(Event<'static>, Deed)>,
}

impl Tape {
    pub(super) fn new(index: u32, scale: Scale, parties: Arc<Parties>) -> Self {
        let symbol = name(symbol(index));
        Self {
            symbol,
            scale,
            parties,
            seq: 0,
            orders: 0,
            trades: 0,
            lots: 0,
            messages: 0,
            rejects: 0,
            out: VecDeque::new(),
        }
    }

    /// The next event, oldest first.
    pub(super) fn pop(&mut self) -> Option<(Event<'static>, Deed)> {
        self.out.pop_front()
    }

    /// When the next event happened.
    pub(super) fn next_ts(&self) -> Option<EventTime> {
        self.out.front().map(|(event, _)| event.ts)
    }

    fn push(&mut self, ts: EventTime, by: Option<u32>, body: Body<'static>) {
        self.push_deed(ts, by, body, by.map_or(Deed::Other, Deed::Ordered));
    }

    fn push_deed(&mut self, ts: EventTime, by: Option<u32>, body: Body<'static>, deed: Deed) {
        self.seq += 1;
        self.messages += 1;
        let event = Event {
            ts,
            symbol: Some(self.symbol.clone()),
            seq: Some(self.seq),
            account: by.map(account),
            owner: by.and_then(|number| self.parties.owner(number)),
            body,
        };
        self.out.push_back((event, deed));
    }

    fn next_order(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }

    /// An order is accepted; returns its id.
    pub(super) fn accepted(&mut self, ts: EventTime, entry: &Entry) -> u64 {
        let id = self.next_order();
        let body = OrderNew {
            order: name(id.to_string()),
            side: entry.side,
            price: entry.price.map(|ticks| self.scale.price(ticks)),
            qty: self.scale.lots(entry.lots),
            kind: Some(if entry.price.is_some() { OrderKind::Limit } else { OrderKind::Market }),
            tif: (entry.how == How::Immediate && entry.price.is_some()).then(|| name("ioc".into())),
            post_only: (entry.how == How::PostOnly).then_some(true),
            reduce_only: (entry.how == How::Forced).then_some(true),
        };
        self.push(ts, Some(entry.account), Body::OrderNew(body));
        id
    }

    /// An order is refused.
    pub(super) fn refused(&mut self, ts: EventTime, by: u32, reason: &'static str) {
        self.rejects += 1;
        let order = Some(name(self.next_order().to_string()));
        self.push(ts, Some(by), Body::OrderReject(OrderReject { order, reason: name(reason.into()) }));
    }

    /// An order is moved.
    pub(super) fn replaced(&mut self, ts: EventTime, by: u32, order: u64, price: i64, lots: i64) {
        let (price, qty) = (self.scale.price(price), self.scale.lots(lots));
        let body = OrderReplace { order: name(order.to_string()), new_order: None, price, qty };
        self.push(ts, Some(by), Body::OrderReplace(body));
    }

    /// What is left of an order is withdrawn. A user's wish is said outright for every other order, as venues differ.
    pub(super) fn cancelled(&mut self, ts: EventTime, order: u64, entry: &Entry, reason: CancelReason) {
        let silent = reason == CancelReason::User && order.is_multiple_of(2);
        let body = OrderCancel {
            order: name(order.to_string()),
            side: Some(entry.side),
            price: entry.price.map(|ticks| self.scale.price(ticks)),
            qty: Some(self.scale.lots(entry.lots)),
            reason: (!silent).then_some(reason),
        };
        self.push(ts, Some(entry.account), Body::OrderCancel(body));
    }

    /// An incoming order meets a resting one.
    pub(super) fn traded(&mut self, ts: EventTime, taker: (u64, &Entry), maker: (u64, u32), price: i64, lots: i64) {
        self.trades += 1;
        self.lots += lots;
        let body = Trade {
            trade: name(self.trades.to_string()),
            price: self.scale.price(price),
            qty: self.scale.lots(lots),
            side: Some(taker.1.side),
            maker_order: Some(name(maker.0.to_string())),
            taker_order: Some(name(taker.0.to_string())),
            maker: Some(account(maker.1)),
            taker: Some(account(taker.1.account)),
            maker_owner: self.parties.owner(maker.1),
            taker_owner: self.parties.owner(taker.1.account),
            liquidation: Some(taker.1.how == How::Forced),
        };
        let fill = Fill { maker: maker.1, taker: taker.1.account, side: taker.1.side, price, lots };
        self.push_deed(ts, None, Body::Trade(body), Deed::Filled(fill));
    }

    /// All lots that were ever traded.
    pub(super) const fn traded_lots(&self) -> i64 {
        self.lots
    }

    /// The venue closes an account's position; without lots, nothing is said of how much.
    pub(super) fn liquidated(&mut self, ts: EventTime, of: u32, phase: LiquidationPhase, side: Side, lots: i64) {
        let qty = (lots > 0).then(|| self.scale.lots(lots));
        let body = Liquidation { phase, side, qty, price: None };
        self.push(ts, Some(of), Body::Liquidation(body));
    }

    /// The symbol's terms.
    pub(super) fn listed(&mut self, ts: EventTime) {
        let part = |mantissa, places| Decimal::from_parts(mantissa, places);
        let tiers = [(Some(100_000), 5), (Some(1_000_000), 10), (None, 25)]
            .into_iter()
            .filter_map(|(up_to, rate)| Some(Tier(up_to.and_then(|n| part(n, 0)), part(rate, 3)?)))
            .collect();
        let body = Instrument {
            tick: self.scale.price(1),
            lot: self.scale.lots(1),
            multiplier: None,
            tiers: Some(tiers),
            taker_fee: part(5, 4),
            liquidation_fee: part(5, 3),
            inverse: None,
            underlying: None,
        };
        self.push(ts, None, Body::Instrument(body));
    }

    /// The venue's mark and index, in tenths of a tick.
    pub(super) fn marked(&mut self, ts: EventTime, mark: i64, index: i64) {
        let places = self.scale.price_places + 1;
        let price = |tenths| Decimal::from_parts(tenths, places).and_then(Price::new);
        if let Some(mark) = price(mark) {
            self.push(ts, None, Body::Mark(Mark { mark, index: price(index) }));
        }
    }

    /// The venue's load since the last such event.
    pub(super) fn loaded(&mut self, ts: EventTime, ack_p50_us: i64, ack_p99_us: i64) {
        let count = |n| Decimal::from_parts(n, 0);
        let body = EngineLoad {
            ack_p50_us: count(ack_p50_us),
            ack_p99_us: count(ack_p99_us),
            queue_depth: count(0),
            messages: count(std::mem::take(&mut self.messages)),
            rejects: count(std::mem::take(&mut self.rejects)),
        };
        let symbol = Some(self.symbol.clone());
        let event = Event { ts, symbol, seq: None, account: None, owner: None, body: Body::Engine(body) };
        self.out.push_back((event, Deed::Other));
    }
}
