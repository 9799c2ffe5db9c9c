//! The one mode that follows from all troubles: those that the feeds report of themselves, and those that the service decided by
//! the wall clock.
//!
//! A fault of one symbol degrades that symbol alone. All findings are degraded if a whole partition or producer is affected, or at
//! least a tenth of the open symbols or of the records. The mode is blind when nothing usable comes from any partition.

use serde::{Deserialize, Serialize};

use super::Mode;
use crate::event::SourceId;

/// The share of open symbols, or of records, from which on all findings are degraded (DETECTION 6, "Scope").
const SHARE: f64 = 0.1;
/// The fewest records that make such a share: fewer are chance.
const RECORDS_MIN: u32 = 20;

/// Whether anything can be seen through a feed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Sight {
    /// Nothing came lately but heartbeats, if anything.
    #[default]
    Idle,
    /// Usable records come.
    Usable,
    /// Records come, and none of them can be used.
    Blind,
}

/// The part of a feed's report that decides the mode of all findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedStanding {
    /// The first source of the feed: its name among the feeds.
    pub source: SourceId,
    /// Whether anything can be seen through the feed.
    pub sight: Sight,
    /// Whether a trouble affects all of the feed, or a producer.
    pub is_degraded: bool,
    /// Symbols that are open.
    pub open: u32,
    /// Symbols that have a trouble of their own.
    pub troubled: u32,
    /// Records of the last minute.
    pub records: u32,
    /// Records of the last minute that could not be used.
    pub unusable: u32,
}

/// The last reported standing of each feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Overall(Vec<FeedStanding>);

impl Overall {
    /// Takes the standing of a feed, in place of the one before.
    pub(crate) fn observe(&mut self, standing: FeedStanding) {
        match self.0.binary_search_by_key(&standing.source, |known| known.source) {
            Ok(known) => self.0[known] = standing,
            Err(index) => self.0.insert(index, standing),
        }
    }

    /// Returns the mode. `decided` is the service's own by the wall clock, and `silent` are the partitions that it found silent.
    #[must_use]
    pub(crate) fn mode(&self, decided: Mode, silent: &[SourceId]) -> Mode {
        let is_silent = |feed: &&FeedStanding| silent.contains(&feed.source);
        let sees = self.0.iter().any(|feed| feed.sight == Sight::Usable && !is_silent(&feed));
        if !sees && self.0.iter().any(|feed| feed.sight == Sight::Blind) {
            return Mode::Blind;
        }
        let sum = |part: fn(&FeedStanding) -> u32| self.0.iter().map(|feed| f64::from(part(feed))).sum::<f64>();
        let (troubled, unusable) = (sum(|feed| feed.troubled), sum(|feed| feed.unusable));
        let degrades = self.0.iter().any(|feed| feed.is_degraded)
            || (troubled > 0.0 && troubled >= SHARE * sum(|feed| feed.open))
            || (unusable >= f64::from(RECORDS_MIN) && unusable >= SHARE * sum(|feed| feed.records));
        if degrades { decided.max(Mode::Degraded) } else { decided }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn feed(source: u32, sight: Sight) -> FeedStanding {
        let source = SourceId(source);
        FeedStanding { source, sight, is_degraded: false, open: 100, troubled: 0, records: 1_000, unusable: 0 }
    }

    fn mode(feeds: &[FeedStanding]) -> Mode {
        let mut overall = Overall::default();
        for feed in feeds {
            overall.observe(*feed);
        }
        overall.mode(Mode::Normal, &[])
    }

    #[test]
    fn a_tenth_of_the_symbols_or_of_the_records_of_all_feeds_degrades_everything() {
        let well = feed(1, Sight::Usable);
        let troubled = |troubled| FeedStanding { troubled, ..feed(0, Sight::Usable) };
        assert_eq!([19, 20].map(|n| mode(&[troubled(n), well])), [Mode::Normal, Mode::Degraded]);
        let unusable = |unusable| FeedStanding { unusable, ..feed(0, Sight::Usable) };
        assert_eq!([199, 200].map(|n| mode(&[unusable(n), well])), [Mode::Normal, Mode::Degraded]);
        assert_eq!(mode(&[FeedStanding { is_degraded: true, ..well }]), Mode::Degraded);
    }

    #[test]
    fn everything_is_blind_when_nothing_usable_comes_from_any_feed() {
        let (blind, idle, sees) = (feed(0, Sight::Blind), feed(1, Sight::Idle), feed(2, Sight::Usable));
        assert_eq!(mode(&[blind, idle]), Mode::Blind);
        assert_eq!(mode(&[blind, idle, sees]), Mode::Normal, "the trouble of one feed stays its own");
        let mut overall = Overall::default();
        for feed in [blind, sees] {
            overall.observe(feed);
        }
        assert_eq!(overall.mode(Mode::Degraded, &[sees.source]), Mode::Blind, "the one that saw has fallen silent");
        assert_eq!(mode(&[idle]), Mode::Normal);
    }
}
