//! The jobs that agents of one symbol put on its schedule.

use super::lean::Lean;
use crate::{
    event::{CancelReason, Side},
    time::{EventTime, Span},
};

/// A step that an agent or the venue takes at a scheduled time. Makers, bursts, changes of leverage and forced closes are
/// given by their index on the symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// The fair value drifts; makers and takers look at it.
    Drift,
    /// An ordinary jump of the fair value.
    Jump,
    /// A jump of the fair value by so many ticks: at the opening, or planted.
    JumpBy(i64),
    /// A jump of the fair value by so many ticks that takers follow.
    News(i64),
    /// The fair value moves by so many tenths of a basis point.
    Shift(i64),
    /// An arrival of takers of one side, who come until the given time.
    Lean(Lean, EventTime),
    /// The venue publishes its mark.
    PublishMark,
    /// The venue publishes its load.
    PublishLoad,
    /// A taker arrives.
    TakerArrives,
    /// An arrival of a rush of takers, which goes on until the given time.
    Rush(EventTime),
    /// A taker takes the quotes that a move of the fair value left mispriced.
    Sweep,
    /// A background trader places an order.
    PlaceOrder,
    /// A background trader's order is cancelled, for this reason.
    CancelOrder(u64, CancelReason),
    /// A maker cancels all its quotes at once, to quote anew.
    CancelQuotes(usize),
    /// A maker moves the quote in one slot to where it should be.
    UpdateQuote(usize, usize),
    /// A maker widens one side after a fill.
    WidenSide(usize, Side),
    /// Makers and background traders begin to withdraw.
    ThinOut,
    /// A maker withdraws.
    WithdrawMaker(usize),
    /// Makers and background traders come back.
    Refill,
    /// The makers cancel all quotes and stay away for so long.
    MakersAway(Span),
    /// The makers skew their quotes away from this side, or from none any more.
    SkewQuotes(Option<Side>),
    /// A burst places its next order.
    PlaceBurstOrder(usize),
    /// A burst cancels its next order.
    CancelBurstOrder(usize),
    /// An account that changes its leverage sends its next order.
    ChangeLeverage(usize),
    /// The venue closes the next part of a position.
    ForceClose(usize),
}
