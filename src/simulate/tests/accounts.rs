//! A naive ledger: sums up the trades and checks the account events against the sums.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    checker::{Checked, ensure},
    flow::events,
    leverage_reader::LeverageReader,
};
use crate::{
    event::{Body, Decimal, Event, EventType, Key, Side, Trade},
    simulate::SimulationPlan,
    time::{EventTime, Span},
};

/// One position by its trades: size, cost, and the times of its last fill and of its last event.
#[derive(Default)]
struct KnownPosition {
    qty: Decimal,
    cost: f64,
    filled: Option<EventTime>,
    stated: Option<EventTime>,
}

/// One account's money by its balances and trades.
#[derive(Default)]
struct KnownMoney {
    known: bool,
    equity: f64,
    /// Realised profit less fees since the last balance.
    earned: f64,
    fills: f64,
}

/// The state of all accounts after the events so far.
#[derive(Default)]
pub(super) struct Accounts {
    positions: BTreeMap<(String, String), KnownPosition>,
    money: BTreeMap<String, KnownMoney>,
    owners: BTreeMap<String, Option<String>>,
    set: BTreeSet<String>,
}

impl Accounts {
    pub(super) fn check(&mut self, event: &Event<'_>) -> Checked {
        if let Some(account) = event.account.as_deref() {
            self.owner(account, event.owner.as_deref())?;
        }
        let account = event.account.as_deref().unwrap_or_default().to_owned();
        if let Body::Trade(trade) = &event.body {
            return self.trade(event, trade);
        }
        if let Body::Leverage(leverage) = &event.body {
            self.set.insert(account);
            return ensure(
                (1.0..=100.0).contains(&leverage.leverage.get().to_f64()),
                "a leverage setting is not between 1 and 100",
            );
        }
        if let Body::Balance(balance) = &event.body {
            let money = self.money.entry(account).or_default();
            let deposit = balance.equity.to_f64() - money.equity - money.earned;
            let round = (deposit - (deposit / 10.0).round() * 10.0).abs() <= 0.01 * (1.0 + money.fills);
            let fits = !money.known || (round && deposit >= -0.01 * (1.0 + money.fills));
            *money = KnownMoney { known: true, equity: balance.equity.to_f64(), ..KnownMoney::default() };
            return ensure(fits, "a balance does not follow from the one before, trades and round deposits");
        }
        if let Body::Position(position) = &event.body {
            ensure(self.set.contains(&account), "a position comes before its account's leverage setting")?;
            let symbol = event.symbol.as_deref().ok_or("a position without a symbol")?.to_owned();
            let known = self.positions.get_mut(&(account, symbol)).ok_or("a position never traded")?;
            ensure(position.qty == known.qty, "a position is not the sum of its fills")?;
            let again = known.stated.replace(event.ts);
            ensure(again.is_none_or(|at| event.ts.since(at) >= Span::from_secs(5)), "a position is stated too often")?;
            let entry = if known.qty.is_zero() { 0.0 } else { known.cost / known.qty.to_f64().abs() };
            return ensure((position.entry.to_f64() - entry).abs() <= 1e-3 * entry, "an entry price is wrong");
        }
        Ok(())
    }

    fn owner(&mut self, account: &str, owner: Option<&str>) -> Checked {
        let known = self.owners.entry(account.into()).or_insert_with(|| owner.map(Into::into));
        ensure(known.as_deref() == owner, "an account changes its owner")
    }

    fn trade(&mut self, event: &Event<'_>, trade: &Trade<'_>) -> Checked {
        let (Some(maker), Some(taker)) = (trade.maker.as_deref(), trade.taker.as_deref()) else {
            return Err("a trade does not name both accounts");
        };
        self.owner(maker, trade.maker_owner.as_deref())?;
        self.owner(taker, trade.taker_owner.as_deref())?;
        let fee = 0.0005 * trade.price.get().to_f64() * trade.qty.get().to_f64();
        let bought = trade.side == Some(Side::Buy);
        self.fill(event, maker, trade, !bought, 0.0)?;
        self.fill(event, taker, trade, bought, fee)
    }

    fn fill(&mut self, event: &Event<'_>, account: &str, trade: &Trade<'_>, buys: bool, fee: f64) -> Checked {
        let symbol = event.symbol.as_deref().unwrap_or_default().to_owned();
        let position = self.positions.entry((account.into(), symbol)).or_default();
        let (before, price, qty) = (position.qty.to_f64(), trade.price.get().to_f64(), trade.qty.get());
        position.qty = if buys { position.qty.plus(qty) } else { position.qty.minus(qty) };
        let signed = if buys { qty.to_f64() } else { -qty.to_f64() };
        let closed = if before * signed < 0.0 { before.abs().min(signed.abs()) } else { 0.0 };
        let released = if closed > 0.0 { position.cost * closed / before.abs() } else { 0.0 };
        position.cost += (signed.abs() - closed) * price - released;
        position.filled = Some(event.ts);
        let money = self.money.entry(account.into()).or_default();
        money.earned += (closed * price - released) * before.signum() - fee;
        money.fills += 1.0;
        ensure(position.stated != Some(event.ts), "a position event comes before a fill of its own instant")
    }
}

#[test]
fn a_position_event_follows_the_last_fill_of_each_position() {
    let plan = SimulationPlan::new(11, 20);
    let mut accounts = Accounts::default();
    for event in events(&plan) {
        accounts.check(&event).unwrap();
    }
    let old = |at: EventTime| at.plus(Span::from_secs(30)) < plan.end();
    let positions = accounts.positions.values().filter(|p| p.filled.is_some_and(old));
    assert!(positions.clone().count() > 100);
    assert!(positions.clone().all(|p| p.stated > p.filled.filter(|_| p.filled.is_some_and(old))));
}

#[test]
fn account_events_are_at_most_about_a_fifth_of_all_events() {
    for (symbols, accounts, density) in [(2, 50, 0.3), (4, 200, 1.0), (12, 2_000, 5.0)] {
        let plan = SimulationPlan { symbols, accounts, density, ..SimulationPlan::new(9, 30) };
        let (mut all, mut own) = (0.0, BTreeMap::new());
        for event in events(&plan) {
            all += 1.0;
            if event.body.kind().key() == Key::Account {
                *own.entry(event.body.kind()).or_insert(0.0) += 1.0;
            }
        }
        let share = own.values().sum::<f64>() / all;
        assert!((0.05..=0.21).contains(&share), "{share} at {density}: {own:?}");
        assert!([EventType::Leverage, EventType::Position, EventType::Balance].iter().all(|kind| own[kind] > 0.0));
    }
}

#[test]
fn ordinary_accounts_stay_below_the_leverage_that_they_have_set() {
    for seed in 0..4 {
        let plan = SimulationPlan::new(seed, 180);
        let mut reader = LeverageReader::default();
        let mut peak: f64 = 0.0;
        for event in events(&plan) {
            reader.observe(&event);
            if let (Body::Position(_), Some(account)) = (&event.body, event.account.as_deref()) {
                peak = peak.max(reader.leverage(account) / reader.setting(account));
            }
        }
        let spread = reader.quantile(0.99);
        assert!(peak <= 1.1, "seed {seed}: {peak} of the setting");
        assert!((3.0..=16.0).contains(&spread), "seed {seed}: p99 {spread}");
    }
}
