//! One market of the venue: its live orders, and the lines on executions that wait for other lines.

use super::{
    super::record::id,
    fills::{Execution, Fill, Fills, Print},
    line::{Line, OrderLine},
    orders::{Deletion, Order, Orders},
};
use crate::{
    event::{Body, CancelReason, Event, Name, OrderCancel, OrderKind, OrderNew, OrderReplace, Quantity, Trade},
    time::EventTime,
};

/// State of one market: its live orders, and the fills and prints that wait for each other.
#[derive(Debug)]
pub(super) struct Market {
    symbol: Name<'static>,
    orders: Orders,
    fills: Fills,
    /// Whether lines about orders are recorded, so that a trade has fills to wait for.
    has_orders: bool,
    /// Scratch buffer of the executions that a line completes; empty between two lines.
    executions: Vec<Execution>,
}

impl Market {
    pub fn new(symbol: Name<'static>) -> Self {
        let (orders, fills) = (Orders::default(), Fills::default());
        Self { symbol, orders, fills, has_orders: false, executions: Vec::new() }
    }

    /// Takes a line of the market, and appends the events that it completes.
    pub fn take(&mut self, line: Line, out: &mut Vec<Event<'static>>) {
        self.fills.advance(line.at(), &mut self.executions);
        self.emit_trades(out);
        match line {
            Line::Created(order) => self.created(&order, out),
            Line::Changed(order) => self.changed(&order, out),
            Line::Deleted(order) => self.deleted(&order, out),
            Line::Traded(print) => self.traded(print),
            Line::Book(at, book) => out.push(self.event(at, Body::BookSnapshot(book))),
            Line::Levels(at, delta) => out.push(self.event(at, Body::BookDelta(delta))),
        }
        self.emit_trades(out);
    }

    /// Ends the recording: appends the executions that still waited for a line.
    pub fn finish(&mut self, out: &mut Vec<Event<'static>>) {
        self.fills.finish(&mut self.executions);
        self.emit_trades(out);
    }

    /// Returns how many live orders were evicted to keep within the limit.
    pub const fn evicted(&self) -> u64 {
        self.orders.evicted()
    }

    /// Takes a trade line. Without order lines it has no fills to wait for, and is a complete execution at once.
    fn traded(&mut self, print: Print) {
        if print.orders.is_some() && !self.has_orders {
            self.executions.push(Execution { print: Some(print), buy: None, sell: None });
        } else {
            self.fills.add_print(print, &mut self.executions);
        }
    }

    /// Takes a new order, unless its deletion or an earlier line of it has come already.
    fn created(&mut self, line: &OrderLine, out: &mut Vec<Event<'static>>) {
        self.has_orders = true;
        let Some(qty) = Quantity::new(line.qty) else { return };
        if self.orders.is_deleted(line.id) || self.orders.get(line.id).is_some() {
            return;
        }
        self.remember(line, false);
        let kind = line.price.is_none().then_some(OrderKind::Market);
        let new = OrderNew {
            order: id(line.id),
            side: line.side,
            price: line.price,
            qty,
            kind,
            tif: None,
            post_only: None,
            reduce_only: None,
        };
        out.push(self.event(line.at, Body::OrderNew(new)));
    }

    /// Takes a changed order: another price or a larger size is a replace, a smaller size a fill.
    fn changed(&mut self, line: &OrderLine, out: &mut Vec<Event<'static>>) {
        self.has_orders = true;
        if self.orders.is_deleted(line.id) {
            return;
        }
        let before = self.orders.get(line.id);
        let walked = before.is_some_and(|order| order.walked || order.price != line.price);
        self.remember(line, walked);
        match (before, line.price, Quantity::new(line.qty)) {
            (None, _, _) => self.add_fill(line, None),
            (Some(order), Some(price), Some(qty)) if order.price != line.price || line.qty > order.qty => {
                let replace = OrderReplace { order: id(line.id), new_order: None, price, qty };
                out.push(self.event(line.at, Body::OrderReplace(replace)));
            }
            (Some(order), _, _) => {
                if let Some(filled) = Quantity::new(order.qty.minus(line.qty)) {
                    self.add_fill(line, Some(filled));
                }
            }
        }
    }

