//! Exact decimals: prices, quantities and amounts of money as the venue wrote them.
//!
//! A binary float cannot hold 0.1 exactly and can make equal prices unequal, so a book would get levels that do not
//! exist. A [`Decimal`] is a whole number of units of 10⁻²³ in an `i128`. The contract allows sizes from 10⁻¹² to 10¹⁵
//! with 17 significant digits, as JSON writers print doubles; the largest value is 10³⁸ units, which just fits. A number
//! outside is refused with a reason. A size below 10⁻⁷ may have digits below one unit: it is rounded half to even, and
//! whoever reads it can count that ([`Decimal::parse_counting`]).
//!
//! Statistics convert the value to `f64` ([`Decimal::to_f64`]); they need no exact sums.

mod parse;

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

pub use self::parse::DecimalError;
use self::parse::{POW10, SCALE};

/// Number of units in one.
const ONE: i128 = POW10[SCALE];
/// Number of units in 10¹⁵, the largest size that the contract allows.
const SIZE_MAX: u128 = POW10[38].unsigned_abs();
/// Number of units in one, without a sign.
const UNITS_IN_ONE: u128 = ONE.unsigned_abs();
/// Bits in the lower half of a fraction. A fraction is less than 10²³ units and so has 77 bits; each half fits into a
/// double exactly.
const HALF_BITS: u32 = 40;

/// An exact decimal number: positive, negative or zero. `1.10` equals `1.1`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

impl Decimal {
    /// The number zero.
    pub const ZERO: Self = Self(0);
    /// The largest number that the type can represent.
    pub(crate) const MAX: Self = Self(i128::MAX);
    /// The smallest number that the type can represent.
    pub(crate) const MIN: Self = Self(i128::MIN);

