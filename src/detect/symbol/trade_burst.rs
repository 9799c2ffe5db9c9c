//! `trade_burst` of a symbol: trades come far faster, or far larger, than is usual for it.
//!
//! Two channels of [`Burst`]. *Arrivals* counts orders that took, not their fills: a venue prints an order's fills one by one, and
//! a sweep through twenty levels is one decision. *Notional* counts what the aggressor traded in units of the symbol's median
//! trade, at most 50 for one trade. So a feed of trades alone warns too.
//!
//! A trade belongs to the last arrival if it has the same taker's order, or the same stamp, or the same taker on the same side
//! within 5 ms. Venues that name nobody leave only the stamp: there a sweep with a stamp for each fill counts as its fills.
//!
//! A trade at a price that is not above zero is an arrival, and has no notional that could be compared with others.
//!
//! Alone it makes a ticket at most: news looks the same. It pages together with another detector (`correlate`), or in its market
//! form together with that of `price_shock` (`detect::market`), to which each symbol contributes its signed flow.

mod sweeps;

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use self::sweeps::Sweeps;
use super::{Moment, SymbolDetector, SymbolNow, TradeSeen, signed_flow::SignedFlow};
use crate::{
    detect::{
        Burst, BurstKind, CoverageState, Detection, Detector, Sample, Verdict, budget::of_symbol, burst::UNITS_MAX,
    },
    event::{SharedName, Side},
    stats::tail_prior::Pools,
    time::{EventTime, Span},
};

/// Factor of one step of the median's estimate, which is within a tenth after some fifty trades and then varies by 2 %.
const STEP: f64 = 1.02;
/// The greatest distance between fills of one taker on one side that are one arrival: a taker that splits an order sends the parts
/// together, and a venue prints a sweep within milliseconds. Counted from the arrival's first fill, so that a taker who
/// trades on and on still arrives two hundred times a second.
const SWEEP_MAX: Span = Span::from_millis(5);

/// The detector of one symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TradeBurst {
    burst: Burst,
    meter: Meter,
    /// The quantity that aggressors buy, less what they sell, for the market's form.
    flow: SignedFlow,
    /// The largest arrivals of late, as evidence.
    sweeps: Sweeps,
}

impl TradeBurst {
    /// The detector of arrivals and notional.
    pub const fn burst(&self) -> &Burst {
        &self.burst
    }

    /// Shows the new exceedances of the burst's tails to the feed's pools, and takes over what these have of other symbols.
    pub fn exchange(&mut self, pools: &mut [Pools]) {
        self.burst.exchange(pools);
    }

    /// The score of the signed flow since it was last taken.
    pub fn take_flow(&mut self, at: EventTime) -> Option<f64> {
        self.flow.take(at)
    }
}

impl SymbolDetector for TradeBurst {
    fn new(settings: &Detection) -> Self {
        let burst = Burst::new(BurstKind::Trades, of_symbol(Detector::TradeBurst, settings.trade_burst));
        Self { burst, meter: Meter::default(), flow: SignedFlow::default(), sweeps: Sweeps::default() }
    }

    fn retune(&mut self, before: &Detection, settings: &Detection) {
        if before.trade_burst != settings.trade_burst {
            self.burst.retune(of_symbol(Detector::TradeBurst, settings.trade_burst));
        }
    }

    fn traded(&mut self, moment: &Moment, seen: &TradeSeen<'_>) -> Option<Verdict> {
        let amounts = self.meter.measure(moment.at, seen);
        self.sweeps.take(moment.at, seen, amounts[0] > 0);
        if let Some(side) = seen.trade.side {
            self.flow.add(moment.at, side, f64::from(amounts[1]));
        }
        let sample = Sample {
            at: moment.at,
            record: moment.record,
            id: &seen.trade.trade,
            account: seen.taker,
            owner: seen.taker_owner,
            rested: None,
        };
        let mut verdict = self.burst.handle(&sample, &amounts, moment.mode, |_| true)?;
        verdict.finding.evidence.sweep = self.sweeps.largest(verdict.finding.starts_at);
        Some(verdict)
    }

    fn reopen(&mut self, at: EventTime) {
        self.burst.reopen(at);
    }

    fn gap(&mut self, from: EventTime, until: EventTime) {
        self.burst.gap(from, until);
        self.flow.gap(until);
    }

    fn deadline(&self) -> Option<EventTime> {
        self.burst.deadline()
    }

    fn expire(&mut self, now: EventTime) -> Option<Verdict> {
        self.burst.expire(now)
    }

    fn coverage(&self, _now: &SymbolNow) -> (Detector, CoverageState) {
        (Detector::TradeBurst, self.burst.coverage())
    }

    fn end(&mut self) -> Option<Verdict> {
        self.burst.end()
    }
}

/// The measure of trades in the units of the two channels.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Meter {
    last: Option<Arrival>,
    /// The median trade's notional; 0 before the first.
    median: f64,
}

/// An order that took, as far as its first fill shows it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Arrival {
    /// The time of its first fill.
    at: EventTime,
    /// The taker's order; empty where the venue does not name it.
    order: CompactString,
    taker: Option<SharedName>,
    side: Option<Side>,
}

impl Arrival {
    fn new(at: EventTime, seen: &TradeSeen<'_>) -> Self {
        let order = seen.trade.taker_order.as_deref().unwrap_or_default();
        Self { at, order: CompactString::new(order), taker: seen.taker.cloned(), side: seen.trade.side }
    }

