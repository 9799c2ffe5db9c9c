//! The form of what the venue says of an account: `leverage`, `position`, `balance`.
//!
//! Account events have no sequence number: a sequence counts a symbol's own events. Of a position with a margin of its own
//! that margin is said, the cost of it over the setting. Everything is in `USDT`, the asset that all symbols settle in.

use super::{
    holding::Holding,
    parties::Parties,
    tape::{self, Scale},
};
use crate::{
    event::{Balance, Body, Decimal, Event, Leverage, MarginMode, Position, Quantity},
    time::EventTime,
};

/// Decimals behind a thousandth.
const PLACES: u32 = 3;

/// An account's event.
pub(super) fn event(
    ts: EventTime,
    account: u32,
    symbol: Option<u32>,
    parties: &Parties,
    body: Body<'static>,
) -> Event<'static> {
    Event {
        ts,
        symbol: symbol.map(|index| tape::name(tape::symbol(index))),
        seq: None,
        account: Some(tape::account(account)),
        owner: parties.owner(account),
        body,
    }
}

/// An account's setting.
pub(super) fn leverage(setting: u32, isolated: bool) -> Body<'static> {
    let leverage = Quantity::new(decimal(i64::from(setting), 0)).expect("a step of the ladder is at least 1");
    Body::Leverage(Leverage { leverage, margin_mode: Some(mode(isolated)) })
}

/// An account's money.
pub(super) fn balance(cash: i64) -> Body<'static> {
    Body::Balance(Balance { equity: decimal(cash, PLACES), asset: Some(tape::name("USDT".into())) })
}

/// An account's position; `backed_by` is the setting where the position has a margin of its own.
pub(super) fn position(holding: &Holding, scale: Scale, backed_by: Option<u32>) -> Body<'static> {
    Body::Position(Position {
        qty: decimal(holding.lots, scale.lot_places()),
        entry: decimal(holding.entry(), scale.price_places + PLACES),
        margin_mode: Some(mode(backed_by.is_some())),
        margin: backed_by.map(|setting| decimal(holding.cost / i64::from(setting), PLACES)),
        leverage: None,
    })
}

fn mode(isolated: bool) -> MarginMode {
    if isolated { MarginMode::Isolated } else { MarginMode::Cross }
}

fn decimal(mantissa: i64, places: u32) -> Decimal {
    Decimal::from_parts(mantissa, places).expect("a ledger's amounts are far below 15 digits")
}
