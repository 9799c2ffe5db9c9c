//! What one account holds: equity, positions, and what its leverage comes from.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{TIERS, marks::Marks};
use crate::{
    detect::{Insolvent, LeverageJump, Node},
    stats::math::ln,
    table::Handle,
    time::EventTime,
};

/// Positions of one account; the one that was stated longest ago makes room.
const POSITIONS_MAX: usize = 256;
/// The share of an account's notional from which on a symbol is part of what it does.
const PART: f64 = 0.5;

/// What is known of one account.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Account {
    pub owner: Option<CompactString>,
    pub equity: Option<(EventTime, f64)>,
    pub positions: Vec<Position>,
    pub leverage: Option<Box<LeverageJump>>,
    pub insolvent: Option<Box<Insolvent>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Position {
    pub symbol: Handle,
    pub quantity: f64,
    pub entry: f64,
    /// What it was last valued at.
    pub mark: f64,
    pub stated_at: EventTime,
}

/// An account's notional and leverage.
#[derive(Clone, Copy)]
pub struct Exposure {
    pub notional: f64,
    /// The same at the marks at which it was last valued.
    pub notional_before: f64,
    pub equity: f64,
}

impl Account {
    /// The venue states a position, which holds every fill up to then.
    pub fn state(&mut self, symbol: Handle, (quantity, entry): (f64, f64), at: EventTime, mark: Option<f64>) {
        match self.find(symbol) {
            Some(nth) if self.positions[nth].stated_at > at => {}
            Some(nth) if quantity == 0.0 => _ = self.positions.remove(nth),
            Some(nth) => {
                let position = &mut self.positions[nth];
                (position.quantity, position.entry, position.stated_at) = (quantity, entry, at);
            }
            None if quantity == 0.0 => {}
            None => {
                if self.positions.len() >= POSITIONS_MAX {
                    let oldest = self.positions.iter().enumerate().min_by_key(|(_, position)| position.stated_at);
                    _ = oldest.map(|(nth, _)| nth).map(|nth| self.positions.remove(nth));
                }
                let mark = mark.unwrap_or(entry);
                self.positions.push(Position { symbol, quantity, entry, mark, stated_at: at });
            }
        }
    }

    /// A fill after the last statement changes the position. Whether it did.
    pub fn fill(&mut self, symbol: Handle, quantity: f64, at: EventTime) -> bool {
        let position = self.find(symbol).map(|nth| &mut self.positions[nth]);
        let Some(position) = position.filter(|position| at > position.stated_at) else { return false };
        position.quantity += quantity;
        true
    }

    /// Where its position in a symbol is. One after the other: they lie side by side, and a jump costs more than a few steps.
    fn find(&self, symbol: Handle) -> Option<usize> {
        self.positions.iter().position(|position| position.symbol == symbol)
    }

    /// ℓ at the marks of now, for the habit; none without a position, or with nothing left. With the equity.
    pub fn log_leverage(&self, marks: &Marks) -> Option<(f64, f64)> {
        let (_, equity) = self.equity?;
        let notional: f64 = self.positions.iter().map(|position| position.quantity.abs() * position.value(marks)).sum();
        (notional > 0.0 && equity > 0.0).then(|| (ln(notional / equity), equity))
    }

    /// What it holds, if its equity is known. From here on the marks of now are those of before.
    pub fn value(&mut self, marks: &Marks) -> Option<Exposure> {
        let (_, equity) = self.equity?;
        let each = self.positions.iter_mut().map(|position| {
            let (size, mark) = (position.quantity.abs(), position.value(marks));
            (size * mark, size * std::mem::replace(&mut position.mark, mark))
        });
        let (notional, notional_before) = each.fold((0.0, 0.0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
        Some(Exposure { notional, notional_before, equity })
    }

    pub fn deadline(&self) -> Option<EventTime> {
        let jump = self.leverage.as_ref().and_then(|leverage| leverage.deadline());
        jump.into_iter().chain(self.insolvent.as_ref().and_then(|insolvent| insolvent.deadline())).min()
    }
}

impl Position {
    /// What one of it is worth.
    fn value(&self, marks: &Marks) -> f64 {
        marks.get(self.symbol).unwrap_or(self.entry)
    }
}

impl Exposure {
    /// ℓ; none without a position, or with nothing left.
    pub fn log(&self) -> Option<f64> {
        let held = self.notional > 0.0 && self.notional_before > 0.0 && self.equity > 0.0;
        held.then(|| ln(self.notional / self.equity))
    }
}

/// What an account's findings touch: its owner, and the symbols that hold at least half of its notional.
pub fn related(owner: Option<&CompactString>, positions: &[Position], marks: &Marks, notional: f64) -> Vec<Node> {
    let large = positions.iter().filter(|position| position.quantity.abs() * position.mark >= PART * notional);
    let symbol = large.filter_map(|position| marks.name(position.symbol).cloned().map(Node::Symbol));
    owner.cloned().map(Node::Owner).into_iter().chain(symbol).collect()
}

/// The decade of an account's equity.
pub fn tier(equity: f64) -> usize {
    let edges = [1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];
    edges.iter().filter(|&&edge| equity >= edge).count().min(TIERS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::table::Table;

    #[test]
    fn of_too_many_positions_the_one_stated_longest_ago_makes_room() {
        let (mut symbols, mut account) = (Table::<usize, ()>::new(POSITIONS_MAX + 1), Account::default());
        let handles: Vec<Handle> = (0..=POSITIONS_MAX).map(|nth| symbols.insert(nth, ()).0).collect();
        let second = |n: usize| EventTime::from_nanos(i64::try_from(n).unwrap());
        for (nth, &symbol) in handles[..POSITIONS_MAX].iter().enumerate() {
            account.state(symbol, (1.0, 1.0), second(nth), None);
        }
        account.state(handles[0], (2.0, 1.0), second(1_000), None);
        account.state(handles[POSITIONS_MAX], (3.0, 1.0), second(1_001), None);
        let held = |nth: usize| account.find(handles[nth]).map(|at| account.positions[at].quantity);
        assert_eq!((held(0), held(1), held(2), held(POSITIONS_MAX)), (Some(2.0), None, Some(1.0), Some(3.0)));
    }
}
