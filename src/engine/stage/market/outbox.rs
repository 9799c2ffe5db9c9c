//! The outbox of a market stage: signals, and facts for the stages after, in the order in which they arose.

use crate::{
    detect::{FlowFacts, Signal, Subject, Verdict},
    engine::{
        message::{
            AccountFact, BalanceStated, Blind, CorrelationFact, Fill, InstrumentStated, LeverageSet, MarkSet, Message,
            OwnerStated, PositionStated,
        },
        observe::Fate,
    },
    event::{Body, Event, Origin, RecordRef, SharedName, Side, Trade},
    time::EventTime,
    trust::Report,
};

/// The signals and facts that a feed leaves behind while it handles a record.
#[derive(Debug, Default)]
pub struct Outbox {
    /// Messages for the account shards.
    pub accounts: Vec<Message<AccountFact>>,
    /// Messages for the correlation stage.
    pub facts: Vec<Message<CorrelationFact>>,
    /// Signals for the correlation stage.
    pub signals: Vec<Signal>,
    /// Earlier records whose fate is now known, and the fate.
    pub settled: Vec<(RecordRef, Fate)>,
}

impl Outbox {
    /// Sends a fact to the account stage.
    pub fn send(&mut self, body: AccountFact, at: EventTime, visible_at: EventTime, origin: Origin) {
        self.accounts.push(Message { visible_at, at, origin, body });
    }

    /// Sends a fact to the correlation stage.
    pub fn send_on(&mut self, body: CorrelationFact, at: EventTime, visible_at: EventTime, origin: Origin) {
        self.facts.push(Message { visible_at, at, origin, body });
    }

    /// Sends to all stages behind that the feed may have missed events before a time.
    pub fn send_blind(&mut self, blind: Blind, visible_at: EventTime, origin: Origin) {
        self.send(AccountFact::Blind(blind), blind.until, visible_at, origin);
        self.send_on(CorrelationFact::Blind(blind), blind.until, visible_at, origin);
    }

    /// Sends a feed's report on itself to all stages behind.
    pub fn report(&mut self, report: Report, at: EventTime, visible_at: EventTime, origin: Origin) {
        self.send(AccountFact::Feed(report.standing), at, visible_at, origin);
        self.send_on(CorrelationFact::Feed(report), at, visible_at, origin);
    }

    /// Publishes verdicts about a subject as signals, as of a feed's clock, with the market around each.
    pub fn publish(
        &mut self,
        verdicts: impl Iterator<Item = Verdict>,
        subject: &Subject,
        clock: Option<EventTime>,
        origin: Origin,
        mut flow: impl FnMut(&Verdict) -> FlowFacts,
    ) {
        self.signals.extend(verdicts.map(|verdict| {
            let (visible_at, flow) = (clock.unwrap_or(verdict.at), Some(Box::new(flow(&verdict))));
            Signal { flow, ..verdict.signal(subject.clone(), visible_at, origin) }
        }));
    }

    /// Sends the owner that an event states of its account, if any, to the account stage.
    pub fn send_owner(&mut self, event: &Event<'_>, visible_at: EventTime, origin: Origin) {
        if let (Some(account), Some(owner)) = (&event.account, &event.owner) {
            let stated = OwnerStated { account: SharedName::new(account), owner: SharedName::new(owner) };
            self.send(AccountFact::Owner(stated), event.ts, visible_at, origin);
        }
    }

    /// Sends what the body of an event states about accounts, marks and terms to the account stage.
    pub fn send_stated(&mut self, event: &Event<'_>, visible_at: EventTime, origin: Origin) {
        let mut send = |body| self.send(body, event.ts, visible_at, origin);
        let kept = |name: &str| SharedName::new(name);
        match (&event.body, &event.account, &event.symbol) {
            (Body::Position(position), Some(account), Some(symbol)) => {
                send(AccountFact::Position(PositionStated {
                    account: kept(account),
                    symbol: kept(symbol),
                    quantity: position.qty,
                    entry: position.entry,
                    margin_mode: position.margin_mode,
                    margin: position.margin,
                    leverage: position.leverage,
                }));
            }
            (Body::Balance(balance), Some(account), _) => {
                let asset = balance.asset.as_deref().map(kept);
                send(AccountFact::Balance(BalanceStated { account: kept(account), equity: balance.equity, asset }));
            }
            (Body::Leverage(set), Some(account), symbol) => {
                send(AccountFact::Leverage(LeverageSet {
                    account: kept(account),
                    symbol: symbol.as_deref().map(kept),
                    leverage: set.leverage,
                    margin_mode: set.margin_mode,
                }));
            }
            (Body::Mark(mark), _, Some(symbol)) => {
                send(AccountFact::Mark(MarkSet { symbol: kept(symbol), mark: mark.mark, index: mark.index }));
            }
            (Body::Instrument(instrument), _, Some(symbol)) => {
                let stated = InstrumentStated::of(kept(symbol), instrument);
                send(AccountFact::Instrument(Box::new(stated)));
            }
            (Body::Trade(trade), _, Some(symbol)) => {
                fills(trade, &kept(symbol)).for_each(|fill| send(AccountFact::Fill(fill)));
            }
            (
                // The decoder refuses these without their key.
                Body::Position(_)
                | Body::Balance(_)
                | Body::Leverage(_)
                | Body::Mark(_)
                | Body::Instrument(_)
                | Body::Trade(_)
                // These state nothing that the account stage needs.
                | Body::OrderNew(_)
                | Body::OrderReplace(_)
                | Body::OrderCancel(_)
                | Body::OrderReject(_)
                | Body::BookSnapshot(_)
                | Body::BookDelta(_)
                | Body::Funding(_)
                | Body::OpenInterest(_)
                | Body::Liquidation(_)
                | Body::InsuranceFund(_)
                | Body::Engine(_)
                | Body::TradingStatus(_)
                | Body::Heartbeat(_)
                | Body::Unknown,
                ..,
            ) => {}
        }
    }
}

/// Returns the sides of a trade whose accounts are named; none in an auction, where nobody is the aggressor.
fn fills(trade: &Trade<'_>, symbol: &SharedName) -> impl Iterator<Item = Fill> {
    let sides = trade.side.map(|side| [(&trade.taker, side, true), (&trade.maker, side.opposite(), false)]);
    sides.into_iter().flatten().filter_map(|(account, side, is_taker): (_, Side, bool)| {
        Some(Fill {
            account: SharedName::new(account.as_deref()?),
            symbol: symbol.clone(),
            side,
            price: trade.price,
            quantity: trade.qty,
            is_taker,
            is_liquidation: trade.liquidation == Some(true),
        })
    })
}
