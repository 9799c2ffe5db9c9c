//! The venue's events about an account: `leverage`, `position`, `balance`.
//!
//! Account events have no sequence number: a sequence counts a symbol's own events. A position with a margin of its own
//! states that margin, its cost over the setting. All amounts are in `USDT`, the asset in which all symbols settle.

use super::holding::Holding;
use crate::{
    event::{Balance, Body, Decimal, Event, Leverage, MarginMode, Position, Quantity},
    simulate::{market::Scale, names, population::Population},
    time::EventTime,
};

/// Decimals of a thousandth.
const PLACES: u32 = 3;

/// An account's event with this body.
pub(super) fn event(
    ts: EventTime,
    account: u32,
    symbol: Option<u32>,
    population: &Population,
    body: Body<'static>,
) -> Event<'static> {
    Event {
        ts,
        symbol: symbol.map(names::symbol),
        seq: None,
        account: Some(names::account(account)),
        owner: population.owner(account),
        body,
    }
}

/// An account's leverage setting.
pub(super) fn leverage(setting: u32, isolated: bool) -> Body<'static> {
    let leverage = Quantity::new(decimal(i64::from(setting), 0)).expect("a leverage setting is at least 1");
    Body::Leverage(Leverage { leverage, margin_mode: Some(mode(isolated)) })
}

/// An account's money, in thousandths.
pub(super) fn balance(cash: i64) -> Body<'static> {
    Body::Balance(Balance { equity: decimal(cash, PLACES), asset: Some(names::name("USDT".into())) })
}

/// An account's position; `isolated_setting` is the leverage setting where the position has a margin of its own.
pub(super) fn position(holding: &Holding, scale: Scale, isolated_setting: Option<u32>) -> Body<'static> {
    Body::Position(Position {
        qty: decimal(holding.lots, scale.lot_places()),
        entry: decimal(holding.entry(), scale.price_places + PLACES),
        margin_mode: Some(mode(isolated_setting.is_some())),
        margin: isolated_setting.map(|setting| decimal(holding.cost / i64::from(setting), PLACES)),
        leverage: None,
    })
}

fn mode(isolated: bool) -> MarginMode {
    if isolated { MarginMode::Isolated } else { MarginMode::Cross }
}

fn decimal(mantissa: i64, places: u32) -> Decimal {
    Decimal::from_parts(mantissa, places).expect("a ledger's amounts are far below 15 digits")
}
