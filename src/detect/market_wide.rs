//! Detectors of the whole market: what most symbols do at once.
//!
//! `thin_book_cluster`: a share of the symbols is thinner than nine tenths of their own time, for a minute. One in ten is so at any
//! moment by its own doing; a third at once has one cause. The finding tells in which order they thinned and which accounts
//! withdrew on most of them. `trade_burst` of the market: most active symbols trade faster than twenty times a day within a
//! minute; it pages, because no symbol's own news does that.
//!
//! The chance of the cluster is Chernoff's bound for a binomial with half of the symbols counted, because books thin together more
//! often than by chance; DETECTION wants that measured, and the first eigenvalue of depth changes beside it: neither is here.

use std::collections::{BTreeMap, BTreeSet};

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    Counted, Detector, Node, Severity, Unit, Verdict,
    fact::{FACT, Fact, Kind, Measured},
};
use crate::{
    event::Place,
    stats::math::{exp, ln},
    time::{EventTime, Span},
};

/// Symbols that are needed to speak of a market (DETECTION 3).
const THIN_SYMBOLS_MIN: usize = 8;
const TRADED_SYMBOLS_MIN: usize = 5;
/// The shares of them (DETECTION 3).
const THIN_SHARE: f64 = 0.35;
const TRADED_SHARE: f64 = 0.6;
/// What is expected of thin ones, by the definition of their quantile.
const EXPECTED: f64 = 0.1;
/// How many symbols count as one, because books thin together.
const TOGETHER: f64 = 2.0;
/// How long the share must hold, and within which trades count as at once (DETECTION 3).
const MINUTE: Span = Span::from_secs(60);
/// A symbol without trades for so long is not active: ten of the longest windows.
const ACTIVE: Span = Span::from_secs(600);
/// The least figure for a chance.
const P_MIN: f64 = 1e-12;
/// Symbols that are told: the longest list in an alert (CONTRACT).
const TOLD_MAX: usize = 64;
const CLUSTER: Kind = Kind {
    detector: Detector::ThinBookCluster,
    severity: Severity::Warning,
    measure: (Counted::ThinSymbols, Unit::Share, THIN_SHARE),
};
const TRADES: Kind = Kind {
    detector: Detector::TradeBurst,
    severity: Severity::Critical,
    measure: (Counted::BurstingSymbols, Unit::Share, TRADED_SHARE),
};

/// How the symbols stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct MarketWide {
    /// Every symbol that has a quantile of its own; where it is thin, since when and by whom.
    books: BTreeMap<CompactString, Option<(EventTime, Vec<CompactString>)>>,
    thin: usize,
    /// Since when the share has been what makes a cluster.
    thin_since: Option<EventTime>,
    /// When a symbol last traded, and when it last did so far faster than usual.
    trades: BTreeMap<CompactString, (EventTime, Option<EventTime>)>,
    cluster: Fact,
    burst: Fact,
}

impl MarketWide {
    /// A symbol's book is thin from now on, with those who withdrew most, or no longer.
    pub fn thin(
        &mut self,
        symbol: &CompactString,
        thin: bool,
        by: &[CompactString],
        (at, place): (EventTime, Place),
    ) -> Option<Verdict> {
        let state = self.books.entry(symbol.clone()).or_default();
        self.thin -= usize::from(state.is_some());
        *state = thin.then(|| (at, by.to_vec()));
        self.thin += usize::from(thin);
        self.judge_thin(at, place)
    }

    fn share(&self) -> f64 {
        let known = self.books.len();
        if known < THIN_SYMBOLS_MIN { 0.0 } else { self.thin as f64 / known as f64 }
    }

    fn judge_thin(&mut self, at: EventTime, place: Place) -> Option<Verdict> {
        let share = self.share();
        if share < THIN_SHARE {
            self.thin_since = None;
        }
        let since = if share < THIN_SHARE { at } else { *self.thin_since.get_or_insert(at) };
        let held = share >= THIN_SHARE && (at.since(since) >= MINUTE || self.cluster.is_firing());
        let value = if held { share } else { 0.0 };
        let p = chance(self.books.len(), share);
        let mut related = vec![Node::Market];
        let mut order: Vec<(EventTime, &CompactString)> =
            self.books.iter().filter_map(|(name, state)| Some((state.as_ref()?.0, name))).collect();
        order.sort_unstable();
        order.truncate(TOLD_MAX);
        related.extend(order.iter().map(|(_, name)| Node::Symbol((*name).clone())));
        let makers = self.in_common();
        related.extend(makers.iter().cloned().map(Node::Account));
        let order: Vec<CompactString> = order.into_iter().map(|(_, name)| name.clone()).collect();
        let since = order.first().and_then(|first| self.books.get(first)?.as_ref()).map_or(since, |(at, _)| *at);
        let mut verdict = self.cluster.handle(&CLUSTER, &Measured { at, place, since, value, p }, &related)?;
        verdict.finding.evidence.symbols = order;
        verdict.finding.evidence.accounts = makers;
        verdict.finding.features[0].expected = EXPECTED;
        Some(verdict)
    }

    /// Accounts that withdrew most on at least half of the thin symbols.
    fn in_common(&self) -> Vec<CompactString> {
        let mut counts: BTreeMap<&CompactString, usize> = BTreeMap::new();
        for by in self.books.values().flatten().map(|(_, by)| by) {
            let once: BTreeSet<&CompactString> = by.iter().collect();
            for account in once {
                *counts.entry(account).or_default() += 1;
            }
        }
        counts.into_iter().filter(|(_, n)| n * 2 >= self.thin && *n > 1).map(|(account, _)| account.clone()).collect()
    }

