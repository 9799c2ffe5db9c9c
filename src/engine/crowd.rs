//! The parties of one feed: its accounts, who is behind them, and what either withdraws on one symbol.
//!
//! An account here is a name, a number, and whether it is busy; what it does on a symbol is counted only while it is, so that idle
//! accounts cost next to nothing however many symbols they trade (DETECTION 2.1, "Memory"). What it withdraws on all symbols of
//! the feed is gathered for a tenth of a second and passed on to the account stage, which sees all feeds.
//!
//! An owner of one account is that account, and so is one of whom only one account acts on a symbol: only owners of several are
//! parties of their own. Orders that are placed are
//! passed on with the next withdrawal; what was placed more than ten seconds before it says nothing of that.

use compact_str::CompactString;
use serde::{Deserialize, Serialize};

use super::{
    Limits,
    forward::{Fact, Forwarded, Queue, Withdrawn},
    observe::Occupancy,
    symbol::{Moment, Symbol},
};
use crate::{
    detect::{
        Sample, Subject,
        parties::{self, Parties, Saying},
    },
    event::{Event, Place},
    table::{Handle, Table},
    time::{EventTime, Span, WallTime},
    window::{BurstSettings, Busy},
};

/// How long withdrawals are gathered (DESIGN: a digest per account and 100 ms).
const BUCKET: Span = Span::from_millis(100);
/// How many seconds orders that were placed are remembered: a slot of those that a burst is held against (`window::light`).
const PLACED_SECONDS: u32 = 10;
/// Digests that are open at once; where a clock stands and names come without end they are passed on early.
const DIGESTS_MAX: usize = 10_000;

/// A party and a symbol.
type Pair = (Handle, Handle);

/// All parties of a feed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Crowd {
    accounts: Table<CompactString, Account>,
    owners: Table<CompactString, Owner>,
    on_symbols: Parties<Pair>,
    owners_on_symbols: Parties<Pair>,
    /// Who of an owner withdraws on a symbol.
    shared: Table<Pair, Sharing>,
    /// What is being gathered, in the order in which it began.
    digests: Vec<Digest>,
}

/// Which accounts of an owner have withdrawn on a symbol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Sharing {
    /// One.
    Of(Handle),
    /// More than one.
    OfSeveral,
}

/// What a feed knows of an account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Account {
    /// Who is behind it, as last said.
    owner: Option<Handle>,
    busy: Busy,
    /// Which of the digests is its, from 1 on.
    digest: u32,
    /// Orders placed since its last digest, and since when.
    placed: u16,
    placed_since: u32,
}

/// What a feed knows of an owner.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Owner {
    accounts: u32,
    busy: Busy,
}

/// What an account withdrew within a tenth of a second.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Digest {
    account: Handle,
    /// What is passed on.
    fact: Withdrawn,
    end: EventTime,
    /// The last record.
    place: Place,
    appended_at: Option<WallTime>,
}

impl Crowd {
    /// Nobody is known.
    #[must_use]
    pub fn new(limits: &Limits, settings: BurstSettings) -> Self {
        Self {
            accounts: Table::new(limits.accounts_max),
            owners: Table::new(limits.accounts_max),
            on_symbols: Parties::new(limits.accounts_max, limits.bursts_max, settings),
            owners_on_symbols: Parties::new(limits.accounts_max, limits.bursts_max, settings),
            shared: Table::new(limits.accounts_max),
            digests: Vec::new(),
        }
    }

    /// Goes on under other limits and settings.
    pub fn retune(&mut self, limits: &Limits, settings: BurstSettings, said: &mut Vec<Saying>) {
        for (_, account) in self.accounts.limit(limits.accounts_max) {
            self.leave(&account);
        }
        self.owners.limit(limits.accounts_max);
        self.shared.limit(limits.accounts_max);
        for parties in [&mut self.on_symbols, &mut self.owners_on_symbols] {
            parties.retune(limits.accounts_max, limits.bursts_max, settings, said);
        }
    }

    /// How full its tables of accounts, owners, parties on symbols, and full windows are.
    #[must_use]
    pub fn occupancy(&self) -> [Occupancy; 4] {
        let of = |(held, evicted): (usize, u64)| Occupancy { held: held as u64, evicted };
        let (pairs, owner_pairs) = (self.on_symbols.occupancy(), self.owners_on_symbols.occupancy());
        let both = |nth: usize| of((pairs[nth].0 + owner_pairs[nth].0, pairs[nth].1 + owner_pairs[nth].1));
        let accounts = of((self.accounts.len(), self.accounts.evicted()));
        [accounts, of((self.owners.len(), self.owners.evicted())), both(0), both(1)]
    }

