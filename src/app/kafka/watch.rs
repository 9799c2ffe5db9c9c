//! Watches the one call of a transaction that has no time-out, and ends the process where the call does not return.
//!
//! `send_offsets_to_transaction` waits for the group's coordinator however long that takes (librdkafka 2.12, issues 5456 and
//! 5511), and no other thread can make it return. Meanwhile the consumer's thread keeps the membership, so no other process takes
//! over either. So a thread of the watch's own logs that the transaction is held up, and ends the process in two cases: the end
//! was requested, or the brokers have rolled the transaction back and the coordinator answers this process's consumer, but the
//! call does not return. Nothing is lost: the next process, which a supervisor starts or which stood by, reads again what was
//! not committed.
//!
//! The watch is no time-out: while the cluster is away, it lets the call wait.

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

/// How often the call is checked.
const CHECK_EVERY: Duration = Duration::from_secs(1);
/// A transaction that takes longer than this is logged, and not waited for once the end is requested. In a healthy cluster it takes
/// milliseconds.
pub const GRACE: Duration = Duration::from_secs(5);
/// The client's setting for how long the brokers keep a transaction open, and its default in milliseconds. After that time they
/// have rolled the transaction back, and the call is of no more use.
const TRANSACTION_MAX: (&str, u64) = ("transaction.timeout.ms", 60_000);
/// How long the coordinator must then have answered the consumer. One connection may find a broker that is back sooner than
/// another, and by default the call is woken every 5 s (`WAKE_SETTINGS` of the publisher).
const ANSWERED_MIN: Duration = Duration::from_secs(15);

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
    /// Consumer used to ask whether the coordinator answers. Weak: the membership owns and closes it.
    reader: Weak<BaseConsumer<Rebalances>>,
    /// The partitions asked for.
    offsets: TopicPartitionList,
}

/// The time for which the coordinator has answered during one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answers {
    call_began: Instant,
    since: Instant,
    last: Instant,
}

/// The state of the watch's thread.
struct Observer {
    call: Arc<Mutex<Option<Call>>>,
    ended: Interrupt,
    contact: Contact,
    /// The service's interrupt.
    interrupt: Interrupt,
    /// How long the brokers keep a transaction open.
    transaction_max: Duration,
}

impl Watch {
    /// Starts the thread. `interrupt` is the service's.
    ///
    /// # Errors
    /// Exit 1 where the system creates no thread.
    pub fn new(kafka: &Kafka, contact: &Contact, interrupt: &Interrupt) -> Result<Self, Failure> {
        let set = kafka.client.get(TRANSACTION_MAX.0).and_then(|value| value.expose().parse().ok());
        let (call, ended) = (Arc::<Mutex<Option<Call>>>::default(), Interrupt::default());
        let observer = Observer {
            call: Arc::clone(&call),
            ended: ended.clone(),
            contact: contact.clone(),
            // The observer's checks are no sign of life of the thread that makes the call.
            interrupt: interrupt.beating(Pulse::default()),
            transaction_max: Duration::from_millis(set.unwrap_or(TRANSACTION_MAX.1)),
        };
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || observer.run())
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot start a thread: {e}")))?;
        Ok(Self { call, ended, thread })
    }

    /// Makes the call that sends these offsets, and watches it meanwhile. `reader` has read up to the offsets.
    pub fn over<T>(&self, reader: &Handle, offsets: &TopicPartitionList, make_call: impl FnOnce() -> T) -> T {
        let call = Call { began: clock::monotonic(), reader: Arc::downgrade(reader), offsets: offsets.clone() };
        *lock(&self.call) = Some(call);
        failpoint();
        let outcome = make_call();
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

impl Observer {
    fn run(&self) {
        let mut answers = None;
        while !self.ended.requested() {
            thread::park_timeout(CHECK_EVERY);
            let Some(call) = lock(&self.call).clone() else { continue };
            let taken = clock::monotonic().duration_since(call.began);
            if taken < GRACE || !self.is_open(&call) {
                continue;
            }
            self.contact.failed("a transaction is held up", &"the Kafka client does not return from it");
            if self.interrupt.requested() {
                tracing::warn!("the service has ended: its open transaction is left to be rolled back");
                low_level::exit(Exit::Done as i32);
            }
            if taken < self.transaction_max {
                continue;
            }
            let answered = call.coordinator_answers();
            let now = clock::monotonic();
            answers = answered.then(|| Answers::extended(answers, call.began, now));
            if answers.is_some_and(|answers| now.duration_since(answers.since) >= ANSWERED_MIN) && self.is_open(&call) {
                let what = format!("the Kafka client has not returned from a transaction for {} s", taken.as_secs());
                let what =
                    format!("{what}, though the brokers answer: start the service again, it goes on where it was");
                // Without exit handlers, because the client's threads are still at work.
                low_level::exit(exit::report(Err(Failure::new(Exit::Unavailable, what))) as i32);
            }
        }
    }

    /// Whether this call has not returned yet.
    fn is_open(&self, call: &Call) -> bool {
        lock(&self.call).as_ref().is_some_and(|now| now.began == call.began)
    }
}

impl Answers {
    /// Adds an answer. The time begins anew for another call, and after a while without questions, when the process was frozen.
    fn extended(before: Option<Self>, call_began: Instant, now: Instant) -> Self {
        let goes_on = |before: &Self| {
            before.call_began == call_began && now.duration_since(before.last) <= CHECK_EVERY * 2 + ANSWER_MAX
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

/// The point at which a test holds the call up.
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
    fn answers_count_for_one_call_and_while_questions_go_on() {
        let (start, second) = (clock::monotonic(), Duration::from_secs(1));
        let first = Answers::extended(None, start, start + second);
        let more = Answers::extended(Some(first), start, start + second * 2);
        assert_eq!((more.since, more.last), (start + second, start + second * 2));
        let other = Answers::extended(Some(more), start + second, start + second * 3);
        assert_eq!(other.since, start + second * 3, "another call has its own chance");
        let thawed = Answers::extended(Some(more), start, start + second * 60);
        assert_eq!(thawed.since, start + second * 60, "a frozen process has not asked");
    }
}
