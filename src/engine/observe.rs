//! The engine's counters: plain numbers, read by the shell and exported there as metrics.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    book::{BANDS_BPS, BookFlaw, BookState, Fault},
    detect::{Detector, Severity, symbol::Pace},
    event::{EventType, Reason, SharedName},
};

/// The fate of a record: exactly one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fate {
    /// Taken into account.
    Accepted,
    /// Cannot be used; it is in the dead letters.
    Rejected,
    /// Too old to be counted.
    Late,
    /// Seen before.
    Duplicate,
    /// Left out on purpose, to keep up.
    Shed,
}

impl Fate {
    /// Every fate with its name.
    pub const ALL: [(Self, &'static str); 5] = [
        (Self::Accepted, "accepted"),
        (Self::Rejected, "rejected"),
        (Self::Late, "late"),
        (Self::Duplicate, "duplicate"),
        (Self::Shed, "shed"),
    ];
}

/// How many records had which fate; the five sum to the records read.
///
/// A record whose fate depends on those after it counts as late until it is settled: it is late unless they show that a new
/// sequence began with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fates([u64; Fate::ALL.len() + 1]);

/// The index of the records that are not settled yet.
const OPEN: usize = Fate::ALL.len();

impl Fates {
    /// Counts one record; `None` if its fate depends on those after it.
    pub fn count(&mut self, fate: Option<Fate>) {
        self.0[fate.map_or(OPEN, |fate| fate as usize)] += 1;
    }

    /// Settles the fate of a record that was open.
    pub const fn settle(&mut self, fate: Fate) {
        self.0[OPEN] = self.0[OPEN].saturating_sub(1);
        self.0[fate as usize] += 1;
    }

    /// Returns how many records had this fate.
    #[must_use]
    pub fn of(&self, fate: Fate) -> u64 {
        self.settled(fate) + if fate == Fate::Late { self.0[OPEN] } else { 0 }
    }

    /// Returns how many records had this fate for good: the number never falls.
    #[must_use]
    pub const fn settled(&self, fate: Fate) -> u64 {
        self.0[fate as usize]
    }

    /// Returns the number of all records.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// Returns the sum of both.
    #[must_use]
    pub fn plus(mut self, other: &Self) -> Self {
        for (sum, n) in self.0.iter_mut().zip(other.0) {
            *sum += n;
        }
        self
    }
}

/// Tables that have a limit, as metrics name them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Keys {
    /// Symbols with state.
    Symbol,
    /// Accounts by name.
    Account,
    /// Live orders.
    Order,
    /// Open incidents.
    Incident,
    /// Signals that wait for the other partitions.
    Signal,
    /// Accounts with positions or equity.
    Holder,
    /// Facts that wait for the other partitions.
    Fact,
    /// Owners by name.
    Owner,
    /// Parties (accounts, owners, either on one symbol) that have withdrawn, without a full window.
    Party,
    /// Parties with a full window.
    Burst,
    /// Withdrawals that wait for a second, in case their orders are put back. A withdrawal that is evicted is judged at once.
    Withdrawal,
    /// Troubles of symbols, and symbols that are suspected of one.
    Trouble,
}

impl Keys {
    /// Every kind with its name.
    pub const ALL: [(Self, &'static str); 12] = [
        (Self::Symbol, "symbol"),
        (Self::Account, "account"),
        (Self::Order, "order"),
        (Self::Incident, "incident"),
        (Self::Signal, "signal"),
        (Self::Holder, "holder"),
        (Self::Fact, "fact"),
        (Self::Owner, "owner"),
        (Self::Party, "party"),
        (Self::Burst, "burst"),
        (Self::Withdrawal, "withdrawal"),
        (Self::Trouble, "trouble"),
    ];
}

/// Counters of one feed since the start, apart from the fates, which are kept for each source.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedCounters {
    /// Events by type.
    pub events: [u64; EventType::ALL.len()],
    /// Rejected records by reason.
    pub rejected: [u64; Reason::ALL.len()],
    /// Gaps in symbols' sequences.
    pub gaps: u64,
    /// Sequences that began anew.
    pub restarts: u64,
    /// Times that the feed's clock had stopped.
    pub stops: u64,
    /// Events behind the newest of their subject and kind, but within the grace.
    pub disordered: u64,
    /// Events whose stamps are not believed: books follow them, windows do not count them.
    pub held_back: u64,
    /// Contradictions between a book and its feed.
    pub book_faults: [u64; Fault::ALL.len()],
    /// Deltas that were evicted before they were 10 s old: a late snapshot finds fewer of them.
    pub deltas_forgotten: u64,
    /// Offsets that were deleted before they were read.
    pub lost: u64,
    /// Times that another log began under the partition's name.
    pub new_logs: u64,
    /// Times that the feed's clock was set back, because it had leapt wrongly.
    pub set_back: u64,
}

/// Counters of the correlation stage since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CorrelationCounters {
    /// Signals that opened or rose, by the severity they reached.
    pub signals: BTreeMap<(Detector, Severity), u64>,
    /// Incidents that opened, by the severity at which they did.
    pub incidents_opened: BTreeMap<Severity, u64>,
    /// Alert revisions.
    pub alerts: u64,
}