    /// Whether a trade is another fill of the arrival.
    fn includes(&self, at: EventTime, seen: &TradeSeen<'_>) -> bool {
        let is_of_order = !self.order.is_empty() && seen.trade.taker_order.as_deref() == Some(self.order.as_str());
        let is_of_taker = seen.taker.is_some() && (seen.taker, seen.trade.side) == (self.taker.as_ref(), self.side);
        let apart = at.since(self.at);
        is_of_order
            || apart == Span::ZERO
            || (is_of_taker && (Span::from_nanos(-SWEEP_MAX.nanos())..=SWEEP_MAX).contains(&apart))
    }
}

impl Meter {
    /// The arrivals, 0 or 1, and the median trades that a trade counts as.
    fn measure(&mut self, at: EventTime, seen: &TradeSeen<'_>) -> [u16; 2] {
        let trade = seen.trade;
        let arrives = self.last.as_ref().is_none_or(|last| !last.includes(at, seen));
        if arrives {
            let newest = self.last.as_ref().map_or(at, |last| last.at.max(at));
            self.last = Some(Arrival::new(newest, seen));
        }
        let notional = trade.price.get().to_f64() * trade.qty.get().to_f64();
        if notional <= 0.0 {
            return [u16::from(arrives), 0];
        }
        if self.median <= 0.0 {
            self.median = notional;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 50")]
        let units = (notional / self.median).clamp(0.0, f64::from(UNITS_MAX)).round() as u16;
        if notional > self.median {
            self.median *= STEP;
        } else {
            self.median /= STEP;
        }
        [u16::from(arrives), units]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{Decimal, Name, Price, Quantity, Trade};

    fn trade(lots: i64) -> Trade<'static> {
        let decimal = |n| Decimal::from_parts(n, 0).unwrap();
        Trade::public(
            Name::new("1".to_owned()).unwrap(),
            Price::new(decimal(10)).unwrap(),
            Quantity::new(decimal(lots)).unwrap(),
            None,
        )
    }

    fn measure(meter: &mut Meter, at: EventTime, trade: &Trade<'_>) -> [u16; 2] {
        let taker = trade.taker.as_deref().map(SharedName::new);
        meter.measure(at, &TradeSeen { trade, taker: taker.as_ref(), taker_owner: None, level_changes: None })
    }

    #[test]
    fn fills_of_one_instant_are_one_arrival_and_a_block_is_clipped() {
        let mut meter = Meter::default();
        let at = EventTime::from_nanos;
        for n in 0..200 {
            measure(&mut meter, at(n), &trade(2 + n % 3));
        }
        assert_eq!(measure(&mut meter, at(500), &trade(6)), [1, 2]);
        assert_eq!(measure(&mut meter, at(500), &trade(3)), [0, 1]);
        assert_eq!(measure(&mut meter, at(501), &trade(1_000_000)), [1, 50]);
        assert_eq!(measure(&mut meter, at(502), &trade(1)), [1, 0], "a small one rounds to nothing");
    }

    /// Arrivals of fills; each is given as milliseconds, taker, side and taker's order.
    fn arrivals(fills: &[(i64, &'static str, Option<Side>, &'static str)]) -> Vec<u16> {
        let mut meter = Meter::default();
        let name = |text: &'static str| (!text.is_empty()).then(|| Name::new(text.to_owned()).unwrap());
        let fill = |&(millis, taker, side, order): &(i64, &'static str, Option<Side>, &'static str)| {
            let fill = Trade { taker: name(taker), side, taker_order: name(order), ..trade(1) };
            measure(&mut meter, EventTime::from_nanos(0).plus(Span::from_millis(millis)), &fill)[0]
        };
        fills.iter().map(fill).collect()
    }

    const BUY: Option<Side> = Some(Side::Buy);
    const SELL: Option<Side> = Some(Side::Sell);

    #[test]
    fn the_fills_of_one_order_are_one_arrival_however_far_apart_their_stamps() {
        assert_eq!(
            arrivals(&[(0, "a", BUY, "1"), (3, "a", BUY, "1"), (80, "a", BUY, "1"), (81, "a", BUY, "2")]),
            [1, 0, 0, 1]
        );
        assert_eq!(arrivals(&[(0, "", None, "1"), (7, "", None, "1"), (14, "", None, "2")]), [1, 0, 1]);
    }

    #[test]
    fn the_fills_of_one_taker_and_side_within_five_milliseconds_are_one_arrival() {
        assert_eq!(arrivals(&[(0, "a", BUY, ""), (5, "a", BUY, ""), (6, "a", BUY, "")]), [1, 0, 1]);
        assert_eq!(arrivals(&[(0, "a", BUY, "1"), (1, "a", BUY, "2")]), [1, 0], "an order sent in parts");
        assert_eq!(arrivals(&[(0, "a", BUY, ""), (1, "a", SELL, ""), (2, "b", SELL, "")]), [1, 1, 1]);
        assert_eq!(arrivals(&[(10, "a", BUY, ""), (8, "a", BUY, ""), (2, "a", BUY, "")]), [1, 0, 1], "out of order");
    }

    #[test]
    fn where_nobody_is_named_each_stamp_is_an_arrival() {
        assert_eq!(arrivals(&[(0, "", BUY, ""), (1, "", BUY, ""), (1, "", BUY, "")]), [1, 1, 0]);
    }
}