    /// Reads a number in plain or scientific notation: `12`, `-0.5`, `1.5e-3`.
    ///
    /// # Errors
    /// Returns the rule of the contract that the text breaks.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        Self::parse_counting(text, &mut 0)
    }

    /// Reads a number like [`Self::parse`], and adds one to `rounded` if it has digits below 10⁻²³.
    ///
    /// # Errors
    /// Returns the rule of the contract that the text breaks.
    pub fn parse_counting(text: &str, rounded: &mut u64) -> Result<Self, DecimalError> {
        let units = parse::units_of(text.as_bytes())?;
        *rounded += u64::from(units.is_rounded);
        Ok(Self(units.size))
    }

    /// Reads the plainest spelling only, as a fast way for the decoder. `None` means that [`Self::parse`] must decide.
    #[inline]
    pub(super) fn parse_short(text: &[u8]) -> Option<Self> {
        parse::short(text).map(Self)
    }

    /// Makes the number `mantissa · 10⁻ᵖˡᵃᶜᵉˢ`, for adapters and the simulator; `None` if its size is above 10¹⁵ or it
    /// has more than 23 places.
    #[must_use]
    pub fn from_parts(mantissa: i64, places: u32) -> Option<Self> {
        let units = i128::from(mantissa).checked_mul(*POW10.get(SCALE.checked_sub(places as usize)?)?)?;
        (units.abs() <= POW10[38]).then_some(Self(units))
    }

    /// Returns the number as a double, for statistics. The first 15 significant digits survive and whole numbers of up
    /// to 15 digits are exact; the last bit may differ from that of the nearest double.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "halves of a fraction that has 77 bits")]
    pub fn to_f64(self) -> f64 {
        let (whole, fraction) = self.split();
        // Each half of the fraction is an exact double, so the fraction is rounded only once, by their sum.
        let upper = (fraction >> HALF_BITS) as u64 as f64 * (1_u64 << HALF_BITS) as f64;
        let lower = (fraction & ((1 << HALF_BITS) - 1)) as u64 as f64;
        let fraction = upper + lower;
        let size = whole as f64 + fraction / UNITS_IN_ONE as f64;
        if self.0 < 0 { -size } else { size }
    }

    /// Splits the size into its whole number and the remaining units.
    ///
    /// This runs for every order, and a division of 128 bits would take longer than the rest of its work. So the
    /// quotient is estimated from the upper half of the size, which is wrong by one at most, and then corrected.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "half a size, and an estimate of 51 bits"
    )]
    fn split(self) -> (u64, u128) {
        /// The quotient of 2⁶⁴ units.
        const UPPER: f64 = 18_446_744_073_709_551_616.0 / UNITS_IN_ONE as f64;
        const UNITS_IN_TWO: u128 = 2 * UNITS_IN_ONE;
        let size = self.0.unsigned_abs();
        let whole = ((size >> 64) as u64 as f64 * UPPER) as u64;
        let fraction = size.wrapping_sub(u128::from(whole) * UNITS_IN_ONE);
        match fraction {
            0..UNITS_IN_ONE => (whole, fraction),
            UNITS_IN_ONE..UNITS_IN_TWO => (whole + 1, fraction - UNITS_IN_ONE),
            // The estimate was one too high, so the fraction wrapped around below zero.
            UNITS_IN_TWO.. => (whole - 1, fraction.wrapping_add(UNITS_IN_ONE)),
        }
    }

    /// Returns the number halfway between two numbers, exact to one unit.
    #[must_use]
    pub(crate) const fn midpoint(self, other: Self) -> Self {
        Self(self.0 / 2 + other.0 / 2)
    }

    /// Divides the number into `of` equal parts and returns `count` of them, each part exact to one unit.
    #[must_use]
    pub(crate) const fn parts(self, count: i64, of: i64) -> Self {
        Self((self.0 / of as i128).saturating_mul(count as i128))
    }

    /// Rounds the number to so many decimal places, half to even.
    #[must_use]
    pub(crate) fn to_places(self, places: u32) -> Self {
        let step = SCALE.checked_sub(places as usize).map_or(1, |zeros| POW10[zeros]);
        Self(parse::rounded(self.0, step).saturating_mul(step))
    }

    /// Whether the number is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether the number is above zero.
    #[must_use]
    pub(crate) const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// Returns the sum, limited to the representable range.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Returns the difference, limited to the representable range.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Decimal {
    /// Writes plain notation without trailing zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:023}", size % UNITS_IN_ONE);
        match fraction.trim_end_matches('0') {
            "" => write!(f, "{sign}{}", size / UNITS_IN_ONE),
            fraction => write!(f, "{sign}{}.{fraction}", size / UNITS_IN_ONE),
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Decimal {
    /// Writes text in a format that people read. In a snapshot it writes the digits and the number of zeros that follow
    /// them: about 4 bytes, where the units alone would take 14.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.collect_str(self);
        }
        let (mut digits, mut zeros) = (self.0, 0_u8);
        for step in [16_u8, 8, 4, 2, 1] {
            let power = POW10[usize::from(step)];
            while digits != 0 && digits % power == 0 {
                digits /= power;
                zeros += step;
            }
        }
        (digits, zeros).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Decimal {
    /// Reads a number from a snapshot. The whole range of the type is accepted, because the sum of a level may be
    /// larger than the contract allows for a single value.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (digits, zeros) = <(i128, u8)>::deserialize(deserializer)?;
        let units = POW10.get(usize::from(zeros)).and_then(|power| digits.checked_mul(*power));
        units.map(Self).ok_or_else(|| D::Error::custom("expected a decimal within its range"))
    }
}

impl JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "an exact decimal: zero, or a size from 1e-12 to 1e15 with at most 17 significant digits",
            "anyOf": [
                { "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?$" },
                { "type": "number" }
            ]
        })
    }
}

/// A price in the quote asset. It may be zero or below: a spread between two contracts costs less than nothing every day, and oil
/// did in April 2020.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Price(Decimal);

impl<'de> Deserialize<'de> for Price {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Decimal::deserialize(deserializer)?;
        Self::new(value).ok_or_else(|| D::Error::custom("expected a number of at most 1e15"))
    }
}

impl Price {
    /// Wraps a number; `None` if its size is above 10¹⁵, the largest that the contract allows.
    #[must_use]
    pub fn new(value: Decimal) -> Option<Self> {
        (value.0.unsigned_abs() <= SIZE_MAX).then_some(Self(value))
    }

    /// Returns the number itself.
    #[must_use]
    pub const fn get(self) -> Decimal {
        self.0
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Defines a type for decimals above zero. Each use has its own type, so that a quantity is never taken for a step of prices.
macro_rules! positive {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(Decimal);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Decimal::deserialize(deserializer)?;
                Self::new(value).ok_or_else(|| D::Error::custom("expected a number above zero"))
            }
        }

        impl $name {
            /// Wraps a number; `None` if it is not above zero.
            #[must_use]
            pub fn new(value: Decimal) -> Option<Self> {
                value.is_positive().then_some(Self(value))
            }

