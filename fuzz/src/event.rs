//! An event that the fuzzer describes by a few numbers, and its text as a record.
//!
//! Every record has the fields of every type. Decoding ignores the fields that a type does not have, so one
//! list of fields serves all types, through the decoder of the service. There are few names, so that cancels meet their
//! orders; amounts and times may be anything.

use arbitrary::Arbitrary;
use foreshock::event::EventType;

/// Different names of each kind: more than fit into the tables of [`super::engines`].
const NAMES: u8 = 5;

/// The description of an event.
#[derive(Arbitrary, Clone, Debug)]
pub struct EventSpec {
    kind: u8,
    time: Time,
    symbol: Option<u8>,
    seq: Seq,
    account: u8,
    orders: [u8; 2],
    buys: bool,
    amounts: [Amount; 2],
    levels: Vec<(Amount, Amount)>,
    word: u8,
}

/// The time of an event, counted from the newest event before it.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Time {
    Same,
    Millis(i16),
    Seconds(i16),
    Nanos(i64),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Seq {
    None,
    Next(i8),
    Any(u64),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Amount {
    Small(u8),
    Parts(i64, u8),
}

impl Amount {
    /// The amount as a decimal, of up to nineteen digits: more than the contract allows.
    fn text(self) -> String {
        match self {
            Self::Small(n) => n.to_string(),
            Self::Parts(mantissa, exponent) => format!("{mantissa}e-{}", exponent % 20),
        }
    }
}

/// The newest event time and sequence number of a run, from which the next events count.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The newest event time, in nanoseconds.
    newest: i64,
    seq: u64,
}

impl Clock {
    /// A clock at an instant.
    #[must_use]
    pub const fn at(nanos: i64) -> Self {
        Self { newest: nanos, seq: 0 }
    }

    /// The newest event time, in nanoseconds.
    #[must_use]
    pub const fn nanos(&self) -> i64 {
        self.newest
    }

    fn time(&mut self, time: Time) -> i64 {
        let ts = match time {
            Time::Same => self.newest,
            Time::Millis(n) => self.newest.saturating_add(i64::from(n) * 1_000_000),
            Time::Seconds(n) => self.newest.saturating_add(i64::from(n) * 1_000_000_000),
            Time::Nanos(n) => return n,
        };
        self.newest = self.newest.max(ts);
        ts
    }

    fn seq(&mut self, seq: Seq) -> Option<u64> {
        match seq {
            Seq::None => return None,
            Seq::Next(step) => self.seq = self.seq.saturating_add_signed(step.into()),
            Seq::Any(n) => return Some(n),
        }
        Some(self.seq)
    }
}

impl EventSpec {
    /// The text of the record.
    #[must_use]
    pub fn text(&self, clock: &mut Clock) -> String {
        let (_, kind) = EventType::ALL[usize::from(self.kind) % EventType::ALL.len()];
        let (ts, seq) = (clock.time(self.time), clock.seq(self.seq).map(|n| format!(r#""seq":{n},"#)));
        let symbol = self.symbol.map(|n| format!(r#""symbol":"S{}","#, n % NAMES));
        let account = self.account % NAMES;
        let [order, other] = self.orders.map(|n| n % NAMES);
        let (side, phase) = if self.buys { ("buy", "started") } else { ("sell", "completed") };
        let [price, qty] = self.amounts.map(Amount::text);
        let levels: Vec<String> = self.levels.iter().map(|(p, q)| format!("[{},{}]", p.text(), q.text())).collect();
        let levels = levels.join(",");
        let reason = ["user", "expired", "liquidation", "system"][usize::from(self.word) % 4];
        format!(
            r#"{{"type":"{kind}","ts":{ts},{}{}"account":"a{account}","owner":"o","order":"{order}","new_order":"{other}","#,
            symbol.unwrap_or_default(),
            seq.unwrap_or_default(),
        ) + &format!(
            r#""side":"{side}","price":{price},"qty":{qty},"reason":"{reason}","trade":"t","maker_order":"{order}","taker_order":"{other}","#
        ) + &format!(
            r#""maker":"a{account}","taker":"a{other}","bids":[{levels}],"asks":[{levels}],"leverage":{qty},"entry":{price},"#
        ) + &format!(
            r#""equity":{qty},"mark":{price},"rate":{qty},"interval_hours":8,"phase":"{phase}","balance":{qty},"tick":{price},"lot":{qty}}}"#
        )
    }
}
