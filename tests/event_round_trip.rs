//! An event that is written reads back as the same event, of every type.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use foreshock::{
    event::{
        Balance, Body, BookDelta, BookSnapshot, CancelReason, Decimal, DecodeLimits, EngineLoad, Event, EventType,
        Funding, Heartbeat, Instrument, InsuranceFund, Key, Level, Leverage, Liquidation, LiquidationPhase, MarginMode,
        Mark, Name, OpenInterest, OrderCancel, OrderKind, OrderNew, OrderReject, OrderReplace, Position, Price,
        Quantity, Side, Tick, Tier, Trade, TradingPhase, TradingStatus, decode,
    },
    time::EventTime,
};
use proptest::{option::of, prelude::*, sample::select};

fn name() -> impl Strategy<Value = Name<'static>> {
    // All printable characters, also quotes, backslashes and others that JSON may escape.
    prop_oneof!["[a-zA-Z0-9-]{1,12}", "\\PC{1,20}", "[\"\\\\/\u{e9}\u{1f600}]{1,5}"]
        .prop_map(|text| Name::new(text).unwrap())
}

/// Decimals of either sign with up to 17 digits, in the whole range of the contract.
fn decimal() -> impl Strategy<Value = Decimal> {
    let edges = ["0", "1e-12", "-1e-12", "1e15", "-1e15", "1.2345678901234567e-9", "999999999999999.99", "0.1"];
    let edges = select(edges.map(|text| Decimal::parse(text).unwrap()).to_vec());
    let any = (-999_999_999_999_999_i64..=999_999_999_999_999, 0_u32..=9);
    prop_oneof![1 => edges, 4 => any.prop_map(|(mantissa, places)| Decimal::from_parts(mantissa, places).unwrap())]
}

fn not_negative() -> impl Strategy<Value = Decimal> {
    decimal().prop_map(|value| if value < Decimal::ZERO { Decimal::ZERO.minus(value) } else { value })
}

fn price() -> impl Strategy<Value = Price> {
    (not_negative(), any::<bool>()).prop_filter_map("out of range", |(size, is_negative)| {
        Price::new(if is_negative { Decimal::parse(&format!("-{size}")).unwrap() } else { size })
    })
}

fn tick() -> impl Strategy<Value = Tick> {
    not_negative().prop_filter_map("zero is no step", Tick::new)
}

fn quantity() -> impl Strategy<Value = Quantity> {
    not_negative().prop_filter_map("zero is no quantity", Quantity::new)
}

fn side() -> impl Strategy<Value = Side> {
    select(vec![Side::Buy, Side::Sell])
}

fn margin_mode() -> impl Strategy<Value = MarginMode> {
    select(vec![MarginMode::Cross, MarginMode::Isolated])
}

fn levels() -> impl Strategy<Value = Vec<Level>> {
    prop::collection::vec((price(), not_negative()).prop_map(|(price, qty)| Level(price, qty)), 0..6)
}

fn trading_status() -> impl Strategy<Value = Body<'static>> {
    let phases =
        [TradingPhase::Open, TradingPhase::Auction, TradingPhase::Halted, TradingPhase::Closed, TradingPhase::Ended];
    let until = (946_684_800_000_000_000_i64..4_102_444_800_000_000_000).prop_map(EventTime::from_nanos);
    (select(phases.to_vec()), of(name()), of(until))
        .prop_map(|(status, reason, until)| Body::TradingStatus(TradingStatus { status, reason, until }))
}

fn order_new() -> impl Strategy<Value = Body<'static>> {
    let kind = select(vec![OrderKind::Limit, OrderKind::Market, OrderKind::Stop]);
    (name(), side(), of(price()), quantity(), of(kind), of(name()), of(any::<bool>()), of(any::<bool>())).prop_map(
        |(order, side, price, qty, kind, tif, post_only, reduce_only)| {
            Body::OrderNew(OrderNew { order, side, price, qty, kind, tif, post_only, reduce_only })
        },
    )
}

fn orders() -> impl Strategy<Value = Body<'static>> {
    let reason = select(vec![
        CancelReason::User,
        CancelReason::Expired,
        CancelReason::SelfTrade,
        CancelReason::ReduceOnly,
        CancelReason::PostOnly,
        CancelReason::Liquidation,
        CancelReason::System,
    ]);
    prop_oneof![
        order_new(),
        (name(), of(name()), price(), quantity()).prop_map(|(order, new_order, price, qty)| Body::OrderReplace(
            OrderReplace { order, new_order, price, qty }
        )),
        (name(), of(side()), of(price()), of(quantity()), of(reason)).prop_map(|(order, side, price, qty, reason)| {
            Body::OrderCancel(OrderCancel { order, side, price, qty, reason })
        }),
        (of(name()), name()).prop_map(|(order, reason)| Body::OrderReject(OrderReject { order, reason })),
    ]
}

fn trade() -> impl Strategy<Value = Body<'static>> {
    let what = (name(), price(), quantity(), of(side()), of(any::<bool>()));
    let who = (of(name()), of(name()), of(name()), of(name()), of(name()), of(name()));
    (what, who).prop_map(|((trade, price, qty, side, liquidation), who)| {
        let (maker_order, taker_order, maker, taker, maker_owner, taker_owner) = who;
        Body::Trade(Trade {
            trade,
            price,
            qty,
            side,
            maker_order,
            taker_order,
            maker,
            taker,
            maker_owner,
            taker_owner,
            liquidation,
        })
    })
}

