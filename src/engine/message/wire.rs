//! The encoded form of a message, for stages that run in different processes.
//!
//! ```text
//! version, 1 byte | upstream's frame (postcard): sources named in it, then clock or message
//! ```
//! Inside a process a record is a pair of numbers and a name carries its hash; on the wire both are written out, so that a frame
//! means the same everywhere: names as text, and a record as an index into the frame's own list of topics and partitions. postcard
//! writes what the types say without field names, so a changed type is another [`VERSION`]; frames of another version are refused.
//!
//! Nothing is compressed here: Kafka does that by batch.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{AccountFact, CorrelationFact, StageMessage};
use crate::{
    event::{Origin, RecordRange, Source, SourceId},
    time::EventTime,
};

/// The version of the encoded form. A change of any type in a frame is another version.
pub const VERSION: u8 = 6;

/// The unit that one stage sends to the next: its clock, or a message.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "a frame lives for one call, and nearly every one is a message")]
pub enum Frame {
    /// The sender's clock: no message that follows is visible before this time.
    Clock(EventTime),
    /// A message.
    Message(StageMessage),
}

/// A partition or file by name, as a frame lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SourceName {
    name: String,
    partition: Option<i32>,
}

/// A frame with the list that its records refer to, as postcard writes it.
#[derive(Serialize, Deserialize)]
struct Written {
    sources: Vec<SourceName>,
    frame: Frame,
}

/// The reason why a frame is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Undecodable {
    /// Another build wrote the frame.
    #[error("its version is {0}, and this build reads {VERSION}")]
    UnknownVersion(u8),
    /// The bytes are cut off or changed.
    #[error("it is damaged: {0}")]
    Damaged(String),
    /// A record's partition is not among those that the reader knows.
    #[error("it refers to `{0}`, which is not read here")]
    UnknownSource(String),
}

/// Encodes a frame. `sources` is the list that its records refer to.
///
/// # Panics
/// If a record refers to a source that is not in the list.
#[must_use]
pub fn encode(frame: &Frame, sources: &[Source]) -> Vec<u8> {
    let (mut frame, mut named) = (frame.clone(), Vec::new());
    for_each_source(&mut frame, |id| {
        let Source { name, partition, .. } = &sources[id.index()];
        let source = SourceName { name: name.clone(), partition: *partition };
        let index = named.iter().position(|known| *known == source).unwrap_or_else(|| {
            named.push(source);
            named.len() - 1
        });
        Ok::<_, Undecodable>(SourceId::of_index(index))
    })
    .expect("every source is in the list");
    postcard::to_extend(&Written { sources: named, frame }, vec![VERSION]).expect("every part knows its length")
}

/// Reads a frame. `sources` is the reader's own list.
///
/// # Errors
/// Says why the bytes are no frame for this reader.
pub fn decode(bytes: &[u8], sources: &[Source]) -> Result<Frame, Undecodable> {
    let damaged = |why: &dyn ToString| Undecodable::Damaged(why.to_string());
    let (version, body) = bytes.split_first().ok_or_else(|| damaged(&"it is empty"))?;
    if *version != VERSION {
        return Err(Undecodable::UnknownVersion(*version));
    }
    let (Written { sources: named, mut frame }, rest) =
        postcard::take_from_bytes::<Written>(body).map_err(|e| damaged(&e))?;
    if !rest.is_empty() {
        return Err(damaged(&"it goes on after its end"));
    }
    for_each_source(&mut frame, |id| {
        let SourceName { name, partition } =
            named.get(id.index()).ok_or_else(|| damaged(&"a record refers to no source"))?;
        let known = sources.iter().position(|source| source.name == *name && source.partition == *partition);
        known.map(SourceId::of_index).ok_or_else(|| Undecodable::UnknownSource(name.clone()))
    })?;
    Ok(frame)
}

