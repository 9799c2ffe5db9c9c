//! The accounts of each owner that have withdrawn on a symbol. An owner with one active account is not tracked separately.

use serde::{Deserialize, Serialize};

use crate::table::{Handle, Table};

/// The owners that withdraw on a symbol, by owner and symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sharing(Table<(Handle, Handle), Accounts>);

/// The accounts of one owner that have withdrawn on one symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Accounts {
    /// One.
    One(Handle),
    /// More than one.
    Several,
}

impl Sharing {
    /// Makes an empty table for at most `max` pairs of an owner and a symbol.
    #[must_use]
    pub fn new(max: usize) -> Self {
        Self(Table::new(max))
    }

    /// Changes the limit.
    pub fn limit(&mut self, max: usize) {
        self.0.limit(max);
    }

    /// Records that an account withdraws. `of` is its owner and the symbol. Returns whether more than one account of that owner has
    /// withdrawn on the symbol.
    pub fn has_several(&mut self, of: (Handle, Handle), account: Handle) -> bool {
        let Some(handle) = self.0.find(&of) else {
            self.0.insert(of, Accounts::One(account));
            return false;
        };
        self.0.touch(handle);
        let accounts = self.0.get_mut(handle).expect("an entry that was just found");
        if *accounts != Accounts::One(account) {
            *accounts = Accounts::Several;
        }
        *accounts == Accounts::Several
    }
}
