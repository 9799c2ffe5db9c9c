//! The participants of one feed: its accounts, their owners, and what either withdraws on one symbol.
//!
//! An account here is a name, a number, and whether it is busy; its withdrawals on a symbol are counted only while it is, so that
//! idle accounts cost next to nothing however many symbols they trade (DETECTION 2.1, "Memory"). Its withdrawals on all symbols
//! of the feed are gathered for a tenth of a second and sent to the account stage, which sees all feeds (`digests`).
//!
//! An owner with one account is not tracked separately, nor is one of whom only one account acts on a symbol: only owners of
//! several are parties of their own. Orders that move are neither placed nor withdrawn: a withdrawal counts once it has stayed for
//! a second (`requotes`), and so does a placement (`placements`). Orders placed are reported with the next withdrawal; what was
//! placed more than ten seconds before says nothing of it.

use serde::{Deserialize, Serialize};

use super::{
    digests::Digests,
    placements::{Placed, Placements},
    requotes::{Quoter, Requotes, Waiting, Withdrawal, is_back},
    sharing::Sharing,
};
use crate::{
    book::Party,
    detect::{
        Burst, Detection, Sample, Subject, budget,
        participant::{self, Parties, PartyVerdict},
        symbol::Moment,
    },
    engine::{Limits, message::AccountFact, message::Message, observe::Occupancy},
    event::{Event, NameRef, Origin, SharedName, Side},
    table::{Handle, Table},
    time::{EventTime, Span},
    trust::{FeedJudge, Mode},
    window::Busy,
};

/// The seconds for which orders placed are remembered: a slot of those that a burst is compared with (`window::light`).
const PLACED_SECONDS: u32 = 10;

/// A party and a symbol.
type Pair = (Handle, Handle);

/// All participants of a feed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Participants {
    accounts: Table<SharedName, Account>,
    owners: Table<SharedName, Owner>,
    on_symbols: Parties<Pair>,
    owners_on_symbols: Parties<Pair>,
    /// The accounts of an owner that withdraw on a symbol.
    shared: Sharing,
    requotes: Requotes,
    digests: Digests,
}

/// An account, as its feed knows it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Account {
    /// The account's owner, as last stated.
    owner: Option<Handle>,
    busy: Busy,
    /// The account's open digest.
    digest: Option<u32>,
    /// Orders placed since its last digest, and since when.
    placed: u16,
    placed_since: u32,
    /// Orders placed within the last second.
    recent: Placements,
}

/// An owner, as its feed knows it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Owner {
    accounts: u32,
    busy: Busy,
}

/// The symbols of a feed, as parties are judged with them.
pub trait Symbols {
    /// A symbol; `None` if it is forgotten.
    fn symbol(&self, symbol: Handle) -> Option<SymbolView<'_>>;
}

/// A symbol on which a party withdraws.
#[derive(Clone, Copy)]
pub struct SymbolView<'a> {
    /// The symbol's name.
    pub name: &'a SharedName,
    /// Samples of the symbol before this time may have been missed.
    pub blind_until: EventTime,
    /// The symbol's newest reopening.
    pub opened_at: EventTime,
    /// The symbol's own detector: how the symbol clusters is what a party's window begins with.
    pub cancels: &'a Burst,
}

/// The surroundings of parties: what their withdrawals are judged with, and where the results go.
pub struct PartyContext<'a> {
    /// The symbols of the feed.
    pub symbols: &'a dyn Symbols,
    /// The mode in force on every symbol.
    pub mode: Mode,
    /// The troubles of single symbols.
    pub troubles: &'a FeedJudge,
    /// Receives the messages for the account stage.
    pub messages: &'a mut Vec<Message<AccountFact>>,
    /// Receives the verdicts for the feed.
    pub verdicts: &'a mut Vec<PartyVerdict>,
}

