//! The settings of all detectors, written once: their keys, defaults, schema and checks stand beside what they set.
//!
//! The configuration writes them as the tables of `[detect]` (`section`), and the engine takes them as they are here.

use std::{borrow::Cow, ops::RangeInclusive};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    account::leverage_jump,
    market::ClusterSettings,
    overrides::{DetectChanges, Overrides, put},
    slow_metric::SlowMetricSettings,
    state::DetectorStates,
    subject::Subject,
};
use crate::{
    setting::{Invalid, check_range},
    window::BurstSettings,
};

/// The settings of the detectors. The hash of these keys and of the number of shards is in every alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Orders are withdrawn far faster than is usual for the symbol.
    pub cancel_burst: BurstSettings,
    /// Trades come far faster, or far larger, than is usual for the symbol.
    pub trade_burst: BurstSettings,
    /// The price moves far more than is usual at this time of day.
    pub price_shock: SlowMetricSettings,
    /// Far less rests near the touch than is usual at this time of day.
    pub thin_book: SlowMetricSettings,
    /// The spread is far wider than is usual at this time of day.
    pub spread_widening: SlowMetricSettings,
    /// One side of the book is empty.
    pub one_sided_book: OneSidedBookSettings,
    /// Many books are thin at once.
    pub thin_book_cluster: ClusterSettings,
    /// An account has taken far more leverage than it ever does.
    pub leverage_jump: leverage_jump::Settings,
    /// The state of each detector.
    pub states: DetectorStates,
    /// Other settings for some symbols, accounts or owners.
    pub overrides: Overrides,
}

/// The settings of all subjects, which the hash in every alert is made of.
#[derive(Serialize)]
struct OfAll<'a> {
    cancel_burst: &'a BurstSettings,
    trade_burst: &'a BurstSettings,
    price_shock: &'a SlowMetricSettings,
    thin_book: &'a SlowMetricSettings,
    spread_widening: &'a SlowMetricSettings,
    one_sided_book: &'a OneSidedBookSettings,
    thin_book_cluster: &'a ClusterSettings,
    leverage_jump: &'a leverage_jump::Settings,
}

impl Detection {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn check(&self) -> Result<(), Invalid> {
        let Self {
            cancel_burst,
            trade_burst,
            price_shock,
            thin_book,
            spread_widening,
            one_sided_book,
            thin_book_cluster,
            leverage_jump,
            states: _,
            overrides: _,
        } = self;
        cancel_burst.check().map_err(|e| e.within("cancel_burst"))?;
        trade_burst.check().map_err(|e| e.within("trade_burst"))?;
        price_shock.check().map_err(|e| e.within("price_shock"))?;
        thin_book.check().map_err(|e| e.within("thin_book"))?;
        spread_widening.check().map_err(|e| e.within("spread_widening"))?;
        one_sided_book.check().map_err(|e| e.within("one_sided_book"))?;
        thin_book_cluster.check().map_err(|e| e.within("thin_book_cluster"))?;
        leverage_jump.check().map_err(|e| e.within("leverage_jump"))
    }

    /// Checks the keys of every override.
    ///
    /// # Errors
    /// The first key that breaks its rule, as seen from the list of overrides.
    pub fn check_overrides(&self) -> Result<(), Invalid> {
        // No rule is about two keys, so what each override makes of these settings shows every mistake.
        let changed = |(nth, changes): (usize, &DetectChanges)| {
            let mut changed = Self { overrides: Overrides::default(), ..self.clone() };
            changed.apply(changes);
            changed.check().map_err(|invalid| invalid.within("detect").within(&nth.to_string()))
        };
        self.overrides.settings().map(|one| &one.detect).enumerate().try_for_each(changed)
    }

    /// The settings for a subject: these, with every override that matches it.
    #[must_use]
    pub fn of(&self, subject: &Subject) -> Cow<'_, Self> {
        let mut found = Cow::Borrowed(self);
        for changes in self.overrides.matching(subject) {
            found.to_mut().apply(changes);
        }
        found
    }

    fn apply(&mut self, changes: &DetectChanges) {
        let DetectChanges {
            cancel_burst,
            trade_burst,
            price_shock,
            thin_book,
            spread_widening,
            one_sided_book,
            leverage_jump,
        } = changes;
        cancel_burst.apply(&mut self.cancel_burst);
        trade_burst.apply(&mut self.trade_burst);
        put(price_shock.warnings_per_day, &mut self.price_shock.warnings_per_day);
        put(thin_book.warnings_per_day, &mut self.thin_book.warnings_per_day);
        put(spread_widening.warnings_per_day, &mut self.spread_widening.warnings_per_day);
        put(one_sided_book.empty_s_min, &mut self.one_sided_book.empty_s_min);
        put(leverage_jump.deviations_min, &mut self.leverage_jump.deviations_min);
    }

    /// The settings of all subjects, as they are hashed: states and overrides are hashed beside them, and only where there are any.
    #[must_use]
    pub fn of_all(&self) -> impl Serialize {
        OfAll {
            cancel_burst: &self.cancel_burst,
            trade_burst: &self.trade_burst,
            price_shock: &self.price_shock,
            thin_book: &self.thin_book,
            spread_widening: &self.spread_widening,
            one_sided_book: &self.one_sided_book,
            thin_book_cluster: &self.thin_book_cluster,
            leverage_jump: &self.leverage_jump,
        }
    }
}

/// The settings of `one_sided_book`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OneSidedBookSettings {
    /// Seconds for which a side must be empty.
    pub empty_s_min: f64,
}

impl Default for OneSidedBookSettings {
    fn default() -> Self {
        // Between two orders of one second anything can be empty for a moment.
        Self { empty_s_min: 1.0 }
    }
}

/// Range of the empty seconds: the book is sampled once a second, and a side that may be empty for an hour needs no alert.
const EMPTY: RangeInclusive<f64> = 1.0..=3_600.0;

impl OneSidedBookSettings {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn check(self) -> Result<(), Invalid> {
        check_range("empty_s_min", &self.empty_s_min, &EMPTY)
    }
}
