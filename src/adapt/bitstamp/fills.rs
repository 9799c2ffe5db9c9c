//! Bitstamp tells one execution in three lines over two channels, in any order: that the one order shrank, that the other
//! did, and that there was a trade, which names no orders. [`Fills`] joins the three into one [`Match`].
//!
//! The key is the quantity, which all three carry to the last digit, and the side. What does not come within
//! [`WAIT`] does not come: a match is then told with what is known of it, so that every fill and every trade line is
//! told exactly once. Among several that fit, the oldest goes first.

use std::collections::VecDeque;

use crate::{
    event::{Decimal, Price, Quantity, Side},
    time::{EventTime, Span},
};

/// How long the lines of one execution wait for each other. In the recording of 2015-05-01 they lie at most 83 ms apart; a
/// second leaves room for a slower connection and is still nothing to a window.
pub(super) const WAIT: Span = Span::from_secs(1);
/// Lines that may wait: a second of executions at a hundred times the recording's busiest. The oldest then goes as it is.
const WAITING_MAX: usize = 4_096;

/// One order shrank because it was executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fill {
    pub at: EventTime,
    pub order: u64,
    pub side: Side,
    pub price: Option<Price>,
    /// By how much; `None` where the order was never seen before.
    pub qty: Option<Quantity>,
}

/// The venue's line on a trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Print {
    pub at: EventTime,
    pub id: u64,
    pub price: Price,
    pub qty: Quantity,
}

/// One execution, as far as the lines tell it: at least a print or one fill of known quantity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Match {
    pub print: Option<Print>,
    pub buy: Option<Fill>,
    pub sell: Option<Fill>,
}

/// What waits for the rest of its execution, the oldest first.
#[derive(Debug, Default)]
pub(super) struct Fills {
    fills: VecDeque<Fill>,
    prints: VecDeque<Print>,
}

impl Fills {
    /// An order shrank.
    pub fn fill(&mut self, fill: Fill, out: &mut Vec<Match>) {
        self.fills.push_back(fill);
        self.join(out);
        self.shed(out);
    }

    /// There was a trade.
    pub fn print(&mut self, print: Print, out: &mut Vec<Match>) {
        self.prints.push_back(print);
        self.join(out);
        self.shed(out);
    }

    /// It is this late now: what has waited too long is told as it is.
    pub fn pass(&mut self, now: EventTime, out: &mut Vec<Match>) {
        self.expire(now.minus(WAIT), out);
    }

    /// Nothing more comes.
    pub fn finish(&mut self, out: &mut Vec<Match>) {
        self.expire(EventTime::from_nanos(i64::MAX), out);
    }

    /// Tells the executions whose three lines are all there.
    fn join(&mut self, out: &mut Vec<Match>) {
        while let Some((at, buy, sell)) = self.whole() {
            let print = self.prints.remove(at);
            // The later one first: removing it does not move the earlier.
            let (first, second) = (buy.min(sell), buy.max(sell));
            let (later, earlier) = (self.fills.remove(second), self.fills.remove(first));
            let (buy, sell) = if buy < sell { (earlier, later) } else { (later, earlier) };
            out.push(Match { print, buy, sell });
        }
    }

    fn whole(&self) -> Option<(usize, usize, usize)> {
        self.prints
            .iter()
            .enumerate()
            .find_map(|(at, print)| Some((at, self.of_print(print, Side::Buy)?, self.of_print(print, Side::Sell)?)))
    }

    /// The fill of this side that a print tells of: of the same quantity, else one of unknown quantity at its very price.
    fn of_print(&self, print: &Print, side: Side) -> Option<usize> {
        let find = |fits: &dyn Fn(&Fill) -> bool| self.fills.iter().position(|fill| fill.side == side && fits(fill));
        find(&|fill| fill.qty == Some(print.qty))
            .or_else(|| find(&|fill| fill.qty.is_none() && fill.price == Some(print.price)))
    }

    /// A fill of this side that tells of several prints at once: greater than this one.
    fn around_print(&mut self, print: &Print, side: Side) -> Option<Fill> {
        let at = self.fills.iter().position(|fill| fill.side == side && fill.qty.is_some_and(|qty| qty > print.qty))?;
        let whole = self.fills[at].qty?;
        self.fills[at].qty = Quantity::new(whole.get().minus(print.qty.get()));
        Some(Fill { qty: Some(print.qty), ..self.fills[at] })
    }

    /// Tells what waits since before this time, prints before fills: a print may still take a fill with it.
    fn expire(&mut self, before: EventTime, out: &mut Vec<Match>) {
        while self.prints.front().is_some_and(|print| print.at < before) {
            self.give_up_print(out);
        }
        while self.fills.front().is_some_and(|fill| fill.at < before) {
            self.give_up_fill(out);
        }
    }

