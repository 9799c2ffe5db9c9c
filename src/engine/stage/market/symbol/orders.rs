//! Applies events to a symbol's books, and returns the effects of orders and trades as facts.

use super::{Counts, Symbol};
use crate::{
    book::{Fault, Filled, Order, OrderFact, OrderFacts, Orders, Party, Placed, Replaced, Terms, Withdrawn},
    engine::stage::market::participants::Participants,
    event::{Body, CancelReason, Decimal, Event, OrderCancel, OrderNew, OrderReplace, Quantity, Trade},
    table::Handle,
    time::EventTime,
};

/// The tables that the symbols of a partition share.
pub struct Shared<'a> {
    /// Live orders.
    pub orders: &'a mut Orders,
    /// Accounts and owners by name.
    pub participants: &'a mut Participants,
    /// Counters of the feed.
    pub counts: Counts<'a>,
}

/// The effects of an event on the books.
#[derive(Debug, Default)]
pub struct Applied<'e> {
    /// The changes to orders.
    pub facts: OrderFacts<'e>,
    /// An order that was evicted to make room for the event's order, with its symbol. It must be taken off that symbol's book.
    pub displaced: Option<(Handle, Order)>,
    /// Whether the event states another owner of its account than was known.
    pub owner_changed: bool,
}

