//! The tape: the contract's events of one symbol, in order, with their sequence numbers.
//!
//! Each event has a sequence number, one more than that of the event before, except `engine`: that type is not keyed by
//! symbol, and a sequence counts symbol-keyed events only. With each event goes its effect on accounts, for the ledger.

use std::{collections::VecDeque, sync::Arc};

use super::{
    order::{Order, TimeInForce},
    scale::Scale,
};
use crate::{
    event::{
        Body, CancelReason, Decimal, EngineLoad, Event, Instrument, Liquidation, LiquidationPhase, Mark, Name,
        OrderCancel, OrderKind, OrderNew, OrderReject, OrderReplace, Price, Side, Tier, Trade,
    },
    simulate::{
        names::{self, name},
        population::Population,
    },
    time::EventTime,
};

/// A trade between two accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fill {
    pub(crate) maker: u32,
    pub(crate) taker: u32,
    /// Side of the taker.
    pub(crate) side: Side,
    /// Price in ticks.
    pub(crate) price: i64,
    pub(crate) lots: i64,
}

/// The effect of an event on accounts.
#[derive(Clone, Copy, Debug)]
pub(crate) enum AccountEffect {
    /// The event concerns no account.
    None,
    /// This account sent or changed an order.
    Ordered(u32),
    /// Two accounts traded.
    Filled(Fill),
}

/// The events of one symbol that were not read yet, and the numbers for the next ones.
#[derive(Debug)]
pub(crate) struct Tape {
    symbol: Name<'static>,
    pub(super) scale: Scale,
    population: Arc<Population>,
    seq: u64,
    orders: u64,
    trades: u64,
    traded_lots: i64,
    /// Messages and rejects since the last load event.
    messages: i64,
    rejects: i64,
    out: VecDeque<(Event<'static>, AccountEffect)>,
}

impl Tape {
    /// An empty tape of the symbol with this index.
    pub(super) fn new(index: u32, scale: Scale, population: Arc<Population>) -> Self {
        let symbol = names::symbol(index);
        Self {
            symbol,
            scale,
            population,
            seq: 0,
            orders: 0,
            trades: 0,
            traded_lots: 0,
            messages: 0,
            rejects: 0,
            out: VecDeque::new(),
        }
    }

    /// Removes and returns the oldest event.
    pub(super) fn pop(&mut self) -> Option<(Event<'static>, AccountEffect)> {
        self.out.pop_front()
    }

    /// The time of the oldest event.
    pub(super) fn next_ts(&self) -> Option<EventTime> {
        self.out.front().map(|(event, _)| event.ts)
    }

    fn push(&mut self, ts: EventTime, by: Option<u32>, body: Body<'static>) {
        self.push_with(ts, by, body, by.map_or(AccountEffect::None, AccountEffect::Ordered));
    }

    fn push_with(&mut self, ts: EventTime, by: Option<u32>, body: Body<'static>, effect: AccountEffect) {
        self.seq += 1;
        self.messages += 1;
        let event = Event {
            ts,
            symbol: Some(self.symbol.clone()),
            seq: Some(self.seq),
            account: by.map(names::account),
            owner: by.and_then(|number| self.population.owner(number)),
            body,
        };
        self.out.push_back((event, effect));
    }

    fn next_order(&mut self) -> u64 {
        self.orders += 1;
        self.orders
    }

    /// Records that an order was accepted; returns its id.
    pub(super) fn accepted(&mut self, ts: EventTime, order: &Order) -> u64 {
        let id = self.next_order();
        let body = OrderNew {
            order: name(id.to_string()),
            side: order.side,
            price: order.price.map(|ticks| self.scale.price(ticks)),
            qty: self.scale.quantity(order.lots),
            kind: Some(if order.price.is_some() { OrderKind::Limit } else { OrderKind::Market }),
            tif: (order.time_in_force == TimeInForce::ImmediateOrCancel && order.price.is_some())
                .then(|| name("ioc".into())),
            post_only: (order.time_in_force == TimeInForce::PostOnly).then_some(true),
            reduce_only: (order.time_in_force == TimeInForce::Liquidation).then_some(true),
        };
        self.push(ts, Some(order.account), Body::OrderNew(body));
        id
    }

