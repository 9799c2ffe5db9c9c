//! Exact decimals: prices, quantities and money as the venue wrote them.
//!
//! A binary float turns 0.1 into something else and makes equal prices unequal, so a book would grow levels that are not
//! there. Values are whole multiples of 10⁻²³ in an `i128`: the contract's range is 10⁻⁹ to 10¹⁵ with 15 significant digits,
//! whose finest step is 10⁻²³ and whose greatest value is 10³⁸ of them, which just fits. What lies outside is refused with
//! a reason, never rounded. Statistics take the value as `f64`.

mod parse;

use std::{borrow::Cow, fmt};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Units of 10⁻²³ in one.
const ONE: i128 = POW10[SCALE];
/// The same, of a size.
const UNIT: u128 = ONE.unsigned_abs();
/// Bits of the lower half of what is behind the point, of which there are 77.
const HALF: u32 = 40;
/// Digits behind the decimal point that a value can have.
const SCALE: usize = 23;
/// Powers of ten up to the greatest value in units.
const POW10: [i128; 39] = {
    let mut powers = [1; 39];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// An exact decimal number, of either sign or zero. `1.10` equals `1.1`.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Decimal(i128);

/// Why a text is no decimal of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one point and at most one exponent.
    #[error("expected a decimal number")]
    Malformed,
    /// Not zero and smaller than 10⁻⁹, or greater than 10¹⁵.
    #[error("expected zero or a size from 1e-9 to 1e15")]
    OutOfRange,
    /// More than 15 significant digits.
    #[error("expected at most 15 significant digits")]
    TooPrecise,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self(0);
    /// The end of the representable range.
    pub const MAX: Self = Self(i128::MAX);

    /// Reads plain or scientific notation: `12`, `-0.5`, `1.5e-3`.
    ///
    /// # Errors
    /// Says which rule of the contract the text breaks.
    pub fn parse(text: &str) -> Result<Self, DecimalError> {
        parse::any(text.as_bytes()).map(Self)
    }

    /// The same for the plainest spelling only, for the decoder: `None` says nothing but that it takes [`Self::parse`].
    #[inline]
    pub(super) fn parse_short(text: &[u8]) -> Option<Self> {
        parse::short(text).map(Self)
    }

    /// A whole number of 10⁻ᵖˡᵃᶜᵉˢ, as adapters and the simulator make them; `None` outside the contract's range.
    #[must_use]
    pub fn from_parts(mantissa: i64, places: u32) -> Option<Self> {
        let units = i128::from(mantissa).checked_mul(*POW10.get(SCALE.checked_sub(places as usize)?)?)?;
        (units.abs() <= POW10[38]).then_some(Self(units))
    }

    /// The nearest double, for the statistics.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "halves of a part that has 77 bits")]
    pub fn to_f64(self) -> f64 {
        // Both parts are exact doubles apart from the last bit of the sum: 15 digits survive, and whole numbers are exact.
        let (whole, part) = self.split();
        // In two halves that are exact, so that it is rounded once.
        let part = (part >> HALF) as u64 as f64 * (1_u64 << HALF) as f64 + (part & ((1 << HALF) - 1)) as u64 as f64;
        let size = whole as f64 + part / UNIT as f64;
        if self.0 < 0 { -size } else { size }
    }

    /// The size's whole number, and how many units are left.
    ///
    /// Every order asks, and dividing 128 bits takes longer than the rest of it: the quotient is guessed from the upper half, which
    /// leaves it one off at most, and put right.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "half a size, and a guess of 51 bits")]
    fn split(self) -> (u64, u128) {
        // 2⁶⁴ of them.
        const TOP: f64 = 18_446_744_073_709_551_616.0 / UNIT as f64;
        const TWO_UNITS: u128 = 2 * UNIT;
        let size = self.0.unsigned_abs();
        let whole = ((size >> 64) as u64 as f64 * TOP) as u64;
        let part = size.wrapping_sub(u128::from(whole) * UNIT);
        match part {
            0..UNIT => (whole, part),
            UNIT..TWO_UNITS => (whole + 1, part - UNIT),
            // Below zero.
            TWO_UNITS.. => (whole - 1, part.wrapping_add(UNIT)),
        }
    }

    /// The number halfway between two, to the last place.
    #[must_use]
    pub const fn midpoint(self, other: Self) -> Self {
        Self(self.0 / 2 + other.0 / 2)
    }

    /// So many of `of` equal parts, to the last places.
    #[must_use]
    pub const fn parts(self, parts: i64, of: i64) -> Self {
        Self((self.0 / of as i128).saturating_mul(parts as i128))
    }

    /// Whether it is zero.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// Whether it is above zero.
    #[must_use]
    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    /// The sum, stopping at the end of the representable range.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, stopping at the end of the representable range.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl fmt::Display for Decimal {
    /// Plain notation without needless zeros.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = self.0.unsigned_abs();
        let one = ONE.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let part = format!("{:023}", size % one);
        match part.trim_end_matches('0') {
            "" => write!(f, "{sign}{}", size / one),
            part => write!(f, "{sign}{}.{part}", size / one),
        }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Decimal {
    /// Text where people read it. In a snapshot its digits and how many zeros follow them: some 4 bytes where all units take 14.
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
    /// From a snapshot: a level's sum may be beyond what a single value can be.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (digits, zeros) = <(i128, u8)>::deserialize(deserializer)?;
        let units = POW10.get(usize::from(zeros)).and_then(|power| digits.checked_mul(*power));
        units.map(Self).ok_or_else(|| D::Error::custom("a number beyond its range"))
    }
}

