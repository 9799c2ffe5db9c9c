//! Random faults of a feed: each is reported within the time that is promised for its kind, nothing else is reported with it, and
//! nothing where nothing is wrong.
//!
//! The faults are brought into a flow that was simulated without any. When the promised time begins is found anew from the changed
//! records by a naive count, not by the judge that is tested. In the long form there are twenty seeds, and three quiet days. Faults
//! that need this machine's clock are tried on the service (`tests/input_changes`).
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "support/environment.rs"]
mod environment;
#[path = "support/lines.rs"]
mod lines;
#[path = "support/random.rs"]
mod random;

use foreshock::{
    detect::Detector,
    simulate::{Exchange, SimulationPlan},
    time::{EventTime, Span},
    trust::Cause,
};
use lines::{Replayed, replay};
use random::Random;
use serde_json::Value;

/// Minutes of flow. A fault begins between the sixth and the twelfth.
const MINUTES: u64 = 15;
const SYMBOLS: u32 = 8;

/// One record of the flow.
#[derive(Clone)]
struct Line {
    at: EventTime,
    symbol: Option<String>,
    is_heartbeat: bool,
    bytes: Vec<u8>,
}

impl Line {
    fn new(event: &Value) -> Self {
        Self {
            at: EventTime::from_nanos(event["ts"].as_i64().unwrap()),
            symbol: event["symbol"].as_str().map(str::to_owned),
            is_heartbeat: event["type"] == "heartbeat",
            bytes: serde_json::to_vec(event).unwrap(),
        }
    }

