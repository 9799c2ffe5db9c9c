//! Joins the lines that report the same execution.
//!
//! Bitstamp reports one execution in three lines on two channels, in any order: one order shrank, the other order
//! shrank, and there was a trade, which names its orders only in the present form of the feed. [`Fills`] joins the three
//! into one [`Execution`].
//!
//! Three lines belong together if all have the same quantity, which they carry to the last digit, and the two orders
//! are on opposite sides; if the trade line names its orders, they must be these two. If several lines fit, the oldest is
//! taken. A line that has not come within [`WAIT`] is taken for lost: the execution is then emitted with the lines that
//! are there. So every trade line is used exactly once, and every fill of known quantity too; a larger fill may be split
//! over several trade lines. A fill of unknown quantity is used with its trade line only.

use std::collections::VecDeque;

use crate::{
    event::{Decimal, Price, Quantity, Side},
    time::{EventTime, Span},
};

/// How long the lines of one execution wait for each other. In the recording of 2015-05-01 they lie at most 82 ms
/// apart. One second leaves room for a slower connection and is still short against a detector's window.
pub(super) const WAIT: Span = Span::from_secs(1);
/// Largest number of waiting fills, and of waiting prints: a second of executions at a hundred times the busiest rate
/// in the recording. Beyond it the oldest line is emitted without the others.
const WAITING_MAX: usize = 4_096;

/// One order shrank because it was executed, in part or completely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fill {
    pub at: EventTime,
    pub order: u64,
    pub side: Side,
    pub price: Option<Price>,
    /// Executed quantity. `None` if the line does not say: the order was never seen before, or it was deleted before
    /// its execution was reported.
    pub qty: Option<Quantity>,
}

/// The venue's line on a trade. Only the present form of the feed names its orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub at: EventTime,
    pub id: u64,
    pub price: Price,
    pub qty: Quantity,
    /// Ids of the buy order and of the sell order.
    pub orders: Option<(u64, u64)>,
    /// Side of the aggressor.
    pub aggressor: Option<Side>,
}

impl Print {
    /// Whether a fill on this side may belong to the print, by the id of its order.
    fn may_be_of(&self, fill: &Fill) -> bool {
        self.order(fill.side).is_none_or(|order| order == fill.order)
    }

    /// Returns the id of the order on a side, if the print names it.
    fn order(&self, side: Side) -> Option<u64> {
        self.orders.map(|(buy, sell)| match side {
            Side::Buy => buy,
            Side::Sell => sell,
        })
    }

    /// Returns the ids of the resting order and of the aggressor, and the side of the aggressor, if the print names
    /// them. Ids rise, so without a side the younger order is the aggressor.
    pub fn roles(self) -> Option<(u64, u64, Side)> {
        let (buy, sell) = self.orders?;
        let side = self.aggressor.unwrap_or(if buy > sell { Side::Buy } else { Side::Sell });
        Some(match side {
            Side::Buy => (sell, buy, side),
            Side::Sell => (buy, sell, side),
        })
    }
}

/// One execution with the lines that are known of it: at least a print, or one fill of known quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Execution {
    pub print: Option<Print>,
    pub buy: Option<Fill>,
    pub sell: Option<Fill>,
}

/// Fills and prints that wait for the other lines of their execution, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Fills {
    fills: VecDeque<Fill>,
    prints: VecDeque<Print>,
}

impl Fills {
    /// Adds a fill and emits the execution that it completes.
    pub fn add_fill(&mut self, fill: Fill, out: &mut Vec<Execution>) {
        self.fills.push_back(fill);
        self.emit_complete(out);
        self.enforce_limits(out);
    }

    /// Adds a print and emits the execution that it completes.
    pub fn add_print(&mut self, print: Print, out: &mut Vec<Execution>) {
        self.prints.push_back(print);
        self.emit_complete(out);
        self.enforce_limits(out);
    }

    /// Moves the time to `now` and emits what has waited longer than [`WAIT`].
    pub fn advance(&mut self, now: EventTime, out: &mut Vec<Execution>) {
        self.expire(now.minus(WAIT), out);
    }

    /// Ends the input and emits all that waits.
    pub fn finish(&mut self, out: &mut Vec<Execution>) {
        self.expire(EventTime::from_nanos(i64::MAX), out);
    }

