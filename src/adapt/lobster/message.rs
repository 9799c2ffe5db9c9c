//! One line of the message file: time, type, order, size, price, direction; in some deliveries a participant behind them.

use super::super::record::{price, quantity, wrong};
use crate::event::{Decimal, Price, Quantity, Rejection, Side};

/// Prices are whole numbers of 10⁻⁴ dollars.
pub(super) const PLACES: u32 = 4;

/// The greatest of the contract's 15 digits.
const WHOLE_MAX: u64 = 999_999_999_999_999;

/// A message, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// 1: a new limit order.
    Submitted(Resting),
    /// 2: a part of it is withdrawn; the quantity is that part's.
    Reduced(Resting),
    /// 3: all that is left of it is withdrawn.
    Deleted(Resting),
    /// 4: it is executed.
    Executed(Resting),
    /// 5: a hidden order is executed; its id is not told.
    ExecutedHidden(Resting),
    /// 6: an auction.
    Crossed { price: Price, qty: Quantity },
    /// 7: trading stops, or goes on.
    Halted,
}

/// What a message says of an order that rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resting {
    pub order: u64,
    pub side: Side,
    pub price: Price,
    pub qty: Quantity,
}

impl Message {
    /// Reads a line: the seconds after midnight, and the message.
    ///
    /// # Errors
    /// Says why it is no message.
    pub fn parse(line: &str) -> Result<(f64, Self), Rejection> {
        let fields: Vec<&str> = line.splitn(8, ',').collect();
        let [seconds, kind, order, size, cents, direction] = match fields.as_slice() {
            [fields @ .., _participant] if fields.len() == 6 => <[&str; 6]>::try_from(fields),
            fields => <[&str; 6]>::try_from(fields),
        }
        .map_err(|_| wrong("expected six fields: time, type, order, size, price, direction"))?;
        let seconds = seconds.parse().map_err(|_| wrong("expected seconds after midnight"))?;
        if kind == "7" {
            return Ok((seconds, Self::Halted));
        }
        let (price, qty) = (price(number(cents, PLACES)?)?, quantity(number(size, 0)?)?);
        if kind == "6" {
            return Ok((seconds, Self::Crossed { price, qty }));
        }
        let side = match direction {
            "1" => Side::Buy,
            "-1" => Side::Sell,
            _ => return Err(wrong("a direction that is neither 1 nor -1")),
        };
        let order = order.parse().map_err(|_| wrong("expected an order's number"))?;
        let resting = Resting { order, side, price, qty };
        let message = match kind {
            "1" => Self::Submitted(resting),
            "2" => Self::Reduced(resting),
            "3" => Self::Deleted(resting),
            "4" => Self::Executed(resting),
            "5" => Self::ExecutedHidden(resting),
            _ => return Err(wrong("a type that is none of 1 to 7")),
        };
        Ok((seconds, message))
    }
}

/// A whole number of 10⁻ᵖˡᵃᶜᵉˢ.
pub(super) fn number(text: &str, places: u32) -> Result<Decimal, Rejection> {
    let whole = text.parse::<i64>().ok().filter(|whole| whole.unsigned_abs() <= WHOLE_MAX);
    let number = whole.and_then(|whole| Decimal::from_parts(whole, places));
    number.ok_or_else(|| wrong("expected a whole number"))
}