impl Symbol {
    /// Applies an event to the books.
    pub fn apply<'e>(&mut self, me: Handle, event: &'e Event<'_>, shared: &mut Shared<'_>) -> Applied<'e> {
        if self.is_open() {
            self.books.check(me, event.ts, shared.orders, &mut shared.counts);
        } else {
            self.books.leave_crossed(event.ts);
        }
        let used_levels = self.books.uses_levels();
        let mut applied = Applied::default();
        match &event.body {
            Body::OrderNew(order) => self.order_new(me, event, order, shared, &mut applied),
            Body::OrderReplace(order) => self.order_replace(me, event, order, shared, &mut applied),
            Body::OrderCancel(order) => self.order_cancel(me, event, order, shared, &mut applied),
            Body::Trade(trade) => self.trade(me, event.ts, trade, shared, &mut applied),
            Body::BookSnapshot(snapshot) => {
                let is_late = event.seq.zip(self.sequence.as_ref()).is_some_and(|(seq, all)| seq < all.last());
                self.books.snapshot(event, snapshot, is_late, &mut shared.counts);
            }
            Body::BookDelta(delta) => self.books.delta(event, delta, &mut shared.counts),
            Body::OrderReject(_)
            | Body::Leverage(_)
            | Body::Position(_)
            | Body::Balance(_)
            | Body::Mark(_)
            | Body::Funding(_)
            | Body::OpenInterest(_)
            | Body::Liquidation(_)
            | Body::InsuranceFund(_)
            | Body::Instrument(_)
            | Body::Engine(_)
            | Body::TradingStatus(_)
            | Body::Heartbeat(_)
            | Body::Unknown => {}
        }
        if self.books.uses_levels() != used_levels {
            self.detectors.replace_book(event.ts);
        }
        applied
    }

    fn order_new<'e>(
        &mut self,
        me: Handle,
        event: &Event<'_>,
        new: &'e OrderNew<'_>,
        shared: &mut Shared<'_>,
        applied: &mut Applied<'e>,
    ) {
        // A market order never rests.
        let Some(price) = new.price else { return };
        let party = shared.party(event, applied);
        let account = party.map(|party| party.account);
        let order = Order { side: new.side, price, quantity: new.qty.get(), account, placed_at: event.ts };
        let terms = Terms::of(&order);
        let ahead = self.rest(me, &new.order, order, shared, applied);
        applied.facts.push(OrderFact::Placed(Placed { order: &new.order, party, side: new.side, terms, ahead }));
    }

    fn order_replace<'e>(
        &mut self,
        me: Handle,
        event: &Event<'_>,
        replace: &'e OrderReplace<'_>,
        shared: &mut Shared<'_>,
        applied: &mut Applied<'e>,
    ) {
        let live = shared.orders.remove(me, &replace.order);
        if let Some(old) = &live {
            self.displace(old);
        }
        let Some(old) = live.or_else(|| shared.orders.remove_filled(me, &replace.order)) else { return };
        let party = shared.party(event, applied).or_else(|| shared.party_of(old.account));
        let account = party.map(|party| party.account);
        let id = replace.new_order.as_ref().unwrap_or(&replace.order);
        let mut new = Order { price: replace.price, quantity: replace.qty.get(), account, ..old };
        let fact = Replaced {
            order: &replace.order,
            party,
            side: old.side,
            before: Terms::of(&old),
            after: Terms::of(&new),
            age: event.ts.since(old.placed_at),
        };
        // An order that keeps its place in the queue keeps its age.
        if new.price != old.price || new.quantity > old.quantity {
            new.placed_at = event.ts;
        }
        self.rest(me, id, new, shared, applied);
        applied.facts.push(OrderFact::Replaced(fact));
    }

    fn order_cancel<'e>(
        &mut self,
        me: Handle,
        event: &Event<'_>,
        cancel: &'e OrderCancel<'_>,
        shared: &mut Shared<'_>,
        applied: &mut Applied<'e>,
    ) {
        let old = shared.orders.remove(me, &cancel.order);
        if let Some(old) = &old {
            self.displace(old);
        }
        let account = old.as_ref().and_then(|old| old.account);
        let party = shared.party(event, applied).or_else(|| shared.party_of(account));
        let rested = old.map(|old| (old.side, Terms::of(&old), event.ts.since(old.placed_at)));
        let by_choice = match cancel.reason {
            None | Some(CancelReason::User) => true,
            Some(
                CancelReason::Expired
                | CancelReason::SelfTrade
                | CancelReason::ReduceOnly
                | CancelReason::PostOnly
                | CancelReason::Liquidation
                | CancelReason::System,
            ) => false,
        };
        applied.facts.push(OrderFact::Withdrawn(Withdrawn { order: &cancel.order, party, rested, by_choice }));
    }

    fn trade<'e>(
        &mut self,
        me: Handle,
        at: EventTime,
        trade: &'e Trade<'_>,
        shared: &mut Shared<'_>,
        applied: &mut Applied<'e>,
    ) {
        for id in [&trade.maker_order, &trade.taker_order].into_iter().flatten() {
            applied.facts.extend(self.fill(me, at, id, trade.qty, shared).map(OrderFact::Filled));
        }
    }

    fn fill<'e>(
        &mut self,
        me: Handle,
        at: EventTime,
        id: &'e str,
        quantity: Quantity,
        shared: &mut Shared<'_>,
    ) -> Option<Filled<'e>> {
        let given = shared.orders.fill(me, id, quantity)?;
        self.books.orders.remove(given.side, given.price, given.quantity);
        if given.overfilled {
            shared.counts.faults[Fault::Overfilled as usize] += 1;
        }
        let (side, price, quantity) = (given.side, given.price, given.quantity);
        Some(Filled { order: id, account: given.account, side, price, quantity, age: at.since(given.placed_at) })
    }

    /// Puts an order into the book. Returns the quantity that rested at its price before.
    fn rest(
        &mut self,
        me: Handle,
        id: &str,
        order: Order,
        shared: &mut Shared<'_>,
        applied: &mut Applied<'_>,
    ) -> Decimal {
        if shared.orders.get(me, id).is_some() {
            shared.counts.faults[Fault::DuplicateOrder as usize] += 1;
            return Decimal::ZERO;
        }
        let ahead = self.books.orders.add(order.side, order.price, order.quantity);
        applied.displaced = shared.orders.insert(me, id, order).map(|(key, old)| (key.symbol(), old));
        ahead
    }

    /// Takes an order off the book.
    pub fn displace(&mut self, order: &Order) {
        self.books.orders.remove(order.side, order.price, order.quantity);
    }
}

impl Shared<'_> {
    /// The party that an event names.
    fn party(&mut self, event: &Event<'_>, applied: &mut Applied<'_>) -> Option<Party> {
        let (party, owner_changed) = self.participants.party(event)?;
        applied.owner_changed |= owner_changed;
        Some(party)
    }

    /// The party of an account that an order names.
    fn party_of(&self, account: Option<Handle>) -> Option<Party> {
        account.map(|account| self.participants.party_of(account))
    }
}
