//! The names of all fields of all types, and which of them a word is.
//!
//! A record has some ten fields out of the 54 that any type has, and finding out which is a good part of decoding. So a name is
//! not compared with one after the other: its bytes as numbers give its place in a table without collisions, which the
//! compiler builds, and one comparison of numbers confirms it.

/// Names every field once.
macro_rules! fields {
    ($($field:ident $name:literal),* $(,)?) => {
        /// Every field of every type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field { $($field),* }

        /// Their names in the contract, by place.
        pub(super) const NAMES: [&str; [$($name),*].len()] = [$($name),*];
    };
}

fields! {
    Type "type", Ts "ts", Symbol "symbol", Seq "seq", Account "account", Owner "owner",
    Order "order", NewOrder "new_order", Side "side", Price "price", Qty "qty", Kind "kind", Tif "tif",
    PostOnly "post_only", ReduceOnly "reduce_only", Reason "reason",
    Trade "trade", MakerOrder "maker_order", TakerOrder "taker_order", Maker "maker", Taker "taker",
    MakerOwner "maker_owner", TakerOwner "taker_owner", Liquidation "liquidation",
    Bids "bids", Asks "asks", PrevSeq "prev_seq",
    Leverage "leverage", MarginMode "margin_mode", Entry "entry", Margin "margin", Equity "equity", Asset "asset",
    Mark "mark", Index "index", Rate "rate", IntervalHours "interval_hours", Predicted "predicted", Phase "phase",
    Balance "balance", Tick "tick", Lot "lot", Multiplier "multiplier", Tiers "tiers", TakerFee "taker_fee",
    LiquidationFee "liquidation_fee", Inverse "inverse", Underlying "underlying",
    AckP50Us "ack_p50_us", AckP99Us "ack_p99_us", QueueDepth "queue_depth", Messages "messages", Rejects "rejects",
    Producer "producer",
}

/// The place of what no type has: it comes to lie there, however often, and is not looked at.
pub(super) const NO_FIELD: usize = NAMES.len();

impl Field {
    /// The field's name in the contract.
    pub(super) const fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

/// The place of the field that has this name.
#[inline]
pub(super) fn place(name: &str) -> usize {
    let packed = Packed::of(name.as_bytes());
    let place = usize::from(PLACES[packed.spread(FACTOR)]);
    if PACKED[place] == packed { place } else { NO_FIELD }
}

/// A name as numbers: its first and its last eight bytes (or four), which overlap or meet, and its length. So two names of up to 16
/// bytes are equal if their numbers are. All longer ones are alike, and no field is.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Packed {
    first: u64,
    last: u64,
    bytes: usize,
}

impl Packed {
    const BYTES_MAX: usize = 16;
    const NONE: Self = Self { first: 0, last: 0, bytes: 0 };

    #[inline]
    const fn of(name: &[u8]) -> Self {
        let bytes = name.len();
        if bytes > Self::BYTES_MAX {
            return Self::NONE;
        }
        let (first, last) = match (name.first_chunk(), name.last_chunk()) {
            (Some(first), Some(last)) => (u64::from_le_bytes(*first), u64::from_le_bytes(*last)),
            _ => match (name.first_chunk(), name.last_chunk()) {
                (Some(first), Some(last)) => (u32::from_le_bytes(*first) as u64, u32::from_le_bytes(*last) as u64),
                _ => match name {
                    [] => (0, 0),
                    [first, .., middle, last] => (*first as u64 | (*middle as u64) << 8, *last as u64),
                    [first, .., last] => (*first as u64, *last as u64),
                    [only] => (*only as u64, 0),
                },
            },
        };
        Self { first, last, bytes }
    }

    /// A place in a table of [`PLACES_MAX`].
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "nine bits are left")]
    const fn spread(self, factor: u64) -> usize {
        let mixed = self.first ^ self.last.rotate_left(29) ^ self.bytes as u64;
        (mixed.wrapping_mul(factor) >> (u64::BITS - PLACES_MAX.ilog2())) as usize
    }
}

/// Nine times the names: then some twenty factors are tried before one puts no two names into one place.
const PLACES_MAX: usize = 512;
/// Each name as numbers, and last what no field is.
static PACKED: [Packed; NO_FIELD + 1] = PACKED_NAMES;
const PACKED_NAMES: [Packed; NO_FIELD + 1] = {
    let mut packed = [Packed::NONE; NO_FIELD + 1];
    let mut i = 0;
    while i < NAMES.len() {
        assert!(NAMES[i].len() <= Packed::BYTES_MAX, "a name of more than 16 bytes needs another way");
        packed[i] = Packed::of(NAMES[i].as_bytes());
        i += 1;
    }
    packed
};
const SEARCHED: (u64, [u8; PLACES_MAX]) = search();
const FACTOR: u64 = SEARCHED.0;
static PLACES: [u8; PLACES_MAX] = SEARCHED.1;

/// A factor that puts no two names into one place, and where it puts them; everything else is no field.
const fn search() -> (u64, [u8; PLACES_MAX]) {
    // 2^64 over the golden ratio, then Knuth's generator: any sequence of odd numbers would do.
    let mut factor: u64 = 0x9e37_79b9_7f4a_7c15;
    loop {
        if let Some(places) = places(factor) {
            return (factor, places);
        }
        factor = factor.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407) | 1;
    }
}

#[expect(clippy::cast_possible_truncation, reason = "there are fewer than 256 fields")]
const fn places(factor: u64) -> Option<[u8; PLACES_MAX]> {
    const { assert!(NO_FIELD < 256, "a place is one byte") };
    let mut places = [NO_FIELD as u8; PLACES_MAX];
    let mut i = 0;
    while i < NO_FIELD {
        let place = PACKED_NAMES[i].spread(factor);
        if places[place] != NO_FIELD as u8 {
            return None;
        }
        places[place] = i as u8;
        i += 1;
    }
    Some(places)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_name_finds_its_own_place() {
        for (i, name) in NAMES.iter().enumerate() {
            assert_eq!(place(name), i, "{name}");
        }
    }

    #[test]
    fn what_is_almost_a_name_is_none() {
        for name in NAMES {
            for at in 0..name.len() {
                let without = format!("{}{}", &name[..at], &name[at + 1..]);
                let doubled = format!("{}{}", &name[..=at], &name[at..]);
                let other = format!("{}{}{}", &name[..at], "é", &name[at + 1..]);
                let capital = format!("{}{}{}", &name[..at], name[at..=at].to_uppercase(), &name[at + 1..]);
                for almost in [without, doubled, other, capital] {
                    let expected = NAMES.iter().position(|name| *name == almost).unwrap_or(NO_FIELD);
                    assert_eq!(place(&almost), expected, "{almost}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_word_is_a_field_only_if_it_is_its_name(word in prop_oneof!["\\PC{0,20}", "[a-z_0-9]{0,17}", "(ts|seq|side)?[a-z]{0,3}"]) {
            prop_assert_eq!(place(&word), NAMES.iter().position(|name| *name == word).unwrap_or(NO_FIELD));
        }
    }
}
