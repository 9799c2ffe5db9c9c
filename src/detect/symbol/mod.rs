//! Detectors of one symbol, and the closed list of them.
//!
//! Each implements [`SymbolDetector`] and overrides only what it subscribes to: withdrawals, trades, the book at the beginning of
//! each second. A new one is a file here and a line in one of the two lists below; the market stage feeds, times out, retunes and
//! ends whatever stands in them.

mod cancel_burst;
mod detector;
mod one_sided_book;
mod price_shock;
mod signed_flow;
mod spread_widening;
mod stale_book;
mod thin_book;
mod trade_burst;

use serde::{Deserialize, Serialize};

pub use self::detector::{BookSample, BookSecond, Moment, SymbolDetector, SymbolNow, TradeSeen};
use self::{
    cancel_burst::CancelBurst, one_sided_book::OneSidedBook, price_shock::PriceShock, spread_widening::SpreadWidening,
    stale_book::StaleBook, thin_book::ThinBook, trade_burst::TradeBurst,
};
use super::{BookSight, CoverageState, Detection, Detector, MarketSample, Sample, Verdict};
use crate::{stats::tail_prior::Pools, time::EventTime, trust::Mode};

/// Makes a struct of detectors whose methods call each of them in the order of the list.
macro_rules! detectors {
    ($(#[$doc:meta])* $list:ident { $($(#[$field_doc:meta])* $name:ident: $detector:ty,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub struct $list {
            $($(#[$field_doc])* pub $name: $detector,)*
        }

        impl $list {
            fn new(settings: &Detection) -> Self {
                Self { $($name: SymbolDetector::new(settings),)* }
            }

            fn each(&self, mut f: impl FnMut(&dyn SymbolDetector)) {
                $(f(&self.$name);)*
            }

            fn each_mut(&mut self, mut f: impl FnMut(&mut dyn SymbolDetector)) {
                $(f(&mut self.$name);)*
            }

            fn withdrawn(&mut self, moment: &Moment, sample: &Sample<'_>, verdicts: &mut Vec<Verdict>) {
                $(push(self.$name.withdrawn(moment, sample), verdicts);)*
            }

            fn traded(&mut self, moment: &Moment, seen: &TradeSeen<'_>, verdicts: &mut Vec<Verdict>) {
                $(push(self.$name.traded(moment, seen), verdicts);)*
            }

        }
    };
}

/// Adds a detector's verdict where there is one. `Vec::extend` would copy the whole `Option` first, which takes longer than most
/// detectors need to find nothing.
fn push(verdict: Option<Verdict>, verdicts: &mut Vec<Verdict>) {
    if let Some(verdict) = verdict {
        verdicts.push(verdict);
    }
}

detectors! {
    /// Detectors of the flow of orders and trades.
    FlowDetectors {
        /// Withdrawals.
        cancel_burst: CancelBurst,
        /// Trades.
        trade_burst: TradeBurst,
    }
}

detectors! {
    /// Detectors of what is sampled each second: the book and the price. They see the flow's detectors, which are called before
    /// them.
    BookDetectors {
        /// A book that no longer changes. It comes first: a stale book pauses the others.
        stale_book: StaleBook,
        /// An empty side.
        one_sided_book: OneSidedBook,
        /// Little depth.
        thin_book: ThinBook,
        /// A wide spread.
        spread_widening: SpreadWidening,
        /// A move of the price. A market without a book has the trades alone.
        price_shock: PriceShock,
    }
}

impl BookDetectors {
    fn second(&mut self, second: &BookSecond<'_>, verdicts: &mut Vec<Verdict>) {
        self.each_mut(|detector| push(detector.second(second), verdicts));
    }
}

/// A flow of a symbol whose pace is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Withdrawals of orders.
    Cancels,
    /// Orders that took.
    Trades,
}

impl Pace {
    /// Every flow with its name.
    pub const ALL: [(Self, &'static str); 2] = [(Self::Cancels, "cancels"), (Self::Trades, "trades")];
}

/// The tails of the symbols of one feed: by detector, and by channel of its burst.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct FlowPools {
    /// Withdrawals.
    cancels: [Pools; 1],
    /// Arrivals and notional.
    trades: [Pools; 2],
}

/// Every detector of one symbol.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Detectors {
    /// The symbol's detectors of the flow.
    pub flow: FlowDetectors,
    /// The symbol's detectors of the book.
    pub book: BookDetectors,
    /// When one of them must be called; may be early, never late. Nearly always nothing fires, and asking all of them for each
    /// event would be felt.
    due: Option<EventTime>,
}

impl Detectors {
    /// Detectors that have seen nothing.
    #[must_use]
    pub fn new(settings: &Detection) -> Self {
        Self { flow: FlowDetectors::new(settings), book: BookDetectors::new(settings), due: None }
    }

    /// When [`Detectors::expire`] must be called unless a sample comes before.
    #[must_use]
    pub const fn due(&self) -> Option<EventTime> {
        self.due
    }

    /// Continues under other settings.
    pub fn retune(&mut self, before: &Detection, settings: &Detection) {
        self.each_mut(|detector| detector.retune(before, settings));
    }

    /// Shows the new exceedances of the bursts' tails to the feed's pools, and takes over what these have of other symbols.
    pub fn exchange(&mut self, pools: &mut FlowPools) {
        self.flow.cancel_burst.exchange(&mut pools.cancels);
        self.flow.trade_burst.exchange(&mut pools.trades);
    }

    /// Hands a withdrawal to all detectors.
    pub fn withdrawn(&mut self, moment: &Moment, sample: &Sample<'_>, verdicts: &mut Vec<Verdict>) {
        let before = verdicts.len();
        self.flow.withdrawn(moment, sample, verdicts);
        self.book.withdrawn(moment, sample, verdicts);
        self.plan_after(before, verdicts);
    }

    /// Hands a trade to all detectors.
    /// `raised` is the mode for prices and books, whose levels a reopening raises; bursts raise their own.
    pub fn traded(&mut self, moment: &Moment, raised: Mode, seen: &TradeSeen<'_>, verdicts: &mut Vec<Verdict>) {
        let before = verdicts.len();
        self.flow.traded(moment, seen, verdicts);
        self.book.traded(&Moment { mode: raised, ..*moment }, seen, verdicts);
        self.plan_after(before, verdicts);
    }

    /// Hands the book at the beginning of a second to the detectors of the book.
    pub fn second(&mut self, sample: &BookSample<'_>, verdicts: &mut Vec<Verdict>) {
        let before = verdicts.len();
        let &BookSample { at, record, mode, sides, depth, spread_bps, is_paused, changes } = sample;
        let is_stale = self.book.stale_book.is_firing();
        let withdrawals = self.flow.cancel_burst.burst();
        let second =
            BookSecond { at, record, mode, sides, depth, spread_bps, is_paused, changes, is_stale, withdrawals };
        self.book.second(&second, verdicts);
        self.plan_after(before, verdicts);
    }

    /// The pace of cancels and of trades, in the order of [`Pace`], as a multiple of the usual one.
    #[must_use]
    pub fn pace(&self, at: EventTime) -> [Option<f64>; Pace::ALL.len()] {
        [self.flow.cancel_burst.burst().pace(at), self.flow.trade_burst.burst().pace(at)]
    }

    /// The scores of flow and price since they were last asked for; `None` while too little is known of either.
    pub fn market_sample(&mut self, at: EventTime) -> Option<MarketSample> {
        let flow = self.flow.trade_burst.take_flow(at)?;
        self.book.price_shock.take(at, flow)
    }

    /// Another book of the symbol is in use from now on: what the detectors of the book saw last is of the other.
    pub fn replace_book(&mut self, at: EventTime) {
        let BookDetectors { stale_book, one_sided_book, thin_book, spread_widening, price_shock: _ } = &mut self.book;
        let of_book: [&mut dyn SymbolDetector; 4] = [stale_book, one_sided_book, thin_book, spread_widening];
        for detector in of_book {
            detector.gap(at, at);
        }
    }

    /// The feed is known to have been blind in [from, until).
    pub fn gap(&mut self, from: EventTime, until: EventTime) {
        self.each_mut(|detector| detector.gap(from, until));
    }

    /// The symbol trades again after a closure, which was a gap.
    pub fn reopen(&mut self, at: EventTime) {
        self.each_mut(|detector| detector.reopen(at));
    }

    /// Ends episodes whose deadline has come.
    pub fn expire(&mut self, now: EventTime, verdicts: &mut Vec<Verdict>) {
        if self.due.is_some_and(|at| at <= now) {
            self.each_mut(|detector| push(detector.expire(now), verdicts));
            self.due = due(&self.flow, &self.book);
        }
    }

    /// The coverage of each detector at a time with a book; `uses_levels` says whether it is one from levels.
    pub fn coverage(
        &self,
        (at, book, uses_levels): (EventTime, BookSight, bool),
        mut count: impl FnMut(Detector, CoverageState),
    ) {
        let now = SymbolNow { at, book, is_stale: self.book.stale_book.is_firing(), uses_levels };
        let mut ask = |detector: &dyn SymbolDetector| {
            let (detector, state) = detector.coverage(&now);
            count(detector, state);
        };
        self.flow.each(&mut ask);
        self.book.each(&mut ask);
    }

    /// Ends every episode, because the symbol is forgotten.
    pub fn end(&mut self, verdicts: &mut Vec<Verdict>) {
        self.each_mut(|detector| push(detector.end(), verdicts));
    }

    fn each_mut(&mut self, mut f: impl FnMut(&mut dyn SymbolDetector)) {
        self.flow.each_mut(&mut f);
        self.book.each_mut(&mut f);
    }

    /// Notes when the detectors must be called, if one of them has changed since there were so many verdicts.
    fn plan_after(&mut self, before: usize, verdicts: &[Verdict]) {
        if verdicts.len() > before {
            self.due = due(&self.flow, &self.book);
        }
    }
}

/// The earliest deadline.
fn due(flow: &FlowDetectors, book: &BookDetectors) -> Option<EventTime> {
    let mut least: Option<EventTime> = None;
    let mut take = |detector: &dyn SymbolDetector| {
        least = least.into_iter().chain(detector.deadline()).min();
    };
    flow.each(&mut take);
    book.each(&mut take);
    least
}
