//! An event in a few numbers, as the text of a record.
//!
//! Every record gets the fields of all eighteen types: decoding ignores those that its type does not have, so one list of
//! fields reaches all of them, through the same decoder as in the service. Names are few, so that orders meet their cancels;
//! amounts and times may be anything.

use arbitrary::Arbitrary;
use foreshock::event::EventType;

/// Different names of each kind: more than the tables of [`super::engines`] hold.
const NAMES: u8 = 5;

/// One event.
#[derive(Arbitrary, Clone, Debug)]
pub struct Said {
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

/// Where it lies from the newest event before.
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
    /// As a decimal: up to eighteen digits, which are more than the contract takes.
    fn text(self) -> String {
        match self {
            Self::Small(n) => n.to_string(),
            Self::Parts(mantissa, exponent) => format!("{mantissa}e-{}", exponent % 20),
        }
    }
}

/// What the events of one run count on from.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The newest event's nanoseconds.
    newest: i64,
    seq: u64,
}

impl Clock {
    /// At an instant.
    #[must_use]
    pub const fn at(nanos: i64) -> Self {
        Self { newest: nanos, seq: 0 }
    }

    /// Where it stands.
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

impl Said {
    /// The record's text.
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