    /// A symbol trades; and whether far faster than usual.
    pub fn trades(&mut self, symbol: &CompactString, fast: bool, (at, place): (EventTime, Place)) -> Option<Verdict> {
        let (last, fast_at) = self.trades.entry(symbol.clone()).or_insert((at, None));
        *last = at.max(*last);
        if fast {
            *fast_at = Some(at);
        }
        if !fast && !self.burst.is_firing() {
            return None;
        }
        self.trades.retain(|_, (last, _)| at.since(*last) <= ACTIVE);
        let fast = |(_, fast_at): &(EventTime, Option<EventTime>)| fast_at.filter(|fast| at.since(*fast) <= MINUTE);
        let times: Vec<(EventTime, &CompactString)> =
            self.trades.iter().filter_map(|(name, state)| Some((fast(state)?, name))).collect();
        let enough = self.trades.len() >= TRADED_SYMBOLS_MIN;
        let value = if enough { times.len() as f64 / self.trades.len() as f64 } else { 0.0 };
        let since = times.iter().map(|(at, _)| *at).min().unwrap_or(at);
        let mut related = vec![Node::Market];
        related.extend(times.iter().take(TOLD_MAX).map(|(_, name)| Node::Symbol((*name).clone())));
        self.burst.handle(&TRADES, &Measured { at, place, since, value, p: FACT }, &related)
    }

    /// The symbol is no longer followed.
    pub fn forget(&mut self, symbol: &CompactString) {
        if let Some(state) = self.books.remove(symbol) {
            self.thin -= usize::from(state.is_some());
        }
        self.trades.remove(symbol);
    }

    /// When [`MarketWide::handle_timeout`] must be called unless something comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<EventTime> {
        let held = self.thin_since.filter(|_| !self.cluster.is_firing()).map(|since| since.plus(MINUTE));
        let ends = self.cluster.deadline().into_iter().chain(self.burst.deadline());
        ends.chain(held).min()
    }

    /// Does what is due: a share that has held for a minute, and what is over.
    pub fn handle_timeout(&mut self, now: EventTime, place: Place) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        if self.thin_since.is_some() {
            self.cluster.hold(now);
            verdicts.extend(self.judge_thin(now, place));
        }
        verdicts.extend(self.cluster.handle_timeout(CLUSTER.detector, now));
        verdicts.extend(self.burst.handle_timeout(TRADES.detector, now));
        verdicts
    }
}

/// The chance that so great a share of so many symbols is thin.
fn chance(symbols: usize, share: f64) -> f64 {
    if share <= EXPECTED {
        return 1.0;
    }
    let part = |share: f64, expected: f64| if share > 0.0 { share * ln(share / expected) } else { 0.0 };
    let divergence = part(share, EXPECTED) + part(1.0 - share, 1.0 - EXPECTED);
    exp(-(symbols as f64) / TOGETHER * divergence).max(P_MIN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{detect::Change, event::SourceId};

    const PLACE: Place = Place { source: SourceId(0), offset: 0 };

    fn at(second: i64) -> EventTime {
        EventTime::from_nanos(0).plus(Span::from_secs(second))
    }

    fn thin(market: &mut MarketWide, symbol: usize, is: bool, second: i64) -> Option<Change> {
        let name = CompactString::from(format!("S{symbol}"));
        market.thin(&name, is, &["m1".into()], (at(second), PLACE)).map(|verdict| verdict.change)
    }

    #[test]
    fn a_third_of_the_books_for_a_minute_is_a_cluster_that_names_order_and_makers() {
        let mut market = MarketWide::default();
        assert_eq!((0..10).find_map(|symbol| thin(&mut market, symbol, false, 0)), None);
        for (nth, symbol) in [7, 2, 5, 9].into_iter().enumerate() {
            assert_eq!(thin(&mut market, symbol, true, 10 + i64::try_from(nth).unwrap()), None);
        }
        assert_eq!(market.deadline(), Some(at(73)));
        let verdicts = market.handle_timeout(at(73), PLACE);
        let [verdict] = verdicts.as_slice() else { panic!("{verdicts:?}") };
        assert_eq!(verdict.change, Change::Opened);
        assert_eq!(verdict.finding.evidence.symbols, ["S7", "S2", "S5", "S9"]);
        assert_eq!(verdict.finding.evidence.accounts, ["m1"]);
        thin(&mut market, 7, false, 80);
        thin(&mut market, 2, false, 80);
        let over = market.deadline().unwrap();
        assert_eq!(market.handle_timeout(over, PLACE).len(), 1);
    }

    #[test]
    fn a_few_symbols_are_no_market() {
        let mut market = MarketWide::default();
        assert_eq!((0..7).find_map(|symbol| thin(&mut market, symbol, true, 0)), None);
        assert_eq!(market.deadline(), None);
    }

    #[test]
    fn most_symbols_trading_fast_within_a_minute_is_a_burst_of_the_market() {
        let mut market = MarketWide::default();
        let mut trade = |symbol: usize, fast: bool, second: i64| {
            let name = CompactString::from(format!("S{symbol}"));
            market.trades(&name, fast, (at(second), PLACE)).map(|verdict| verdict.severity)
        };
        assert_eq!((0..10).find_map(|symbol| trade(symbol, false, 0)), None);
        assert_eq!((0..5).find_map(|symbol| trade(symbol, true, 100)), None);
        assert_eq!(trade(6, true, 161), None, "the others are too long ago");
        assert_eq!((0..5).find_map(|symbol| trade(symbol, true, 165)), Some(Severity::Critical));
    }
}