            /// Returns the number itself.
            #[must_use]
            pub const fn get(self) -> Decimal {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

positive!(
    /// The step between two prices of an instrument, above zero.
    Tick
);
positive!(
    /// A quantity in the base asset or in contracts, above zero.
    Quantity
);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn spelling_does_not_matter() {
        for same in ["1.10", "1.1", "01.1", "11e-1", "0.11E+1", "1.1000000000000000000000000000"] {
            assert_eq!(decimal(same), decimal("1.1"), "{same}");
        }
        assert_eq!(decimal("-0"), Decimal::ZERO);
        assert_eq!(decimal("0e999999999999999999999"), Decimal::ZERO);
    }

    #[test]
    fn the_ends_of_the_range_are_accepted_and_the_next_numbers_are_refused() {
        for good in ["1e-12", "1e15", "1000000000000000", "1.2345678901234567e-12", "999999999999999.99", "-1e15"] {
            assert!(Decimal::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["9.99e-13", "1.1e15", "1e16", "1000000000000001", "1e999999999999999999999", "1e-99999999999999999999"]
        {
            assert!(
                matches!(Decimal::parse(bad), Err(DecimalError::OutOfRange | DecimalError::TooPrecise)),
                "{bad}: {:?}",
                Decimal::parse(bad)
            );
        }
        assert_eq!(Decimal::parse("0.123456789012345678"), Err(DecimalError::TooPrecise));
        assert_eq!(Decimal::parse("100000.000000000001"), Err(DecimalError::TooPrecise));
    }

    #[test]
    fn a_text_that_is_not_a_number_is_refused() {
        for bad in [
            "", "-", ".", "1.", ".5", "+1", " 1", "1 ", "1e", "1e+", "NaN", "inf", "0x10", "1_0", "1,5", "1.2.3",
            "--1", "1e1.5",
        ] {
            assert_eq!(Decimal::parse(bad), Err(DecimalError::Malformed), "{bad}");
        }
    }

    #[test]
    fn a_number_is_rounded_to_places_half_to_even() {
        for (text, rounded) in [
            ("236.47000000000003", "236.47"),
            ("0.000000005", "0"),
            ("0.000000015", "0.00000002"),
            ("-0.000000025", "-0.00000002"),
            ("999999999999999.99", "999999999999999.99"),
        ] {
            assert_eq!(decimal(text).to_places(8), decimal(rounded), "{text}");
        }
        assert_eq!(decimal("1.5").to_places(30), decimal("1.5"));
    }

    proptest! {
        #[test]
        fn a_written_number_reads_back(mantissa in -999_999_999_999_999_i64..=999_999_999_999_999, places in 0_u32..=9) {
            let value = Decimal::from_parts(mantissa, places).unwrap();
            prop_assert_eq!(Decimal::parse(&value.to_string()), Ok(value));
        }

        #[test]
        fn order_and_value_agree_with_doubles(a in -999_999_999_999_i64..=999_999_999_999, b in -999_999_999_999_i64..=999_999_999_999) {
            let (x, y) = (Decimal::from_parts(a, 3).unwrap(), Decimal::from_parts(b, 3).unwrap());
            prop_assert_eq!(x.cmp(&y), a.cmp(&b));
            let exact: f64 = format!("{a}e-3").parse().unwrap();
            prop_assert!((x.to_f64() - exact).abs() <= exact.abs() * 1e-15);
        }

        #[test]
        fn the_fast_conversion_to_a_double_equals_a_full_division(units in prop_oneof![
            any::<i128>(),
            prop::sample::select(vec![i128::MIN, i128::MAX, 0, ONE, ONE - 1, -ONE]),
            (any::<i64>(), -3_i128..3).prop_map(|(n, off)| i128::from(n % 1_700_000_000_000_000) * ONE + off),
            (-999_999_999_999_999_i128..=999_999_999_999_999, 0_usize..=23).prop_map(|(n, p)| n * POW10[p]),
        ]) {
            let exact = (units / ONE) as f64 + (units % ONE) as f64 / ONE as f64;
            prop_assert_eq!(Decimal(units).to_f64().to_bits(), exact.to_bits());
        }

        #[test]
        fn a_number_is_the_same_after_a_snapshot(units in prop_oneof![any::<i128>(), (-999_i128..999, 0_usize..36).prop_map(|(n, p)| n * POW10[p])]) {
            let value = Decimal(units);
            let bytes = postcard::to_allocvec(&value).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Decimal>(&bytes), Ok(value));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = Decimal::parse(&text);
        }
    }
}
