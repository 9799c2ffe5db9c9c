//! Adapter for LOBSTER's reconstruction of NASDAQ: a message file and an order book file side by side. One record is a
//! message, a newline, and the row of the book after that message.
//!
//! The source of the format is LOBSTER's own description of its output ("Data Structure").
//!
//! | message type | events |
//! |---|---|
//! | 1 submission | `order_new` |
//! | 2 partial cancel | `order_replace` with what remains; `order_cancel` of the part if the order is not known |
//! | 3 deletion | `order_cancel` with side, price and what remained |
//! | 4 execution | `trade` with its maker's order; the aggressor is on the other side |
//! | 5 execution of a hidden order | `trade` without an order |
//! | 6 cross trade | `trade` without a side |
//! | 7 halt | none |
//!
//! | row | further event, after that of the message |
//! |---|---|
//! | the first row of a day | `book_snapshot` |
//! | a later row that differs from the row before | `book_delta` |
//! | any other row | none |
//!
//! **Why rows become deltas.** The messages alone do not give the book, because orders from before the files appear
//! only in the rows. A row has the best levels only (commonly 10), and the book that the events build has exactly
//! these. A level that better levels push out of the row is removed, and added when it comes back. If it stayed in the
//! book, nothing would update it, and it would become wrong. So the depth beyond the last level is unknown, and the
//! last level comes and goes more often than at the venue. A snapshot for each row would contain the same in fifteen
//! times the bytes, and would leave no quiet time between changes.
//!
//! **Orders from before the files** have no `order_new`. Their deletions and executions have all fields nevertheless. A
//! partial cancel does not report what remains of the order, so it becomes a cancel of its part: both are withdrawals.
//! **Ids.** LOBSTER's trades have none. Theirs is made of the day and the row, `2012-06-21#57`. There is no sequence
//! either: a record yields two events, and nothing shows whether a delivery is complete.
//! **Time** is in seconds after midnight in New York, on the day in the file's name (`day`).
//! **Each pair of files is a day of its own**: nothing is kept of the orders and the book of the day before.

mod day;
mod levels;
mod message;

use self::{
    day::Day,
    levels::Levels,
    message::{Message, Resting},
};
use super::{
    UnfitFile,
    record::{id, text, wrong},
};
use crate::{
    event::{
        Body, Decimal, DecodeLimits, Event, Name, OrderCancel, OrderNew, OrderReplace, Price, Quantity, Rejection,
        Side, Trade,
    },
    table::Table,
};

/// Largest number of live orders that are remembered, to know what remains after a partial cancel. A busy symbol has
/// about 10,000 at once.
const LIVE_MAX: usize = 1_000_000;

/// Adapter for LOBSTER's files. It remembers the live orders of a day, and the last row.
#[derive(Debug)]
pub struct Lobster {
    limits: DecodeLimits,
    days: Vec<Day>,
    /// Index of the day that is being read.
    day: usize,
    /// Number of records of the day so far.
    rows: u64,
    /// Remaining quantity of each live order.
    live: Table<u64, Decimal>,
    /// Number of orders that were evicted on the days before.
    evicted_before: u64,
    /// The last row of the day.
    levels: Option<Levels>,
}

impl Lobster {
    /// Makes the adapter for these files: messages, book, messages, book, and so on.
    ///
    /// # Errors
    /// Returns the first file whose name lacks its symbol and date, or which has no book beside it.
    pub fn new(files: &[String], limits: DecodeLimits) -> Result<Self, UnfitFile> {
        let days = Day::of_pairs(files)?;
        Ok(Self { limits, days, day: 0, rows: 0, live: Table::new(LIVE_MAX), evicted_before: 0, levels: None })
    }

