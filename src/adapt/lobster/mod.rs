//! LOBSTER's reconstruction of NASDAQ: a message file and an order book file side by side. A record is a message, a newline, and
//! the row of the book after that message.
//!
//! | type | events |
//! |---|---|
//! | 1 submission | `order_new` |
//! | 2 partial cancel | `order_replace` with what remains; `order_cancel` of the part where the order is not known |
//! | 3 deletion | `order_cancel` with side, price and what remained |
//! | 4 execution | `trade` with its maker's order; the aggressor is on the other side |
//! | 5 execution of a hidden order | `trade` without an order |
//! | 6 cross trade | `trade` without a side |
//! | 7 halt | none |
//! | the first row of a day | then: `book_snapshot` |
//! | a later row that differs from the one before | then: `book_delta` |
//!
//! **Why rows become deltas.** The messages alone do not make the book: what was ordered before the files begin is known only
//! from the rows. A row has the best levels only (10, commonly), and the book that its events make is exactly these:
//! a level that better ones push out is removed, and added when it shows again. Kept, it would stand there unobserved and be
//! wrong some day. So depth beyond the last level is unknown, and the last level comes and goes more than it does at the venue.
//! A snapshot for each row would say the same in fifteen times the bytes, and leave no quiet time between changes.
//!
//! **Orders from before the files** have no `order_new`. A deletion and an execution say all the same what they are about. A
//! partial cancel does not say what remains, so it is a cancel of that part: a withdrawal is a withdrawal.
//! **Ids.** Trades have none here; theirs is the day and the row, `2012-06-21#57`. There is no sequence: a record yields
//! two events, and what a delivery lacks cannot be seen.
//! **Time** is in seconds after midnight in New York, of the day in the file's name (`day`).
//! **A pair of files is a day of its own**: orders and book of the one before it are over.

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

/// Living orders that are remembered, for what remains of them after a partial cancel; a busy symbol has some 10,000 at once.
const LIVE_MAX: usize = 1_000_000;

/// The adapter: what it remembers of a day's living orders and of its last row.
#[derive(Debug)]
pub struct Lobster {
    limits: DecodeLimits,
    days: Vec<Day>,
    /// Which of the days is being read.
    day: usize,
    /// Records of the day.
    rows: u64,
    /// What remains of orders.
    live: Table<u64, Decimal>,
    /// Those that were forgotten on the days before.
    forgotten: u64,
    levels: Option<Levels>,
}

impl Lobster {
    /// At the start of these files: messages, book, messages, book, and so on.
    ///
    /// # Errors
    /// Says which file's name does not say its symbol and date, or has no book beside it.
    pub fn new(files: &[String], limits: DecodeLimits) -> Result<Self, UnfitFile> {
        let days = Day::of_pairs(files)?;
        Ok(Self { limits, days, day: 0, rows: 0, live: Table::new(LIVE_MAX), forgotten: 0, levels: None })
    }

    /// Reads one record of a message file, by its place among all files, and appends its events.
    ///
    /// # Errors
    /// Says why the record cannot be used; it leaves no trace then but that its row counts.
    pub fn read(&mut self, file: usize, record: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        self.turn_to(file / 2);
        self.rows += 1;
        let (message, row) = text(record, self.limits)?
            .split_once('\n')
            .ok_or_else(|| wrong("expected a message and the row of its book"))?;
        let (seconds, message) = Message::parse(message.trim_ascii())?;
        let levels = Levels::parse(row.trim_ascii(), self.limits)?;
        let day = self.days.get(self.day).ok_or_else(|| wrong("a record of an unknown day"))?;
        let at = day.at(seconds).ok_or_else(|| wrong("expected seconds after midnight, within the day"))?;
        let symbol = day.symbol.clone();
        let told = self.body(message);
        let book = match &self.levels {
            None => Some(Body::BookSnapshot(levels.snapshot())),
            Some(before) => levels.since(before).map(Body::BookDelta),
        };
        self.levels = Some(levels);
        out.extend([told, book].into_iter().flatten().map(|body| Event {
            ts: at,
            symbol: Some(symbol.clone()),
            seq: None,
            account: None,
            owner: None,
            body,
        }));
        Ok(())
    }

    /// How many living orders were forgotten for want of room.
    #[must_use]
    pub const fn forgotten(&self) -> u64 {
        self.forgotten + self.live.evicted()
    }

    fn turn_to(&mut self, day: usize) {
        if self.day != day {
            self.forgotten += self.live.evicted();
            (self.day, self.rows) = (day, 0);
            (self.live, self.levels) = (Table::new(LIVE_MAX), None);
        }
    }

    fn body(&mut self, message: Message) -> Option<Body<'static>> {
        match message {
            Message::Submitted(order) => {
                self.leave(order.order, order.qty.get());
                Some(Body::OrderNew(new(order)))
            }
            Message::Reduced(order) => Some(match self.reduce(order) {
                Some(qty) => replace(order, qty),
                None => cancel(order),
            }),
            Message::Deleted(order) => {
                self.leave(order.order, Decimal::ZERO);
                Some(cancel(order))
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

    /// Takes a part off an order. Returns what remains, if the order is known and something does.
    fn reduce(&mut self, part: Resting) -> Option<Quantity> {
        let handle = self.live.find(&part.order)?;
        let rest = self.live.get(handle)?.minus(part.qty.get());
        self.leave(part.order, rest);
        Quantity::new(rest)
    }

    /// Remembers what remains of an order; nothing, and it is forgotten.
    fn leave(&mut self, order: u64, rest: Decimal) {
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

fn new(order: Resting) -> OrderNew<'static> {
    let Resting { order, side, price, qty } = order;
    OrderNew {
        order: id(order),
        side,
        price: Some(price),
        qty,
        kind: None,
        tif: None,
        post_only: None,
        reduce_only: None,
    }
}

fn replace(order: Resting, qty: Quantity) -> Body<'static> {
    Body::OrderReplace(OrderReplace { order: id(order.order), new_order: None, price: order.price, qty })
}

fn cancel(order: Resting) -> Body<'static> {
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
