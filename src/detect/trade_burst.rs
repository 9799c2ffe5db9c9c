//! `trade_burst`: trades come far faster, or far larger, than is usual for the symbol.
//!
//! Two channels of `super::burst`. *Arrivals* counts trades; those of one instant are one arrival, because a venue prints an
//! order's fills one by one. *Notional* counts what the aggressor traded in units of the symbol's median trade, at most 50 for one
//! trade, or a single block would be a burst. So a feed of trades alone warns too.
//!
//! Alone it makes a ticket at most: news looks the same. It pages with another detector (`correlate`), or where most symbols do it at
//! once (`super::market_wide`).

use serde::{Deserialize, Serialize};

use crate::{event::Trade, time::EventTime, window::BurstSettings};

/// What one trade counts at most, in median trades (DETECTION 3).
pub const UNITS_MAX: u16 = 50;
/// A step of the median's estimate: within a tenth after some fifty trades, and it flickers by 2 %.
const STEP: f64 = 1.02;

/// What the detector is set to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings {
    /// The windows' own settings.
    pub window: BurstSettings,
}

/// From trades to what the two channels count.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Meter {
    last_at: Option<EventTime>,
    /// The median trade's notional; 0 before the first.
    median: f64,
}

impl Meter {
    /// What a trade counts as: arrivals, and median trades.
    pub fn measure(&mut self, at: EventTime, trade: &Trade<'_>) -> [u16; 2] {
        let arrives = self.last_at != Some(at);
        self.last_at = self.last_at.max(Some(at));
        let notional = trade.price.get().to_f64() * trade.qty.get().to_f64();
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
    use crate::event::{Decimal, Name, Price, Quantity};

    fn trade(lots: i64) -> Trade<'static> {
        let decimal = |n| Decimal::from_parts(n, 0).unwrap();
        Trade {
            trade: Name::new("1".to_owned()).unwrap(),
            price: Price::new(decimal(10)).unwrap(),
            qty: Quantity::new(decimal(lots)).unwrap(),
            side: None,
            maker_order: None,
            taker_order: None,
            maker: None,
            taker: None,
            maker_owner: None,
            taker_owner: None,
            liquidation: None,
        }
    }

    #[test]
    fn fills_of_one_instant_are_one_arrival_and_a_block_is_clipped() {
        let mut meter = Meter::default();
        let at = EventTime::from_nanos;
        for n in 0..200 {
            meter.measure(at(n), &trade(2 + n % 3));
        }
        assert_eq!(meter.measure(at(500), &trade(6)), [1, 2]);
        assert_eq!(meter.measure(at(500), &trade(3)), [0, 1]);
        assert_eq!(meter.measure(at(501), &trade(1_000_000)), [1, 50]);
        assert_eq!(meter.measure(at(502), &trade(1)), [1, 0], "a small one rounds to nothing");
    }
}
