//! What sees all feeds before correlation: accounts, and the market as a whole.
//!
//! Facts of all feeds are taken in one fixed order once the watermark is strictly above them, and what is due between two of them is
//! done at its own time; so nothing depends on how the feeds interleave or how far the watermark jumps.

use serde::{Deserialize, Serialize};

use super::{
    Limits,
    accounts::{Accounts, Said},
    forward::{Fact, Forwarded},
    market::Market,
};
use crate::{
    detect::{MarketWide, Signal, Subject},
    event::{Place, SourceId},
    time::{EventTime, Span},
    trust::{Schedule, Standing},
    window::BurstSettings,
};

/// The stages that see all feeds, but for correlation.
#[derive(Clone, Serialize, Deserialize)]
pub struct Joined {
    pub accounts: Accounts,
    market: MarketWide,
    /// The record behind the last fact.
    place: Place,
}

impl Joined {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(limits: &Limits, settings: BurstSettings) -> Self {
        let place = Place { source: SourceId(0), offset: 0 };
        Self { accounts: Accounts::new(limits, settings), market: MarketWide::default(), place }
    }

    /// Goes on under other limits and settings.
    pub fn retune(&mut self, limits: &Limits, settings: BurstSettings, signals: &mut Vec<Signal>) {
        let mut said = Said { signals, mode: crate::trust::Mode::Normal };
        self.accounts.retune(limits, settings, self.place, &mut said);
    }

    /// Whether something waits for the clock to be over.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.accounts.waits() || self.market.deadline().is_some()
    }

    /// Takes every fact from before the watermark.
    pub fn advance(
        &mut self,
        feeds: &mut [Market],
        watermark: EventTime,
        standing: &Schedule<Standing>,
        signals: &mut Vec<Signal>,
    ) {
        while let Some((at, feed)) = first(feeds).filter(|(at, _)| *at < watermark) {
            self.honour(at, standing, signals);
            if let Some(fact) = feeds[feed].forwards().pop() {
                self.take(&fact, standing, signals);
            }
        }
        // Strictly before: what happens at the watermark itself may still come.
        self.honour(watermark.minus(Span::from_nanos(1)), standing, signals);
    }

    /// Does what is due up to and including a time.
    fn honour(&mut self, to: EventTime, standing: &Schedule<Standing>, signals: &mut Vec<Signal>) {
        while let Some(at) = self.market.deadline().filter(|at| *at <= to) {
            for verdict in self.market.handle_timeout(at, self.place) {
                signals.push(verdict.signal(Subject::Market, at, self.place, None));
            }
        }
        let mut said = Said { signals, mode: standing.at(to).mode };
        self.accounts.advance(to, self.place, &mut said);
    }

    fn take(&mut self, forwarded: &Forwarded, standing: &Schedule<Standing>, signals: &mut Vec<Signal>) {
        let (at, place) = (forwarded.visible_at, forwarded.place);
        self.place = place;
        let verdict = match &forwarded.fact {
            Fact::Thin(symbol, thin, by) => self.market.thin(symbol, *thin, by, (at, place)),
            Fact::Trades(symbol, fast) => self.market.trades(symbol, *fast, (at, place)),
            Fact::Forgotten(symbol) => {
                self.market.forget(symbol);
                None
            }
            Fact::Position(..)
            | Fact::Equity(..)
            | Fact::Fill(..)
            | Fact::Owner(..)
            | Fact::Mark(..)
            | Fact::Withdrawn(_)
            | Fact::Blind(_) => {
                let mut said = Said { signals, mode: standing.at(at).mode };
                self.accounts.handle(forwarded, &mut said);
                None
            }
        };
        signals.extend(verdict.map(|verdict| verdict.signal(Subject::Market, at, place, forwarded.appended_at)));
    }
}

/// The feed whose next fact is the earliest, of equal ones the first feed.
fn first(feeds: &mut [Market]) -> Option<(EventTime, usize)> {
    feeds.iter_mut().enumerate().filter_map(|(nth, feed)| Some((feed.forwards().first()?, nth))).min()
}
