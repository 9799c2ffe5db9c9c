//! The book as the engine keeps it from orders, against a plain list of orders.

use proptest::prelude::*;

use super::*;
use crate::{
    book::{Book, Fault, OrderFact, Orders, Withdrawn},
    engine::{Limits, stage::market::participants::Participants},
    event::{
        Body, CancelReason, Decimal, Name, OrderCancel, OrderNew, OrderReplace, Price, Quantity, SharedName, Side,
        Trade,
    },
    table::Table,
};

/// A message of a venue about an order; ids are few, so that messages concern the same orders.
#[derive(Clone, Debug)]
enum Op {
    New { id: u8, side: Side, price: i64, quantity: i64 },
    Cancel { id: u8, reason: Option<CancelReason> },
    Replace { id: u8, new_id: Option<u8>, price: i64, quantity: i64 },
    Trade { maker: u8, taker: Option<u8>, quantity: i64 },
}

fn op() -> impl Strategy<Value = Op> {
    let (id, price, quantity) = (0_u8..6, 1_i64..5, 1_i64..4);
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let reason = prop_oneof![Just(None), Just(Some(CancelReason::User)), Just(Some(CancelReason::Expired))];
    prop_oneof![
        3 => (id.clone(), side, price.clone(), quantity.clone())
            .prop_map(|(id, side, price, quantity)| Op::New { id, side, price, quantity }),
        2 => (id.clone(), reason).prop_map(|(id, reason)| Op::Cancel { id, reason }),
        2 => (id.clone(), prop::option::of(id.clone()), price, quantity.clone())
            .prop_map(|(id, new_id, price, quantity)| Op::Replace { id, new_id, price, quantity }),
        3 => (id.clone(), prop::option::of(id), quantity)
            .prop_map(|(maker, taker, quantity)| Op::Trade { maker, taker, quantity }),
    ]
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Resting {
    symbol: usize,
    id: u8,
    side: Side,
    price: i64,
    quantity: i64,
}

/// The naive model: a list of live orders, oldest first, and a list of those used up.
#[derive(Default)]
struct Model {
    max: usize,
    live: Vec<Resting>,
    used_up: Vec<Resting>,
    evicted: u64,
    duplicates: u64,
    overfilled: u64,
}

impl Model {
    fn take(orders: &mut Vec<Resting>, symbol: usize, id: u8) -> Option<Resting> {
        let at = orders.iter().position(|order| order.symbol == symbol && order.id == id)?;
        Some(orders.remove(at))
    }

    fn rest(&mut self, order: Resting) {
        if self.live.iter().any(|other| other.symbol == order.symbol && other.id == order.id) {
            self.duplicates += 1;
            return;
        }
        if self.live.len() == self.max {
            self.live.remove(0);
            self.evicted += 1;
        }
        self.live.push(order);
    }

    /// Returns whether somebody withdrew.
    fn apply(&mut self, symbol: usize, op: &Op) -> bool {
        match *op {
            Op::New { id, side, price, quantity } => {
                self.rest(Resting { symbol, id, side, price, quantity });
                false
            }
            Op::Cancel { id, reason } => {
                Self::take(&mut self.live, symbol, id);
                reason != Some(CancelReason::Expired)
            }
            Op::Replace { id, new_id, price, quantity } => {
                let old = Self::take(&mut self.live, symbol, id);
                let withdraws = old.as_ref().is_some_and(|old| price != old.price || quantity < old.quantity);
                if let Some(old) = old.or_else(|| Self::take(&mut self.used_up, symbol, id)) {
                    self.rest(Resting { id: new_id.unwrap_or(id), price, quantity, ..old });
                }
                withdraws
            }
            Op::Trade { maker, taker, quantity } => {
                self.fill(symbol, maker, quantity);
                if let Some(taker) = taker {
                    self.fill(symbol, taker, quantity);
                }
                false
            }
        }
    }

    fn fill(&mut self, symbol: usize, id: u8, quantity: i64) {
        let Some(order) = self.live.iter_mut().find(|order| order.symbol == symbol && order.id == id) else { return };
        self.overfilled += u64::from(quantity > order.quantity);
        order.quantity -= quantity.min(order.quantity);
        if order.quantity == 0 {
            Self::take(&mut self.used_up, symbol, id);
            self.used_up.extend(Self::take(&mut self.live, symbol, id));
        }
    }

    fn level(&self, symbol: usize, side: Side, price: i64) -> i64 {
        let there = |order: &&Resting| (order.symbol, order.side, order.price) == (symbol, side, price);
        self.live.iter().filter(there).map(|order| order.quantity).sum()
    }
}

fn decimal(whole: i64) -> Decimal {
    Decimal::from_parts(whole, 0).unwrap()
}

fn price(whole: i64) -> Price {
    Price::new(decimal(whole)).unwrap()
}

fn quantity(whole: i64) -> Quantity {
    Quantity::new(decimal(whole)).unwrap()
}

fn name(id: u8) -> Name<'static> {
    Name::new(format!("o{id}")).unwrap()
}