    /// Takes a deleted order: what shrank since its last line is a fill, what is left is a cancel.
    fn deleted(&mut self, line: &OrderLine, out: &mut Vec<Event<'static>>) {
        self.has_orders = true;
        let before = match self.orders.delete(line.id) {
            Deletion::Repeated => return,
            Deletion::Known(order) => Some(order),
            Deletion::Unknown => None,
        };
        let meets = line.price.is_some_and(|price| self.orders.meets_older(line.id, line.side, price));
        let filled = before.and_then(|order| Quantity::new(order.qty.minus(line.qty)));
        // The line does not say how much was executed if the order meets an older one or was never seen. If the line
        // has no rest and no fill either, an earlier change had emptied the order and reported the fill.
        if filled.is_some() || meets || (before.is_none() && line.qty.is_zero()) {
            self.add_fill(line, filled);
        }
        if let Some(qty) = Quantity::new(line.qty) {
            let by_venue = meets || before.is_some_and(|order| order.walked);
            let cancel = OrderCancel {
                order: id(line.id),
                side: Some(line.side),
                price: line.price,
                qty: Some(qty),
                reason: Some(if by_venue { CancelReason::System } else { CancelReason::User }),
            };
            out.push(self.event(line.at, Body::OrderCancel(cancel)));
        }
    }

    fn remember(&mut self, line: &OrderLine, walked: bool) {
        self.orders.put(line.id, Order { side: line.side, price: line.price, qty: line.qty, walked });
    }

    fn add_fill(&mut self, line: &OrderLine, qty: Option<Quantity>) {
        let fill = Fill { at: line.at, order: line.id, side: line.side, price: line.price, qty };
        self.fills.add_fill(fill, &mut self.executions);
    }

    fn emit_trades(&mut self, out: &mut Vec<Event<'static>>) {
        for execution in std::mem::take(&mut self.executions) {
            if let Some((at, trade)) = trade(&execution) {
                out.push(self.event(at, Body::Trade(trade)));
            }
        }
    }

    fn event(&self, ts: EventTime, body: Body<'static>) -> Event<'static> {
        Event { ts, symbol: Some(self.symbol.clone()), seq: None, account: None, owner: None, body }
    }
}

/// Makes a trade of an execution; `None` if its quantity or its price is unknown.
fn trade(execution: &Execution) -> Option<(EventTime, Trade<'static>)> {
    let (maker, taker) = execution.maker_and_taker();
    let either = maker.or(taker);
    let order_of = |fill: Option<Fill>| fill.map_or(0, |fill| fill.order);
    let (at, trade, price) = if let Some(print) = execution.print {
        (print.at, id(print.id), Some(print.price))
    } else {
        let at = either?.at;
        let made_up = format!("{}-{}@{}", order_of(maker), order_of(taker), at.nanos() / 1_000_000);
        (at, Name::new(made_up)?, either?.price)
    };
    let side = taker.map(|fill| fill.side).or_else(|| maker.map(|fill| fill.side.opposite()));
    let (maker_order, taker_order, side) = match execution.print.and_then(Print::roles) {
        Some((maker, taker, side)) => (Some(maker), Some(taker), Some(side)),
        None => (maker.map(|fill| fill.order), taker.map(|fill| fill.order), side),
    };
    let side = execution.print.and_then(|print| print.aggressor).or(side);
    let trade = Trade {
        trade,
        price: price?,
        qty: Quantity::new(execution.qty())?,
        side,
        maker_order: maker_order.map(id),
        taker_order: taker_order.map(id),
        maker: None,
        taker: None,
        maker_owner: None,
        taker_owner: None,
        liquidation: None,
    };
    Some((at, trade))
}
