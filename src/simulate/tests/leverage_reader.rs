//! Leverage as a reader of the events would compute it: positions at the last mark, over the last balance.

use std::collections::BTreeMap;

use crate::{
    event::{Body, Event},
    simulate::random::floor,
};

/// The last values published of each account and symbol.
#[derive(Default)]
pub(super) struct LeverageReader {
    positions: BTreeMap<String, BTreeMap<String, f64>>,
    equity: BTreeMap<String, f64>,
    set: BTreeMap<String, f64>,
    marks: BTreeMap<String, f64>,
}

impl LeverageReader {
    pub(super) fn observe(&mut self, event: &Event<'_>) {
        let account = event.account.as_deref().unwrap_or_default();
        let symbol = event.symbol.as_deref().unwrap_or_default();
        if let Body::Mark(mark) = &event.body {
            self.marks.insert(symbol.into(), mark.mark.get().to_f64());
        } else if let Body::Balance(balance) = &event.body {
            self.equity.insert(account.into(), balance.equity.to_f64());
        } else if let Body::Leverage(leverage) = &event.body {
            self.set.insert(account.into(), leverage.leverage.get().to_f64());
        } else if let Body::Position(position) = &event.body {
            self.positions.entry(account.into()).or_default().insert(symbol.into(), position.qty.to_f64());
        }
    }

    /// The leverage of an account; 0 without a position.
    pub(super) fn leverage(&self, account: &str) -> f64 {
        let exposure: f64 = self.positions.get(account).map_or(0.0, |positions| {
            positions.iter().map(|(symbol, qty)| qty.abs() * self.marks.get(symbol).copied().unwrap_or(0.0)).sum()
        });
        exposure / self.equity.get(account).copied().unwrap_or(f64::NAN)
    }

    /// The leverage setting of an account.
    pub(super) fn setting(&self, account: &str) -> f64 {
        self.set.get(account).copied().unwrap_or(f64::NAN)
    }

    /// A quantile of the leverage of all accounts with positions.
    pub(super) fn quantile(&self, q: f64) -> f64 {
        let mut all: Vec<f64> = self.positions.keys().map(|account| self.leverage(account)).collect();
        all.sort_by(f64::total_cmp);
        let rank = floor(q * all.len() as f64);
        all.get(usize::try_from(rank).unwrap_or(0)).copied().unwrap_or(f64::NAN)
    }
}
