//! The holdings of one account: equity and positions, and its leverage.

use serde::{Deserialize, Serialize};

use super::marks::Marks;
use crate::{
    detect::{CoverageState, Insolvent, LeverageJump, Node, account::leverage_jump},
    event::SharedName,
    stats::math::ln,
    table::Handle,
    time::EventTime,
};

/// Positions of one account; the one that was stated longest ago makes room.
const POSITIONS_MAX: usize = 256;
/// The least share of an account's notional with which a symbol is related to the account's findings.
const PART: f64 = 0.5;
/// Decades of equity, from below ten to above ten million (DETECTION 2.1, "Tier").
pub const TIERS: usize = 8;

/// One account.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Account {
    pub owner: Option<SharedName>,
    /// The newest equity that the venue stated, and when.
    pub equity: Option<(EventTime, f64)>,
    pub positions: Vec<Holding>,
    /// The detector of leverage jumps; `None` before the account has had leverage.
    pub leverage: Option<Box<LeverageJump>>,
    /// The detector of insolvency; `None` before the account has had nothing left.
    pub insolvent: Option<Box<Insolvent>>,
    /// The settings of the detector of leverage jumps, by which overrides match the account.
    pub jump: leverage_jump::Settings,
}

/// A position of an account.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Holding {
    pub symbol: Handle,
    pub quantity: f64,
    pub entry: f64,
    /// The mark at which the position was last valued.
    pub mark: f64,
    /// The time of the venue's last statement of the position.
    pub stated_at: EventTime,
}

/// An account's notional and leverage.
#[derive(Clone, Copy)]
pub struct Exposure {
    pub notional: f64,
    /// The notional at the marks of the last valuation.
    pub notional_before: f64,
    pub equity: f64,
    /// Whether the leverage has a logarithm, because no price is zero or below.
    pub is_priced: bool,
}

impl Account {
    /// Takes a position that the venue states, which includes every fill up to then.
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
                let mark = mark.unwrap_or(entry).abs();
                self.positions.push(Holding { symbol, quantity, entry, mark, stated_at: at });
            }
        }
    }

    /// Takes a fill, which changes the position if it came after the last statement. Returns whether it did.
    pub fn fill(&mut self, symbol: Handle, quantity: f64, at: EventTime) -> bool {
        let position = self.find(symbol).map(|nth| &mut self.positions[nth]);
        let Some(position) = position.filter(|position| at > position.stated_at) else { return false };
        position.quantity += quantity;
        true
    }

    /// Returns the index of the position in a symbol. The search is linear: positions lie side by side in memory, and following one
    /// pointer costs more than a few steps.
    fn find(&self, symbol: Handle) -> Option<usize> {
        self.positions.iter().position(|position| position.symbol == symbol)
    }

    /// Returns ℓ = ln(notional / equity) at the present marks, for the habit, with the equity; `None` without a position, with
    /// nothing left, or at a price that is not above zero.
    pub fn log_leverage(&self, marks: &Marks) -> Option<(f64, f64)> {
        let (_, equity) = self.equity.filter(|_| self.is_priced(marks))?;
        let notional: f64 = self.positions.iter().map(|position| position.quantity.abs() * position.value(marks)).sum();
        (notional > 0.0 && equity > 0.0).then(|| (ln(notional / equity), equity))
    }

    /// Values the account, if its equity is known. The present marks become those of the last valuation, unless one of them is not
    /// above zero: then the leverage is not judged, and the moves of the marks until then count when it is judged again.
    pub fn value(&mut self, marks: &Marks) -> Option<Exposure> {
        let (_, equity) = self.equity?;
        let is_priced = self.is_priced(marks);
        let each = self.positions.iter_mut().map(|position| {
            let (size, mark) = (position.quantity.abs(), position.value(marks).abs());
            let before = if is_priced { std::mem::replace(&mut position.mark, mark) } else { position.mark };
            (size * mark, size * before)
        });
        let (notional, notional_before) = each.fold((0.0, 0.0), |sums, one| (sums.0 + one.0, sums.1 + one.1));
        Some(Exposure { notional, notional_before, equity, is_priced })
    }

    /// Whether no position has a price at or below zero. A position without a mark is priced by its entry, where 0 means that the
    /// entry is unknown.
    fn is_priced(&self, marks: &Marks) -> bool {
        self.positions.iter().all(|position| match marks.get(position.symbol) {
            Some(mark) => mark > 0.0,
            None => position.entry >= 0.0,
        })
    }

    /// Returns whether the account can be judged insolvent, and whether a jump of its leverage can be found. `is_known` says
    /// whether the usual leverage of accounts with such an equity is known.
    pub fn coverage(&self, marks: &Marks, is_known: impl Fn(f64) -> bool) -> [CoverageState; 2] {
        let Some((_, equity)) = self.equity.filter(|_| !self.positions.is_empty()) else {
            return [CoverageState::NoPositions; 2];
        };
        let is_learned = self.leverage.as_ref().is_some_and(|jump| jump.is_learned()) && is_known(equity);
        let jump = match self.log_leverage(marks) {
            // An account with nothing left has no leverage; it is insolvent.
            None if equity > 0.0 => CoverageState::PriceNotPositive,
            None | Some(_) => CoverageState::once(is_learned),
        };
        [CoverageState::Judged, jump]
    }

    pub fn deadline(&self) -> Option<EventTime> {
        let jump = self.leverage.as_ref().and_then(|leverage| leverage.deadline());
        jump.into_iter().chain(self.insolvent.as_ref().and_then(|insolvent| insolvent.deadline())).min()
    }
}

impl Holding {
    /// The value of one unit.
    fn value(&self, marks: &Marks) -> f64 {
        marks.get(self.symbol).unwrap_or(self.entry)
    }
}

impl Exposure {
    /// Returns ℓ = ln(notional / equity); `None` without a position, with nothing left, or at a price that is not above zero.
    pub fn log(&self) -> Option<f64> {
        let held = self.is_priced && self.notional > 0.0 && self.notional_before > 0.0 && self.equity > 0.0;
        held.then(|| ln(self.notional / self.equity))
    }
}

/// Returns the nodes that an account's findings touch: its owner, and the symbols with at least half of its notional.
pub fn related(owner: Option<&SharedName>, positions: &[Holding], marks: &Marks, notional: f64) -> Vec<Node> {
    let large = positions.iter().filter(|position| position.quantity.abs() * position.mark >= PART * notional);
    let symbol = large.filter_map(|position| marks.name(position.symbol).map(|name| Node::Symbol(name.to_compact())));
    owner.map(|owner| Node::Owner(owner.to_compact())).into_iter().chain(symbol).collect()
}

/// Returns the decade of an account's equity.
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
