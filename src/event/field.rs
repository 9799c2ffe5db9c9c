//! The names of all fields of all types, and which of them a word is.
//!
//! A record has some ten fields out of the 54 that any type has. A plain `match` finds them: a table with a perfect hash took no
//! less time and more instructions (`make bench-instructions`).

/// Names every field once.
macro_rules! fields {
    ($($field:ident $name:literal),* $(,)?) => {
        /// Every field of every type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field { $($field),* }

        /// Their names in the contract, by place.
        pub(super) const NAMES: [&str; [$($name),*].len()] = [$($name),*];

        /// The place of the field that has this name.
        #[inline]
        pub(super) fn place(name: &str) -> usize {
            match name {
                $($name => Field::$field as usize,)*
                _ => NO_FIELD,
            }
        }
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