    /// Whether an episode waits for the clock to be over.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.on_symbols.waits() || self.owners_on_symbols.waits()
    }

    /// The account that an event names, and whether the event says another owner of it than was known.
    pub fn account(&mut self, event: &Event<'_>) -> Option<(Handle, bool)> {
        let name = event.account.as_deref()?;
        let handle = if let Some(handle) = self.accounts.find(name) {
            self.accounts.touch(handle);
            handle
        } else {
            let (handle, displaced) = self.accounts.insert(CompactString::new(name), Account::default());
            if let Some((_, displaced)) = displaced {
                self.leave(&displaced);
            }
            handle
        };
        let changed = event.owner.as_deref().is_some_and(|owner| self.join(handle, owner));
        Some((handle, changed))
    }

    /// The name of an account, and of who is behind it.
    #[must_use]
    pub fn names(&self, account: Handle) -> (Option<&str>, Option<&str>) {
        let owner = self.accounts.get(account).and_then(|account| self.owners.key(account.owner?));
        (self.accounts.key(account).map(CompactString::as_str), owner.map(CompactString::as_str))
    }

    /// An account belongs to an owner, from now on. Whether that is news.
    fn join(&mut self, account: Handle, owner: &str) -> bool {
        if self.names(account).1 == Some(owner) {
            return false;
        }
        let found = self.owners.find(owner);
        let owner = found.unwrap_or_else(|| self.owners.insert(CompactString::new(owner), Owner::default()).0);
        self.owners.touch(owner);
        let Some(known) = self.accounts.get_mut(account) else { return false };
        let before = known.owner.replace(owner);
        if let Some(owner) = self.owners.get_mut(owner) {
            owner.accounts += 1;
        }
        self.part(before);
        true
    }

    /// An account is forgotten.
    fn leave(&mut self, account: &Account) {
        self.part(account.owner);
    }

    /// An owner has one account less.
    fn part(&mut self, owner: Option<Handle>) {
        let Some(handle) = owner else { return };
        let Some(owner) = self.owners.get_mut(handle) else { return };
        owner.accounts = owner.accounts.saturating_sub(1);
        if owner.accounts == 0 {
            self.owners.remove(handle);
        }
    }

    /// An account has placed an order.
    pub fn placed(&mut self, account: Handle, symbol: Handle, at: EventTime) {
        let Some(known) = self.accounts.get_mut(account) else { return };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds that wrap around")]
        let second = at.slot(Span::SECOND) as u32;
        if second.wrapping_sub(known.placed_since) >= PLACED_SECONDS {
            (known.placed, known.placed_since) = (0, second);
        }
        known.placed = known.placed.saturating_add(1);
        if known.busy.is_busy(at) {
            self.on_symbols.placed(&(account, symbol), at);
        }
        if let Some((owner, _)) = known
            .owner
            .and_then(|owner| Some((owner, self.owners.get(owner)?)))
            .filter(|(_, known)| known.accounts > 1 && known.busy.is_busy(at))
        {
            self.owners_on_symbols.placed(&(owner, symbol), at);
        }
    }

    /// An account has withdrawn an order of a symbol.
    pub fn withdrawn(
        &mut self,
        (account, (symbol, symbol_name)): (Handle, (Handle, &str)),
        sample: &Sample<'_>,
        (moment, symbol_state): (&Moment, &Symbol),
        forwards: (&mut Queue, Option<WallTime>),
        said: &mut Vec<Saying>,
    ) {
        let at = sample.at;
        self.gather(account, sample, moment.clock, forwards);
        let Self { accounts, owners, on_symbols, owners_on_symbols, shared, .. } = self;
        let Some(known) = accounts.get_mut(account) else { return };
        known.busy.count(at);
        let withdrawn = parties::Withdrawn {
            sample: *sample,
            orders: 1,
            placed: 0,
            clock: moment.clock.unwrap_or(at),
            blind_until: symbol_state.blind_until(),
            symbol: Some(symbol_state.cancels()),
            mode: moment.mode,
        };
        let (busy, owner) = (known.busy.is_busy(at), known.owner);
        if busy && let Some(name) = accounts.key(account) {
            let subject = || Subject::AccountSymbol(name.clone(), CompactString::new(symbol_name));
            on_symbols.withdrawn(&(account, symbol), &withdrawn, subject, said);
        }
        let Some(owner) = owner else { return };
        owners.touch(owner);
        let Some(known) = owners.get_mut(owner).filter(|known| known.accounts > 1) else { return };
        known.busy.count(at);
        if known.busy.is_busy(at)
            && has_several(shared, (owner, symbol), account)
            && let Some(name) = owners.key(owner)
        {
            let subject = || Subject::OwnerSymbol(name.clone(), CompactString::new(symbol_name));
            owners_on_symbols.withdrawn(&(owner, symbol), &withdrawn, subject, said);
        }
    }

    /// Adds a withdrawal to its account's digest.
    fn gather(
        &mut self,
        account: Handle,
        sample: &Sample<'_>,
        clock: Option<EventTime>,
        (forwards, appended_at): (&mut Queue, Option<WallTime>),
    ) {
        let Some(known) = self.accounts.get_mut(account) else { return };
        let placed = std::mem::take(&mut known.placed);
        let nth = known.digest as usize;
        let end = EventTime::of_slot(sample.at.slot(BUCKET) + 1, BUCKET);
        let open = nth.checked_sub(1).and_then(|nth| self.digests.get_mut(nth));
        if let Some(open) = open.filter(|open| open.end == end) {
            open.add(placed, (sample.place, appended_at));
            return;
        }
        let (Some(name), owner) = self.names(account) else { return };
        let fact =
            Withdrawn { account: CompactString::new(name), owner: owner.map(CompactString::new), orders: 1, placed };
        let digest = Digest { account, fact, end, place: sample.place, appended_at };
        if let Some(open) = nth.checked_sub(1).and_then(|nth| self.digests.get_mut(nth)) {
            // Of another tenth of a second: they come out of order.
            let before = std::mem::replace(open, digest);
            if let Some(clock) = clock {
                forwards.push(before.forwarded(clock));
            }
            return;
        }
        self.digests.push(digest);
        if let Some(known) = self.accounts.get_mut(account) {
            known.digest = u32::try_from(self.digests.len()).unwrap_or(0);
        }
        if self.digests.len() >= DIGESTS_MAX
            && let Some(clock) = clock
        {
            self.pass_on(clock, forwards);
        }
    }

    /// Passes on what was gathered, as of a clock.
    fn pass_on(&mut self, clock: EventTime, forwards: &mut Queue) {
        for digest in self.digests.drain(..) {
            if let Some(account) = self.accounts.get_mut(digest.account) {
                account.digest = 0;
            }
            forwards.push(digest.forwarded(clock));
        }
    }

    /// Before the clock moves: passes on what was gathered in a tenth of a second that will then be over, and does what is due.
    pub fn advance(&mut self, clock: EventTime, to: EventTime, forwards: &mut Queue, said: &mut Vec<Saying>) {
        if !self.digests.is_empty() && clock.slot(BUCKET) != to.slot(BUCKET) {
            self.pass_on(clock, forwards);
        }
        for parties in [&mut self.on_symbols, &mut self.owners_on_symbols] {
            if parties.deadline().is_some_and(|at| at <= to) {
                parties.advance(to, said);
            }
        }
    }
}

/// Whether more than one account of an owner has withdrawn on a symbol, this one among them.
fn has_several(shared: &mut Table<Pair, Sharing>, of: Pair, account: Handle) -> bool {
    let Some(handle) = shared.find(&of) else {
        shared.insert(of, Sharing::Of(account));
        return false;
    };
    shared.touch(handle);
    let Some(sharing) = shared.get_mut(handle) else { return false };
    if *sharing != Sharing::Of(account) {
        *sharing = Sharing::OfSeveral;
    }
    *sharing == Sharing::OfSeveral
}

impl Digest {
    /// Adds one more, with the orders that were placed since the last.
    fn add(&mut self, placed: u16, (place, appended_at): (Place, Option<WallTime>)) {
        self.fact.orders = self.fact.orders.saturating_add(1);
        self.fact.placed = self.fact.placed.saturating_add(placed);
        (self.place, self.appended_at) = (place, appended_at);
    }

    fn forwarded(self, visible_at: EventTime) -> Forwarded {
        let Self { fact, end: at, place, appended_at, .. } = self;
        Forwarded { visible_at, at, place, appended_at, fact: Fact::Withdrawn(fact) }
    }
}
