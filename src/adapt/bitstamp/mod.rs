//! Bitstamp's live order feed as it was recorded in 2015: lines `<receive time in ms> <kind> <json>`.
//!
//! | line | events |
//! |---|---|
//! | `order_created` | `order_new`; a market order (no price) has kind `market` |
//! | `order_changed`, less at the same price | a fill: no event of its own |
//! | `order_changed`, another price or more | `order_replace`: a market order walks to its next level that way |
//! | `order_deleted`, nothing left | a fill of what remained: no event of its own |
//! | `order_deleted`, something left | `order_cancel`: `user`; `system` for the rest of a market order |
//! | `trade` | `trade`, once the fills of both orders are there |
//! | `order_book` | `book_snapshot` of the best levels |
//!
//! **Why fills have no event of their own.** The feed tells an execution three times: each order shrinks or goes, and a trade
//! line names neither. Told three times, quantities would be taken twice from the book and a fill would look like a cancel.
//! So `fills` joins the three by quantity and side into one `trade` that names both orders; the older of
//! them rested (ids rise), and its price is the trade's. A line that never comes costs its part only: a trade with one order
//! or none, or a trade without the venue's id (`<maker>-<taker>@<ms>`), so that the book still shrinks.
//!
//! **The rest of a market order** to buy is what its money does not reach for. The venue deletes the order with the amount
//! from before its last execution and tells that execution by the other order alone. Such an order walked before, or an older
//! order of the other side still stands at its very price: then the deletion is the venue's (`system`), the quantity on it is
//! too great by the execution, and the trade names it. Four times in the recording; as the user's they would be false cancels.
//!
//! **Time** is the receive time: the venue's own is in whole seconds. Lines are taken in the order of arrival; a trade that
//! waited for its fills keeps its own time, up to a second (`fills::WAIT`) behind.
//! **Numbers** are decimal strings, and doubles on trade lines (1.7885566900000001): all are rounded to the venue's 8 decimals.
//! **Ids** are never used again. A second deletion of an order yields nothing, and neither does a creation or a change after
//! the deletion: the lines overtook each other, and the order would stand in the book for good.
//! **Before the recording**: a deletion of an order never seen is a cancel all the same, with side, price and quantity.
//! What follows no such line is rejected as `not_in_format`.

mod fills;
mod line;
mod orders;

use self::{
    fills::{Fill, Fills, Match},
    line::{Line, OrderLine},
    orders::{Deleted, Order, Orders},
};
use super::record::id as name;
use crate::{
    event::{
        Body, CancelReason, DecodeLimits, Event, Name, OrderCancel, OrderKind, OrderNew, OrderReplace, Quantity,
        Rejection, Trade,
    },
    time::EventTime,
};

/// The adapter: what it remembers of the orders that live and of executions that are not told yet.
#[derive(Debug)]
pub struct Bitstamp {
    symbol: Name<'static>,
    limits: DecodeLimits,
    orders: Orders,
    fills: Fills,
    matches: Vec<Match>,
}

impl Bitstamp {
    /// At the start of a recording of this symbol, or of BTC-USD, which is all that the venue had then.
    #[must_use]
    pub fn new(symbol: Option<Name<'static>>, limits: DecodeLimits) -> Self {
        let symbol = symbol.unwrap_or_else(bitcoin);
        Self { symbol, limits, orders: Orders::default(), fills: Fills::default(), matches: Vec::new() }
    }

    /// Reads one line and appends the events that it completes.
    ///
    /// # Errors
    /// Says why the line cannot be used; it leaves no trace then.
    pub fn read(&mut self, line: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        let line = Line::parse(line, self.limits)?;
        self.fills.pass(line.at(), &mut self.matches);
        self.tell_matches(out);
        match line {
            Line::Created(order) => self.created(&order, out),
            Line::Changed(order) => self.changed(&order, out),
            Line::Deleted(order) => self.deleted(&order, out),
            Line::Traded(print) => self.fills.print(print, &mut self.matches),
            Line::Book(at, book) => out.push(self.event(at, Body::BookSnapshot(book))),
        }
        self.tell_matches(out);
        Ok(())
    }

    /// The recording is over: tells the executions that still waited for a line.
    pub fn finish(&mut self, out: &mut Vec<Event<'static>>) {
        self.fills.finish(&mut self.matches);
        self.tell_matches(out);
    }

