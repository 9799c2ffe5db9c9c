//! Overrides: other settings for some symbols, accounts or owners, chosen by patterns of their names.
//!
//! An override holds only the keys that are other. All overrides that match a subject are applied in their order, so of two that
//! change the same key the last one counts. The result is resolved once, when a subject enters a stage or gets a window, and never
//! for an event: a symbol's detectors keep their settings, as parties with a window and accounts with positions do.
//!
//! A party on a symbol follows the overrides of both. Which detectors are on is no matter of single subjects.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::subject::Subject;
use crate::{pattern::Patterns, setting::Invalid, window::BurstSettings};

/// The most overrides: each is compared with the name of every new subject.
const OVERRIDES_MAX: usize = 100;

/// One override as it is written: whom it is for, by exactly one of `symbols`, `accounts` and `owners`, and what is other for them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OverrideSettings {
    /// The symbols that it is for, by name: `*` stands for any text, `?` for any one character.
    pub symbols: Option<Vec<String>>,
    /// The accounts that it is for, by name.
    pub accounts: Option<Vec<String>>,
    /// The owners that it is for, by name.
    pub owners: Option<Vec<String>>,
    /// The keys of `[detect]` that are other for them.
    pub detect: DetectChanges,
}

/// The settings of detectors that an override changes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct DetectChanges {
    /// Changes for symbols, accounts and owners.
    pub cancel_burst: BurstChanges,
    /// Changes for symbols.
    pub trade_burst: BurstChanges,
    /// Changes for symbols.
    pub price_shock: SlowMetricChanges,
    /// Changes for symbols.
    pub thin_book: SlowMetricChanges,
    /// Changes for symbols.
    pub spread_widening: SlowMetricChanges,
    /// Changes for symbols.
    pub one_sided_book: OneSidedBookChanges,
    /// Changes for accounts.
    pub leverage_jump: LeverageJumpChanges,
}

/// Changes of the settings of a burst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct BurstChanges {
    /// See `[detect]`.
    pub a_min: Option<u32>,
    /// See `[detect]`.
    pub cold_a_min: Option<u32>,
    /// See `[detect]`.
    pub warnings_per_day: Option<f64>,
}

/// Changes of the settings of a slow metric.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct SlowMetricChanges {
    /// See `[detect]`.
    pub warnings_per_day: Option<f64>,
}

/// Changes of the settings of `one_sided_book`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OneSidedBookChanges {
    /// See `[detect]`.
    pub empty_s_min: Option<f64>,
}

/// Changes of the settings of `leverage_jump`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct LeverageJumpChanges {
    /// See `[detect]`.
    pub deviations_min: Option<f64>,
}

/// All overrides of the configuration, in its order. Two are equal if their settings are.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<OverrideSettings>", into = "Vec<OverrideSettings>")]
pub struct Overrides(Vec<Override>);

/// One override.
#[derive(Clone, Debug)]
struct Override {
    settings: OverrideSettings,
    chosen: Chosen,
}

/// The subjects that an override is for.
#[derive(Clone, Debug)]
enum Chosen {
    Symbols(Patterns),
    Accounts(Patterns),
    Owners(Patterns),
}

impl PartialEq for Overrides {
    fn eq(&self, other: &Self) -> bool {
        self.settings().eq(other.settings())
    }
}

impl From<Overrides> for Vec<OverrideSettings> {
    fn from(overrides: Overrides) -> Self {
        overrides.0.into_iter().map(|one| one.settings).collect()
    }
}

impl TryFrom<Vec<OverrideSettings>> for Overrides {
    type Error = String;

    fn try_from(settings: Vec<OverrideSettings>) -> Result<Self, String> {
        Self::new(&settings).map_err(|invalid| format!("`{}`: {}", invalid.path.join("."), invalid.message))
    }
}

impl Overrides {
    /// Reads the overrides of a configuration.
    ///
    /// # Errors
    /// The first key that breaks its rule, as seen from the list: the number of the override, and the key.
    pub fn new(settings: &[OverrideSettings]) -> Result<Self, Invalid> {
        if settings.len() > OVERRIDES_MAX {
            return Err(Invalid { path: Vec::new(), message: format!("expected at most {OVERRIDES_MAX} overrides") });
        }
        let one = |(nth, settings): (usize, &OverrideSettings)| {
            Override::new(settings).map_err(|invalid| invalid.within(&nth.to_string()))
        };
        settings.iter().enumerate().map(one).collect::<Result<_, _>>().map(Self)
    }

