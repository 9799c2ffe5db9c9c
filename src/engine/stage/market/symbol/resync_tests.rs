//! The book from levels against the venue's own, over streams with late snapshots, gaps, duplicates and jumping numbers.

use proptest::prelude::*;

use super::*;
use crate::{
    book::{Book, Fault, Orders},
    engine::{Limits, observe::Fate, stage::market::participants::Participants},
    event::{Body, BookDelta, BookSnapshot, Level, Origin, Price, RecordRef, Side, SourceId},
};

/// A change of a level: side, price and quantity, few of each, so that levels are changed again.
type Change = (Side, i64, i64);
/// The venue's levels: bids below 100, asks above.
type Truth = std::collections::BTreeMap<(i64, bool), i64>;

/// The events of the venue, and their fate on the way.
#[derive(Clone, Debug)]
enum Op {
    /// A delta with its step in number and in time; `lost` ones never arrive.
    Delta { changes: Vec<Change>, step: u64, millis: i64, lost: bool },
    /// A snapshot of the book as it was so many deltas ago, stamped when it was made or when it was received.
    Snapshot { back: usize, of_receipt: bool },
    /// An earlier delta arrives again.
    Again { back: usize },
}

fn op() -> impl Strategy<Value = Op> {
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let changes = prop::collection::vec((side, 1_i64..5, 0_i64..4), 1..4);
    let millis = prop_oneof![4 => 1_i64..900, 1 => 900_i64..9_000];
    let delta = (changes, 1_u64..4, millis, prop::bool::weighted(0.08))
        .prop_map(|(changes, step, millis, lost)| Op::Delta { changes, step, millis, lost });
    let snapshot = (0_usize..12, any::<bool>()).prop_map(|(back, of_receipt)| Op::Snapshot { back, of_receipt });
    prop_oneof![8 => delta, 2 => snapshot, 1 => (0_usize..6).prop_map(|back| Op::Again { back })]
}

fn decimal(whole: i64) -> Decimal {
    Decimal::from_parts(whole, 0).unwrap()
}

fn level(side: Side, out: i64, quantity: i64) -> Level {
    let price = if side == Side::Buy { 100 - out } else { 100 + out };
    Level(Price::new(decimal(price)).unwrap(), decimal(quantity))
}

fn levels(all: impl Iterator<Item = Change>) -> [Vec<Level>; 2] {
    let mut sides = [Vec::new(), Vec::new()];
    all.for_each(|(side, out, quantity)| sides[side as usize].push(level(side, out, quantity)));
    sides
}

/// A delta as the venue made it, with the venue's book after it.
#[derive(Clone)]
struct Made {
    event: Event<'static>,
    at: EventTime,
    seq: u64,
    truth: Truth,
}

/// The naive book: it keeps every delta, and asks for all above a snapshot.
#[derive(Default)]
struct Model {
    /// Number and time of every delta that arrived.
    arrived: Vec<(u64, EventTime)>,
    /// The newest number that may be missing, and the number of the newest snapshot.
    missing_up_to: u64,
    base: Option<u64>,
}

impl Model {
    fn delta(&mut self, seq: u64, prev: u64, at: EventTime) {
        let last = self.arrived.last().map(|(seq, _)| *seq).max(self.base);
        if last.is_none_or(|last| prev > last) {
            self.missing_up_to = prev;
        }
        self.arrived.push((seq, at));
    }

    /// Whether every delta above a number arrived within the last 10 s, or nothing came before the number.
    fn takes(&self, seq: u64, first_prev: Option<u64>) -> bool {
        let newest = self.arrived.last().map(|(_, at)| *at);
        let too_old = |(number, at): &(u64, EventTime)| {
            *number > seq && newest.is_some_and(|newest| newest.since(*at) > Span::from_secs(10))
        };
        first_prev.is_none_or(|first| seq >= first) && !self.arrived.iter().any(too_old)
    }

    fn snapshot(&mut self, seq: u64) {
        self.base = self.base.max(Some(seq));
    }

    fn is_whole(&self) -> bool {
        self.base.is_some_and(|base| base >= self.missing_up_to)
    }
}

struct World {
    symbol: Symbol,
    handle: Handle,
    orders: Orders,
    participants: Participants,
}

impl World {
    fn new() -> Self {
        let handle = crate::table::Table::new(1).insert(1_u8, ()).0;
        let limits = Limits::default();
        let participants = Participants::new(&limits, &Detection::default());
        Self {
            symbol: Symbol::new(&Detection::default(), Session::default()),
            handle,
            orders: Orders::new(10),
            participants,
        }
    }

    /// Takes an event as a feed does. Returns whether it was late or a duplicate.
    fn take(&mut self, event: &Event<'_>) -> Option<Fate> {
        use super::super::sequence::Succession;
        let origin = Origin::from(RecordRef { source: SourceId(0), offset: 0 });
        match self.symbol.succession(event, origin, true, &mut Vec::new()) {
            Succession::Duplicate => return Some(Fate::Duplicate),
            Succession::Late | Succession::Held => return Some(Fate::Late),
            Succession::Restart => panic!("no number begins anew"),
            Succession::Gap { since, up_to } => {
                self.symbol.gap(since, event.ts, Some(up_to));
            }
            Succession::Next => {}
        }
        let counts = Counts { faults: &mut [0; Fault::ALL.len()], deltas_forgotten: &mut 0 };
        let mut shared = Shared { orders: &mut self.orders, participants: &mut self.participants, counts };
        self.symbol.apply(self.handle, event, &mut shared);
        None
    }

