//! Parsing: the digits of a text become units of 10⁻²³, exactly where they fit.
//!
//! Nearly every price and quantity is short and has no exponent, so that spelling has a fast way ([`short`]). Any other
//! text goes through the full parser ([`long`]), which also names the rule that a text breaks.

use std::cmp::Ordering;

/// Digits after the decimal point that a value can have.
pub(super) const SCALE: usize = 23;
/// The same as [`SCALE`], in the type of an exponent.
const SCALE_I64: i64 = 23;
/// Significant digits that a value can have: JSON writers print up to 17 for an IEEE 754 double, where 15 or 16 would read back as
/// another double.
const DIGITS_MAX: u32 = 17;
/// Decimal exponents of the leading digit in the smallest and in the largest size, 10⁻¹² and 10¹⁵.
const LEADING: (i64, i64) = (-12, 15);
/// Powers of ten up to 10³⁸, the largest value in units.
pub(super) const POW10: [i128; 39] = {
    let mut powers = [1; 39];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// Reason for which a text is not a decimal of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// The text is not digits with at most one point and at most one exponent, after an optional `-`.
    #[error("expected a decimal number")]
    Malformed,
    /// The number is not zero and its size is below 10⁻¹² or above 10¹⁵.
    #[error("expected zero or a size from 1e-12 to 1e15")]
    OutOfRange,
    /// The number has more than 17 significant digits.
    #[error("expected at most 17 significant digits")]
    TooPrecise,
}

/// A number in units, and whether it had digits below one unit and was rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Units {
    pub size: i128,
    pub is_rounded: bool,
}

impl Units {
    const fn exact(size: i128) -> Self {
        Self { size, is_rounded: false }
    }
}

/// Reads plain or scientific notation. The error is the rule of the contract that the text breaks.
pub(crate) fn units_of(text: &[u8]) -> Result<Units, DecimalError> {
    short(text).map_or_else(|| long(text), |size| Ok(Units::exact(size)))
}

/// Reads any notation, digit by digit.
fn long(text: &[u8]) -> Result<Units, DecimalError> {
    let (negative, digits) = signed(text);
    let Units { size, is_rounded } = Scan::read(digits)?.units()?;
    Ok(Units { size: if negative { -size } else { size }, is_rounded })
}

/// Divides by a step above zero, and rounds half to even.
pub(super) fn rounded(units: i128, step: i128) -> i128 {
    let (quotient, rest) = (units.div_euclid(step), units.rem_euclid(step));
    let is_even = quotient % 2 == 0;
    match rest.cmp(&(step - rest)) {
        Ordering::Less => quotient,
        Ordering::Equal if is_even => quotient,
        Ordering::Equal | Ordering::Greater => quotient + 1,
    }
}

/// Reads a short number without an exponent: at most 15 characters after the sign, twelve of them after the point. Any
/// such number is within the contract's range. `None` means that the text has another form, not that it is wrong.
#[inline]
pub(crate) fn short(text: &[u8]) -> Option<i128> {
    const CHARACTERS_MAX: usize = 15;
    const PLACES_MAX: usize = 12;
    let (negative, digits) = signed(text);
    if digits.len() > CHARACTERS_MAX {
        return None;
    }
    let (mut mantissa, mut point, mut other_form) = (0_u64, None, digits.is_empty());
    for (at, &byte) in digits.iter().enumerate() {
        if byte == b'.' {
            other_form |= point.is_some();
            point = Some(at);
        } else {
            let digit = byte.wrapping_sub(b'0');
            other_form |= digit > 9;
            mantissa = mantissa.wrapping_mul(10).wrapping_add(u64::from(digit));
        }
    }
    let places = point.map_or(0, |at| digits.len() - 1 - at);
    // A point needs digits on both sides.
    other_form |= point.is_some_and(|at| at == 0 || places == 0);
    if other_form || places > PLACES_MAX {
        return None;
    }
    let size = i128::from(mantissa) * POW10[SCALE - places];
    Some(if negative { -size } else { size })
}

/// Splits off the sign: whether the number is negative, and the text after the sign.
#[inline]
const fn signed(text: &[u8]) -> (bool, &[u8]) {
    match text {
        [b'-', rest @ ..] => (true, rest),
        rest => (false, rest),
    }
}

/// The parts of a number `mantissa · 10^exponent`.
struct Scan {
    /// The significant digits, without zeros at the end.
    mantissa: u64,
    /// How many significant digits there are.
    digits: u32,
    exponent: i64,
}

impl Scan {
    fn read(text: &[u8]) -> Result<Self, DecimalError> {
        let (number, exponent) = match text.iter().position(|b| matches!(b, b'e' | b'E')) {
            Some(at) => (&text[..at], read_exponent(&text[at + 1..])?),
            None => (text, 0),
        };
        let (whole, fraction) = match number.iter().position(|&b| b == b'.') {
            Some(at) if at + 1 < number.len() => (&number[..at], &number[at + 1..]),
            Some(_) => return Err(DecimalError::Malformed),
            None => (number, &[][..]),
        };
        if whole.is_empty() {
            return Err(DecimalError::Malformed);
        }
        let mut scan = Self { mantissa: 0, digits: 0, exponent: 0 };
        let mut zeros = 0;
        for &byte in whole.iter().chain(fraction) {
            scan.push(byte, &mut zeros)?;
        }
        let places = i64::try_from(fraction.len()).unwrap_or(i64::MAX);
        scan.exponent = exponent.saturating_add(i64::from(zeros)).saturating_sub(places);
        Ok(scan)
    }

