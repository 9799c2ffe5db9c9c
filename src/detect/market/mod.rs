//! Detectors of the whole market: events on many symbols at once.
//!
//! `thin_book_cluster`: for a minute, at least 35 % (`share_min`) of the symbols have books that are thinner than in nine tenths of
//! their own time. One symbol in ten is that thin at any moment for reasons of its own; a third of them at once has one
//! cause. The finding lists the symbols in the order in which they became thin, and the accounts that withdrew on most of
//! them.
//!
//! `trade_burst` and `price_shock` of the market: see [`pressure`].
//!
//! The p-value of a cluster is Chernoff's bound for a binomial distribution over half as many symbols, because books become
//! thin together more often than by chance. DETECTION asks for that dependence to be measured, and for the first
//! eigenvalue of depth changes; this module does neither.

mod pressure;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use compact_str::CompactString;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use self::pressure::Arrival;
use self::pressure::Pressure;
use super::{
    Counted, CoverageState, Detector, MarketSample, Node, Severity, Unit, Verdict,
    condition::{Condition, ConditionKind, Measured},
};
use crate::{
    event::{RecordRef, SharedName},
    setting::{Invalid, check_range},
    stats::math::{exp, ln},
    time::{EventTime, Span},
    trust::Mode,
};

/// The expected share of thin symbols, by the definition of their quantile.
const EXPECTED_SHARE: f64 = 0.1;
/// The number of symbols that count as one independent symbol, because books become thin together.
const DEPENDENCE: f64 = 2.0;
/// How long the share of thin symbols must hold (DETECTION 3).
const MINUTE: Span = Span::from_secs(60);
/// The least p-value: the bound rests on an assumed dependence, so a smaller one is a guess.
const P_MIN: f64 = 1e-12;
/// The most symbols that a finding lists: the longest list in an alert (CONTRACT).
const LISTED_MAX: usize = 64;

/// The settings of `thin_book_cluster`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct ClusterSettings {
    /// The share of the symbols whose books must be thin at once, for a minute.
    pub share_min: f64,
    /// The fewest symbols with a book and a history that make a market.
    pub symbols_min: usize,
}

impl Default for ClusterSettings {
    fn default() -> Self {
        // DETECTION 3.
        Self { share_min: 0.35, symbols_min: 8 }
    }
}

/// Range of `share_min`: a tenth of the symbols is thin at any time, by the definition of thin.
const SHARES: RangeInclusive<f64> = 0.15..=1.0;
/// Range of `symbols_min`: a share of fewer than three symbols says nothing; no venue has a million.
const SYMBOLS: RangeInclusive<usize> = 3..=1_000_000;

impl ClusterSettings {
    /// Checks every key.
    ///
    /// # Errors
    /// The first key that breaks its rule.
    pub fn check(&self) -> Result<(), Invalid> {
        check_range("share_min", &self.share_min, &SHARES)?;
        check_range("symbols_min", &self.symbols_min, &SYMBOLS)
    }

    const fn kind(self) -> ConditionKind {
        let measure = (Counted::ThinSymbols, Unit::Share, self.share_min);
        ConditionKind { detector: Detector::ThinBookCluster, severity: Severity::Warning, measure }
    }
}

/// The detectors of the whole market, with the state of all symbols that they need.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct MarketWide {
    settings: ClusterSettings,
    /// The symbols that have a depth quantile of their own. A thin one has the time at which it became thin, and the
    /// accounts that withdrew most.
    books: BTreeMap<SharedName, Option<(EventTime, Vec<CompactString>)>>,
    /// The number of thin symbols.
    thin: usize,
    /// When the share of thin symbols became that of a cluster, and the record that brought it there.
    thin_since: Option<(EventTime, RecordRef)>,
    cluster: Condition,
    pressure: Pressure,
}

impl MarketWide {
    /// A market of which nothing is known.
    #[must_use]
    pub fn new(settings: ClusterSettings) -> Self {
        Self { settings, ..Self::default() }
    }

