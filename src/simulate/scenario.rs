//! Scenarios: the episodes that can be planted in the flow, by name.
//!
//! Episodes that deserve a warning, each labelled with the detector that should find it:
//! - `cancel_burst`: one account places many small orders far behind the touch, then cancels them all in a few seconds.
//! - `thin_book`: makers and background traders withdraw from a symbol; within half a minute a few per cent of its depth are
//!   left, for some minutes. The price need not move.
//! - `thin_book_cluster`: the same on two symbols of five and on at least eight, one after another within a minute; the
//!   same firms make them all.
//! - `trade_burst`: takers come ten-fold for 15 to 30 s.
//! - `leverage_jump`: an account sets a leverage of 100 and within two minutes takes positions far beyond what it and nearly
//!   all others have: by its own orders, not by a move of the price. The scenario needs two hours of flow before it.
//! - `crisis`: all of these except `trade_burst`, one after another, about one owner and one symbol; it ends in forced selling,
//!   the label `cascade`.
//! - `market_build_up` (`trade_burst` of the market, whose label has no symbol): on all symbols sellers come twice as fast as
//!   usual and prices fall by 8 to 16 basis points a minute, for ten to fifteen minutes; then positions are sold by force on all
//!   of them, the label `cascade`. It must page before its half.
//!
//! Benign look-alikes, labelled with the detector that must stay quiet:
//! - `maker_requote` (`cancel_burst`): a jump after which the makers cancel and re-quote everything, as after every jump.
//! - `news_burst` (`trade_burst`): a jump that takers follow; more trades than usual, but no more than news brings. It must
//!   not page, neither for the trades nor for the re-quoting.
//! - `maker_pull` (`thin_book`): the makers cancel all quotes and are back in about a second.
//! - `inventory_skew` (`thin_book`): the makers quote one side further out and smaller for some minutes.
//! - `deposit_before_leverage` (`leverage_jump`): an account deposits money, sets a leverage of 100, and trades until its
//!   leverage is what it was.
//! - `market_sell_off` (`trade_burst` and `price_shock` of the market): all symbols fall by 24 to 145 basis points within a minute
//!   while sellers come, and recover within minutes. It must not page.
//! - `market_rebound` (the same): all symbols slip for some minutes, as they would without sellers, and regain it within a minute
//!   while some buyers come. It must not page.
//! - `listing` (`thin_book` and `cancel_burst`): a symbol whose trading begins in mid-run.

use crate::nearest::nearest;

/// An episode that can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One account places many small orders and cancels them in a burst.
    CancelBurst,
    /// Benign: a price jump after which all makers re-quote all their levels.
    MakerRequote,
    /// A symbol loses nearly all of its depth for some minutes.
    ThinBook,
    /// Many symbols lose nearly all of their depth, one after another.
    ThinBookCluster,
    /// Takers come ten-fold.
    TradeBurst,
    /// Benign: a price jump that takers follow.
    NewsBurst,
    /// Benign: makers cancel all quotes for about a second.
    MakerPull,
    /// Benign: makers quote one side further out for some minutes.
    InventorySkew,
    /// Benign: a new symbol.
    Listing,
    /// An account multiplies its leverage.
    LeverageJump,
    /// Benign: an account with more money trades more.
    DepositBeforeLeverage,
    /// Leverage rises, books thin, cancels burst, positions are sold by force.
    Crisis,
    /// All symbols are sold for a quarter of an hour, then by force.
    MarketBuildUp,
    /// Benign: all symbols fall within a minute and recover.
    MarketSellOff,
    /// Benign: all symbols rise within a minute after they have slipped.
    MarketRebound,
}

impl Scenario {
    /// Every scenario with its name, in order.
    pub const ALL: [(Self, &'static str); 15] = [
        (Self::CancelBurst, "cancel_burst"),
        (Self::MakerRequote, "maker_requote"),
        (Self::ThinBook, "thin_book"),
        (Self::ThinBookCluster, "thin_book_cluster"),
        (Self::TradeBurst, "trade_burst"),
        (Self::NewsBurst, "news_burst"),
        (Self::MakerPull, "maker_pull"),
        (Self::InventorySkew, "inventory_skew"),
        (Self::Listing, "listing"),
        (Self::LeverageJump, "leverage_jump"),
        (Self::DepositBeforeLeverage, "deposit_before_leverage"),
        (Self::Crisis, "crisis"),
        (Self::MarketBuildUp, "market_build_up"),
        (Self::MarketSellOff, "market_sell_off"),
        (Self::MarketRebound, "market_rebound"),
    ];

    /// Returns the name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// Returns the end of an error message about an unknown name: the nearest known one, or all of them.
    pub(super) fn suggestion(unknown: &str) -> String {
        let names = Self::ALL.map(|(_, name)| name);
        match nearest(unknown, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("expected one of {}, each with `@MINUTE` or without", names.join(", ")),
        }
    }

    /// Minutes of flow that the scenario needs from its beginning on: its own length, and half a minute for its after-effects.
    pub(super) const fn minutes(self) -> f64 {
        match self {
            Self::CancelBurst | Self::MakerRequote | Self::NewsBurst | Self::MakerPull => 0.5,
            Self::TradeBurst | Self::Listing => 1.0,
            Self::DepositBeforeLeverage => 3.0,
            Self::LeverageJump | Self::Crisis => 6.0,
            Self::ThinBook | Self::ThinBookCluster | Self::InventorySkew => 5.0,
            Self::MarketSellOff | Self::MarketRebound => 7.0,
            Self::MarketBuildUp => 18.0,
        }
    }
}