impl Participants {
    /// Nobody is known.
    #[must_use]
    pub fn new(limits: &Limits, detection: &Detection) -> Self {
        let (all, overrides) = (detection.cancel_burst, &detection.overrides);
        let share = budget::of_parties_on_symbol(all);
        let parties = || Parties::new(limits.parties_max, limits.bursts_max, share).overridden(overrides, all);
        Self {
            accounts: Table::new(limits.accounts_max),
            owners: Table::new(limits.accounts_max),
            on_symbols: parties(),
            owners_on_symbols: parties(),
            shared: Sharing::new(limits.parties_max),
            requotes: Requotes::default(),
            digests: Digests::default(),
        }
    }

    /// Continues under other limits and settings.
    pub fn retune(&mut self, limits: &Limits, detection: &Detection, verdicts: &mut Vec<PartyVerdict>) {
        for (_, account) in self.accounts.limit(limits.accounts_max) {
            self.leave(account.owner);
        }
        self.owners.limit(limits.accounts_max);
        self.shared.limit(limits.parties_max);
        let share = budget::of_parties_on_symbol(detection.cancel_burst);
        for parties in [&mut self.on_symbols, &mut self.owners_on_symbols] {
            parties.follow_overrides(&detection.overrides, detection.cancel_burst);
            parties.retune(limits.parties_max, limits.bursts_max, share, verdicts);
        }
    }

    /// How full the tables of accounts, owners, parties on symbols, full windows, and withdrawals that wait are.
    #[must_use]
    pub fn occupancy(&self) -> [Occupancy; 5] {
        let of = |(held, evicted): (usize, u64)| Occupancy { held: held as u64, evicted };
        let (pairs, owner_pairs) = (self.on_symbols.occupancy(), self.owners_on_symbols.occupancy());
        let both = |nth: usize| of((pairs[nth].0 + owner_pairs[nth].0, pairs[nth].1 + owner_pairs[nth].1));
        let accounts = of((self.accounts.len(), self.accounts.evicted()));
        let owners = of((self.owners.len(), self.owners.evicted()));
        [accounts, owners, both(0), both(1), self.requotes.occupancy()]
    }

    /// Whether an open episode waits for the clock to move on.
    #[must_use]
    pub const fn waits(&self) -> bool {
        self.on_symbols.waits() || self.owners_on_symbols.waits()
    }

    /// The party that an event names, and whether the event states another owner of it than was known.
    pub fn party(&mut self, event: &Event<'_>) -> Option<(Party, bool)> {
        let name = NameRef::new(event.account.as_deref()?);
        let account = if let Some(account) = self.accounts.find(&name) {
            self.accounts.touch(account);
            account
        } else {
            let (account, displaced) = self.accounts.insert(name.into(), Account::default());
            if let Some((_, displaced)) = displaced {
                self.leave(displaced.owner);
            }
            account
        };
        let changed = event.owner.as_deref().is_some_and(|owner| self.join(account, owner));
        Some((self.party_of(account), changed))
    }

    /// An account with its owner.
    #[must_use]
    pub fn party_of(&self, account: Handle) -> Party {
        Party { account, owner: self.accounts.get(account).and_then(|account| account.owner) }
    }

    /// The names of an account and of its owner; `None` for an account that is forgotten.
    #[must_use]
    pub fn names(&self, party: Party) -> (Option<&SharedName>, Option<&SharedName>) {
        let account = self.accounts.key(party.account);
        (account, party.owner.filter(|_| account.is_some()).and_then(|owner| self.owners.key(owner)))
    }

    /// An account belongs to an owner from now on. Returns whether that is new.
    fn join(&mut self, account: Handle, owner: &str) -> bool {
        let known = self.party_of(account);
        if self.names(known).1.is_some_and(|known| known.as_str() == owner) {
            return false;
        }
        let name = NameRef::new(owner);
        let found = self.owners.find(&name);
        let owner = found.unwrap_or_else(|| self.owners.insert(name.into(), Owner::default()).0);
        self.owners.touch(owner);
        let Some(account) = self.accounts.get_mut(account) else { return false };
        let before = account.owner.replace(owner);
        if let Some(owner) = self.owners.get_mut(owner) {
            owner.accounts += 1;
        }
        self.leave(before);
        true
    }