    /// Emits the executions of which all three lines are there.
    fn emit_complete(&mut self, out: &mut Vec<Execution>) {
        while let Some((at, buy, sell)) = self.find_complete() {
            let print = self.prints.remove(at);
            // The later fill is removed first, because its removal does not move the earlier one.
            let (first, second) = (buy.min(sell), buy.max(sell));
            let (later, earlier) = (self.fills.remove(second), self.fills.remove(first));
            let (buy, sell) = if buy < sell { (earlier, later) } else { (later, earlier) };
            out.push(Execution { print, buy, sell });
        }
    }

    /// Returns the indices of the oldest print that has both fills, and of these fills.
    fn find_complete(&self) -> Option<(usize, usize, usize)> {
        self.prints
            .iter()
            .enumerate()
            .find_map(|(at, print)| Some((at, self.find_fill(print, Side::Buy)?, self.find_fill(print, Side::Sell)?)))
    }

    /// Returns the index of the fill on this side that belongs to a print: one of the same quantity, or else one of
    /// unknown quantity that the print names or that is at exactly its price.
    fn find_fill(&self, print: &Print, side: Side) -> Option<usize> {
        let find = |fits: &dyn Fn(&Fill) -> bool| {
            self.fills.iter().position(|fill| fill.side == side && print.may_be_of(fill) && fits(fill))
        };
        let is_named = print.order(side).is_some();
        find(&|fill| fill.qty == Some(print.qty))
            .or_else(|| find(&|fill| fill.qty.is_none() && (is_named || fill.price == Some(print.price))))
    }

    /// Splits a print's quantity off a larger fill on this side, which covers several prints at once.
    fn split_fill(&mut self, print: &Print, side: Side) -> Option<Fill> {
        let at = self.fills.iter().position(|fill| {
            fill.side == side && print.may_be_of(fill) && fill.qty.is_some_and(|qty| qty > print.qty)
        })?;
        let whole = self.fills[at].qty?;
        self.fills[at].qty = Quantity::new(whole.get().minus(print.qty.get()));
        Some(Fill { qty: Some(print.qty), ..self.fills[at] })
    }

    /// Emits what came before this time: prints first, because a print may still take a fill with it.
    fn expire(&mut self, before: EventTime, out: &mut Vec<Execution>) {
        while self.prints.front().is_some_and(|print| print.at < before) {
            self.emit_oldest_print(out);
        }
        while self.fills.front().is_some_and(|fill| fill.at < before) {
            self.emit_oldest_fill(out);
        }
    }

    /// Emits the oldest print with the fills that belong to it, if there are any.
    fn emit_oldest_print(&mut self, out: &mut Vec<Execution>) {
        let Some(print) = self.prints.pop_front() else { return };
        let [buy, sell] = [Side::Buy, Side::Sell].map(|side| match self.find_fill(&print, side) {
            Some(at) => self.fills.remove(at),
            None => self.split_fill(&print, side),
        });
        out.push(Execution { print: Some(print), buy, sell });
    }

    /// Emits the oldest fill, whose print was lost, with a fill of the same quantity on the other side, if there is
    /// one. A fill of unknown quantity yields nothing.
    fn emit_oldest_fill(&mut self, out: &mut Vec<Execution>) {
        let Some(fill) = self.fills.pop_front() else { return };
        let Some(qty) = fill.qty else { return };
        let other = self.fills.iter().position(|other| other.side != fill.side && other.qty == Some(qty));
        let other = other.and_then(|at| self.fills.remove(at));
        let (buy, sell) = match fill.side {
            Side::Buy => (Some(fill), other),
            Side::Sell => (other, Some(fill)),
        };
        out.push(Execution { print: None, buy, sell });
    }

    /// Emits the oldest line of a kind that has more than [`WAITING_MAX`] lines waiting.
    fn enforce_limits(&mut self, out: &mut Vec<Execution>) {
        if self.prints.len() > WAITING_MAX {
            self.emit_oldest_print(out);
        }
        if self.fills.len() > WAITING_MAX {
            self.emit_oldest_fill(out);
        }
    }
}

impl Execution {
    /// Returns the executed quantity. Only an execution without any known quantity has zero, and [`Fills`] emits none.
    pub fn qty(&self) -> Decimal {
        let of_fill = |fill: &Option<Fill>| fill.as_ref().and_then(|fill| fill.qty);
        let print = self.print.map(|print| print.qty);
        print.or_else(|| of_fill(&self.buy)).or_else(|| of_fill(&self.sell)).map_or(Decimal::ZERO, Quantity::get)
    }

