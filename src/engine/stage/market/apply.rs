//! The effects of one event on its symbol: book, facts about orders, detectors, messages to the stages after.

use std::sync::Arc;

use super::{
    FeedStage, Outbox,
    participants::PartyContext,
    requotes::{WITHIN, Withdrawal},
    symbol::{Age, Applied, Counts, DepthAt, Shared},
};
use crate::{
    book::{OrderFact, Party, Terms},
    detect::{
        Sample,
        symbol::{Moment, TradeSeen},
    },
    engine::message::{BookState, CorrelationFact, DepthSummary, SymbolSample},
    event::{Body, Event, Origin, SharedName, Side},
    table::Handle,
    time::Span,
};

/// An order that its account has taken out of its place.
struct WithdrawnOrder<'a> {
    order: &'a str,
    party: Option<Party>,
    /// Side, terms and age, where the order was known.
    rested: Option<(Side, Terms, Span)>,
}

impl FeedStage {
    /// Applies an event to its symbol, and hands what follows to detectors and to the stages after.
    pub(super) fn apply(&mut self, me: Handle, event: &Event<'_>, origin: Origin, outbox: &mut Outbox) -> Age {
        let mode = self.mode_of(event.symbol.as_deref());
        let moment = Moment { at: event.ts, clock: self.now(), record: origin.record, mode };
        let Self { symbols, participants, orders, counters, verdicts, calendars, pools, .. } = self;
        let symbol = symbols.get_mut(me).map(Arc::make_mut).expect("the event's symbol is the one used last");
        let age = symbol.age(event);
        symbol.observe_session(event, calendars);
        counters.disordered += u64::from(age == Age::Disordered);
        if age.is_timely() {
            symbol.exchange(moment.at, pools);
        }
        let depth = if age.is_timely() { symbol.sample_book(&moment, verdicts) } else { None };
        let counts = Counts { faults: &mut counters.book_faults, deltas_forgotten: &mut counters.deltas_forgotten };
        let mut shared = Shared { orders, participants, counts };
        let Applied { facts, displaced, owner_changed } = symbol.apply(me, event, &mut shared);
        if let Body::TradingStatus(status) = &event.body {
            symbol.observe_status(status, event.ts, calendars);
        }
        if age.is_timely() {
            for fact in &facts {
                self.observe_fact(me, fact, &moment, origin, outbox);
            }
            self.observe_event(me, event, &moment);
        }
        self.report_symbol(me, event, age, depth, origin, outbox);
        if owner_changed {
            outbox.send_owner(event, moment.clock, origin);
        }
        outbox.send_stated(event, moment.clock, origin);
        self.publish_symbol(me, origin, outbox);
        self.publish_parties(origin, outbox);
        if let Some((owner, order)) = displaced
            && let Some(symbol) = self.symbols.get_mut(owner).map(Arc::make_mut)
        {
            symbol.displace(&order);
        }
        age
    }

    /// Hands a fact about an order to its party and to the symbol's detectors.
    fn observe_fact(&mut self, me: Handle, fact: &OrderFact<'_>, moment: &Moment, origin: Origin, outbox: &mut Outbox) {
        match fact {
            OrderFact::Placed(placed) => self.observe_placement(me, placed.party, (placed.side, &placed.terms), moment),
            OrderFact::Replaced(replaced) if replaced.withdraws() => {
                let rested = Some((replaced.side, replaced.before, replaced.age));
                let order = WithdrawnOrder { order: replaced.order, party: replaced.party, rested };
                self.observe_withdrawal(me, &order, moment, origin, outbox);
                // At its new price the order counts as placed anew.
                self.observe_placement(me, replaced.party, (replaced.side, &replaced.after), moment);
            }
            OrderFact::Withdrawn(withdrawn) if withdrawn.by_choice => {
                let order = WithdrawnOrder { order: withdrawn.order, party: withdrawn.party, rested: withdrawn.rested };
                self.observe_withdrawal(me, &order, moment, origin, outbox);
            }
            OrderFact::Withdrawn(withdrawn) => {
                if let (Some(party), Some((side, terms, age))) = (withdrawn.party, withdrawn.rested)
                    && age <= WITHIN
                {
                    self.participants.refused(party, me, (side, terms.quantity.to_f64()), moment.at);
                }
            }
            OrderFact::Replaced(_) | OrderFact::Filled(_) => {}
        }
    }