/// Replaces every reference to a source by the one that `map` returns for it.
fn for_each_source<E>(frame: &mut Frame, mut map: impl FnMut(SourceId) -> Result<SourceId, E>) -> Result<(), E> {
    let mut origin = |origin: &mut Origin| {
        origin.record.source = map(origin.record.source)?;
        Ok(())
    };
    match frame {
        Frame::Clock(_) => Ok(()),
        Frame::Message(StageMessage::Account(message)) => {
            origin(&mut message.origin)?;
            if let AccountFact::Feed(standing) = &mut message.body {
                standing.source = map(standing.source)?;
            }
            Ok(())
        }
        Frame::Message(StageMessage::Correlation(message)) => {
            origin(&mut message.origin)?;
            let CorrelationFact::Feed(report) = &mut message.body else { return Ok(()) };
            report.standing.source = map(report.standing.source)?;
            for trouble in Arc::make_mut(&mut report.troubles) {
                trouble.source = map(trouble.source)?;
                if let Some(example) = &mut trouble.example {
                    example.record.source = map(example.record.source)?;
                }
            }
            Ok(())
        }
        Frame::Message(StageMessage::Signal(signal)) => {
            origin(&mut signal.origin)?;
            for RecordRange { source, .. } in &mut signal.finding.evidence.records {
                *source = map(*source)?;
            }
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        detect::MarketSample,
        engine::message::{
            AccountFact, BalanceStated, Blind, BookState, CorrelationFact, DEPTH_BPS, DepthSummary, Fill,
            InstrumentStated, LeverageSet, MarkSet, Message, OwnerAccounts, OwnerStated, OwnerWithdrawals,
            PositionStated, SymbolForgotten, SymbolSample, WithdrawalDigest,
        },
        event::{Decimal, MarginMode, Price, Quantity, Reason, RecordRef, SharedName, Side, Tick},
        trust::{Cause, Example, FeedStanding, Report, Scope, Sight, Trouble},
    };

    fn source(name: &str, partition: i32) -> Source {
        Source { name: name.to_owned(), partition: Some(partition), feed: 0 }
    }

    fn forgotten(source: u32) -> Frame {
        let record = RecordRef { source: SourceId(source), offset: 7 };
        let body = CorrelationFact::Forgotten(SymbolForgotten { symbol: SharedName::new("S1") });
        let at = EventTime::from_nanos(5);
        Frame::Message(StageMessage::Correlation(Message { visible_at: at, at, origin: record.into(), body }))
    }

    fn report() -> Report {
        let record = RecordRef { source: SourceId(0), offset: 6 };
        let standing = FeedStanding {
            source: record.source,
            sight: Sight::Usable,
            is_degraded: true,
            open: 7,
            troubled: 1,
            records: 300,
            unusable: 20,
        };
        let trouble = Trouble {
            cause: Cause::Unusable,
            source: record.source,
            after_offset: 7,
            clock: EventTime::from_nanos(5),
            value: 0.75,
            limit: 0.5,
            pages: false,
            scope: Scope::Symbol,
            who: Some("S1".into()),
            example: Some(Example { record, reason: Some(Reason::TsUnit) }),
        };
        Report { troubles: Arc::new([trouble]), standing }
    }

    fn market_sample() -> SymbolSample {
        let sample = MarketSample { flow: -0.5, price: 0.25, net: 0.75, shock: -1 };
        SymbolSample { symbol: SharedName::new("S1"), sample }
    }

    #[expect(clippy::too_many_lines, reason = "one of each kind")]
    fn facts() -> (Vec<AccountFact>, Vec<CorrelationFact>) {
        let name = SharedName::new;
        let decimal = |text: &str| Decimal::parse(text).unwrap();
        let price = |text: &str| Price::new(decimal(text)).unwrap();
        let quantity = |text: &str| Quantity::new(decimal(text)).unwrap();
        let blind = Blind { until: EventTime::from_nanos(8), reopens: true };
        let report = report();
        let account = vec![
            AccountFact::Position(PositionStated {
                account: name("a1"),
                symbol: name("S1"),
                quantity: decimal("-2.5"),
                entry: decimal("100.25"),
                margin_mode: Some(MarginMode::Isolated),
                margin: Some(decimal("30")),
                leverage: Some(quantity("10")),
            }),
            AccountFact::Balance(BalanceStated { account: name("a1"), equity: decimal("7"), asset: Some(name("USD")) }),
            AccountFact::Leverage(LeverageSet {
                account: name("a1"),
                symbol: Some(name("S1")),
                leverage: quantity("20"),
                margin_mode: Some(MarginMode::Cross),
            }),
            AccountFact::Fill(Fill {
                account: name("a1"),
                symbol: name("S1"),
                side: Side::Sell,
                price: price("100.5"),
                quantity: quantity("3"),
                is_taker: true,
                is_liquidation: false,
            }),
            AccountFact::Owner(OwnerStated { account: name("a1"), owner: name("o1") }),
            AccountFact::Withdrawals(WithdrawalDigest {
                account: name("a1"),
                owner: Some(name("o1")),
                orders: 4,
                placed: 300,
            }),
            AccountFact::Mark(MarkSet { symbol: name("S1"), mark: price("99"), index: Some(price("98")) }),
            AccountFact::Instrument(Box::new(InstrumentStated {
                symbol: name("S1"),
                tick: Tick::new(decimal("0.1")).unwrap(),
                lot: quantity("0.01"),
                multiplier: Some(quantity("5")),
                tiers: vec![(Some(decimal("1000")), decimal("0.01")), (None, decimal("0.05"))],
                taker_fee: Some(decimal("0.0005")),
                liquidation_fee: None,
                is_inverse: true,
                underlying: Some(name("S")),
            })),
            AccountFact::Blind(blind),
            AccountFact::Feed(report.standing),
        ];
        let correlation = vec![
            CorrelationFact::Book(BookState { symbol: name("S1"), is_thin: true, withdrew_most: vec!["a1".into()] }),
            CorrelationFact::Market(market_sample()),
            CorrelationFact::Depth(Box::new(DepthSummary {
                symbol: name("S1"),
                middle: decimal("100"),
                notional: [[1.5; DEPTH_BPS.len()], [2.5; DEPTH_BPS.len()]],
            })),
            CorrelationFact::Forgotten(SymbolForgotten { symbol: name("S1") }),
            CorrelationFact::Owner(OwnerWithdrawals {
                owner: name("o1"),
                accounts: OwnerAccounts::One(name("a1")),
                orders: 5,
                placed: 6,
            }),
            CorrelationFact::Blind(blind),
            CorrelationFact::Feed(report),
        ];
        (account, correlation)
    }

    /// The hash of every kind of fact in its encoded form; a signal's is part of the snapshot's, in `tests/snapshot_bytes.rs`.
    const OF_VERSION: (u8, u64) = (6, 9_069_256_573_382_791_182);

    #[test]
    fn a_changed_form_has_a_new_version() {
        let (account, correlation) = facts();
        let (at, origin) = (EventTime::from_nanos(5), RecordRef { source: SourceId(0), offset: 7 }.into());
        let account =
            account.into_iter().map(|body| StageMessage::Account(Message { visible_at: at, at, origin, body }));
        let correlation =
            correlation.into_iter().map(|body| StageMessage::Correlation(Message { visible_at: at, at, origin, body }));
        let sources = [source("a", 0)];
        let bytes = account.chain(correlation).flat_map(|message| encode(&Frame::Message(message), &sources));
        // FNV-1a tells two forms apart.
        let hash =
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        assert_eq!((VERSION, hash), OF_VERSION, "if the form differs, raise `VERSION`");
    }

    #[test]
    fn a_record_means_the_same_in_a_process_that_numbers_its_sources_otherwise() {
        let bytes = encode(&forgotten(1), &[source("a", 0), source("b", 3)]);
        assert_eq!(decode(&bytes, &[source("b", 3), source("a", 0)]), Ok(forgotten(0)));
        assert_eq!(decode(&bytes, &[source("a", 0)]), Err(Undecodable::UnknownSource("b".to_owned())));
    }

    #[test]
    fn other_bytes_are_refused_with_the_reason() {
        let bytes = encode(&Frame::Clock(EventTime::from_nanos(9)), &[]);
        assert_eq!(decode(&bytes, &[]), Ok(Frame::Clock(EventTime::from_nanos(9))));
        let newer: Vec<u8> = std::iter::once(VERSION + 1).chain(bytes[1..].iter().copied()).collect();
        assert_eq!(decode(&newer, &[]), Err(Undecodable::UnknownVersion(VERSION + 1)));
        for cut in 0..bytes.len() {
            assert!(matches!(decode(&bytes[..cut], &[]), Err(Undecodable::Damaged(_))), "{cut}");
        }
        let longer: Vec<u8> = bytes.iter().copied().chain([0]).collect();
        assert!(matches!(decode(&longer, &[]), Err(Undecodable::Damaged(_))));
    }
}