    /// Reads one record and appends its events. `file` is the index of the message file among all files.
    ///
    /// # Errors
    /// Returns the reason for which the record cannot be used. Nothing has changed then, except that the row counts.
    pub fn read(&mut self, file: usize, record: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        self.start_day(file / 2);
        self.rows += 1;
        let (message, row) = text(record, self.limits)?
            .split_once('\n')
            .ok_or_else(|| wrong("expected a message and the row of its book"))?;
        let (seconds, message) = Message::parse(message.trim_ascii())?;
        let levels = Levels::parse(row.trim_ascii(), self.limits)?;
        let day = self.days.get(self.day).ok_or_else(|| wrong("expected a record of one of the named files"))?;
        let at = day.at(seconds).ok_or_else(|| wrong("expected seconds after midnight, within the day"))?;
        let symbol = day.symbol.clone();
        let from_message = self.body(message);
        let from_row = match &self.levels {
            None => Some(Body::BookSnapshot(levels.snapshot())),
            Some(before) => levels.since(before).map(Body::BookDelta),
        };
        self.levels = Some(levels);
        out.extend([from_message, from_row].into_iter().flatten().map(|body| Event {
            ts: at,
            symbol: Some(symbol.clone()),
            seq: None,
            account: None,
            owner: None,
            body,
        }));
        Ok(())
    }

    /// Returns how many live orders were evicted to keep within the limit.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.evicted_before + self.live.evicted()
    }

    /// Starts this day anew, unless it is the day that is being read.
    fn start_day(&mut self, day: usize) {
        if self.day != day {
            self.evicted_before += self.live.evicted();
            (self.day, self.rows) = (day, 0);
            (self.live, self.levels) = (Table::new(LIVE_MAX), None);
        }
    }

    /// Makes the event of a message and updates the live orders.
    fn body(&mut self, message: Message) -> Option<Body<'static>> {
        match message {
            Message::Submitted(order) => {
                self.set_remaining(order.order, order.qty.get());
                Some(order_new(order))
            }
            Message::Reduced(order) => Some(match self.reduce(order) {
                Some(qty) => order_replace(order, qty),
                None => order_cancel(order),
            }),
            Message::Deleted(order) => {
                self.set_remaining(order.order, Decimal::ZERO);
                Some(order_cancel(order))
            }
            Message::Executed(order) => {
                self.reduce(order);
                let maker = Some(id(order.order));
                self.trade(order.price, order.qty, Some(order.side.opposite()), maker)
            }
            Message::ExecutedHidden(order) => self.trade(order.price, order.qty, Some(order.side.opposite()), None),
            Message::Crossed { price, qty } => self.trade(price, qty, None, None),
            Message::Halted => None,
        }
    }

    /// Reduces an order by a part. Returns what remains; `None` if the order is not known or nothing remains.
    fn reduce(&mut self, part: Resting) -> Option<Quantity> {
        let handle = self.live.find(&part.order)?;
        let rest = self.live.get(handle)?.minus(part.qty.get());
        self.set_remaining(part.order, rest);
        Quantity::new(rest)
    }

    /// Records what remains of an order. An order of which nothing remains is removed.
    fn set_remaining(&mut self, order: u64, rest: Decimal) {
        let known = self.live.find(&order);
        if let Some(handle) = known
            && !rest.is_positive()
        {
            self.live.remove(handle);
        } else if let Some(qty) = known.and_then(|handle| self.live.get_mut(handle)) {
            *qty = rest;
        } else if rest.is_positive() {
            self.live.insert(order, rest);
        }
    }

    fn trade(
        &self,
        price: Price,
        qty: Quantity,
        side: Option<Side>,
        maker_order: Option<Name<'static>>,
    ) -> Option<Body<'static>> {
        let date = self.days.get(self.day)?.date;
        Some(Body::Trade(Trade {
            trade: Name::new(format!("{date}#{}", self.rows))?,
            price,
            qty,
            side,
            maker_order,
            taker_order: None,
            maker: None,
            taker: None,
            maker_owner: None,
            taker_owner: None,
            liquidation: None,
        }))
    }
}

fn order_new(order: Resting) -> Body<'static> {
    let Resting { order, side, price, qty } = order;
    Body::OrderNew(OrderNew {
        order: id(order),
        side,
        price: Some(price),
        qty,
        kind: None,
        tif: None,
        post_only: None,
        reduce_only: None,
    })
}

fn order_replace(order: Resting, qty: Quantity) -> Body<'static> {
    Body::OrderReplace(OrderReplace { order: id(order.order), new_order: None, price: order.price, qty })
}

fn order_cancel(order: Resting) -> Body<'static> {
    let Resting { order, side, price, qty } = order;
    Body::OrderCancel(OrderCancel {
        order: id(order),
        side: Some(side),
        price: Some(price),
        qty: Some(qty),
        reason: None,
    })
}

#[cfg(test)]
mod tests;