    fn observe_placement(&mut self, me: Handle, party: Option<Party>, (side, terms): (Side, &Terms), moment: &Moment) {
        if let Some(party) = party {
            self.participants.placed(party, me, (side, terms.quantity.to_f64()), moment.at);
        }
    }

    fn observe_withdrawal(
        &mut self,
        me: Handle,
        order: &WithdrawnOrder<'_>,
        moment: &Moment,
        origin: Origin,
        outbox: &mut Outbox,
    ) {
        let Self { symbols, participants, verdicts, party_verdicts, modes, judge, .. } = self;
        let &WithdrawnOrder { order, party, rested } = order;
        let (account, owner) = party.map_or((None, None), |party| participants.names(party));
        let (sides, rested): (Option<_>, Option<_>) = rested
            .map(|(side, terms, age)| {
                let quantity = terms.quantity.to_f64();
                ((side, terms.price.get().to_f64() * quantity), (side, quantity, age))
            })
            .unzip();
        let notional = sides.map_or(0.0, |(_, notional)| notional);
        let sample = Sample { account, owner, ..Sample::of_party(moment.at, moment.record, order, sides) };
        let symbol = symbols.get_mut(me).map(Arc::make_mut).expect("the event's symbol is the one used last");
        symbol.withdrawn(moment, &sample, verdicts);
        let Some(party) = party.filter(|_| symbol.is_open()) else { return };
        let mut context = PartyContext {
            symbols,
            mode: *modes.current(),
            troubles: judge,
            messages: &mut outbox.accounts,
            verdicts: party_verdicts,
        };
        let withdrawal = Withdrawal { party, symbol: me, order, rested, notional };
        participants.withdrawn(moment, &withdrawal, origin, &mut context);
    }

    /// Hands an event that is not about an order to the symbol's detectors.
    fn observe_event(&mut self, me: Handle, event: &Event<'_>, moment: &Moment) {
        let Self { symbols, verdicts, .. } = self;
        let symbol = symbols.get_mut(me).map(Arc::make_mut).expect("the event's symbol is the one used last");
        match &event.body {
            Body::Trade(trade) => {
                let [taker, owner] =
                    [&trade.taker, &trade.taker_owner].map(|name| name.as_deref().map(SharedName::new));
                let (taker, taker_owner) = (taker.as_ref(), owner.as_ref());
                symbol.traded(moment, TradeSeen { trade, taker, taker_owner, level_changes: None }, verdicts);
            }
            Body::OrderNew(_)
            | Body::OrderReplace(_)
            | Body::OrderCancel(_)
            | Body::OrderReject(_)
            | Body::BookSnapshot(_)
            | Body::BookDelta(_)
            | Body::Leverage(_)
            | Body::Position(_)
            | Body::Balance(_)
            | Body::Mark(_)
            | Body::Funding(_)
            | Body::OpenInterest(_)
            | Body::Liquidation(_)
            | Body::InsuranceFund(_)
            | Body::Instrument(_)
            | Body::Engine(_)
            | Body::TradingStatus(_)
            // A heartbeat does not show that a market without events is calm: it may be closed.
            | Body::Heartbeat(_)
            | Body::Unknown => {}
        }
    }

    /// Sends the state of a symbol on, where it changed.
    fn report_symbol(
        &mut self,
        me: Handle,
        event: &Event<'_>,
        age: Age,
        depth: Option<DepthAt>,
        origin: Origin,
        outbox: &mut Outbox,
    ) {
        let clock = self.now();
        let symbol = self.symbol_mut(me);
        let thinned = symbol.thinned();
        let sample = if age.is_timely() { symbol.market_sample(event.ts) } else { None };
        if !age.is_timely() || (thinned.is_none() && sample.is_none() && depth.is_none()) {
            return;
        }
        let withdrew_most = if thinned == Some(true) { symbol.cancels().busiest() } else { Vec::new() };
        let name = self.symbols.key(me).expect("the event's symbol is the one used last");
        if let Some(is_thin) = thinned {
            let body = CorrelationFact::Book(BookState { symbol: name.clone(), is_thin, withdrew_most });
            outbox.send_on(body, event.ts, clock, origin);
        }
        if let Some(sample) = sample {
            let body = CorrelationFact::Market(SymbolSample { symbol: name.clone(), sample });
            outbox.send_on(body, event.ts, clock, origin);
        }
        if let Some(DepthAt { at, middle, notional }) = depth {
            let body = CorrelationFact::Depth(Box::new(DepthSummary { symbol: name.clone(), middle, notional }));
            outbox.send_on(body, at, clock, origin);
        }
    }
}