    /// The settings, in their order.
    pub fn settings(&self) -> impl Iterator<Item = &OverrideSettings> {
        self.0.iter().map(|one| &one.settings)
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The changes for a subject, in their order.
    pub(super) fn matching(&self, subject: &Subject) -> impl Iterator<Item = &DetectChanges> {
        self.0.iter().filter(|one| one.matches(subject)).map(|one| &one.settings.detect)
    }

    /// The settings of `cancel_burst` for a subject, given those of all.
    pub(super) fn cancel_burst(&self, of_all: BurstSettings, subject: &Subject) -> BurstSettings {
        let mut settings = of_all;
        self.matching(subject).for_each(|changes| changes.cancel_burst.apply(&mut settings));
        settings
    }
}

impl Override {
    fn new(settings: &OverrideSettings) -> Result<Self, Invalid> {
        let OverrideSettings { symbols, accounts, owners, detect } = settings;
        let chosen = match (symbols, accounts, owners) {
            (Some(names), None, None) => Chosen::Symbols(Patterns::new("symbols", names)?),
            (None, Some(names), None) => Chosen::Accounts(Patterns::new("accounts", names)?),
            (None, None, Some(names)) => Chosen::Owners(Patterns::new("owners", names)?),
            (None, None, None) | (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => {
                let message = "expected exactly one of `symbols`, `accounts` and `owners`".to_owned();
                return Err(Invalid { path: Vec::new(), message });
            }
        };
        detect.check(&chosen).map_err(|invalid| invalid.within("detect"))?;
        Ok(Self { settings: settings.clone(), chosen })
    }

    fn matches(&self, subject: &Subject) -> bool {
        match &self.chosen {
            Chosen::Symbols(symbols) => subject.symbol().is_some_and(|symbol| symbols.matches(symbol)),
            Chosen::Accounts(accounts) => match subject {
                Subject::Account(name) | Subject::AccountSymbol(name, _) => accounts.matches(name),
                Subject::Symbol(_)
                | Subject::Owner(_)
                | Subject::OwnerSymbol(..)
                | Subject::Market
                | Subject::Pipeline
                | Subject::Records => false,
            },
            Chosen::Owners(owners) => match subject {
                Subject::Owner(name) | Subject::OwnerSymbol(name, _) => owners.matches(name),
                Subject::Symbol(_)
                | Subject::Account(_)
                | Subject::AccountSymbol(..)
                | Subject::Market
                | Subject::Pipeline
                | Subject::Records => false,
            },
        }
    }
}

impl DetectChanges {
    /// Checks that there is a change, and that every change is of a detector of those subjects.
    fn check(&self, chosen: &Chosen) -> Result<(), Invalid> {
        if *self == Self::default() {
            return Err(Invalid { path: Vec::new(), message: "expected a key of `[detect]` that is other".to_owned() });
        }
        let of_symbols = [
            ("trade_burst", self.trade_burst != BurstChanges::default()),
            ("price_shock", self.price_shock != SlowMetricChanges::default()),
            ("thin_book", self.thin_book != SlowMetricChanges::default()),
            ("spread_widening", self.spread_widening != SlowMetricChanges::default()),
            ("one_sided_book", self.one_sided_book != OneSidedBookChanges::default()),
        ];
        let of_accounts = [("leverage_jump", self.leverage_jump != LeverageJumpChanges::default())];
        let refuse = |changes: &[(&str, bool)], kind: &str| match changes.iter().find(|(_, is_changed)| *is_changed) {
            Some((detector, _)) => Err(Invalid::new(detector, format!("expected in an override of `{kind}`"))),
            None => Ok(()),
        };
        match chosen {
            Chosen::Symbols(_) => refuse(&of_accounts, "accounts"),
            Chosen::Accounts(_) => refuse(&of_symbols, "symbols"),
            Chosen::Owners(_) => refuse(&of_symbols, "symbols").and_then(|()| refuse(&of_accounts, "accounts")),
        }
    }
}

impl BurstChanges {
    /// Puts the changes in the place of the settings.
    pub(super) fn apply(self, settings: &mut BurstSettings) {
        put(self.a_min, &mut settings.a_min);
        put(self.cold_a_min, &mut settings.cold_a_min);
        put(self.warnings_per_day, &mut settings.warnings_per_day);
    }
}

/// Puts a change in the place of a setting.
pub(super) fn put<T>(change: Option<T>, setting: &mut T) {
    if let Some(value) = change {
        *setting = value;
    }
}