    /// Returns the fill of the resting order and the fill of the aggressor. Ids rise, so the older of the two orders
    /// rested.
    pub fn maker_and_taker(&self) -> (Option<Fill>, Option<Fill>) {
        match (self.buy, self.sell) {
            (Some(buy), Some(sell)) if buy.order < sell.order => (Some(buy), Some(sell)),
            (Some(buy), Some(sell)) => (Some(sell), Some(buy)),
            // Only one fill is known. A trade has the resting order's price, so the price tells which of the two it is.
            (Some(one), None) | (None, Some(one)) => match self.print {
                Some(print) if one.price != Some(print.price) => (None, Some(one)),
                Some(_) | None => (Some(one), None),
            },
            (None, None) => (None, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn qty(n: i64) -> Quantity {
        Quantity::new(Decimal::from_parts(n, 0).unwrap()).unwrap()
    }

    fn price(n: i64) -> Price {
        Price::new(Decimal::from_parts(n, 0).unwrap()).unwrap()
    }

    fn at(ms: i64) -> EventTime {
        EventTime::from_nanos(ms * 1_000_000)
    }

    fn fill(ms: i64, order: u64, side: Side, n: Option<i64>) -> Fill {
        Fill { at: at(ms), order, side, price: Some(price(100)), qty: n.map(qty) }
    }

    fn print(ms: i64, id: u64, n: i64) -> Print {
        Print { at: at(ms), id, price: price(100), qty: qty(n), orders: None, aggressor: None }
    }

    #[test]
    fn the_three_lines_may_come_in_any_order() {
        let (buy, sell, trade) = (fill(0, 1, Side::Buy, Some(5)), fill(1, 2, Side::Sell, Some(5)), print(2, 9, 5));
        for order in ["bst", "bts", "tbs", "tsb", "sbt", "stb"] {
            let (mut fills, mut out) = (Fills::default(), Vec::new());
            for line in order.chars() {
                match line {
                    'b' => fills.add_fill(buy, &mut out),
                    's' => fills.add_fill(sell, &mut out),
                    _ => fills.add_print(trade, &mut out),
                }
            }
            assert_eq!(out, [Execution { print: Some(trade), buy: Some(buy), sell: Some(sell) }], "{order}");
            fills.finish(&mut out);
            assert_eq!(out.len(), 1, "{order}");
        }
    }

    #[test]
    fn two_fills_without_their_print_are_one_execution_after_the_wait() {
        let (mut fills, mut out) = (Fills::default(), Vec::new());
        fills.add_fill(fill(0, 1, Side::Buy, Some(5)), &mut out);
        fills.add_fill(fill(3, 2, Side::Sell, Some(5)), &mut out);
        fills.advance(at(1_000), &mut out);
        assert!(out.is_empty());
        fills.advance(at(1_001), &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].qty(), qty(5).get());
        fills.finish(&mut out);
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn a_fill_that_covers_two_prints_is_not_counted_twice() {
        let (mut fills, mut out) = (Fills::default(), Vec::new());
        fills.add_fill(fill(0, 1, Side::Sell, Some(2)), &mut out);
        fills.add_fill(fill(0, 9, Side::Buy, Some(5)), &mut out);
        fills.add_fill(fill(1, 2, Side::Sell, Some(3)), &mut out);
        fills.add_print(print(2, 70, 2), &mut out);
        fills.add_print(print(2, 71, 3), &mut out);
        fills.finish(&mut out);
        assert_eq!(out.len(), 2);
        assert!(out.iter().all(|m| m.buy.is_some_and(|f| f.order == 9) && m.sell.is_some()));
    }

    #[test]
    fn a_fill_of_unknown_quantity_is_found_by_its_price() {
        let (mut fills, mut out) = (Fills::default(), Vec::new());
        fills.add_fill(fill(0, 1, Side::Sell, None), &mut out);
        fills.add_fill(fill(0, 9, Side::Buy, Some(5)), &mut out);
        fills.add_print(print(2, 70, 5), &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].maker_and_taker().0.map(|f| f.order), Some(1));
    }
}