    /// Continues under other settings.
    pub const fn retune(&mut self, settings: ClusterSettings) {
        self.settings = settings;
    }

    /// Observes that a symbol's book has become thin, with the accounts that withdrew most, or that it no longer is.
    pub fn observe_book(
        &mut self,
        symbol: &SharedName,
        is_thin: bool,
        withdrew_most: &[CompactString],
        (at, record): (EventTime, RecordRef),
    ) -> Option<Verdict> {
        let state = self.books.entry(symbol.clone()).or_default();
        self.thin -= usize::from(state.is_some());
        *state = is_thin.then(|| (at, withdrew_most.to_vec()));
        self.thin += usize::from(is_thin);
        self.judge_cluster(at, record)
    }

    /// The share of thin symbols; `None` while too few symbols are known.
    #[must_use]
    pub fn thin_share(&self) -> Option<f64> {
        let known = self.books.len();
        (known >= self.settings.symbols_min).then(|| self.thin as f64 / known as f64)
    }

    /// Judges whether the thin symbols are a cluster.
    fn judge_cluster(&mut self, at: EventTime, record: RecordRef) -> Option<Verdict> {
        let (share, share_min) = (self.thin_share().unwrap_or(0.0), self.settings.share_min);
        if share < share_min {
            self.thin_since = None;
        }
        let since = if share < share_min { at } else { self.thin_since.get_or_insert((at, record)).0 };
        let held = share >= share_min && (at.since(since) >= MINUTE || self.cluster.is_firing());
        let value = if held { share } else { 0.0 };
        let p = cluster_p(self.books.len(), share);
        let mut related = vec![Node::Market];
        let mut order: Vec<(EventTime, &SharedName)> =
            self.books.iter().filter_map(|(name, state)| Some((state.as_ref()?.0, name))).collect();
        order.sort_unstable();
        order.truncate(LISTED_MAX);
        related.extend(order.iter().map(|(_, name)| Node::Symbol(name.to_compact())));
        let makers = self.common_accounts();
        related.extend(makers.iter().cloned().map(Node::Account));
        let since = order.first().map_or(since, |(thin_since, _)| *thin_since);
        let order: Vec<CompactString> = order.iter().map(|(_, name)| name.to_compact()).collect();
        let mut verdict =
            self.cluster.handle(&self.settings.kind(), &Measured { at, record, since, value, p }, &related)?;
        verdict.finding.evidence.symbols = order;
        verdict.finding.evidence.accounts = makers;
        verdict.finding.features[0].expected = EXPECTED_SHARE;
        Some(verdict)
    }

    /// Returns the accounts that withdrew most on at least half of the thin symbols, and on more than one.
    fn common_accounts(&self) -> Vec<CompactString> {
        let mut counts: BTreeMap<&CompactString, usize> = BTreeMap::new();
        for (_, withdrew_most) in self.books.values().flatten() {
            let distinct: BTreeSet<&CompactString> = withdrew_most.iter().collect();
            for account in distinct {
                *counts.entry(account).or_default() += 1;
            }
        }
        counts.into_iter().filter(|(_, n)| n * 2 >= self.thin && *n > 1).map(|(account, _)| account.clone()).collect()
    }

    /// Takes the scores of a symbol's flow and price.
    pub fn observe_sample(&mut self, symbol: &SharedName, sample: MarketSample, arrival: &Arrival) -> Vec<Verdict> {
        self.pressure.observe(symbol, sample, arrival)
    }

    /// The number of symbols that have reported their flow and prices within the last ten minutes.
    #[must_use]
    pub fn active_symbols(&self) -> usize {
        self.pressure.active_symbols()
    }

    /// Whether enough symbols have a depth quantile of their own; `warming` is how many more will have one.
    #[must_use]
    pub fn coverage(&self, warming: u64) -> CoverageState {
        let (known, least) = (self.books.len() as u64, self.settings.symbols_min as u64);
        if known.saturating_add(warming) < least {
            return CoverageState::TooFewSymbols;
        }
        CoverageState::once(known >= least)
    }

