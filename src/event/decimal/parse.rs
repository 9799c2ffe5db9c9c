//! From digits to units of 10⁻²³, exactly.

use super::{DecimalError, POW10, SCALE};

/// Digits behind the point that a value can have, to reckon with exponents.
const SCALE_I64: i64 = 23;
/// Significant digits that a value can have: what an IEEE 754 double carries unharmed both ways.
const DIGITS_MAX: u32 = 15;
/// Decimal exponents of the smallest and of the greatest leading digit, 10⁻⁹ and 10¹⁵.
const LEADING: (i64, i64) = (-9, 15);

/// Reads plain or scientific notation, or says which rule of the contract it breaks.
pub fn any(text: &[u8]) -> Result<i128, DecimalError> {
    short(text).map_or_else(|| long(text), Ok)
}

fn long(text: &[u8]) -> Result<i128, DecimalError> {
    let (negative, digits) = signed(text);
    let size = Scan::read(digits)?.units()?;
    Ok(if negative { -size } else { size })
}

/// Reads at most 15 digits with at most nine places and no exponent: what nearly every price and quantity is, and within the
/// contract's range whatever the digits are. `None` says nothing but that it is not so short.
#[inline]
pub fn short(text: &[u8]) -> Option<i128> {
    const PLACES_MAX: usize = 9;
    let (negative, digits) = signed(text);
    if digits.len() > DIGITS_MAX as usize {
        return None;
    }
    let (mut mantissa, mut point, mut odd) = (0_u64, None, digits.is_empty());
    for (at, &byte) in digits.iter().enumerate() {
        if byte == b'.' {
            odd |= point.is_some();
            point = Some(at);
        } else {
            let digit = byte.wrapping_sub(b'0');
            odd |= digit > 9;
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
    }
    let places = point.map_or(0, |at| digits.len() - 1 - at);
    // A point needs digits on both sides.
    odd |= point.is_some_and(|at| at == 0 || places == 0);
    if odd || places > PLACES_MAX {
        return None;
    }
    let size = i128::from(mantissa) * POW10[SCALE - places];
    Some(if negative { -size } else { size })
}

/// A number's sign and what follows it.
#[inline]
const fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    }
}

/// A number in pieces: `mantissa · 10^exponent`, the mantissa without zeros at its end.
struct Scan {
    mantissa: u64,
    digits: u32,
    exponent: i64,
}

impl Scan {
    fn read(text: &[u8]) -> Result<Self, DecimalError> {
        let (number, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&text[..at], read_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, part) = match number.iter().position(|&b| b == b'.') {
            Some(at) if at + 1 < number.len() => (&number[..at], &number[at + 1..]),
            Some(_) => return Err(DecimalError::Malformed),
            None => (number, &[][..]),
        };
        if whole.is_empty() {
            return Err(DecimalError::Malformed);
        }
        let mut scan = Self { mantissa: 0, digits: 0, exponent: 0 };
        let mut zeros = 0;
        for &byte in whole.iter().chain(part) {
            scan.push(byte, &mut zeros)?;
        }
        let places = i64::try_from(part.len()).unwrap_or(i64::MAX);
        scan.exponent = exponent.saturating_add(i64::from(zeros)).saturating_sub(places);
        Ok(scan)
    }

    /// Takes one digit; zeros wait until a later digit makes them significant.
    fn push(&mut self, byte: u8, zeros: &mut u32) -> Result<(), DecimalError> {
        match byte {
            b'0' => *zeros += u32::from(self.mantissa != 0),
            b'1'..=b'9' => {
                self.digits = self.digits.saturating_add(*zeros + 1);
                if self.digits > DIGITS_MAX {
                    return Err(DecimalError::TooPrecise);
                }
                self.mantissa = self.mantissa * 10_u64.pow(*zeros + 1) + u64::from(byte - b'0');
                *zeros = 0;
            }
            _ => return Err(DecimalError::Malformed),
        }
        Ok(())
    }

    fn units(&self) -> Result<i128, DecimalError> {
        if self.mantissa == 0 {
            return Ok(0);
        }
        let leading = self.exponent.saturating_add(i64::from(self.digits) - 1);
        let above = leading > LEADING.1 || (leading == LEADING.1 && self.mantissa != 1);
        let power = self.exponent.checked_add(SCALE_I64).and_then(|p| POW10.get(usize::try_from(p).ok()?));
        match power {
            Some(power) if leading >= LEADING.0 && !above => Ok(i128::from(self.mantissa) * power),
            _ => Err(DecimalError::OutOfRange),
        }
    }
}

fn read_exponent(text: &[u8]) -> Result<i64, DecimalError> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] | rest => (false, rest),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(DecimalError::Malformed);
    }
    let size = digits.iter().fold(0_i64, |sum, b| sum.saturating_mul(10).saturating_add(i64::from(b - b'0')));
    Ok(if negative { -size } else { size })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_short_way_is_the_long_way(text in prop_oneof!["-?[0-9]{0,16}", "[0-9]{0,8}\\.[0-9]{0,10}", "[0-9.eE+x-]{0,17}"]) {
            if let Some(short) = short(text.as_bytes()) {
                prop_assert_eq!(long(text.as_bytes()), Ok(short), "{}", text);
            }
        }
    }
}