    /// How many living orders were forgotten for want of room.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.orders.forgotten()
    }

    fn created(&mut self, line: &OrderLine, out: &mut Vec<Event<'static>>) {
        let Some(qty) = Quantity::new(line.qty) else { return };
        if self.orders.is_gone(line.id) || self.orders.get(line.id).is_some() {
            return;
        }
        self.remember(line, false);
        let kind = line.price.is_none().then_some(OrderKind::Market);
        let new = OrderNew {
            order: name(line.id),
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

    fn changed(&mut self, line: &OrderLine, out: &mut Vec<Event<'static>>) {
        if self.orders.is_gone(line.id) {
            return;
        }
        let before = self.orders.get(line.id);
        let walked = before.is_some_and(|order| order.walked || order.price != line.price);
        self.remember(line, walked);
        match (before, line.price, Quantity::new(line.qty)) {
            (None, _, _) => self.fill(line, None),
            (Some(order), Some(price), Some(qty)) if order.price != line.price || line.qty > order.qty => {
                let replace = OrderReplace { order: name(line.id), new_order: None, price, qty };
                out.push(self.event(line.at, Body::OrderReplace(replace)));
            }
            (Some(order), _, _) => {
                if let Some(filled) = Quantity::new(order.qty.minus(line.qty)) {
                    self.fill(line, Some(filled));
                }
            }
        }
    }

    fn deleted(&mut self, line: &OrderLine, out: &mut Vec<Event<'static>>) {
        let before = match self.orders.delete(line.id) {
            Deleted::Again => return,
            Deleted::Known(order) => Some(order),
            Deleted::Unknown => None,
        };
        let met = line.price.is_some_and(|price| self.orders.is_met(line.id, line.side, price));
        let filled = before.and_then(|order| Quantity::new(order.qty.minus(line.qty)));
        // Of an order that is met, or was never seen, the line does not say how much was executed. Nothing left and nothing
        // taken: the change that emptied the order told its fill.
        if filled.is_some() || met || (before.is_none() && line.qty.is_zero()) {
            self.fill(line, filled);
        }
        if let Some(qty) = Quantity::new(line.qty) {
            let venue = met || before.is_some_and(|order| order.walked);
            let cancel = OrderCancel {
                order: name(line.id),
                side: Some(line.side),
                price: line.price,
                qty: Some(qty),
                reason: Some(if venue { CancelReason::System } else { CancelReason::User }),
            };
            out.push(self.event(line.at, Body::OrderCancel(cancel)));
        }
    }

    fn remember(&mut self, line: &OrderLine, walked: bool) {
        self.orders.put(line.id, Order { side: line.side, price: line.price, qty: line.qty, walked });
    }

    fn fill(&mut self, line: &OrderLine, qty: Option<Quantity>) {
        let fill = Fill { at: line.at, order: line.id, side: line.side, price: line.price, qty };
        self.fills.fill(fill, &mut self.matches);
    }

    fn tell_matches(&mut self, out: &mut Vec<Event<'static>>) {
        for told in std::mem::take(&mut self.matches) {
            if let Some((at, trade)) = trade(&told) {
                out.push(self.event(at, Body::Trade(trade)));
            }
        }
    }

    fn event(&self, ts: EventTime, body: Body<'static>) -> Event<'static> {
        Event { ts, symbol: Some(self.symbol.clone()), seq: None, account: None, owner: None, body }
    }
}

fn bitcoin() -> Name<'static> {
    Name::new("BTC-USD").expect("a name")
}

/// One execution as an event; `None` where neither a quantity nor a price is known.
fn trade(told: &Match) -> Option<(EventTime, Trade<'static>)> {
    let (maker, taker) = told.maker_and_taker();
    let either = maker.or(taker);
    let id_of = |fill: Option<Fill>| fill.map_or(0, |fill| fill.order);
    let (at, id, price) = if let Some(print) = told.print {
        (print.at, name(print.id), Some(print.price))
    } else {
        let at = either?.at;
        let id = format!("{}-{}@{}", id_of(maker), id_of(taker), at.nanos() / 1_000_000);
        (at, Name::new(id)?, either?.price)
    };
    let side = taker.map(|fill| fill.side).or_else(|| maker.map(|fill| fill.side.opposite()));
    let trade = Trade {
        trade: id,
        price: price?,
        qty: Quantity::new(told.qty())?,
        side,
        maker_order: maker.map(|fill| name(fill.order)),
        taker_order: taker.map(|fill| name(fill.order)),
        maker: None,
        taker: None,
        maker_owner: None,
        taker_owner: None,
        liquidation: None,
    };
    Some((at, trade))
}

#[cfg(test)]
mod tests;