    /// Removes a symbol that is no longer followed.
    pub fn forget(&mut self, symbol: &SharedName) {
        if let Some(state) = self.books.remove(symbol) {
            self.thin -= usize::from(state.is_some());
        }
        self.pressure.forget(symbol);
    }

    /// The time at which [`MarketWide::expire`] must be called unless a message comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        let held = self.thin_since.filter(|_| !self.cluster.is_firing()).map(|(since, _)| since.plus(MINUTE));
        let ends = self.cluster.deadline().into_iter().chain(self.pressure.deadline());
        ends.chain(held).min()
    }

    /// Handles deadlines: a share that has held for a minute becomes a cluster, and episodes end. Each verdict comes with the
    /// record that completed it: for a cluster, the record that brought the share to its limit.
    pub fn expire(&mut self, now: EventTime, last: RecordRef, mode: Mode) -> Vec<(Verdict, RecordRef)> {
        let mut verdicts = Vec::new();
        if let Some((_, record)) = self.thin_since {
            self.cluster.hold(now);
            verdicts.extend(self.judge_cluster(now, record).map(|verdict| (verdict, record)));
        }
        let ended = self.cluster.expire(Detector::ThinBookCluster, now);
        verdicts.extend(ended.into_iter().chain(self.pressure.expire(now, mode)).map(|verdict| (verdict, last)));
        verdicts
    }
}

/// Returns a bound on the chance that at least this share of the symbols is thin.
fn cluster_p(symbols: usize, share: f64) -> f64 {
    if share <= EXPECTED_SHARE {
        return 1.0;
    }
    let term = |share: f64, expected: f64| if share > 0.0 { share * ln(share / expected) } else { 0.0 };
    let divergence = term(share, EXPECTED_SHARE) + term(1.0 - share, 1.0 - EXPECTED_SHARE);
    exp(-(symbols as f64) / DEPENDENCE * divergence).max(P_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{detect::Change, event::SourceId};

    const RECORD: RecordRef = RecordRef { source: SourceId(0), offset: 0 };

    fn at(second: i64) -> EventTime {
        EventTime::from_nanos(0).plus(Span::from_secs(second))
    }

    fn thin(market: &mut MarketWide, symbol: usize, is_thin: bool, second: i64) -> Option<Change> {
        let name = SharedName::new(&format!("S{symbol}"));
        market.observe_book(&name, is_thin, &["m1".into()], (at(second), RECORD)).map(|verdict| verdict.change)
    }

    #[test]
    fn thin_books_of_a_third_of_the_symbols_for_a_minute_are_a_cluster_that_lists_symbols_and_makers() {
        let mut market = MarketWide::default();
        assert_eq!((0..10).find_map(|symbol| thin(&mut market, symbol, false, 0)), None);
        for (index, symbol) in [7, 2, 5, 9].into_iter().enumerate() {
            assert_eq!(thin(&mut market, symbol, true, 10 + i64::try_from(index).unwrap()), None);
        }
        assert_eq!(market.deadline(), Some(at(73)));
        let verdicts = market.expire(at(73), RECORD, Mode::Normal);
        let [(verdict, _)] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        assert_eq!(verdict.change, Change::Opened);
        assert_eq!(verdict.finding.evidence.symbols, ["S7", "S2", "S5", "S9"]);
        assert_eq!(verdict.finding.evidence.accounts, ["m1"]);
        thin(&mut market, 7, false, 80);
        thin(&mut market, 2, false, 80);
        let over = market.deadline().unwrap();
        assert_eq!(market.expire(over, RECORD, Mode::Normal).len(), 1);
    }

    #[test]
    fn fewer_than_eight_symbols_make_no_cluster() {
        let mut market = MarketWide::default();
        assert_eq!((0..7).find_map(|symbol| thin(&mut market, symbol, true, 0)), None);
        assert_eq!(market.deadline(), None);
    }
}