    /// An account leaves its owner; an owner without accounts is forgotten.
    fn leave(&mut self, owner: Option<Handle>) {
        let Some(handle) = owner else { return };
        // The owner may have made room in its own table.
        let Some(owner) = self.owners.get_mut(handle) else { return };
        owner.accounts = owner.accounts.saturating_sub(1);
        if owner.accounts == 0 {
            self.owners.remove(handle);
        }
    }

    /// Takes an order that an account has placed, unless it puts back what the party has withdrawn.
    pub fn placed(&mut self, party: Party, symbol: Handle, (side, quantity): (Side, f64), at: EventTime) {
        let back = self.requotes.placed(&Quoter::of(party, symbol), side, quantity);
        if is_back(back, quantity) {
            return;
        }
        let Some(known) = self.accounts.get_mut(party.account) else { return };
        let ended = known.recent.add(symbol, (side, quantity - back), at);
        self.count_placed(party, ended);
    }

    /// Takes an order that the venue has taken out at once: it was not placed and puts back nothing.
    pub fn refused(&mut self, party: Party, symbol: Handle, (side, quantity): (Side, f64), at: EventTime) {
        self.requotes.refused(&Quoter::of(party, symbol), side, quantity);
        if let Some(known) = self.accounts.get_mut(party.account) {
            known.recent.take(symbol, (side, quantity), at);
        }
    }

    /// Counts orders that an account has placed and kept.
    fn count_placed(&mut self, party: Party, placed: Option<Placed>) {
        let Some(Placed { symbol, at, orders }) = placed else { return };
        let Some(known) = self.accounts.get_mut(party.account) else { return };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds that wrap around")]
        let second = at.slot(Span::SECOND) as u32;
        if second.wrapping_sub(known.placed_since) >= PLACED_SECONDS {
            (known.placed, known.placed_since) = (0, second);
        }
        known.placed = known.placed.saturating_add(orders);
        if known.busy.is_busy(at) {
            self.on_symbols.placed(&(party.account, symbol), at, orders);
        }
        if let Some(owner) = party.owner
            && self.owners.get(owner).is_some_and(|known| known.accounts > 1 && known.busy.is_busy(at))
        {
            self.owners_on_symbols.placed(&(owner, symbol), at, orders);
        }
    }

    /// Takes an order that an account has withdrawn. It counts in a second, unless it was or is put back.
    pub fn withdrawn(
        &mut self,
        moment: &Moment,
        withdrawal: &Withdrawal<'_>,
        origin: Origin,
        context: &mut PartyContext<'_>,
    ) {
        let &Withdrawal { party, symbol, order, rested, notional } = withdrawal;
        for parties in [&mut self.on_symbols, &mut self.owners_on_symbols] {
            parties.observe(moment.at);
        }
        let Some(known) = self.accounts.get_mut(party.account) else { return };
        let has_moved = |(side, quantity, age)| known.recent.replaces(symbol, (side, quantity, age), moment.at);
        if rested.is_some_and(has_moved) {
            return;
        }
        if let Some(oldest) = self.requotes.make_room() {
            self.judge(&oldest, moment.clock, context);
        }
        let waiting = Waiting::new((party.account, symbol), (order, notional), origin, (moment.at, moment.clock));
        let exposure = rested.map(|(side, quantity, _)| (side, quantity));
        self.requotes.add(Quoter::of(party, symbol), exposure, waiting);
    }

