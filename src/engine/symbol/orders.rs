//! What orders and trades do to a symbol's book, and which of them withdraw.

use super::{Shared, Symbol, Withdrawal};
use crate::{
    book::{Fault, Order},
    event::{CancelReason, Event, OrderCancel, OrderNew, OrderReplace, Quantity, Trade},
    table::Handle,
};

impl Symbol {
    pub(super) fn order_new(&mut self, me: Handle, event: &Event<'_>, new: &OrderNew<'_>, shared: &mut Shared<'_>) {
        // A market order never rests.
        let Some(price) = new.price else { return };
        let account = shared.account(event);
        shared.placed = account;
        self.rest(me, &new.order, Order { side: new.side, price, quantity: new.qty.get(), account }, shared);
    }

    /// Another price, or less than there was, withdraws.
    pub(super) fn order_replace<'e>(
        &mut self,
        me: Handle,
        event: &Event<'_>,
        replace: &'e OrderReplace<'_>,
        shared: &mut Shared<'_>,
    ) -> Option<Withdrawal<'e>> {
        let old = shared.orders.remove(me, &replace.order);
        if let Some(old) = &old {
            self.displace(old);
        }
        let withdraws = old.as_ref().is_some_and(|old| replace.price != old.price || replace.qty.get() < old.quantity);
        let old = old.or_else(|| shared.orders.take_used_up(me, &replace.order))?;
        let account = shared.account(event).or(old.account);
        let id = replace.new_order.as_ref().unwrap_or(&replace.order);
        self.rest(me, id, Order { price: replace.price, quantity: replace.qty.get(), account, ..old }, shared);
        // Elsewhere in the book it is another order.
        shared.placed = account.filter(|_| withdraws);
        withdraws.then_some(Withdrawal { order: &replace.order, account })
    }

    /// Only somebody's own decision withdraws.
    pub(super) fn order_cancel<'e>(
        &mut self,
        me: Handle,
        event: &Event<'_>,
        cancel: &'e OrderCancel<'_>,
        shared: &mut Shared<'_>,
    ) -> Option<Withdrawal<'e>> {
        let old = shared.orders.remove(me, &cancel.order);
        if let Some(old) = &old {
            self.displace(old);
        }
        let account = shared.account(event).or(old.and_then(|old| old.account));
        match cancel.reason {
            None | Some(CancelReason::User) => Some(Withdrawal { order: &cancel.order, account }),
            Some(
                CancelReason::Expired
                | CancelReason::SelfTrade
                | CancelReason::ReduceOnly
                | CancelReason::PostOnly
                | CancelReason::Liquidation
                | CancelReason::System,
            ) => None,
        }
    }

    pub(super) fn trade(&mut self, me: Handle, trade: &Trade<'_>, shared: &mut Shared<'_>) {
        for id in [&trade.maker_order, &trade.taker_order].into_iter().flatten() {
            self.fill(me, id, trade.qty, shared);
        }
    }

    fn fill(&mut self, me: Handle, id: &str, quantity: Quantity, shared: &mut Shared<'_>) {
        let Some(filled) = shared.orders.fill(me, id, quantity) else { return };
        self.book.take(filled.side, filled.price, filled.given);
        if filled.overfilled {
            shared.counters.book_faults[Fault::Overfilled as usize] += 1;
        }
    }

    fn rest(&mut self, me: Handle, id: &str, order: Order, shared: &mut Shared<'_>) {
        if shared.orders.get(me, id).is_some() {
            shared.counters.book_faults[Fault::DuplicateOrder as usize] += 1;
            return;
        }
        self.book.add(order.side, order.price, order.quantity);
        shared.displaced = shared.orders.insert(me, id, order).map(|(key, old)| (key.symbol(), old));
    }

    /// Takes an order off the book.
    pub fn displace(&mut self, order: &Order) {
        self.book.take(order.side, order.price, order.quantity);
    }
}
