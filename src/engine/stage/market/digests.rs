//! Digests: the withdrawals of each account on all symbols of a feed, gathered for a tenth of a second.
//!
//! A withdrawal is gathered once it has stayed for a second (`requotes`), as of that time. The account stage counts the
//! withdrawals of a tenth at its end (DESIGN: a digest per account and 100 ms), so that an account that withdraws a thousand
//! orders at once costs one message.

use serde::{Deserialize, Serialize};

use crate::{
    engine::message::{AccountFact, Message, WithdrawalDigest},
    event::{Origin, SharedName},
    table::Handle,
    time::{EventTime, Span},
};

/// How long withdrawals are gathered (DESIGN: a digest per account and 100 ms).
const BUCKET: Span = Span::from_millis(100);
/// Largest number of open digests. Beyond it they are sent early: a clock may stand still while ever new names come.
const DIGESTS_MAX: usize = 10_000;

/// Open digests, in the order in which they began.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Digests(Vec<Digest>);

/// The withdrawals of one account within one tenth of a second.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Digest {
    account: Handle,
    body: WithdrawalDigest,
    end: EventTime,
    /// The last record.
    origin: Origin,
}

impl Digests {
    /// A digest that begins with one withdrawal.
    #[must_use]
    pub fn first(
        account: Handle,
        (name, owner): (&SharedName, Option<&SharedName>),
        at: EventTime,
        placed: u16,
        origin: Origin,
    ) -> Digest {
        let body = WithdrawalDigest { account: name.clone(), owner: owner.cloned(), orders: 1, placed };
        Digest { account, body, end: end(at), origin }
    }

    /// Adds a withdrawal to an open digest, if there is one of the same tenth of a second. Returns whether it was added.
    pub fn add(&mut self, open: Option<u32>, at: EventTime, placed: u16, origin: Origin) -> bool {
        let Some(open) = open else { return false };
        let digest = &mut self.0[open as usize];
        if digest.end != end(at) {
            return false;
        }
        digest.body.orders = digest.body.orders.saturating_add(1);
        digest.body.placed = digest.body.placed.saturating_add(placed);
        digest.origin = origin;
        true
    }

    /// Opens a digest, in the place of one that is open for another tenth of a second: such withdrawals come out of order, and
    /// the earlier digest is sent as of the clock. Returns the index of the open digest.
    ///
    /// # Panics
    /// If there are 2³² digests, which the limit prevents.
    pub fn open(
        &mut self,
        before: Option<u32>,
        digest: Digest,
        clock: EventTime,
        messages: &mut Vec<Message<AccountFact>>,
    ) -> u32 {
        if let Some(index) = before {
            let earlier = std::mem::replace(&mut self.0[index as usize], digest);
            messages.push(earlier.message(clock));
            return index;
        }
        self.0.push(digest);
        u32::try_from(self.0.len() - 1).expect("open digests are bounded")
    }

    /// Whether the limit of open digests is reached.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.len() >= DIGESTS_MAX
    }

    /// Whether a tenth of a second with digests is over when the clock moves.
    #[must_use]
    pub fn are_over(&self, clock: EventTime, to: EventTime) -> bool {
        !self.0.is_empty() && clock.slot(BUCKET) != to.slot(BUCKET)
    }

    /// Sends all digests, as of a clock, and reports the account of each.
    pub fn send(&mut self, clock: EventTime, messages: &mut Vec<Message<AccountFact>>, mut closed: impl FnMut(Handle)) {
        for digest in self.0.drain(..) {
            closed(digest.account);
            messages.push(digest.message(clock));
        }
    }
}

impl Digest {
    fn message(self, visible_at: EventTime) -> Message<AccountFact> {
        let Self { body, end: at, origin, .. } = self;
        Message { visible_at, at, origin, body: AccountFact::Withdrawals(body) }
    }
}

/// The end of the tenth of a second that an instant is in.
fn end(at: EventTime) -> EventTime {
    EventTime::of_slot(at.slot(BUCKET) + 1, BUCKET)
}
