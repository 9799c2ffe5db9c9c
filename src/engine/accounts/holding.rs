//! What one account holds: equity, positions, and what its leverage comes from.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{Marks, TIERS};
use crate::{
    detect::{Insolvent, LeverageJump, Node},
    stats::math::ln,
    table::Handle,
    time::EventTime,
};

/// Positions of one account; the one that was looked at longest ago makes room.
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
        let known = self.positions.iter().position(|position| position.symbol == symbol);
        if known.is_some_and(|nth| self.positions[nth].stated_at > at) {
            return;
        }
        let before = known.map(|nth| self.positions.remove(nth));
        if quantity != 0.0 {
            if self.positions.len() >= POSITIONS_MAX {
                self.positions.remove(0);
            }
            let mark = before.map_or_else(|| mark.unwrap_or(entry), |before| before.mark);
            self.positions.push(Position { symbol, quantity, entry, mark, stated_at: at });
        }
    }

    /// A fill after the last statement changes the position. Whether it did.
    pub fn fill(&mut self, symbol: Handle, quantity: f64, at: EventTime) -> bool {
        let position = self.positions.iter_mut().find(|position| position.symbol == symbol);
        let Some(position) = position.filter(|position| at > position.stated_at) else { return false };
        position.quantity += quantity;
        true
    }

    /// What it holds, if its equity is known.
    pub fn exposure(&self, symbols: &Marks) -> Option<Exposure> {
        let (_, equity) = self.equity?;
        let (mut notional, mut notional_before) = (0.0, 0.0);
        for position in &self.positions {
            let mark = mark(symbols, position.symbol).unwrap_or(position.entry);
            notional += position.quantity.abs() * mark;
            notional_before += position.quantity.abs() * position.mark;
        }
        Some(Exposure { notional, notional_before, equity })
    }

    /// From here on the marks of now are those of before.
    pub fn value(&mut self, symbols: &Marks) {
        for position in &mut self.positions {
            position.mark = mark(symbols, position.symbol).unwrap_or(position.entry);
        }
    }

    pub fn deadline(&self) -> Option<EventTime> {
        let jump = self.leverage.as_ref().and_then(|leverage| leverage.deadline());
        jump.into_iter().chain(self.insolvent.as_ref().and_then(|insolvent| insolvent.deadline())).min()
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
pub fn related(owner: Option<&CompactString>, positions: &[Position], symbols: &Marks, notional: f64) -> Vec<Node> {
    let large = positions.iter().filter(|position| position.quantity.abs() * position.mark >= PART * notional);
    let symbol = large.filter_map(|position| symbols.key(position.symbol).cloned().map(Node::Symbol));
    owner.cloned().map(Node::Owner).into_iter().chain(symbol).collect()
}

pub fn mark(symbols: &Marks, symbol: Handle) -> Option<f64> {
    symbols.get(symbol).copied().flatten().map(|(_, mark)| mark)
}

/// The decade of an account's equity.
pub fn tier(equity: f64) -> usize {
    let edges = [1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7];
    edges.iter().filter(|&&edge| equity >= edge).count().min(TIERS - 1)
}