    /// Adds one digit. Zeros are only counted until a later digit makes them significant.
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

    /// Returns the size of the number in units.
    fn units(&self) -> Result<Units, DecimalError> {
        if self.mantissa == 0 {
            return Ok(Units::exact(0));
        }
        let leading = self.exponent.saturating_add(i64::from(self.digits) - 1);
        let above = leading > LEADING.1 || (leading == LEADING.1 && self.mantissa != 1);
        if leading < LEADING.0 || above {
            return Err(DecimalError::OutOfRange);
        }
        // The limits above keep the exponent within -28 and 15, so each power is one of the table's.
        let power = |exponent: i64| usize::try_from(exponent).ok().and_then(|exponent| POW10.get(exponent));
        let mantissa = i128::from(self.mantissa);
        let exponent = self.exponent + SCALE_I64;
        match (power(exponent), power(-exponent)) {
            (Some(power), _) => Ok(Units::exact(mantissa * power)),
            // The mantissa does not end with a zero, so digits are lost.
            (None, Some(power)) => Ok(Units { size: rounded(mantissa, *power), is_rounded: true }),
            (None, None) => Err(DecimalError::OutOfRange),
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

    #[test]
    fn what_does_not_fit_is_rounded_half_to_even() {
        for (text, size, is_rounded) in [
            ("0.30000000000000004", 30_000_000_000_000_004_000_000, false),
            ("1.2345678901234567e-7", 12_345_678_901_234_567, false),
            ("1.2345678901234565e-8", 1_234_567_890_123_456, true),
            ("1.2345678901234575e-8", 1_234_567_890_123_458, true),
            ("-1.2345678901234565e-8", -1_234_567_890_123_456, true),
            ("1.2345678901234566e-8", 1_234_567_890_123_457, true),
            ("1.0000000000005001e-12", 100_000_000_000, true),
            ("1.0000000000050001e-12", 100_000_000_001, true),
            ("9.9999999999999999e-12", 1_000_000_000_000, true),
        ] {
            assert_eq!(units_of(text.as_bytes()), Ok(Units { size, is_rounded }), "{text}");
        }
    }

    /// Reads digits and an exponent with the schoolbook's rule, digit by digit and in text: the digits below the 23rd
    /// place are cut off, and they decide whether the last one left rises.
    fn naive(digits: &str, exponent: i64) -> (i128, bool) {
        let places = usize::try_from(SCALE_I64 + exponent);
        let Ok(zeros) = places else {
            let cut = usize::try_from(-(SCALE_I64 + exponent)).unwrap();
            let padded = format!("{}{digits}", "0".repeat(cut));
            let (kept, lost) = padded.split_at(padded.len() - cut);
            let kept: i128 = kept.parse().unwrap();
            let half = format!("5{}", "0".repeat(cut - 1));
            let rises = lost > half.as_str() || (lost == half && kept % 2 == 1);
            return (kept + i128::from(rises), lost.bytes().any(|digit| digit != b'0'));
        };
        (format!("{digits}{}", "0".repeat(zeros)).parse().unwrap(), false)
    }

    proptest! {
        #[test]
        fn any_number_of_17_digits_agrees_with_exact_arithmetic(
            mantissa in prop_oneof![1_u64..100_000_000_000_000_000, (1_u64..1_000_000).prop_map(|n| n * 10 + 5)],
            leading in -12_i64..15,
            negative in any::<bool>(),
            is_plain in any::<bool>(),
        ) {
            let digits = mantissa.to_string();
            let exponent = leading + 1 - i64::try_from(digits.len()).unwrap();
            let sign = if negative { "-" } else { "" };
            let text = match (is_plain, usize::try_from(exponent), usize::try_from(-exponent)) {
                (true, Ok(zeros), _) => format!("{sign}{digits}{}", "0".repeat(zeros)),
                (true, _, Ok(places)) => {
                    let padded = format!("{digits:0>width$}", width = places + 1);
                    let (whole, fraction) = padded.split_at(padded.len() - places);
                    format!("{sign}{whole}.{fraction}")
                }
                _ => format!("{sign}{digits}e{exponent}"),
            };
            let (size, is_rounded) = naive(&digits, exponent);
            let size = if negative { -size } else { size };
            prop_assert_eq!(units_of(text.as_bytes()), Ok(Units { size, is_rounded }), "{}", text);
        }

        #[test]
        fn every_double_of_the_range_is_taken_as_json_writers_print_it(exponent in -39.8_f64..49.8, fraction in 1.0_f64..2.0) {
            let double = fraction * exponent.floor().exp2();
            prop_assume!((1e-12..=1e15).contains(&double));
            let text = serde_json::to_string(&double).unwrap();
            let Units { size, .. } = units_of(text.as_bytes()).unwrap_or_else(|e| panic!("{text}: {e}"));
            let back = size as f64 / POW10[SCALE] as f64;
            prop_assert!((back - double).abs() <= double * 1e-11, "{} {}", text, back);
        }

        #[test]
        fn the_fast_way_gives_the_same_as_the_full_parser(text in prop_oneof!["-?[0-9]{0,16}", "[0-9]{0,8}\\.[0-9]{0,13}", "[0-9.eE+x-]{0,17}"]) {
            if let Some(short) = short(text.as_bytes()) {
                prop_assert_eq!(long(text.as_bytes()), Ok(Units::exact(short)), "{}", text);
            }
        }
    }
}
