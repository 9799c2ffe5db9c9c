//! Order facts: what an event did to orders, for detectors and for the stages after the market stage.
//!
//! The book follows the venue; detectors judge people. So an event is applied to the book once, and what it did to orders comes out
//! as facts, with the party, the price and the age that only the book's own orders know.

use arrayvec::ArrayVec;

use super::Order;
use crate::{
    event::{Decimal, Price, Side},
    table::Handle,
    time::Span,
};

/// The most facts that one event has: a trade fills a maker's and a taker's order.
pub const FACTS_MAX: usize = 2;

/// The facts of one event, in order.
pub type OrderFacts<'e> = ArrayVec<OrderFact<'e>, FACTS_MAX>;

/// An account and the owner behind it, as entries of the stage's tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party {
    /// The account.
    pub account: Handle,
    /// The account's owner, as last stated.
    pub owner: Option<Handle>,
}

/// Price and quantity of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// The limit.
    pub price: Price,
    /// The quantity.
    pub quantity: Decimal,
}

impl Terms {
    /// The terms on which an order rests.
    #[must_use]
    pub const fn of(order: &Order) -> Self {
        Self { price: order.price, quantity: order.quantity }
    }
}

/// One fact about one order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderFact<'e> {
    /// An order was placed and rests.
    Placed(Placed<'e>),
    /// An order has other terms from now on.
    Replaced(Replaced<'e>),
    /// An order was filled, in whole or in part.
    Filled(Filled<'e>),
    /// An order was taken out of the book unfilled.
    Withdrawn(Withdrawn<'e>),
}

/// An order was placed and rests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<'e> {
    /// The order's id.
    pub order: &'e str,
    /// The order's party, where the venue names it.
    pub party: Option<Party>,
    /// The order's side.
    pub side: Side,
    /// The order's terms.
    pub terms: Terms,
    /// The quantity that rested at its price before it: its place in the queue.
    pub ahead: Decimal,
}

/// An order has other terms from now on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Replaced<'e> {
    /// The order's id before.
    pub order: &'e str,
    /// The order's party, where the venue names it.
    pub party: Option<Party>,
    /// The order's side.
    pub side: Side,
    /// The order's terms before; quantity 0 of an order that was used up and starts anew (an iceberg's refresh).
    pub before: Terms,
    /// The order's terms from now on.
    pub after: Terms,
    /// How long it had rested.
    pub age: Span,
}

impl Replaced<'_> {
    /// Whether the change withdraws: another price, or less than rested. A refreshed iceberg withdraws nothing.
    #[must_use]
    pub fn withdraws(&self) -> bool {
        self.before.quantity.is_positive()
            && (self.after.price != self.before.price || self.after.quantity < self.before.quantity)
    }
}

/// An order was filled, in whole or in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filled<'e> {
    /// The order's id.
    pub order: &'e str,
    /// The account of the order, where the venue names it.
    pub account: Option<Handle>,
    /// The order's side.
    pub side: Side,
    /// The limit of its own.
    pub price: Price,
    /// The quantity that it gave.
    pub quantity: Decimal,
    /// How long it had rested.
    pub age: Span,
}

/// An order was taken out of the book unfilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawn<'e> {
    /// The order's id.
    pub order: &'e str,
    /// The order's party, where the venue or the order itself names it.
    pub party: Option<Party>,
    /// The order's side, terms and age; `None` for an order that was not known.
    pub rested: Option<(Side, Terms, Span)>,
    /// Whether its account decided so, rather than the venue.
    pub by_choice: bool,
}