impl JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "an exact decimal: zero, or a size from 1e-9 to 1e15 with at most 15 significant digits",
            "anyOf": [
                { "type": "string", "pattern": "^-?[0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?$" },
                { "type": "number" }
            ]
        })
    }
}

/// A decimal above zero, in a type of its own so that a price is never taken for a quantity.
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
            /// The value if it is above zero.
            #[must_use]
            pub fn new(value: Decimal) -> Option<Self> {
                value.is_positive().then_some(Self(value))
            }

            /// The number itself.
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
    /// A price in the quote asset, above zero.
    Price
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
    fn the_ends_of_the_range_are_in_and_what_is_next_is_out() {
        for good in ["1e-9", "1e15", "1000000000000000", "1.23456789012345e-9", "999999999999999", "-1e15"] {
            assert!(Decimal::parse(good).is_ok(), "{good}");
        }
        for bad in
            ["9.99e-10", "1.1e15", "1e16", "1000000000000001", "1e999999999999999999999", "1e-99999999999999999999"]
        {
            assert!(
                matches!(Decimal::parse(bad), Err(DecimalError::OutOfRange | DecimalError::TooPrecise)),
                "{bad}: {:?}",
                Decimal::parse(bad)
            );
        }
        assert_eq!(Decimal::parse("0.1234567890123456"), Err(DecimalError::TooPrecise));
        assert_eq!(Decimal::parse("100000.0000000001"), Err(DecimalError::TooPrecise));
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for bad in [
            "", "-", ".", "1.", ".5", "+1", " 1", "1 ", "1e", "1e+", "NaN", "inf", "0x10", "1_0", "1,5", "1.2.3",
            "--1", "1e1.5",
        ] {
            assert_eq!(Decimal::parse(bad), Err(DecimalError::Malformed), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(mantissa in -999_999_999_999_999_i64..=999_999_999_999_999, places in 0_u32..=9) {
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
        fn a_double_is_that_of_a_long_division(units in prop_oneof![
            any::<i128>(),
            prop::sample::select(vec![i128::MIN, i128::MAX, 0, ONE, ONE - 1, -ONE]),
            (any::<i64>(), -3_i128..3).prop_map(|(n, off)| i128::from(n % 1_700_000_000_000_000) * ONE + off),
            (-999_999_999_999_999_i128..=999_999_999_999_999, 0_usize..=23).prop_map(|(n, p)| n * POW10[p]),
        ]) {
            let exact = (units / ONE) as f64 + (units % ONE) as f64 / ONE as f64;
            prop_assert_eq!(Decimal(units).to_f64().to_bits(), exact.to_bits());
        }

        #[test]
        fn a_snapshot_has_the_same_number(units in prop_oneof![any::<i128>(), (-999_i128..999, 0_usize..36).prop_map(|(n, p)| n * POW10[p])]) {
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
