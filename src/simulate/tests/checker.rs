//! A naive venue: replays events over plain lists and rejects those that a real venue could not have published.

use std::collections::BTreeMap;

use crate::{
    event::{Body, Decimal, Event, Key, OrderCancel, OrderNew, OrderReplace, Price, Quantity, Side, Trade},
    time::EventTime,
};

/// A live order.
#[derive(Clone, Debug)]
struct Live {
    id: String,
    account: String,
    side: Side,
    price: Option<Price>,
    left: Decimal,
}

/// One symbol's state after its events so far; live orders by time priority.
#[derive(Default)]
struct Symbol {
    seq: u64,
    last: Option<EventTime>,
    live: Vec<Live>,
    ids: std::collections::BTreeSet<String>,
}

/// The state of all symbols.
#[derive(Default)]
pub(super) struct Checker(BTreeMap<String, Symbol>);

/// The outcome of a check: the error says what is wrong with an event.
pub(super) type Checked = Result<(), &'static str>;

/// Fails with `wrong` unless a condition holds.
pub(super) fn ensure(holds: bool, wrong: &'static str) -> Checked {
    if holds { Ok(()) } else { Err(wrong) }
}

impl Checker {
    pub(super) fn check(&mut self, event: &Event<'_>) -> Checked {
        if event.body.kind().key() == Key::Account {
            return ensure(
                event.seq.is_none() && event.account.is_some(),
                "an account event has a sequence number or no account",
            );
        }
        let name = event.symbol.as_deref().ok_or("no symbol")?;
        self.0.entry(name.into()).or_default().check(event)
    }
}

impl Symbol {
    fn check(&mut self, event: &Event<'_>) -> Checked {
        if self.last.is_some_and(|last| last < event.ts) {
            self.check_between_instants()?;
        }
        self.last = Some(event.ts);
        if matches!(event.body, Body::Engine(_)) {
            return ensure(event.seq.is_none(), "an engine event has a sequence number");
        }
        self.seq += 1;
        ensure(event.seq == Some(self.seq), "the sequence has a gap")?;
        if let Body::Trade(trade) = &event.body {
            return self.trade(trade);
        }
        let account = event.account.as_deref().unwrap_or_default();
        if let Body::OrderNew(order) = &event.body {
            return self.add(account, order);
        }
        if let Body::OrderReplace(order) = &event.body {
            return self.replace(account, order);
        }
        if let Body::OrderCancel(order) = &event.body {
            return self.cancel(account, order);
        }
        Ok(())
    }

    /// Checks what must hold between two instants.
    fn check_between_instants(&self) -> Checked {
        let prices = |side| self.live.iter().filter(move |o| o.side == side).filter_map(|o| o.price);
        let crossed = prices(Side::Buy).max().zip(prices(Side::Sell).min()).is_some_and(|(bid, ask)| bid >= ask);
        ensure(!crossed, "the book is crossed")?;
        ensure(self.live.iter().all(|o| o.price.is_some()), "a market order rests")
    }

    fn add(&mut self, account: &str, order: &OrderNew<'_>) -> Checked {
        ensure(self.ids.insert(order.order.to_string()), "an order id comes twice")?;
        self.live.push(Live {
            id: order.order.to_string(),
            account: account.into(),
            side: order.side,
            price: order.price,
            left: order.qty.get(),
        });
        Ok(())
    }

    fn find(&self, id: Option<&str>) -> Result<usize, &'static str> {
        self.live.iter().position(|o| Some(o.id.as_str()) == id).ok_or("the order is not live")
    }

    fn replace(&mut self, account: &str, order: &OrderReplace<'_>) -> Checked {
        let mut was = self.live.remove(self.find(Some(&order.order))?);
        ensure(was.account == account, "an account replaces the order of another one")?;
        ensure(was.price != Some(order.price), "a replace keeps the price")?;
        (was.price, was.left) = (Some(order.price), order.qty.get());
        self.live.push(was);
        Ok(())
    }

    fn cancel(&mut self, account: &str, order: &OrderCancel<'_>) -> Checked {
        let was = self.live.remove(self.find(Some(&order.order))?);
        let same = (Some(was.side), was.price) == (order.side, order.price) && was.account == account;
        ensure(same, "a cancel describes another order")?;
        ensure(order.qty.map(Quantity::get) == Some(was.left), "a cancel's quantity is not what was left")
    }

    fn trade(&mut self, trade: &Trade<'_>) -> Checked {
        let maker = self.live[self.find(trade.maker_order.as_deref())?].clone();
        let taker = self.live[self.find(trade.taker_order.as_deref())?].clone();
        let named = Some(maker.account.as_str()) == trade.maker.as_deref()
            && Some(taker.account.as_str()) == trade.taker.as_deref();
        ensure(named && maker.account != taker.account, "the accounts of a trade are not its orders'")?;
        ensure(Some(taker.side) == trade.side && taker.side != maker.side, "the aggressor's side is wrong")?;
        ensure(maker.price == Some(trade.price), "a trade is not at the resting price")?;
        ensure(taker.price.is_none_or(|limit| !better(maker.side, limit, trade.price)), "a trade is beyond its limit")?;
        let first = self.live.iter().filter(|o| o.side == maker.side && o.id != taker.id).reduce(|best, o| {
            let ahead = o.price.zip(best.price).is_some_and(|(o, best)| better(maker.side, o, best));
            if ahead { o } else { best }
        });
        ensure(first.is_some_and(|first| first.id == maker.id), "a trade is not with the best and oldest order")?;
        for id in [maker.id, taker.id] {
            let at = self.find(Some(&id))?;
            self.live[at].left = self.live[at].left.minus(trade.qty.get());
            ensure(self.live[at].left >= Decimal::ZERO, "an order trades more than it has")?;
            if self.live[at].left.is_zero() {
                self.live.remove(at);
            }
        }
        Ok(())
    }
}

/// Whether a resting price has priority over another.
fn better(side: Side, price: Price, than: Price) -> bool {
    match side {
        Side::Buy => price > than,
        Side::Sell => price < than,
    }
}
