//! The names that the simulated exchange gives to symbols, accounts and owners; inside the simulator all three are numbers.

use crate::event::Name;

/// The name of the symbol with this index.
pub(super) fn symbol(index: u32) -> Name<'static> {
    name(format!("S{}", index + 1))
}

/// The name of the account with this number.
pub(super) fn account(number: u32) -> Name<'static> {
    name(format!("a{number}"))
}

/// The name of the owner with this number.
pub(super) fn owner(number: u32) -> Name<'static> {
    name(format!("o{number}"))
}

/// A text of letters, digits and underscores as a name.
pub(super) fn name(text: String) -> Name<'static> {
    Name::new(text).expect("letters, digits and underscores are a name")
}