    fn book(&mut self) -> Option<&mut Book> {
        self.symbol.books.in_use()
    }
}

fn event(at: EventTime, seq: u64, body: Body<'static>) -> Event<'static> {
    Event { ts: at, symbol: None, seq: Some(seq), account: None, owner: None, body }
}

/// A venue whose deltas reach the book as the steps say.
struct Venue {
    world: World,
    model: Model,
    made: Vec<Made>,
    truth: Truth,
    clock: EventTime,
    first_prev: Option<u64>,
    /// Whether a snapshot was refused since the last delta. Three in a row would be a new sequence, by the rule.
    was_refused: bool,
}

impl Venue {
    fn new() -> Self {
        let clock = EventTime::from_nanos(1_767_225_600_000_000_000);
        let (world, model) = (World::new(), Model::default());
        Self { world, model, made: Vec::new(), truth: Truth::new(), clock, first_prev: None, was_refused: false }
    }

    fn delta(&mut self, changes: &[Change], step: u64, millis: i64, lost: bool) {
        self.clock = self.clock.plus(Span::from_millis(millis));
        let prev = self.made.last().map_or(100, |made| made.seq);
        let seq = prev + step;
        for &(side, out, quantity) in changes {
            self.truth.insert((out, side == Side::Buy), quantity);
        }
        self.truth.retain(|_, quantity| *quantity > 0);
        let [bids, asks] = levels(changes.iter().copied());
        let event = event(self.clock, seq, Body::BookDelta(BookDelta { bids, asks, prev_seq: Some(prev) }));
        if !lost {
            self.was_refused = false;
            self.first_prev.get_or_insert(prev);
            self.model.delta(seq, prev, self.clock);
            assert_eq!(self.world.take(&event), None);
        }
        self.made.push(Made { event, at: self.clock, seq, truth: self.truth.clone() });
    }

    fn snapshot(&mut self, back: usize, of_receipt: bool) {
        let Some(made) = self.made.iter().rev().nth(back).cloned() else { return };
        if of_receipt {
            self.clock = self.clock.plus(Span::from_millis(1));
        }
        let last = self.model.arrived.last().map(|(seq, _)| *seq).max(self.model.base);
        // Before a first number there is nothing that it could be older than.
        let is_taken = last.is_none_or(|last| made.seq > last) || self.model.takes(made.seq, self.first_prev);
        if !is_taken && std::mem::replace(&mut self.was_refused, true) {
            return;
        }
        let all = made.truth.iter();
        let [bids, asks] =
            levels(all.map(|(&(out, buys), &quantity)| (if buys { Side::Buy } else { Side::Sell }, out, quantity)));
        let at = if of_receipt { self.clock } else { made.at };
        let taken = self.world.take(&event(at, made.seq, Body::BookSnapshot(BookSnapshot { bids, asks })));
        if is_taken {
            // The same snapshot at the same time again is a duplicate.
            assert_ne!(taken, Some(Fate::Late), "{back} back");
            self.first_prev.get_or_insert(made.seq);
            self.model.snapshot(made.seq);
        } else {
            assert_ne!(taken, None, "{back} back");
        }
    }

    fn check(&mut self) {
        let usable = self.model.is_whole();
        assert_eq!(
            self.world.symbol.book_unusable_since(EventTime::from_nanos(i64::MIN)).is_none(),
            usable || self.model.arrived.is_empty() && self.model.base.is_none()
        );
        let newest = self.model.arrived.last().map(|(seq, _)| *seq).max(self.model.base);
        let Some(truth) = self.made.iter().find(|made| Some(made.seq) == newest).map(|made| made.truth.clone()) else {
            return;
        };
        let Some(book) = self.world.book().filter(|_| usable) else { return };
        for out in 1..5 {
            for side in [Side::Buy, Side::Sell] {
                let Level(price, _) = level(side, out, 0);
                let expected = truth.get(&(out, side == Side::Buy)).copied().unwrap_or(0);
                assert_eq!(book.quantity(side, price), decimal(expected), "{side:?} {out}");
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn the_book_is_the_venues_whenever_it_can_be_used(ops in prop::collection::vec(op(), 1..80)) {
        let mut venue = Venue::new();
        for op in ops {
            match op {
                Op::Delta { changes, step, millis, lost } => venue.delta(&changes, step, millis, lost),
                Op::Snapshot { back, of_receipt } => venue.snapshot(back, of_receipt),
                Op::Again { back } => {
                    let arrived = venue.model.arrived.iter().rev().nth(back).map(|(seq, _)| *seq);
                    let made = venue.made.iter().find(|made| Some(made.seq) == arrived).cloned();
                    if let Some(made) = made {
                        prop_assert_ne!(venue.world.take(&made.event), None);
                    }
                }
            }
            venue.check();
        }
    }
}