/// Counters of all stages since the start, apart from the fates, which are kept for each source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Events by type.
    pub events: [u64; EventType::ALL.len()],
    /// Rejected records by reason.
    pub rejected: [u64; Reason::ALL.len()],
    /// Signals that opened or rose, by the severity they reached.
    pub signals: BTreeMap<(Detector, Severity), u64>,
    /// Incidents that opened, by the severity at which they did.
    pub incidents_opened: BTreeMap<Severity, u64>,
    /// Alert revisions.
    pub alerts: u64,
    /// Gaps in symbols' sequences.
    pub gaps: u64,
    /// Sequences that began anew.
    pub restarts: u64,
    /// Times that a feed's clock had stopped.
    pub stops: u64,
    /// Events behind the newest of their subject and kind, but within the grace.
    pub disordered: u64,
    /// Events whose stamps are not believed: books follow them, windows do not count them.
    pub held_back: u64,
    /// Contradictions between a book and its feed.
    pub book_faults: [u64; Fault::ALL.len()],
    /// Deltas that were evicted before they were 10 s old: a late snapshot finds fewer of them.
    pub deltas_forgotten: u64,
    /// Offsets that were deleted before they were read.
    pub lost: u64,
    /// Times that another log began under a partition's name.
    pub new_logs: u64,
    /// Times that a feed's clock was set back, because it had leapt wrongly.
    pub set_back: u64,
}

impl Counters {
    /// Begins with the counters of correlation; those of feeds are added.
    pub(super) fn of(correlation: &CorrelationCounters) -> Self {
        let CorrelationCounters { signals, incidents_opened, alerts } = correlation.clone();
        Self { signals, incidents_opened, alerts, ..Self::default() }
    }

    /// Adds the counters of a feed.
    pub(super) fn add(&mut self, feed: &FeedCounters) {
        fn each<const N: usize>(sums: &mut [u64; N], numbers: &[u64; N]) {
            sums.iter_mut().zip(numbers).for_each(|(sum, n)| *sum += n);
        }
        let FeedCounters {
            events,
            rejected,
            gaps,
            restarts,
            stops,
            disordered,
            held_back,
            book_faults,
            deltas_forgotten,
            lost,
            new_logs,
            set_back,
        } = feed;
        each(&mut self.events, events);
        each(&mut self.rejected, rejected);
        each(&mut self.book_faults, book_faults);
        self.gaps += gaps;
        self.restarts += restarts;
        self.stops += stops;
        self.disordered += disordered;
        self.held_back += held_back;
        self.deltas_forgotten += deltas_forgotten;
        self.lost += lost;
        self.new_logs += new_logs;
        self.set_back += set_back;
    }
}

/// The numbers of one symbol in the metrics, or of several as one: then the worst of each.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SymbolReading {
    /// Whether the book can be used; `None` where there is no book.
    pub is_usable: Option<bool>,
    /// The spread in basis points of the middle, where the book can be used and has two sides.
    pub spread_bps: Option<f64>,
    /// The notional of the book's thinner side within each of `BANDS_BPS`, where the book can be used and has two sides.
    pub depth: Option<[f64; BANDS_BPS.len()]>,
    /// The events of the last ten seconds as a multiple of the usual number, in the order of [`Pace`], where that is known.
    pub pace: [Option<f64>; Pace::ALL.len()],
}

impl SymbolReading {
    /// Joins two readings to the worst of each number: the book that cannot be used, the wider spread, the smaller depth, the
    /// faster pace.
    #[must_use]
    pub fn worst(self, other: &Self) -> Self {
        let greater = |a: Option<f64>, b: Option<f64>| a.into_iter().chain(b).reduce(f64::max);
        let depths = self.depth.into_iter().chain(other.depth);
        Self {
            is_usable: self.is_usable.into_iter().chain(other.is_usable).min(),
            spread_bps: greater(self.spread_bps, other.spread_bps),
            depth: depths.reduce(|a, b| std::array::from_fn(|band| a[band].min(b[band]))),
            pace: std::array::from_fn(|flow| greater(self.pace[flow], other.pace[flow])),
        }
    }
}

/// A symbol with its numbers in the metrics.
#[derive(Clone, Copy, Debug)]
pub(super) struct NamedReading<'a> {
    /// The symbol.
    pub symbol: &'a SharedName,
    /// The state of the book.
    pub state: BookState,
    /// How often the book changed.
    pub changes: u64,
    /// The numbers.
    pub reading: SymbolReading,
}

/// All symbols at one moment, as the metrics show them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SymbolReadings {
    /// The symbols whose books changed most.
    pub listed: Vec<(String, SymbolReading)>,
    /// All other symbols as one; `None` where there are no others.
    pub others: Option<SymbolReading>,
    /// Symbols whose book can be used.
    pub usable: u64,
    /// Symbols whose book cannot be used, by the reason.
    pub unusable: [u64; BookFlaw::ALL.len()],
}

/// How full a limited table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// Entries now.
    pub held: u64,
    /// Entries that were evicted so far.
    pub evicted: u64,
}

impl Occupancy {
    /// Returns the sum of both.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self { held: self.held + other.held, evicted: self.evicted + other.evicted }
    }
}
