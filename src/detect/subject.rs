//! Subjects of findings, and the nodes by which findings are related.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

/// The subject of a finding. Ordered by name, never by an internal number, so that the order is the same in every process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Subject {
    /// One symbol.
    Symbol(CompactString),
    /// One account, over all symbols.
    Account(CompactString),
    /// One account on one symbol.
    AccountSymbol(CompactString, CompactString),
    /// One owner, over all accounts and symbols.
    Owner(CompactString),
    /// One owner on one symbol.
    OwnerSymbol(CompactString, CompactString),
    /// All symbols together.
    Market,
    /// The service's own input, as its clock shows it.
    Pipeline,
    /// The service's own input, as its records show it.
    Records,
}

impl Subject {
    /// The symbol that the subject names, if it names one.
    #[must_use]
    pub fn symbol(&self) -> Option<&str> {
        match self {
            Self::Symbol(symbol) | Self::AccountSymbol(_, symbol) | Self::OwnerSymbol(_, symbol) => Some(symbol),
            Self::Account(_) | Self::Owner(_) | Self::Market | Self::Pipeline | Self::Records => None,
        }
    }

    /// The nodes that the subject itself touches.
    #[must_use]
    pub fn nodes(&self) -> Vec<Node> {
        match self {
            Self::Symbol(name) => vec![Node::Symbol(name.clone())],
            Self::Account(name) => vec![Node::Account(name.clone())],
            Self::Owner(name) => vec![Node::Owner(name.clone())],
            Self::AccountSymbol(account, symbol) => vec![Node::Account(account.clone()), Node::Symbol(symbol.clone())],
            Self::OwnerSymbol(owner, symbol) => vec![Node::Owner(owner.clone()), Node::Symbol(symbol.clone())],
            Self::Market => vec![Node::Market],
            Self::Pipeline => vec![Node::Pipeline],
            Self::Records => vec![Node::Records],
        }
    }
}

/// Something that findings can have in common: findings that touch the same node are about one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Node {
    /// An account.
    Account(CompactString),
    /// An owner of accounts.
    Owner(CompactString),
    /// A symbol.
    Symbol(CompactString),
    /// All symbols together.
    Market,
    /// The service's own input, as its clock shows it.
    Pipeline,
    /// The service's own input, as its records show it.
    Records,
}
