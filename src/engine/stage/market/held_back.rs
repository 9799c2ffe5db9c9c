//! Events that are held back, because their stamps are not believed.
//!
//! The order of a feed's records is true although the stamp is not. So such an event is applied to its book as if it had happened
//! at the feed's own clock; windows do not count it, detectors do not see it, and no clock moves.

use std::sync::Arc;

use super::{
    FeedStage, Outbox,
    sequence::Succession,
    symbol::{Applied, Counts, Shared},
};
use crate::{
    engine::observe::Fate,
    event::{Body, Event, Key, Origin},
};

impl FeedStage {
    /// Takes an event whose stamp is not believed.
    pub fn hold_back(&mut self, event: &Event<'_>, origin: Origin, is_only: bool, outbox: &mut Outbox) -> Option<Fate> {
        self.counters.events[event.body.kind() as usize] += 1;
        let reference = self.stamps.reference().expect("a stamp is held back against the feed's clock or the ceiling");
        let ts = self.stamps.newest().unwrap_or(reference);
        let fate = self.follow(&Event { ts, ..event.clone() }, origin, is_only, outbox);
        self.counters.held_back += u64::from(fate == Some(Fate::Accepted));
        fate
    }

    /// Lets books and accounts follow an event that is stamped with the feed's own clock.
    fn follow(&mut self, event: &Event<'_>, origin: Origin, is_only: bool, outbox: &mut Outbox) -> Option<Fate> {
        self.streams.observe_held_back(event, event.ts);
        let me = match (event.body.kind().key(), &event.symbol) {
            (Key::Symbol | Key::Any, Some(name)) => self.symbol(name, origin, outbox),
            (Key::Account, _) | (_, None) => {
                self.observe_venue(event, origin, outbox);
                self.send_facts(event, origin, outbox);
                return Some(Fate::Accepted);
            }
        };
        match self.symbol_mut(me).succession(event, origin, is_only, &mut outbox.settled) {
            Succession::Duplicate => return Some(Fate::Duplicate),
            Succession::Late => return Some(Fate::Late),
            Succession::Held => return None,
            // The events that were held until now count, and this one with them, at the feed's own clock.
            Succession::Restart => return self.begin_anew(me, event, origin, is_only, outbox),
            Succession::Gap { since, up_to } => {
                self.counters.gaps += 1;
                self.gap(me, event, (since.min(event.ts), event.ts, up_to), origin);
            }
            Succession::Next => {}
        }
        let Self { symbols, participants, orders, counters, calendars, .. } = self;
        let symbol = symbols.get_mut(me).map(Arc::make_mut).expect("the event's symbol is the one used last");
        let counts = Counts { faults: &mut counters.book_faults, deltas_forgotten: &mut counters.deltas_forgotten };
        let mut shared = Shared { orders, participants, counts };
        let Applied { displaced, .. } = symbol.apply(me, event, &mut shared);
        if let Body::TradingStatus(status) = &event.body {
            symbol.observe_status(status, event.ts, calendars);
        }
        if let Some((owner, order)) = displaced
            && let Some(symbol) = self.symbols.get_mut(owner).map(Arc::make_mut)
        {
            symbol.displace(&order);
        }
        self.send_facts(event, origin, outbox);
        Some(Fate::Accepted)
    }

    /// Sends what an event states to the account stage; nothing while the feed has no clock to stamp messages with.
    fn send_facts(&self, event: &Event<'_>, origin: Origin, outbox: &mut Outbox) {
        if let Some(clock) = self.clock {
            outbox.send_owner(event, clock, origin);
            outbox.send_stated(event, clock, origin);
        }
    }
}
