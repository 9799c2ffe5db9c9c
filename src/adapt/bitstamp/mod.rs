//! Adapter for Bitstamp's websocket feed, in the form of before 2019 and in the present one.
//!
//! Before 2019 a line is `<receive time in ms> <kind> <json>`; the source of that form is the recording of 2015-05-01 in
//! the project ob-analytics. The present form (version 2) is a frame with `event`, `channel` and `data`, after a receive
//! time or without one; its source is the venue's websocket documentation.
//!
//! | line, or frame of the channels `live_orders`, `live_trades`, `order_book` | events |
//! |---|---|
//! | `order_created` | `order_new`; of kind `market` if the order has no price |
//! | `order_changed`, less at the same price | none: the order was filled in part |
//! | `order_changed`, another price or more | `order_replace`: a market order reaches its next price level in this way |
//! | `order_deleted`, nothing left | none: the rest of the order was filled |
//! | `order_deleted`, something left | `order_cancel`: `user`; `system` for the rest of a market order |
//! | `trade` | `trade`, once the fills of both orders have come |
//! | `order_book`, `detail_order_book` | `book_snapshot` of the best levels |
//! | `diff_order_book` | `book_delta` without `seq`, because the venue gives none |
//! | other frames: `bts:` events, other channels | none |
//!
//! **Why fills have no event of their own.** The feed reports one execution in three lines: each of the two orders
//! shrinks or disappears, and a trade line names neither order. If each line were an event, the quantity would be taken
//! from the book twice, and a fill would look like a cancel. So `fills` joins the three lines by quantity and side into
//! one `trade` that names both orders. The older of the two orders rested (ids rise), and its price is the price of the
//! trade. If a line never comes, only its own part is missing: the trade names one order or none, or has the id
//! `<maker>-<taker>@<ms>` instead of the venue's id. The book shrinks all the same. A trade of version 2 names both
//! orders, so its fills are found by their ids; it waits for them, if orders are recorded at all.
//!
//! **The rest of a market order.** A market order to buy spends a fixed sum, and a rest remains that the sum cannot
//! buy. The venue deletes such an order with the quantity from before its last execution, and reports that execution by
//! the other order alone. The adapter recognises the order in one of two ways: it had walked to another price before,
//! or an older order of the other side still rests at exactly its price. Its deletion is then the venue's (`system`),
//! the quantity on the cancel is too large by the last execution, and the trade names the order. The recording has four
//! such orders; as cancels by the user they would be false withdrawals.
//!
//! **Time.** A frame of version 2 has the venue's `microtimestamp`. Where it lacks one, and in the older form, the time is
//! the receive time, because the venue's other times are in whole seconds; those are used if nothing else is there.
//! Lines are taken in the order of arrival. A trade that waited for its fills keeps its own time, so it comes up to a
//! second late (`fills::WAIT`).
//! **Numbers** are decimal strings (`amount`, or `amount_str` beside it), read exactly. A JSON number is a double on its
//! way (1.7885566900000001) and is rounded to the venue's 8 decimals.
//! **Symbols.** A frame of version 2 names its market (`live_orders_btcusd` is of `btcusd`); older lines do not, so they
//! are of the symbol that the user gave (`--symbol`), or of BTC-USD.
//! **Ids** are never used again. A second deletion of an order yields no event. A creation or a change after the
//! deletion yields none either: the lines overtook each other, and the order would stay in the book for ever.
//! **Orders from before the recording** are unknown; the deletion of one is still a cancel, with its side, price and
//! quantity.

mod fills;
mod frame;
mod line;
mod market;
mod number;
mod orders;

use compact_str::CompactString;

use self::market::Market;
use super::record::Reading;
use crate::{
    event::{DecodeLimits, Event, Name, Rejection},
    table::Table,
};

/// Largest number of markets that are remembered; the venue lists about 250.
const MARKETS_MAX: usize = 1_000;

/// Adapter for Bitstamp's feed. It remembers each market's live orders, and the lines on executions that wait for other
/// lines.
#[derive(Debug)]
pub struct Bitstamp {
    /// Symbol of the lines that do not name theirs.
    symbol: Name<'static>,
    limits: DecodeLimits,
    markets: Table<CompactString, Market>,
    /// Number of orders that markets had evicted when they were evicted themselves.
    evicted_before: u64,
    /// How many numbers were rounded.
    rounded: u64,
}

impl Bitstamp {
    /// Makes the adapter for a recording. The lines that name no market are of this symbol; the default is BTC-USD, the
    /// venue's only symbol when the lines had that form.
    #[must_use]
    pub fn new(symbol: Option<Name<'static>>, limits: DecodeLimits) -> Self {
        let symbol = symbol.unwrap_or_else(default_symbol);
        Self { symbol, limits, markets: Table::new(MARKETS_MAX), evicted_before: 0, rounded: 0 }
    }

    /// Reads one line and appends the events that it completes.
    ///
    /// # Errors
    /// Returns the reason for which the line cannot be used. Nothing has changed then.
    pub fn read(&mut self, line: &[u8], out: &mut Vec<Event<'static>>) -> Result<(), Rejection> {
        let mut reading = Reading::new(self.limits);
        if let Some((symbol, line)) = frame::parse(line, &mut reading)? {
            self.rounded += reading.rounded;
            let symbol = symbol.unwrap_or_else(|| self.symbol.clone());
            self.market(symbol, out).take(line, out);
        }
        Ok(())
    }

    /// Ends the recording: appends the executions that still waited for a line.
    pub fn finish(&mut self, out: &mut Vec<Event<'static>>) {
        self.markets.values_mut().for_each(|market| market.finish(out));
    }

    /// Returns how many numbers were rounded.
    #[must_use]
    pub const fn rounded(&self) -> u64 {
        self.rounded
    }

    /// Returns how many live orders and markets were evicted to keep within the limits.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        let orders: u64 = self.markets.iter().map(|(_, market)| market.evicted()).sum();
        orders + self.evicted_before + self.markets.evicted()
    }

    /// Returns the memory of a market. If it is a new one and there are too many, the market used least recently is
    /// forgotten, and what waited in it is emitted.
    fn market(&mut self, symbol: Name<'static>, out: &mut Vec<Event<'static>>) -> &mut Market {
        let handle = self.markets.find(&*symbol).unwrap_or_else(|| {
            let (handle, displaced) = self.markets.insert(CompactString::new(&*symbol), Market::new(symbol));
            if let Some((_, mut market)) = displaced {
                market.finish(out);
                self.evicted_before += market.evicted();
            }
            handle
        });
        self.markets.touch(handle);
        self.markets.get_mut(handle).expect("the entry was found or inserted")
    }
}

fn default_symbol() -> Name<'static> {
    Name::new("BTC-USD").expect("a name")
}

#[cfg(test)]
mod tests;
