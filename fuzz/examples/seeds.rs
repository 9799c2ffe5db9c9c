//! Writes the seeds of the fuzzers, made by the product: `seeds FOLDER` fills `FOLDER/TARGET` for each target that
//! reads a format. The `engine` target reads no format, so its fuzzer starts without seeds.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use foreshock::{
    config,
    engine::{
        Engine, Output,
        message::{
            AccountFact, CorrelationFact, DEPTH_BPS, DepthSummary, MarkSet, Message, StageMessage, WithdrawalDigest,
            wire::{Frame, encode},
        },
    },
    event::{Decimal, EventType, Price, RecordRef, SharedName, SourceId},
    simulate,
    time::EventTime,
};
use foreshock_fuzz::{
    Clock, EventSpec,
    engines::{SOURCES, START, handle, learned, plan},
};

/// Minutes of simulated flow that give the records.
const MINUTES: u64 = 1;
/// Every how many records one becomes a seed: some dozens in all.
const EVERY: usize = 40;

fn main() -> io::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from).expect("expected a folder: `seeds FOLDER`");
    write(&folder.join("decode"), records())?;
    write(&folder.join("configuration"), configurations())?;
    write(&folder.join("snapshot"), snapshots())?;
    write(&folder.join("wire"), frames())
}

fn write(folder: &Path, seeds: Vec<Vec<u8>>) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for (i, seed) in seeds.into_iter().enumerate() {
        fs::write(folder.join(i.to_string()), seed)?;
    }
    Ok(())
}

/// Records of the simulator, and one record of each type with every field.
fn records() -> Vec<Vec<u8>> {
    let exchange = simulate::Exchange::try_new(&simulate::SimulationPlan::new(1, MINUTES)).expect("the plan is valid");
    let simulated = exchange.step_by(EVERY).map(|item| serde_json::to_vec(&item.into_event()).expect("an event"));
    let whole = (0..EventType::ALL.len()).map(|kind| record_of(kind).into_bytes());
    simulated.chain(whole).collect()
}

/// A record of one type with every field.
fn record_of(kind: usize) -> String {
    // From these bytes every field is made present and small.
    let mut bytes = vec![1; 64];
    bytes[0] = u8::try_from(kind).unwrap_or_default();
    let event: EventSpec = arbitrary::Unstructured::new(&bytes).arbitrary().expect("enough bytes");
    event.text(&mut Clock::at(START))
}

fn configurations() -> Vec<Vec<u8>> {
    let variables = ["KAFKA__BROKERS=b:9092", "STATE__INTERVAL_S=5", "KAFKA__CLIENT__SASL_USERNAME=a", "DETECT=1"];
    let example =
        "[kafka]\nbrokers = 'a:9092,b:9092'\ninput = ['x', '^y.*']\n[kafka.client]\n'sasl.password_file' = 'p'\n";
    let defaults = config::default_toml();
    [defaults.clone(), example.to_owned(), format!("{example}\0{}", variables.join("\0"))]
        .map(String::into_bytes)
        .to_vec()
}

/// The snapshots of an engine that has learned, and of one in the middle of an incident.
fn snapshots() -> Vec<Vec<u8>> {
    let (learned, next, now) = learned();
    let mut engine = foreshock::engine::Engine::restore(&plan(), learned.clone()).expect("its own plan");
    for offset in next..next + 50 {
        let text = format!(r#"{{"type":"order_cancel","ts":{now},"symbol":"S1","order":"1"}}"#);
        handle(&mut engine, 1, offset, &[text]);
    }
    [learned, engine.snapshot()].iter().map(body).collect()
}

/// The body of a snapshot, between the head of 12 bytes and the checksum of 32.
fn body(snapshot: &foreshock::engine::Snapshot) -> Vec<u8> {
    let whole = snapshot.encode();
    whole[12..whole.len() - 32].to_vec()
}

/// A frame of each kind: a clock, facts for both stages, and the signals of a burst.
fn frames() -> Vec<Vec<u8>> {
    let symbol = SharedName::new("S1");
    let price = Decimal::parse("100.5").expect("a decimal");
    let mark = Price::new(price).expect("a price");
    let accounts = [
        AccountFact::Mark(MarkSet { symbol: symbol.clone(), mark, index: None }),
        AccountFact::Withdrawals(WithdrawalDigest {
            account: SharedName::new("a1"),
            owner: Some(SharedName::new("o")),
            orders: 4,
            placed: 300,
        }),
    ];
    let depth = DepthSummary { symbol, middle: price, notional: [[1.5; DEPTH_BPS.len()]; 2] };
    let messages = accounts
        .map(|fact| StageMessage::Account(message(fact)))
        .into_iter()
        .chain([StageMessage::Correlation(message(CorrelationFact::Depth(Box::new(depth))))])
        .chain(signals())
        .map(Frame::Message);
    let clock = Frame::Clock(EventTime::from_nanos(START));
    let sources = plan().sources;
    [clock].into_iter().chain(messages).map(|frame| encode(&frame, &sources)).collect()
}

fn message<B>(body: B) -> Message<B> {
    let at = EventTime::from_nanos(START);
    let record = RecordRef { source: SourceId(1), offset: 7 };
    Message { visible_at: at, at, origin: record.into(), body }
}

/// The signals of an engine that has learned, of a burst of cancels on one symbol.
fn signals() -> Vec<StageMessage> {
    let (learned, next, now) = learned();
    let mut engine = Engine::restore(&plan(), learned).expect("its own plan");
    let mut record = |source: usize, offset: u64, ts: i64| {
        let text = format!(r#"{{"type":"order_cancel","ts":{ts},"symbol":"S{source}","order":"1"}}"#);
        handle(&mut engine, source, offset, &[text])
    };
    let mut outputs: Vec<Output> = (next..next + 50).flat_map(|offset| record(1, offset, now)).collect();
    // Signals are given out once the clocks of all partitions are past them.
    for source in 0..SOURCES {
        outputs.extend(record(source, next + 50, now + 1_000_000_000));
    }
    let signals: Vec<StageMessage> = outputs
        .into_iter()
        .filter_map(|output| match output {
            Output::Signal(signal) => Some(StageMessage::Signal(signal)),
            Output::Notify(..) | Output::Rejected(..) => None,
        })
        .collect();
    assert!(!signals.is_empty(), "a burst gives a signal");
    signals
}
