//! The names of all fields of all types, and the index of each field.
//!
//! A record has about ten fields of those that the types have together. A plain `match` finds their names: a table
//! with a perfect hash took no less time and more instructions (`make bench-instructions`).

/// Form in which the first step keeps a field's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// The value itself: a text, a whole number or a boolean.
    Plain,
    /// The JSON text of a decimal, or of a list of decimals: a number must not become a double on the way.
    Json,
}

/// Lists every field once, with its name in the contract and the form of its value.
macro_rules! fields {
    ($($field:ident $name:literal $form:ident),* $(,)?) => {
        /// A field of any type.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Field { $($field),* }

        /// Names of the fields in the contract, by index.
        pub(super) const NAMES: [&str; [$($name),*].len()] = [$($name),*];

        /// Forms of the fields' values, by index. The value of an unknown field is not read: JSON text allows any
        /// value.
        pub(super) static FORMS: [Form; UNKNOWN + 1] = [$(Form::$form,)* Form::Json];

        /// Returns the index of the field with this name, or [`UNKNOWN`].
        #[inline]
        pub(super) fn index(name: &str) -> usize {
            match name {
                $($name => Field::$field as usize,)*
                _ => UNKNOWN,
            }
        }
    };
}

fields! {
    Type "type" Plain, Ts "ts" Plain, Symbol "symbol" Plain, Seq "seq" Plain, Account "account" Plain,
    Owner "owner" Plain,
    Order "order" Plain, NewOrder "new_order" Plain, Side "side" Plain, Price "price" Json, Qty "qty" Json,
    Kind "kind" Plain, Tif "tif" Plain, PostOnly "post_only" Plain, ReduceOnly "reduce_only" Plain,
    Reason "reason" Plain,
    Trade "trade" Plain, MakerOrder "maker_order" Plain, TakerOrder "taker_order" Plain, Maker "maker" Plain,
    Taker "taker" Plain, MakerOwner "maker_owner" Plain, TakerOwner "taker_owner" Plain,
    Liquidation "liquidation" Plain,
    Bids "bids" Json, Asks "asks" Json, PrevSeq "prev_seq" Plain,
    Leverage "leverage" Json, MarginMode "margin_mode" Plain, Entry "entry" Json, Margin "margin" Json,
    Equity "equity" Json, Asset "asset" Plain,
    Mark "mark" Json, Index "index" Json, Rate "rate" Json, IntervalHours "interval_hours" Json,
    Predicted "predicted" Json, Phase "phase" Plain,
    Balance "balance" Json, Tick "tick" Json, Lot "lot" Json, Multiplier "multiplier" Json, Tiers "tiers" Json,
    TakerFee "taker_fee" Json, LiquidationFee "liquidation_fee" Json, Inverse "inverse" Plain,
    Underlying "underlying" Plain,
    AckP50Us "ack_p50_us" Json, AckP99Us "ack_p99_us" Json, QueueDepth "queue_depth" Json,
    Messages "messages" Json, Rejects "rejects" Json, Producer "producer" Plain, Status "status" Plain, Until "until" Plain,
}

/// Index for the names that no type has. Its value may be written repeatedly and is never read.
pub(super) const UNKNOWN: usize = NAMES.len();

impl Field {
    /// Returns the field's name in the contract.
    pub(super) const fn name(self) -> &'static str {
        NAMES[self as usize]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_name_finds_its_own_index() {
        for (i, name) in NAMES.iter().enumerate() {
            assert_eq!(index(name), i, "{name}");
        }
    }

    #[test]
    fn a_misspelt_name_is_unknown() {
        for name in NAMES {
            for at in 0..name.len() {
                let without = format!("{}{}", &name[..at], &name[at + 1..]);
                let doubled = format!("{}{}", &name[..=at], &name[at..]);
                let other = format!("{}{}{}", &name[..at], "é", &name[at + 1..]);
                let capital = format!("{}{}{}", &name[..at], name[at..=at].to_uppercase(), &name[at + 1..]);
                for misspelt in [without, doubled, other, capital] {
                    let expected = NAMES.iter().position(|name| *name == misspelt).unwrap_or(UNKNOWN);
                    assert_eq!(index(&misspelt), expected, "{misspelt}");
                }
            }
        }
    }

    proptest! {
        #[test]
        fn a_word_is_a_field_only_if_it_is_a_fields_name(word in prop_oneof!["\\PC{0,20}", "[a-z_0-9]{0,17}", "(ts|seq|side)?[a-z]{0,3}"]) {
            prop_assert_eq!(index(&word), NAMES.iter().position(|name| *name == word).unwrap_or(UNKNOWN));
        }
    }
}