    fn event(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The record with one field changed.
    fn with(&self, field: &str, value: impl Into<Value>) -> Vec<u8> {
        let mut event = self.event();
        event[field] = value.into();
        serde_json::to_vec(&event).unwrap()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// A share of all records is of no use.
    Rejected,
    /// A share of all records is of a type that nobody knows.
    UnknownType,
    /// A share of all records is stamped minutes ago.
    Late,
    /// A share of all records comes twice.
    Duplicates,
    /// Most records of one symbol are of no use.
    OneSymbolRejected,
    /// No record is of any use.
    AllRejected,
    /// One symbol's book is crossed by one order after the other.
    CrossedBook,
    /// Half of the symbols are silent.
    SilentSymbols,
    /// Some records of one symbol are lost.
    Gap,
    /// Some records of one symbol are stamped far ahead of the flow.
    StampsAhead,
}

const FAULTS: [Fault; 10] = [
    Fault::Rejected,
    Fault::UnknownType,
    Fault::Late,
    Fault::Duplicates,
    Fault::OneSymbolRejected,
    Fault::AllRejected,
    Fault::CrossedBook,
    Fault::SilentSymbols,
    Fault::Gap,
    Fault::StampsAhead,
];

/// The trouble that must be reported of a fault, and by when.
struct Expected {
    cause: Cause,
    /// The symbol that must be named, if the fault is one symbol's.
    symbol: Option<String>,
    by: EventTime,
    /// Other causes that such a fault also has.
    also: &'static [Cause],
}

fn flow(seed: u64) -> Vec<Line> {
    let plan = SimulationPlan { symbols: SYMBOLS, ..SimulationPlan::new(seed, MINUTES) };
    let exchange = Exchange::try_new(&plan).unwrap();
    exchange.map(|item| Line::new(&serde_json::to_value(item.into_event()).unwrap())).collect()
}

/// The time from which on the marked records are at least twenty and a hundredth of the last minute's.
fn one_in_a_hundred(records: &[(EventTime, bool)]) -> EventTime {
    let minute = Span::from_secs(60);
    let (mut first, mut marked) = (0, 0_usize);
    for (n, (at, is_marked)) in records.iter().enumerate() {
        marked += usize::from(*is_marked);
        while at.since(records[first].0) > minute {
            marked -= usize::from(records[first].1);
            first += 1;
        }
        if marked >= 20 && marked * 100 >= n + 1 - first {
            return *at;
        }
    }
    panic!("the fault never reaches its share");
}

/// Brings a fault into a flow.
#[expect(clippy::too_many_lines, reason = "one arm for each fault")]
fn inject(fault: Fault, flow: Vec<Line>, random: &mut Random) -> (Vec<Vec<u8>>, Expected) {
    let begin = flow[0].at;
    let start = begin.plus(Span::from_secs(i64::try_from(360 + random.below(360)).unwrap()));
    let end = start.plus(Span::from_secs(i64::try_from(100 + random.below(60)).unwrap()));
    let symbol = format!("S{}", 1 + random.below(u64::from(SYMBOLS)));
    let is_on = |line: &Line| line.at >= start && line.at < end && !line.is_heartbeat;
    let is_of = |line: &Line| line.symbol.as_deref() == Some(&symbol);
    let per_mille = 20 + random.below(80);
    let ten = Span::from_secs(10);

    let mut out = Vec::with_capacity(flow.len());
    let mut marks: Vec<(EventTime, bool)> = Vec::with_capacity(flow.len());
    let bad_price = |line: &Line| line.with("ts", "yesterday");
    let expected = |cause, symbol, by, also| Expected { cause, symbol, by, also };
    match fault {
        Fault::Rejected | Fault::UnknownType | Fault::Late | Fault::Duplicates => {
            for line in flow {
                let is_marked = is_on(&line) && random.below(1_000) < per_mille;
                marks.push((line.at, is_marked));
                match fault {
                    _ if !is_marked => {}
                    Fault::Rejected => {
                        out.push(bad_price(&line));
                        continue;
                    }
                    Fault::UnknownType => {
                        out.push(line.with("type", "block_trade"));
                        continue;
                    }
                    Fault::Late => {
                        let back = i64::try_from(90 + random.below(120)).unwrap();
                        out.push(line.with("ts", line.at.minus(Span::from_secs(back)).nanos()));
                        continue;
                    }
                    Fault::Duplicates => out.push(line.bytes.clone()),
                    Fault::OneSymbolRejected
                    | Fault::AllRejected
                    | Fault::CrossedBook
                    | Fault::SilentSymbols
                    | Fault::Gap
                    | Fault::StampsAhead => unreachable!("another arm"),
                }
                out.push(line.bytes);
            }
            let causes = [
                (Fault::Rejected, Cause::Rejected),
                (Fault::UnknownType, Cause::UnknownType),
                (Fault::Late, Cause::Late),
                (Fault::Duplicates, Cause::Duplicates),
            ];
            let cause = causes.into_iter().find(|(of, _)| *of == fault).unwrap().1;
            let also: &[Cause] = if fault == Fault::Rejected { &[Cause::Gap, Cause::Book] } else { &[Cause::Book] };
            (out, expected(cause, None, one_in_a_hundred(&marks).plus(ten), also))
        }
        Fault::OneSymbolRejected => {
            let mut bad = Vec::new();
            for line in flow {
                if is_on(&line) && is_of(&line) && random.below(10) < 9 {
                    bad.push(line.at);
                    // A record whose symbol can still be read.
                    out.push(line.with("type", Value::Null));
                } else {
                    out.push(line.bytes);
                }
            }
            let by = bad[4].plus(ten);
            (out, expected(Cause::Unusable, Some(symbol), by, &[Cause::Rejected, Cause::Gap, Cause::Book]))
        }
        Fault::AllRejected => {
            let first = flow.iter().find(|line| is_on(line)).unwrap().at;
            out.extend(flow.iter().map(|line| if is_on(line) { bad_price(line) } else { line.bytes.clone() }));
            let by = first.plus(Span::from_secs(5));
            let also = &[Cause::Rejected, Cause::Unusable, Cause::Gap, Cause::SilentSymbols, Cause::Book];
            (out, expected(Cause::NothingUsable, None, by, also))
        }
        Fault::CrossedBook => {
            let (mut next, mut order, mut price) = (start, 0, 0.0);
            for line in flow {
                if is_of(&line) && line.event()["type"] == "trade" {
                    price = line.event()["price"].as_str().unwrap().parse().unwrap();
                }
                if is_on(&line) && is_of(&line) && line.at >= next && price > 0.0 {
                    let text = format!("{:.2}", price * 1.05);
                    order += 1;
                    out.push(format!(
                        r#"{{"type":"order_new","ts":{},"symbol":"{symbol}","order":"stuck{order}","side":"buy","price":"{text}","qty":"1"}}"#,
                        line.at.nanos(),
                    ).into_bytes());
                    next = line.at.plus(Span::from_millis(200));
                }
                out.push(line.bytes);
            }
            (out, expected(Cause::Book, Some(symbol), start.plus(Span::from_secs(125)), &[]))
        }
        Fault::SilentSymbols => {
            let half = u64::from(SYMBOLS / 2);
            let is_silent =
                |line: &Line| line.symbol.as_deref().is_some_and(|name| name[1..].parse::<u64>().unwrap() <= half);
            out.extend(flow.iter().filter(|line| !(is_on(line) && is_silent(line))).map(|line| line.bytes.clone()));
            (out, expected(Cause::SilentSymbols, None, start.plus(Span::from_secs(90)), &[Cause::Gap, Cause::Book]))
        }
        Fault::Gap => {
            let lost = 1 + usize::try_from(random.below(40)).unwrap();
            let mut left = lost;
            let mut back_at = None;
            for line in flow {
                if line.at >= start && is_of(&line) && !line.is_heartbeat {
                    if left > 0 {
                        left -= 1;
                        continue;
                    }
                    back_at = back_at.or(Some(line.at));
                }
                out.push(line.bytes);
            }
            (out, expected(Cause::Gap, None, back_at.unwrap().plus(ten), &[Cause::Book]))
        }
        Fault::StampsAhead => {
            let mut ahead = Vec::new();
            for line in flow {
                if is_on(&line) && is_of(&line) && random.one_in(3) {
                    ahead.push(line.at);
                    let by = Span::from_secs(i64::try_from(7 + random.below(200)).unwrap());
                    out.push(line.with("ts", line.at.plus(by).nanos()));
                } else {
                    out.push(line.bytes);
                }
            }
            (out, expected(Cause::Skew, None, ahead[2].plus(Span::from_secs(2)), &[Cause::Unusable]))
        }
    }
}

/// Every cause that an incident of the feed named, with its time and its symbols, in the order of time.
fn reported(found: &Replayed) -> Vec<(EventTime, Cause, &[String])> {
    let feed = found.alerts.iter().filter(|alert| alert.detectors.contains(&Detector::Feed));
    feed.flat_map(|alert| alert.trust.reasons.iter().map(|cause| (alert.revised_at, *cause, alert.symbols.as_slice())))
        .collect()
}

fn seeds() -> std::ops::Range<u64> {
    if environment::is_long() { 0..20 } else { 0..2 }
}

/// Returns the mistake in what was reported of a fault, if there is one.
fn mistake(fault: Fault, seed: u64) -> Option<String> {
    let mut random = Random(seed * 1_000 + fault as u64);
    let (lines, expected) = inject(fault, flow(seed), &mut random);
    let found = replay(&lines);
    let reported = reported(&found);
    let Expected { cause, symbol, by, also } = expected;
    let names = |symbols: &[String]| symbol.as_ref().is_none_or(|symbol| symbols.contains(symbol));
    let first = reported.iter().find(|(_, reported, symbols)| *reported == cause && names(symbols));
    let is_right = first.is_some_and(|(at, ..)| *at <= by)
        && reported.iter().all(|(_, reported, _)| *reported == cause || also.contains(reported));
    (!is_right).then(|| format!("{fault:?}, seed {seed}: {cause:?} of {symbol:?} by {by:?}; reported {reported:?}"))
}

#[test]
fn a_fault_of_any_kind_is_reported_in_its_time_and_as_what_it_is() {
    let mistakes = seeds().flat_map(|seed| FAULTS.into_iter().filter_map(move |fault| mistake(fault, seed)));
    let mistakes: Vec<_> = mistakes.collect();
    assert!(mistakes.is_empty(), "{mistakes:#?}");
}

#[test]
fn nothing_is_reported_where_nothing_is_wrong() {
    let minutes = if environment::is_long() { 1_440 } else { 60 };
    for seed in 1..=3 {
        let plan = SimulationPlan { symbols: SYMBOLS, ..SimulationPlan::new(seed, minutes) };
        let lines = Exchange::try_new(&plan).unwrap().map(|item| serde_json::to_vec(&item.into_event()).unwrap());
        let found = replay(lines);
        assert_eq!(reported(&found), [], "seed {seed}");
    }
}
