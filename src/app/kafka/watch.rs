//! A watch over the one call of a transaction that heeds no time-out.
//!
//! `send_offsets_to_transaction` waits for the group's coordinator however long that takes (librdkafka 2.12, issues 5456 and
//! 5511), and no other thread can make it return. Meanwhile the consumer's thread keeps the membership, so nobody takes over
//! either. A thread of the watch's own therefore says that the transaction is held up, and ends the process where waiting
//! is of no more use: the end was asked for; or the brokers have rolled the transaction back and the coordinator answers this process's
//! consumer, but the call does not return. Nothing is lost by it: what was not committed is read again by the next process,
//! which a supervisor starts or which stood by.
//!
//! It is no time-out: while the cluster is away the call is waited for.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rdkafka::{
    TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use signal_hook::low_level;

use super::{
    ANSWER_MAX,
    consumer::{Handle, Rebalances},
    contact::Contact,
};
use crate::{
    app::{Exit, Failure, Interrupt, clock, exit, liveness::Pulse},
    config::Kafka,
};

/// How often the call is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A transaction that takes so long is said to, and no longer waited for once the end is asked for: in a healthy cluster it takes
/// milliseconds.
pub const GRACE: Duration = Duration::from_secs(5);
/// The client's setting for how long the brokers keep a transaction open, and its default in milliseconds. After that they
/// have rolled it back, and the call can do no more good.
const TRANSACTION_MAX: (&str, u64) = ("transaction.timeout.ms", 60_000);
/// How long the coordinator must have answered the consumer by then: a broker that is back is found by one connection before
/// the other, and unless the settings say otherwise the call is woken every 5 s (`AWAKE` of the publisher).
const CHANCE: Duration = Duration::from_secs(15);

/// Watches one call at a time.
pub struct Watch {
    call: Arc<Mutex<Option<Call>>>,
    ended: Interrupt,
    thread: JoinHandle<()>,
}

/// A call that has not returned.
#[derive(Clone)]
struct Call {
    began: Instant,
    /// Whom to ask whether the coordinator answers, and for what. It is closed by whoever joined with it, never here.
    reader: Weak<BaseConsumer<Rebalances>>,
    offsets: TopicPartitionList,
}

/// Since when the coordinator has answered while one call stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answers {
    call_began: Instant,
    since: Instant,
    last: Instant,
}

/// The thread's own.
struct Looker {
    call: Arc<Mutex<Option<Call>>>,
    ended: Interrupt,
    contact: Contact,
    /// The end of the service.
    interrupt: Interrupt,
    /// How long a transaction is kept open.
    longest: Duration,
}

impl Watch {
    /// Begins to watch. `interrupt` is the service's.
    ///
    /// # Errors
    /// Exit 1 where the system gives no thread.
    pub fn new(kafka: &Kafka, contact: &Contact, interrupt: &Interrupt) -> Result<Self, Failure> {
        let set = kafka.client.get(TRANSACTION_MAX.0).and_then(|value| value.expose().parse().ok());
        let (call, ended) = (Arc::<Mutex<Option<Call>>>::default(), Interrupt::default());
        let looker = Looker {
            call: Arc::clone(&call),
            ended: ended.clone(),
            contact: contact.clone(),
            // Its asking is no sign of life of the thread that stands.
            interrupt: interrupt.beating(Pulse::default()),
            longest: Duration::from_millis(set.unwrap_or(TRANSACTION_MAX.1)),
        };
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || looker.run())
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot start a thread: {e}")))?;
        Ok(Self { call, ended, thread })
    }

    /// Makes the call that sends these offsets, which this reader has read up to.
    pub fn over<T>(&self, reader: &Handle, offsets: &TopicPartitionList, call: impl FnOnce() -> T) -> T {
        let stands = Call { began: clock::monotonic(), reader: Arc::downgrade(reader), offsets: offsets.clone() };
        *lock(&self.call) = Some(stands);
        failpoint();
        let outcome = call();
        *lock(&self.call) = None;
        outcome
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ended.request();
        self.thread.thread().unpark();
    }
}

impl Looker {
    fn run(&self) {
        let mut answers = None;
        while !self.ended.requested() {
            thread::park_timeout(LOOK_EVERY);
            let Some(stands) = lock(&self.call).clone() else { continue };
            let stood = clock::monotonic().duration_since(stands.began);
            if stood < GRACE || !self.still(&stands) {
                continue;
            }
            self.contact.failed("a transaction is held up", &"the Kafka client does not return from it");
            if self.interrupt.requested() {
                tracing::warn!("the service has ended: its open transaction is left to be rolled back");
                low_level::exit(Exit::Done as i32);
            }
            if stood < self.longest {
                continue;
            }
            let answered = stands.coordinator_answers();
            let now = clock::monotonic();
            answers = answered.then(|| Answers::extended(answers, stands.began, now));
            if answers.is_some_and(|answers| now.duration_since(answers.since) >= CHANCE) && self.still(&stands) {
                let what = format!("the Kafka client has not returned from a transaction for {} s", stood.as_secs());
                let what =
                    format!("{what}, though the brokers answer: start the service again, it goes on where it was");
                // No handlers: the client's threads are still at work.
                low_level::exit(exit::report(Err(Failure::new(Exit::Unavailable, what))) as i32);
            }
        }
    }

    /// Whether this call stands to this moment.
    fn still(&self, stands: &Call) -> bool {
        lock(&self.call).as_ref().is_some_and(|now| now.began == stands.began)
    }
}

impl Answers {
    /// The same with one more answer; begun anew for another call, and where nobody asked for a while: the process was frozen.
    fn extended(before: Option<Self>, call_began: Instant, now: Instant) -> Self {
        let goes_on = |before: &Self| {
            before.call_began == call_began && now.duration_since(before.last) <= LOOK_EVERY * 2 + ANSWER_MAX
        };
        Self { call_began, since: before.filter(goes_on).map_or(now, |before| before.since), last: now }
    }
}

impl Call {
    fn coordinator_answers(&self) -> bool {
        let answer = |reader: Handle| reader.committed_offsets(self.offsets.clone(), ANSWER_MAX).is_ok();
        self.reader.upgrade().is_some_and(answer)
    }
}

fn lock(call: &Mutex<Option<Call>>) -> MutexGuard<'_, Option<Call>> {
    call.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Here a test holds the call up.
#[cfg(feature = "failpoints")]
fn failpoint() {
    fail::fail_point!("in-call");
}

#[cfg(not(feature = "failpoints"))]
const fn failpoint() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_count_for_one_call_and_while_somebody_asks() {
        let (start, second) = (clock::monotonic(), Duration::from_secs(1));
        let first = Answers::extended(None, start, start + second);
        let more = Answers::extended(Some(first), start, start + second * 2);
        assert_eq!((more.since, more.last), (start + second, start + second * 2));
        let other = Answers::extended(Some(more), start + second, start + second * 3);
        assert_eq!(other.since, start + second * 3, "another call has its own chance");
        let thawed = Answers::extended(Some(more), start, start + second * 60);
        assert_eq!(thawed.since, start + second * 60, "who was frozen has not asked");
    }
}