    fn give_up_print(&mut self, out: &mut Vec<Match>) {
        let Some(print) = self.prints.pop_front() else { return };
        let [buy, sell] = [Side::Buy, Side::Sell].map(|side| match self.of_print(&print, side) {
            Some(at) => self.fills.remove(at),
            None => self.around_print(&print, side),
        });
        out.push(Match { print: Some(print), buy, sell });
    }

    /// A fill whose print was lost may still have its other side, and both are one execution.
    fn give_up_fill(&mut self, out: &mut Vec<Match>) {
        let Some(fill) = self.fills.pop_front() else { return };
        let Some(qty) = fill.qty else { return };
        let other = self.fills.iter().position(|other| other.side != fill.side && other.qty == Some(qty));
        let other = other.and_then(|at| self.fills.remove(at));
        let (buy, sell) = match fill.side {
            Side::Buy => (Some(fill), other),
            Side::Sell => (other, Some(fill)),
        };
        out.push(Match { print: None, buy, sell });
    }

    fn shed(&mut self, out: &mut Vec<Match>) {
        if self.prints.len() > WAITING_MAX {
            self.give_up_print(out);
        }
        if self.fills.len() > WAITING_MAX {
            self.give_up_fill(out);
        }
    }
}

impl Match {
    /// How much changed hands; zero only where nothing is known, which `Fills` never tells.
    pub fn qty(&self) -> Decimal {
        let of_fill = |fill: &Option<Fill>| fill.as_ref().and_then(|fill| fill.qty);
        let print = self.print.map(|print| print.qty);
        print.or_else(|| of_fill(&self.buy)).or_else(|| of_fill(&self.sell)).map_or(Decimal::ZERO, Quantity::get)
    }

    /// The resting order and the one that met it: ids rise, so the older of the two rested.
    pub fn maker_and_taker(&self) -> (Option<Fill>, Option<Fill>) {
        match (self.buy, self.sell) {
            (Some(buy), Some(sell)) if buy.order < sell.order => (Some(buy), Some(sell)),
            (Some(buy), Some(sell)) => (Some(sell), Some(buy)),
            // One is known. Which it was, its price says: trades happen at the resting order's.
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
        Print { at: at(ms), id, price: price(100), qty: qty(n) }
    }

    #[test]
    fn the_three_lines_may_come_in_any_order() {
        let (buy, sell, trade) = (fill(0, 1, Side::Buy, Some(5)), fill(1, 2, Side::Sell, Some(5)), print(2, 9, 5));
        for order in ["bst", "bts", "tbs", "tsb", "sbt", "stb"] {
            let (mut fills, mut out) = (Fills::default(), Vec::new());
            for line in order.chars() {
                match line {
                    'b' => fills.fill(buy, &mut out),
                    's' => fills.fill(sell, &mut out),
                    _ => fills.print(trade, &mut out),
                }
            }
            assert_eq!(out, [Match { print: Some(trade), buy: Some(buy), sell: Some(sell) }], "{order}");
            fills.finish(&mut out);
            assert_eq!(out.len(), 1, "{order}");
        }
    }

    #[test]
    fn fills_without_their_print_are_one_execution_after_the_wait() {
        let (mut fills, mut out) = (Fills::default(), Vec::new());
        fills.fill(fill(0, 1, Side::Buy, Some(5)), &mut out);
        fills.fill(fill(3, 2, Side::Sell, Some(5)), &mut out);
        fills.pass(at(1_000), &mut out);
        assert!(out.is_empty());
        fills.pass(at(1_001), &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].qty(), qty(5).get());
        fills.finish(&mut out);
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn one_fill_over_two_prints_is_not_counted_twice() {
        let (mut fills, mut out) = (Fills::default(), Vec::new());
        fills.fill(fill(0, 1, Side::Sell, Some(2)), &mut out);
        fills.fill(fill(0, 9, Side::Buy, Some(5)), &mut out);
        fills.fill(fill(1, 2, Side::Sell, Some(3)), &mut out);
        fills.print(print(2, 70, 2), &mut out);
        fills.print(print(2, 71, 3), &mut out);
        fills.finish(&mut out);
        assert_eq!(out.len(), 2);
        assert!(out.iter().all(|m| m.buy.is_some_and(|f| f.order == 9) && m.sell.is_some()));
    }

    #[test]
    fn an_order_from_before_the_recording_is_named_at_its_price() {
        let (mut fills, mut out) = (Fills::default(), Vec::new());
        fills.fill(fill(0, 1, Side::Sell, None), &mut out);
        fills.fill(fill(0, 9, Side::Buy, Some(5)), &mut out);
        fills.print(print(2, 70, 5), &mut out);
        assert_eq!(out.len(), 1);
        assert_eq!(out[0].maker_and_taker().0.map(|f| f.order), Some(1));
    }
}
