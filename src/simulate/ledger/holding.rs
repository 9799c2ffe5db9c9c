//! One account's position in one symbol: the sum of its fills.
//!
//! All amounts are whole numbers of lots and of thousandths of the quote currency: a lot at a price of n ticks costs n
//! thousandths (see `market::Scale`), so that sums are exact and the position is exactly the sum of the fills. The realised
//! profit follows from the mean entry price: the part that closes takes its share of the cost, rounded to a thousandth, and
//! the rest keeps the remainder.

/// A position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    /// Signed size: below zero is short.
    pub(super) lots: i64,
    /// Cost of the open lots, without sign, in thousandths.
    pub(super) cost: i64,
    /// A `position` event of this holding is scheduled.
    pub(super) scheduled: bool,
}

impl Holding {
    /// Adds a fill of signed lots; returns the profit that it realised.
    pub(super) fn fill(&mut self, lots: i64, ticks: i64) -> i64 {
        let closing = if self.lots.signum() == -lots.signum() { self.lots.abs().min(lots.abs()) } else { 0 };
        let mut realised = 0;
        if closing > 0 {
            let released = if closing == self.lots.abs() { self.cost } else { self.cost * closing / self.lots.abs() };
            realised = (closing * ticks - released) * self.lots.signum();
            self.cost -= released;
        }
        self.cost += (lots.abs() - closing) * ticks;
        self.lots += lots;
        realised
    }

    /// Mean entry price, in thousandths of a tick; 0 without a position.
    pub(super) fn entry(&self) -> i64 {
        if self.lots == 0 { 0 } else { self.cost * 1_000 / self.lots.abs() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_grows_shrinks_and_changes_sides() {
        let mut holding = Holding::default();
        assert_eq!(holding.fill(10, 100), 0);
        assert_eq!(holding.fill(10, 110), 0);
        assert_eq!((holding.lots, holding.cost, holding.entry()), (20, 2_100, 105_000));
        assert_eq!(holding.fill(-5, 120), 75, "five lots of 105 sold at 120");
        assert_eq!(holding.fill(-20, 95), -150, "the other fifteen at 95, and five short");
        assert_eq!((holding.lots, holding.cost, holding.entry()), (-5, 475, 95_000));
        assert_eq!(holding.fill(5, 90), 25);
        assert_eq!(holding, Holding::default());
    }
}
