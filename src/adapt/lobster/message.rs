//! Reads one line of the message file: time, type, order, size, price, direction, and in some deliveries a participant.

use super::super::record::{price, quantity, wrong};
use crate::event::{Decimal, Price, Quantity, Rejection, Side};

/// Decimal places of a price: prices are whole numbers of 10⁻⁴ dollars.
pub(super) const PLACES: u32 = 4;

/// Largest whole number of the contract's 15 significant digits.
const WHOLE_MAX: u64 = 999_999_999_999_999;

/// One message, by its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message {
    /// 1: a new limit order.
    Submitted(Resting),
    /// 2: a part of an order is withdrawn; the quantity is that of the part.
    Reduced(Resting),
    /// 3: all that remains of an order is withdrawn.
    Deleted(Resting),
    /// 4: an order is executed, in part or completely.
    Executed(Resting),
    /// 5: a hidden order is executed; its id is not given.
    ExecutedHidden(Resting),
    /// 6: a trade in an auction.
    Crossed { price: Price, qty: Quantity },
    /// 7: trading stops or continues.
    Halted,
}

/// A resting order as a message reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Resting {
    pub order: u64,
    pub side: Side,
    pub price: Price,
    pub qty: Quantity,
}

impl Message {
    /// Reads a line. Returns its seconds after midnight and its message.
    ///
    /// # Errors
    /// Returns the reason for which the line is not a message.
    pub fn parse(line: &str) -> Result<(f64, Self), Rejection> {
        let fields: Vec<&str> = line.splitn(8, ',').collect();
        let [seconds, kind, order, size, at, direction] = match fields.as_slice() {
            [fields @ .., _participant] if fields.len() == 6 => <[&str; 6]>::try_from(fields),
            fields => <[&str; 6]>::try_from(fields),
        }
        .map_err(|_| wrong("expected six fields: time, type, order, size, price, direction"))?;
        let seconds = seconds.parse().map_err(|_| wrong("expected seconds after midnight"))?;
        if kind == "7" {
            return Ok((seconds, Self::Halted));
        }
        let (price, qty) = (price(number(at, PLACES)?)?, quantity(number(size, 0)?)?);
        if kind == "6" {
            return Ok((seconds, Self::Crossed { price, qty }));
        }
        let side = match direction {
            "1" => Side::Buy,
            "-1" => Side::Sell,
            _ => return Err(wrong("expected a direction of 1 or -1")),
        };
        let order = order.parse().map_err(|_| wrong("expected an order's number"))?;
        let resting = Resting { order, side, price, qty };
        let message = match kind {
            "1" => Self::Submitted(resting),
            "2" => Self::Reduced(resting),
            "3" => Self::Deleted(resting),
            "4" => Self::Executed(resting),
            "5" => Self::ExecutedHidden(resting),
            _ => return Err(wrong("expected a type from 1 to 7")),
        };
        Ok((seconds, message))
    }
}

/// Reads a whole number of units of 10⁻ᵖˡᵃᶜᵉˢ.
pub(super) fn number(text: &str, places: u32) -> Result<Decimal, Rejection> {
    let whole = text.parse::<i64>().ok().filter(|whole| whole.unsigned_abs() <= WHOLE_MAX);
    let number = whole.and_then(|whole| Decimal::from_parts(whole, places));
    number.ok_or_else(|| wrong("expected a whole number"))
}