    /// Records that an order was rejected.
    pub(crate) fn rejected(&mut self, ts: EventTime, by: u32, reason: &'static str) {
        self.rejects += 1;
        let order = Some(name(self.next_order().to_string()));
        self.push(ts, Some(by), Body::OrderReject(OrderReject { order, reason: name(reason.into()) }));
    }

    /// Records that an order got another price and size.
    pub(super) fn replaced(&mut self, ts: EventTime, by: u32, order: u64, price: i64, lots: i64) {
        let (price, qty) = (self.scale.price(price), self.scale.quantity(lots));
        let body = OrderReplace { order: name(order.to_string()), new_order: None, price, qty };
        self.push(ts, Some(by), Body::OrderReplace(body));
    }

    /// Records that the remainder of an order was cancelled. Where the user asked for it, only every other order states that
    /// reason, because some venues state it and others do not.
    pub(super) fn cancelled(&mut self, ts: EventTime, id: u64, left: &Order, reason: CancelReason) {
        let unstated = reason == CancelReason::User && id.is_multiple_of(2);
        let body = OrderCancel {
            order: name(id.to_string()),
            side: Some(left.side),
            price: left.price.map(|ticks| self.scale.price(ticks)),
            qty: Some(self.scale.quantity(left.lots)),
            reason: (!unstated).then_some(reason),
        };
        self.push(ts, Some(left.account), Body::OrderCancel(body));
    }

    /// Records a trade between an incoming order and a resting one, each given with its id.
    pub(super) fn traded(&mut self, ts: EventTime, taker: (u64, &Order), maker: (u64, u32), price: i64, lots: i64) {
        self.trades += 1;
        self.traded_lots += lots;
        let body = Trade {
            trade: name(self.trades.to_string()),
            price: self.scale.price(price),
            qty: self.scale.quantity(lots),
            side: Some(taker.1.side),
            maker_order: Some(name(maker.0.to_string())),
            taker_order: Some(name(taker.0.to_string())),
            maker: Some(names::account(maker.1)),
            taker: Some(names::account(taker.1.account)),
            maker_owner: self.population.owner(maker.1),
            taker_owner: self.population.owner(taker.1.account),
            liquidation: Some(taker.1.time_in_force == TimeInForce::Liquidation),
        };
        let fill = Fill { maker: maker.1, taker: taker.1.account, side: taker.1.side, price, lots };
        self.push_with(ts, None, Body::Trade(body), AccountEffect::Filled(fill));
    }

    /// Lots traded so far on this symbol.
    pub(crate) const fn traded_lots(&self) -> i64 {
        self.traded_lots
    }

    /// Records a phase of the venue closing an account's position; the event has no quantity where `lots` is 0.
    pub(crate) fn liquidated(&mut self, ts: EventTime, account: u32, phase: LiquidationPhase, side: Side, lots: i64) {
        let qty = (lots > 0).then(|| self.scale.quantity(lots));
        let body = Liquidation { phase, side, qty, price: None };
        self.push(ts, Some(account), Body::Liquidation(body));
    }

    /// Records the symbol's terms.
    pub(crate) fn listed(&mut self, ts: EventTime) {
        let part = |mantissa, places| Decimal::from_parts(mantissa, places);
        let tiers = [(Some(100_000), 5), (Some(1_000_000), 10), (None, 25)]
            .into_iter()
            .filter_map(|(up_to, rate)| Some(Tier(up_to.and_then(|n| part(n, 0)), part(rate, 3)?)))
            .collect();
        let body = Instrument {
            tick: self.scale.tick(),
            lot: self.scale.quantity(1),
            multiplier: None,
            tiers: Some(tiers),
            taker_fee: part(5, 4),
            liquidation_fee: part(5, 3),
            inverse: None,
            underlying: None,
        };
        self.push(ts, None, Body::Instrument(body));
    }

    /// Records the venue's mark and index, in tenths of a tick.
    pub(crate) fn marked(&mut self, ts: EventTime, mark: i64, index: i64) {
        let places = self.scale.price_places + 1;
        let price = |tenths| Decimal::from_parts(tenths, places).and_then(Price::new);
        if let Some(mark) = price(mark) {
            self.push(ts, None, Body::Mark(Mark { mark, index: price(index) }));
        }
    }

    /// Records the venue's load since the last such event.
    pub(crate) fn loaded(&mut self, ts: EventTime, ack_p50_us: i64, ack_p99_us: i64) {
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
        self.out.push_back((event, AccountEffect::None));
    }
}
