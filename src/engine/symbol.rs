//! What the market stage keeps of one symbol: its sequence, its book, its windows.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    observe::Counters,
    sequence::{Numbered, Sequence, Succession},
};
use crate::{
    book::{Book, Fault, Order, Orders},
    detect::cancel_burst::{CancelBurst, Settings, Verdict},
    event::{Body, CancelReason, Event, EventType, OrderCancel, OrderNew, OrderReplace, Quantity, Trade},
    table::{Handle, Table},
    time::{EventTime, Span},
};

/// How old an event may be against the newest of its kind and still be counted (DESIGN, "Lateness").
const LATENESS_MAX: Span = Span::from_secs(60);

/// State of one symbol.
#[derive(Clone, Serialize, Deserialize)]
pub struct Symbol {
    sequence: Option<Sequence>,
    /// The newest time of each kind of input.
    newest: [EventTime; EventType::ALL.len()],
    book: Book,
    /// How far its newest withdrawal lies behind its feed's clock: nothing in an ordered feed, an hour where a producer reads an
    /// hour's backlog into a partition that others keep up to date.
    behind: Span,
    /// Its cancels.
    pub cancel_burst: CancelBurst,
}

/// What the symbols of a partition share.
pub struct Shared<'a> {
    /// Live orders.
    pub orders: &'a mut Orders,
    /// Accounts by name.
    pub accounts: &'a mut Table<CompactString, ()>,
    /// Counters.
    pub counters: &'a mut Counters,
    /// An order that had to make room for this event's, with its symbol: to be taken off that symbol's book.
    pub displaced: Option<(Handle, Order)>,
}

/// An order that somebody decided to withdraw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal<'a> {
    /// Which order.
    pub order: &'a str,
    /// Whose.
    pub account: Option<Handle>,
}

/// How an event stands in time against those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Age {
    /// It may be counted.
    Timely,
    /// It is too old to be counted; the book follows it all the same.
    Late,
}

impl Symbol {
    /// A symbol never seen before.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            sequence: None,
            newest: [EventTime::from_nanos(i64::MIN); EventType::ALL.len()],
            book: Book::default(),
            behind: Span::ZERO,
            cancel_burst: CancelBurst::new(settings),
        }
    }

    /// Before a withdrawal is judged: ends an episode whose time has come by the symbol's own events, and notes how far those are
    /// behind the feed's clock.
    pub fn catch_up(&mut self, to: EventTime, clock: Option<EventTime>) -> Option<Verdict> {
        if to >= self.newest[EventType::OrderNew as usize] {
            self.behind = clock.map_or(Span::ZERO, |clock| clock.since(to));
        }
        self.cancel_burst.handle_timeout(to)
    }

    /// When, by the feed's clock, [`Symbol::handle_timeout`] must be called: a symbol that is behind is given its time to come.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        self.cancel_burst.deadline().map(|at| at.plus(self.behind))
    }

    /// Ends an episode whose time has come by the feed's clock.
    pub fn handle_timeout(&mut self, clock: EventTime) -> Option<Verdict> {
        self.cancel_burst.handle_timeout(clock.minus(self.behind))
    }

    /// Places an event in the symbol's sequence; events without a number are always next.
    pub fn place(&mut self, event: &Event<'_>) -> Succession {
        let Some(seq) = event.seq else { return Succession::Next };
        let prev = if let Body::BookDelta(delta) = &event.body { delta.prev_seq } else { None };
        let snapshot = matches!(event.body, Body::BookSnapshot(_));
        let numbered = Numbered { seq, prev, at: event.ts, snapshot };
        if let Some(sequence) = &mut self.sequence {
            return sequence.handle(numbered);
        }
        self.sequence = Some(Sequence::new(numbered));
        Succession::Next
    }

    /// Judges an event's time against the newest of its kind.
    pub fn age(&mut self, event: &Event<'_>, counters: &mut Counters) -> Age {
        let newest = &mut self.newest[stream(event.body.kind()) as usize];
        if event.ts >= *newest {
            *newest = event.ts;
            return Age::Timely;
        }
        if newest.since(event.ts) > LATENESS_MAX {
            return Age::Late;
        }
        counters.disordered += 1;
        Age::Timely
    }

    /// Applies an event to the book. Returns what it withdraws, if it does.
    pub fn apply<'e>(&mut self, me: Handle, event: &'e Event<'_>, shared: &mut Shared<'_>) -> Option<Withdrawal<'e>> {
        if let Some(fault) = self.book.check(event.ts) {
            shared.counters.book_faults[fault as usize] += 1;
        }
        match &event.body {
            Body::OrderNew(order) => {
                self.order_new(me, event, order, shared);
                None
            }
            Body::OrderReplace(order) => self.order_replace(me, event, order, shared),
            Body::OrderCancel(order) => self.order_cancel(me, event, order, shared),
            Body::Trade(trade) => {
                self.trade(me, trade, shared);
                None
            }
            Body::OrderReject(_)
            | Body::BookSnapshot(_)
            | Body::BookDelta(_)
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
            | Body::Heartbeat(_)
            | Body::Unknown => None,
        }
    }

    fn order_new(&mut self, me: Handle, event: &Event<'_>, new: &OrderNew<'_>, shared: &mut Shared<'_>) {
        // A market order never rests.
        let Some(price) = new.price else { return };
        let account = shared.account(event);
        self.rest(me, &new.order, Order { side: new.side, price, quantity: new.qty.get(), account }, shared);
    }

    /// Another price, or less than there was, withdraws.
    fn order_replace<'e>(
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
        withdraws.then_some(Withdrawal { order: &replace.order, account })
    }

    /// Only somebody's own decision withdraws.
    fn order_cancel<'e>(
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

    fn trade(&mut self, me: Handle, trade: &Trade<'_>, shared: &mut Shared<'_>) {
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

impl Shared<'_> {
    /// The number of the event's account in its table.
    fn account(&mut self, event: &Event<'_>) -> Option<Handle> {
        let name = event.account.as_deref()?;
        if let Some(handle) = self.accounts.find(name) {
            self.accounts.touch(handle);
            return Some(handle);
        }
        Some(self.accounts.insert(CompactString::new(name), ()).0)
    }
}

/// The kinds of input whose events are in order among each other: all order types are one stream, and so are both book types.
const fn stream(kind: EventType) -> EventType {
    match kind {
        EventType::OrderNew | EventType::OrderReplace | EventType::OrderCancel | EventType::OrderReject => {
            EventType::OrderNew
        }
        EventType::BookSnapshot | EventType::BookDelta => EventType::BookSnapshot,
        EventType::Trade
        | EventType::Leverage
        | EventType::Position
        | EventType::Balance
        | EventType::Mark
        | EventType::Funding
        | EventType::OpenInterest
        | EventType::Liquidation
        | EventType::InsuranceFund
        | EventType::Instrument
        | EventType::Engine
        | EventType::Heartbeat
        | EventType::Unknown => kind,
    }
}

#[cfg(test)]
mod tests;