fn books() -> impl Strategy<Value = Body<'static>> {
    prop_oneof![
        (levels(), levels()).prop_map(|(bids, asks)| Body::BookSnapshot(BookSnapshot { bids, asks })),
        (levels(), levels(), of(any::<u64>())).prop_map(|(bids, asks, prev_seq)| Body::BookDelta(BookDelta {
            bids,
            asks,
            prev_seq
        })),
    ]
}

fn accounts() -> impl Strategy<Value = Body<'static>> {
    prop_oneof![
        (quantity(), of(margin_mode()))
            .prop_map(|(leverage, margin_mode)| Body::Leverage(Leverage { leverage, margin_mode })),
        (decimal(), not_negative(), of(margin_mode()), of(decimal()), of(quantity())).prop_map(
            |(qty, entry, margin_mode, margin, leverage)| {
                Body::Position(Position { qty, entry, margin_mode, margin, leverage })
            }
        ),
        (decimal(), of(name())).prop_map(|(equity, asset)| Body::Balance(Balance { equity, asset })),
    ]
}

fn markets() -> impl Strategy<Value = Body<'static>> {
    let phase = select(vec![
        LiquidationPhase::Started,
        LiquidationPhase::Filled,
        LiquidationPhase::Adl,
        LiquidationPhase::Insurance,
        LiquidationPhase::Completed,
    ]);
    prop_oneof![
        (price(), of(price())).prop_map(|(mark, index)| Body::Mark(Mark { mark, index })),
        (decimal(), quantity(), of(decimal())).prop_map(|(rate, interval_hours, predicted)| {
            Body::Funding(Funding { rate, interval_hours, predicted })
        }),
        not_negative().prop_map(|qty| Body::OpenInterest(OpenInterest { qty })),
        (phase, side(), of(quantity()), of(price()))
            .prop_map(|(phase, side, qty, price)| Body::Liquidation(Liquidation { phase, side, qty, price })),
        decimal().prop_map(|balance| Body::InsuranceFund(InsuranceFund { balance })),
    ]
}

fn venue() -> impl Strategy<Value = Body<'static>> {
    let tiers =
        prop::collection::vec((of(decimal()), not_negative()).prop_map(|(up_to, rate)| Tier(up_to, rate)), 0..4);
    let terms = (tick(), quantity(), of(quantity()), of(tiers));
    let fees = (of(decimal()), of(decimal()), of(any::<bool>()), of(name()));
    prop_oneof![
        (terms, fees).prop_map(
            |((tick, lot, multiplier, tiers), (taker_fee, liquidation_fee, inverse, underlying))| {
                Body::Instrument(Instrument {
                    tick,
                    lot,
                    multiplier,
                    tiers,
                    taker_fee,
                    liquidation_fee,
                    inverse,
                    underlying,
                })
            }
        ),
        (of(decimal()), of(decimal()), of(decimal()), of(decimal()), of(decimal())).prop_map(
            |(ack_p50_us, ack_p99_us, queue_depth, messages, rejects)| {
                Body::Engine(EngineLoad { ack_p50_us, ack_p99_us, queue_depth, messages, rejects })
            }
        ),
        of(name()).prop_map(|producer| Body::Heartbeat(Heartbeat { producer })),
        trading_status(),
    ]
}

fn event() -> impl Strategy<Value = Event<'static>> {
    let body = prop_oneof![4 => orders(), 1 => trade(), 2 => books(), 3 => accounts(), 5 => markets(), 3 => venue()];
    let years = 946_684_800_000_000_000_i64..4_102_444_800_000_000_000;
    (years, name(), name(), any::<bool>(), of(any::<u64>()), of(name()), body).prop_map(
        |(ts, symbol, account, both, seq, owner, body)| {
            let position = matches!(body, Body::Position(_));
            let needs = body.kind().key();
            Event {
                ts: EventTime::from_nanos(ts),
                symbol: Some(symbol).filter(|_| both || position || needs == Key::Symbol),
                seq,
                account: Some(account).filter(|_| both || needs == Key::Account),
                owner,
                body,
            }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn an_event_of_any_type_reads_back_as_it_was_written(event in event()) {
        let line = serde_json::to_string(&event).unwrap();
        let read = decode(line.as_bytes(), DecodeLimits::default());
        prop_assert_eq!(read.as_ref(), Ok(&event), "{}", line);
        // The event that was read is written as the same text: one event has one spelling.
        prop_assert_eq!(serde_json::to_string(&read.unwrap()).unwrap(), line);
    }
}

#[test]
fn the_generated_events_are_of_all_types() {
    use proptest::{strategy::ValueTree, test_runner::TestRunner};
    let mut runner = TestRunner::deterministic();
    let kinds: std::collections::BTreeSet<EventType> =
        (0..2_000).map(|_| event().new_tree(&mut runner).unwrap().current().body.kind()).collect();
    assert_eq!(kinds.len(), EventType::ALL.len() - 1, "{kinds:?}");
}
