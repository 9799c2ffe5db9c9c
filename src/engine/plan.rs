//! The plan of an engine: its limits, the settings of its detectors, and the sources that it reads.

use std::{collections::BTreeMap, ops::RangeInclusive};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Settings;
use crate::{
    alert::hexadecimal,
    calendar::{CalendarSettings, Calendars, MaintenanceSettings, MaintenanceWindows},
    detect::{Detection, DetectorState, OverrideSettings},
    event::{DecodeLimits, Source},
    setting::{Invalid, check_range},
};

/// Range of every limit: above a billion no machine has the memory, and numbers of interned names stay within 32 bits.
const LIMIT: RangeInclusive<usize> = 1..=1_000_000_000;

/// The most that is kept in memory: incidents and signals in all, the rest for each partition. What goes beyond is evicted, oldest
/// first, and counted. The last two keys bound one record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Symbols with windows and books.
    pub symbols_max: usize,
    /// Accounts by name.
    pub accounts_max: usize,
    /// Accounts and owners on one symbol that withdraw orders there, each kind.
    pub parties_max: usize,
    /// Resting orders over all books.
    pub orders_max: usize,
    /// Accounts, owners, and either on one symbol that have a full window of their own, each kind in each partition and over all.
    pub bursts_max: usize,
    /// Incidents that are not resolved.
    pub incidents_max: usize,
    /// Signals that wait for the watermark.
    pub signals_pending_max: usize,
    /// Bytes of one record; a greater one is rejected.
    pub record_bytes_max: usize,
    /// Levels on one side of a book event; a record with more is rejected.
    pub levels_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let DecodeLimits { record_bytes_max, levels_max } = DecodeLimits::default();
        Self {
            // Three times the symbols of the largest venue that the benches stand for; some 90 kB each with their orders.
            symbols_max: 10_000,
            // Twice the accounts of that venue; 190 B each, and some 600 B where they hold positions.
            accounts_max: 100_000,
            // Accounts are busy on a dozen symbols each: with as many as accounts, a venue of 3,000 symbols forgets a third of a
            // million of them in ten million events. Some 60 B each.
            parties_max: 700_000,
            // The live orders of a busy venue's partition; some 150 B each.
            orders_max: 1_000_000,
            // DETECTION 2.1; some 5 kB each.
            bursts_max: 16_384,
            // More open at once is a storm that nobody reads one by one.
            incidents_max: 10_000,
            // A signal has some 4 kB: 400 MB when one partition is read that far ahead.
            signals_pending_max: 100_000,
            record_bytes_max,
            levels_max,
        }
    }
}

impl Limits {
    /// Returns the limits of one of `shards` account shards: the totals divided, except for symbols, whose marks every shard has.
    #[must_use]
    pub const fn of_shard(&self, shards: usize) -> Self {
        Self { accounts_max: self.accounts_max.div_ceil(shards), bursts_max: self.bursts_max.div_ceil(shards), ..*self }
    }

    /// The limits of decoding.
    #[must_use]
    pub const fn decode(&self) -> DecodeLimits {
        DecodeLimits { record_bytes_max: self.record_bytes_max, levels_max: self.levels_max }
    }

    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn check(&self) -> Result<(), Invalid> {
        let keys = [
            ("symbols_max", self.symbols_max),
            ("accounts_max", self.accounts_max),
            ("parties_max", self.parties_max),
            ("orders_max", self.orders_max),
            ("bursts_max", self.bursts_max),
            ("incidents_max", self.incidents_max),
            ("signals_pending_max", self.signals_pending_max),
            ("record_bytes_max", self.record_bytes_max),
            ("levels_max", self.levels_max),
        ];
        keys.iter().try_for_each(|(key, value)| check_range(key, value, &LIMIT))
    }
}

/// The layout of the stages. Results depend on it, and never on the number of processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct StageSettings {
    /// Shards of the account stage. Each has its own tiers, pools and limits, and can move to another process. Another number is
    /// another configuration: a snapshot of the old one is not used, and alerts have other ids.
    pub account_shards: usize,
}

/// Range of `account_shards`: with more shards than the largest machines have cores, nothing runs faster, and limits and learned
/// averages are only divided further.
const ACCOUNT_SHARDS: RangeInclusive<usize> = 1..=256;

impl Default for StageSettings {
    fn default() -> Self {
        // DESIGN: enough to share the load of a large venue between a few processes.
        Self { account_shards: 8 }
    }
}

impl StageSettings {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn check(&self) -> Result<(), Invalid> {
        check_range("account_shards", &self.account_shards, &ACCOUNT_SHARDS)
    }
}

/// Everything that an engine is made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// The most that the engine may hold in memory.
    pub limits: Limits,
    /// The settings of its detectors.
    pub detection: Detection,
    /// The layout of its stages.
    pub stages: StageSettings,
    /// When symbols trade, where their venue does not say so by itself.
    pub calendars: Calendars,
    /// When findings are expected, and wake nobody.
    pub maintenance: MaintenanceWindows,
    /// The sources of its records, in one fixed order, which breaks ties between signals of the same instant.
    pub sources: Vec<Source>,
    /// The command that reads the same input again, for the alerts' evidence.
    pub replay: String,
    /// The currency of notionals, for the alerts.
    pub currency: Option<String>,
}

impl Plan {
    /// The settings that an engine can change while it runs.
    #[must_use]
    pub fn settings(&self) -> Settings {
        let Self { detection, calendars, maintenance, .. } = self.clone();
        Settings { detection, calendars, maintenance }
    }

    /// The same plan with other settings.
    #[must_use]
    pub fn with(self, settings: Settings) -> Self {
        let Settings { detection, calendars, maintenance } = settings;
        Self { detection, calendars, maintenance, ..self }
    }

    /// Returns `sha256:` and the hash of everything that the results depend on: the detectors' settings, the number of shards, and
    /// the states of detectors that are not on, the overrides, calendars and maintenance windows, if there are any.
    ///
    /// # Panics
    /// Never: settings are numbers in tables, which JSON can hold.
    #[must_use]
    pub fn hash(&self) -> String {
        #[derive(Serialize)]
        struct Hashed<'a, D> {
            detect: D,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            states: BTreeMap<&'static str, DetectorState>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            overrides: Vec<&'a OverrideSettings>,
            engine: &'a StageSettings,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            calendar: Vec<&'a CalendarSettings>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            maintenance: Vec<&'a MaintenanceSettings>,
        }
        let (calendar, maintenance) = (self.calendars.settings().collect(), self.maintenance.settings().collect());
        let states = self.detection.states.not_on().collect();
        let overrides = self.detection.overrides.settings().collect();
        let detect = self.detection.of_all();
        let hashed = Hashed { detect, states, overrides, engine: &self.stages, calendar, maintenance };
        let json = serde_json::to_vec(&hashed).expect("settings are numbers in tables");
        format!("sha256:{}", hexadecimal(&Sha256::digest(json)))
    }

    /// The number of feeds among the sources.
    #[must_use]
    pub fn feeds(&self) -> usize {
        self.sources.iter().map(|source| source.feed + 1).max().unwrap_or(0)
    }
}
