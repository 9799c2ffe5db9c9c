//! Takers who all take one side, beside the ordinary ones.

use crate::event::Side;

/// Takers of one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lean {
    /// The side that they take.
    pub(crate) side: Side,
    /// How many they are, in hundredths of the ordinary arrivals.
    pub(crate) percent: u32,
}
