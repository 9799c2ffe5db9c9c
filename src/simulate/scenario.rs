//! Scenarios: what can be planted, by name.
//!
//! Episodes that deserve a warning, each labelled with the detector whose business it is:
//! - `cancel_burst`: one account places many small orders far behind the touch, then pulls them all in a few seconds.
//! - `thin_book`: makers and crowd withdraw from a symbol; within half a minute a few per cent of its depth are left, for
//!   some minutes. The price need not move.
//! - `thin_book_cluster`: the same on two symbols of five and on at least eight, one after another within a minute; the
//!   same firms make them all.
//! - `trade_burst`: takers come ten-fold for 15 to 30 s.
//! - `leverage_jump`: an account sets a leverage of 100 and within two minutes takes positions far beyond what it and nearly
//!   all others have: by its own orders, not by a move of the price. It wants two hours of flow before it.
//! - `crisis`: all of them, one after another, about one owner and one symbol; its end is forced selling, the label `cascade`.
//!
//! Their benign twins, labelled with the detector that must stay quiet:
//! - `maker_requote` (`cancel_burst`): a jump after which the makers pull and re-quote everything, as after every jump.
//! - `news_burst` (`trade_burst`): a jump that takers follow; more trades than usual, but no more than news brings. It must
//!   not page, neither for the trades nor for the re-quoting.
//! - `maker_pull` (`thin_book`): the makers pull all quotes and are back in about a second.
//! - `inventory_skew` (`thin_book`): the makers lean: one side is quoted further out and smaller for some minutes.
//! - `deposit_before_leverage` (`leverage_jump`): an account brings money, sets a leverage of 100, and trades until its
//!   leverage is what it was.
//! - `listing` (`thin_book` and `cancel_burst`): a symbol that begins in mid-run.

use std::str::FromStr;

use super::plan::PlanError;
use crate::nearest::nearest;

/// What can be planted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// One account places many small orders and pulls them in a burst.
    CancelBurst,
    /// Benign: a price jump after which all makers re-quote all their levels.
    MakerRequote,
    /// A symbol's depth goes for some minutes.
    ThinBook,
    /// The depth of many symbols goes, one after another.
    ThinBookCluster,
    /// Takers come ten-fold.
    TradeBurst,
    /// Benign: a price jump that takers follow.
    NewsBurst,
    /// Benign: makers pull everything for about a second.
    MakerPull,
    /// Benign: makers lean to one side for some minutes.
    InventorySkew,
    /// Benign: a new symbol.
    Listing,
    /// An account multiplies its leverage.
    LeverageJump,
    /// Benign: an account with more money trades more.
    DepositBeforeLeverage,
    /// Leverage rises, books thin, cancels burst, positions are sold by force.
    Crisis,
}

impl Scenario {
    /// Every scenario with its name, in order.
    pub const ALL: [(Self, &'static str); 12] = [
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
    ];

    /// The name on the command line.
    #[must_use]
    pub const fn name(self) -> &'static str {
        Self::ALL[self as usize].1
    }

    /// What an unknown name may have meant, for a message.
    pub(super) fn meant(unknown: &str) -> String {
        let names = Self::ALL.map(|(_, name)| name);
        match nearest(unknown, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("expected one of {}, each with `@MINUTE` or without", names.join(", ")),
        }
    }

    /// How many minutes of flow it needs from its beginning on: itself, and half a minute for what it leaves.
    pub(super) const fn minutes(self) -> f64 {
        match self {
            Self::CancelBurst | Self::MakerRequote | Self::NewsBurst | Self::MakerPull => 0.5,
            Self::TradeBurst | Self::Listing => 1.0,
            Self::DepositBeforeLeverage => 3.0,
            Self::LeverageJump | Self::Crisis => 6.0,
            Self::ThinBook | Self::ThinBookCluster | Self::InventorySkew => 5.0,
        }
    }
}

/// A scenario to plant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Planted {
    /// Which.
    pub scenario: Scenario,
    /// At which minute of the run it begins; where absent, the seed places it in the second half.
    pub at_minute: Option<f64>,
}

impl FromStr for Planted {
    type Err = PlanError;

    /// Reads `NAME` or `NAME@MINUTE`.
    fn from_str(text: &str) -> Result<Self, PlanError> {
        let (name, minute) = text.split_once('@').map_or((text, None), |(name, minute)| (name, Some(minute)));
        let known = Scenario::ALL.into_iter().find(|(_, known)| *known == name);
        let (scenario, _) = known.ok_or_else(|| PlanError::UnknownScenario(name.into()))?;
        let number = |minute: &str| minute.parse().map_err(|_| PlanError::NotMinutes(minute.into()));
        Ok(Self { scenario, at_minute: minute.map(number).transpose()? })
    }
}
