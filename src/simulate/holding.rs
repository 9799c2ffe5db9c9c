//! One account's position in one symbol: what its fills add up to.
//!
//! Whole numbers throughout, lots and thousandths of the quote currency: a lot at a price of so many ticks costs their
//! product of those (`tape::Scale`), so that nothing is lost in adding up, and the position is exactly the sum of the fills.
//! What is realised is reckoned by mean entry price: the part that closes takes its share of the cost with it, rounded to a
//! thousandth, and the rest keeps the remainder.

/// A position.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    /// Below zero is short.
    pub(super) lots: i64,
    /// What the open lots cost, without sign, in thousandths.
    pub(super) cost: i64,
    /// A statement of it is on the way.
    pub(super) due: bool,
}

impl Holding {
    /// Takes a fill of signed lots; returns what it realised.
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
    fn a_position_grows_shrinks_and_turns_around() {
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