fn event(op: &Op) -> Event<'static> {
    let body = match *op {
        Op::New { id, side, price: p, quantity: q } => Body::OrderNew(OrderNew {
            order: name(id),
            side,
            price: Some(price(p)),
            qty: quantity(q),
            kind: None,
            tif: None,
            post_only: None,
            reduce_only: None,
        }),
        Op::Cancel { id, reason } => {
            Body::OrderCancel(OrderCancel { order: name(id), side: None, price: None, qty: None, reason })
        }
        Op::Replace { id, new_id, price: p, quantity: q } => Body::OrderReplace(OrderReplace {
            order: name(id),
            new_order: new_id.map(name),
            price: price(p),
            qty: quantity(q),
        }),
        Op::Trade { maker, taker, quantity: q } => Body::Trade(Trade {
            trade: name(0),
            price: price(1),
            qty: quantity(q),
            side: None,
            maker_order: Some(name(maker)),
            taker_order: taker.map(name),
            maker: None,
            taker: None,
            maker_owner: None,
            taker_owner: None,
            liquidation: None,
        }),
    };
    let ts = EventTime::from_nanos(1);
    Event { ts, symbol: None, seq: None, account: None, owner: None, body }
}

/// Two symbols that share one table of orders, as in a partition.
struct World {
    symbols: Table<SharedName, Symbol>,
    handles: [Handle; 2],
    orders: Orders,
    participants: Participants,
    faults: [u64; Fault::ALL.len()],
}

impl World {
    fn new(orders_max: usize) -> Self {
        let mut symbols = Table::new(2);
        let handles = ["A", "B"]
            .map(|s| symbols.insert(SharedName::new(s), Symbol::new(&Detection::default(), Session::default())).0);
        let limits = Limits { accounts_max: 4, ..Limits::default() };
        let (orders, participants) = (Orders::new(orders_max), Participants::new(&limits, &Detection::default()));
        Self { symbols, handles, orders, participants, faults: [0; Fault::ALL.len()] }
    }

    /// Applies an event. Returns whether it withdraws by choice.
    fn apply(&mut self, symbol: usize, op: &Op) -> bool {
        let Self { orders, participants, faults, .. } = self;
        let (me, event) = (self.handles[symbol], event(op));
        let counts = Counts { faults, deltas_forgotten: &mut 0 };
        let mut shared = Shared { orders, participants, counts };
        let applied = self.symbols.get_mut(me).unwrap().apply(me, &event, &mut shared);
        if let Some((owner, order)) = applied.displaced {
            self.symbols.get_mut(owner).unwrap().displace(&order);
        }
        applied.facts.iter().any(|fact| match fact {
            OrderFact::Withdrawn(Withdrawn { by_choice, .. }) => *by_choice,
            OrderFact::Replaced(replaced) => replaced.withdraws(),
            OrderFact::Placed(_) | OrderFact::Filled(_) => false,
        })
    }

    fn book(&self, symbol: usize) -> &Book {
        &self.symbols.get(self.handles[symbol]).unwrap().books.orders
    }
}

proptest! {
    #[test]
    fn the_book_agrees_with_a_list_of_orders(max in 1_usize..8, ops in prop::collection::vec((0_usize..2, op()), 0..150)) {
        let mut world = World::new(max);
        let mut model = Model { max, ..Model::default() };
        for (symbol, op) in ops {
            prop_assert_eq!(world.apply(symbol, &op), model.apply(symbol, &op), "{:?}", op);
            prop_assert_eq!((world.orders.len(), world.orders.evicted()), (model.live.len(), model.evicted), "{:?}", op);
            let faults = world.faults;
            prop_assert_eq!(faults[Fault::DuplicateOrder as usize], model.duplicates, "{:?}", op);
            prop_assert_eq!(faults[Fault::Overfilled as usize], model.overfilled, "{:?}", op);
            for (symbol, side) in [(0, Side::Buy), (0, Side::Sell), (1, Side::Buy), (1, Side::Sell)] {
                let levels: Vec<i64> = (1..5).filter(|&p| model.level(symbol, side, p) > 0).collect();
                let book = world.book(symbol);
                for p in 1..5 {
                    prop_assert_eq!(book.quantity(side, price(p)), decimal(model.level(symbol, side, p)), "{:?}", op);
                }
                prop_assert_eq!(book.levels(side), levels.len());
                let (best, expected) = match side {
                    Side::Buy => (book.best_bid(), levels.last()),
                    Side::Sell => (book.best_ask(), levels.first()),
                };
                prop_assert_eq!(best, expected.map(|&p| price(p)));
            }
        }
    }
}