    /// Counts a withdrawal that has stayed, for its account's digest and on its symbol. One that was put back is none.
    fn judge(&mut self, waiting: &Waiting, clock: EventTime, context: &mut PartyContext<'_>) {
        let party = self.party_of(waiting.account);
        if self.requotes.settle(waiting) {
            return;
        }
        let &Waiting { account, symbol, origin, .. } = waiting;
        // A withdrawal that was evicted to make room is judged before its second is over.
        let at = waiting.at.min(clock);
        let kept = self.accounts.get_mut(account).and_then(|known| known.recent.kept(at));
        self.count_placed(party, kept);
        self.gather(party, (at, clock), origin, context.messages);
        // A symbol that is forgotten has no parties.
        let Some(SymbolView { name: symbol_name, blind_until, opened_at, cancels }) = context.symbols.symbol(symbol)
        else {
            return;
        };
        let Self { accounts, owners, on_symbols, owners_on_symbols, shared, .. } = self;
        let Some(known) = accounts.get_mut(account) else { return };
        known.busy.count(at);
        let withdrawn = participant::WithdrawalBatch {
            sample: Sample::of_party(at, origin.record, &waiting.order, waiting.rested()),
            orders: 1,
            placed: 0,
            clock,
            blind_until,
            opened_at,
            symbol: Some(cancels),
            mode: context.mode.max(context.troubles.mode(symbol_name.as_str())),
        };
        let is_busy = known.busy.is_busy(at);
        if is_busy && let Some(name) = accounts.key(account) {
            let subject = || Subject::AccountSymbol(name.to_compact(), symbol_name.to_compact());
            on_symbols.withdrawn(&(account, symbol), &withdrawn, subject, context.verdicts);
        }
        let Some(owner) = party.owner else { return };
        owners.touch(owner);
        let Some(known) = owners.get_mut(owner).filter(|known| known.accounts > 1) else { return };
        known.busy.count(at);
        if known.busy.is_busy(at)
            && shared.has_several((owner, symbol), account)
            && let Some(name) = owners.key(owner)
        {
            let subject = || Subject::OwnerSymbol(name.to_compact(), symbol_name.to_compact());
            owners_on_symbols.withdrawn(&(owner, symbol), &withdrawn, subject, context.verdicts);
        }
    }

    /// Adds a withdrawal to its account's digest.
    fn gather(
        &mut self,
        party: Party,
        (at, clock): (EventTime, EventTime),
        origin: Origin,
        messages: &mut Vec<Message<AccountFact>>,
    ) {
        let Some(known) = self.accounts.get_mut(party.account) else { return };
        let placed = std::mem::take(&mut known.placed);
        let open = known.digest;
        if self.digests.add(open, at, placed, origin) {
            return;
        }
        let (Some(name), owner) = self.names(party) else { return };
        let digest = Digests::first(party.account, (name, owner), at, placed, origin);
        let opened = self.digests.open(open, digest, clock, messages);
        if let Some(known) = self.accounts.get_mut(party.account) {
            known.digest = Some(opened);
        }
        if self.digests.is_full() {
            self.send_digests(clock, messages);
        }
    }

    /// Sends what was gathered, as of a clock.
    fn send_digests(&mut self, clock: EventTime, messages: &mut Vec<Message<AccountFact>>) {
        let Self { accounts, digests, .. } = self;
        digests.send(clock, messages, |account| {
            if let Some(account) = accounts.get_mut(account) {
                account.digest = None;
            }
        });
    }

    /// Sends what was gathered and ends every episode, because everybody is forgotten.
    pub fn end(
        &mut self,
        clock: EventTime,
        messages: &mut Vec<Message<AccountFact>>,
        verdicts: &mut Vec<PartyVerdict>,
    ) {
        self.send_digests(clock, messages);
        self.on_symbols.end(verdicts);
        self.owners_on_symbols.end(verdicts);
    }

    /// Does what is due before the clock moves to `to`: judges the withdrawals whose second is over by then, sends the digests of
    /// each tenth of a second that is over by then, and ends episodes.
    pub fn advance(&mut self, clock: EventTime, to: EventTime, context: &mut PartyContext<'_>) {
        let mut now = clock;
        while let Some(waiting) = self.requotes.pop_due(to) {
            let due = now.max(waiting.due);
            self.advance_parties(now, due, context);
            now = due;
            self.judge(&waiting, now, context);
        }
        self.advance_parties(now, to, context);
    }

    fn advance_parties(&mut self, clock: EventTime, to: EventTime, context: &mut PartyContext<'_>) {
        if self.digests.are_over(clock, to) {
            self.send_digests(clock, context.messages);
        }
        for parties in [&mut self.on_symbols, &mut self.owners_on_symbols] {
            if parties.deadline().is_some_and(|at| at <= to) {
                parties.advance(to, context.verdicts);
            }
        }
    }
}
