//! The actions that a script can ask of a symbol's agents.

use super::{cancel_burst::CancelBurst, forced_close::ForcedClose, lean::Lean, leverage::LeverageChange};
use crate::{
    event::Side,
    time::{EventTime, Span},
};

/// An action of agents, or of the market that they see.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Action {
    /// An account places many orders and cancels them; the start is the first cancel.
    CancelBurst(CancelBurst),
    /// The fair value jumps by so many ticks.
    Jump(i64),
    /// The fair value jumps by so many ticks, and takers follow.
    News(i64),
    /// The book thins, and refills after this time.
    ThinBook(Span),
    /// Takers come ten-fold for this time.
    Rush(Span),
    /// The fair value moves by so many tenths of a basis point. It is no jump: makers follow at their next look.
    Shift(i64),
    /// Takers of one side come beside the ordinary ones, for this time.
    Lean(Lean, Span),
    /// The makers stay away for this time.
    MakersAway(Span),
    /// The makers skew their quotes away from this side for this time.
    SkewQuotes(Side, Span),
    /// An account changes its leverage.
    ChangeLeverage(LeverageChange),
    /// The venue closes an account's position.
    ForceClose(ForcedClose),
}

/// An action with its symbol and time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct ScriptedAction {
    /// Index of the symbol.
    pub(crate) symbol: u32,
    pub(crate) start: EventTime,
    pub(crate) action: Action,
}
