//! A watch over the one call of a transaction that heeds no time-out.
//!
//! `send_offsets_to_transaction` waits for the group's coordinator however long that takes (librdkafka 2.12, issues 5456 and
//! 5511), and no other thread can make it return. Meanwhile the consumer's thread keeps the membership, so nobody takes over
//! either. A thread of the watch's own therefore says that the transaction is held up, and ends the process once waiting
//! is of no more use: the brokers have rolled the transaction back, and all the while the coordinator answers this process's consumer.
//! Nothing is lost by it: what was not committed is read again by the next process, which a supervisor starts or which stood by.
//!
//! It is no time-out: a cluster that is away as a whole is waited for as long as that lasts.

use std::{
    process,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use rdkafka::{TopicPartitionList, consumer::Consumer as _};

use super::{ANSWER_MAX, consumer::Handle, contact::Contact};
use crate::{
    app::{Exit, Failure, Interrupt, clock, exit},
    config::Kafka,
};

/// How often the call is looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// A call that stands so long is said to: in a healthy cluster it takes milliseconds.
const GRACE: Duration = Duration::from_secs(5);
/// The client's setting for how long the brokers keep a transaction open, and its default in milliseconds. After that they
/// have rolled it back, and the call can do no more good.
const TRANSACTION_MAX: (&str, u64) = ("transaction.timeout.ms", 60_000);

/// How long the coordinator must answer others meanwhile: a broker that is back is found by one connection before the other,
/// and the call is woken every 5 s at the latest (`AWAKE` of the publisher).
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
    /// Whom to ask whether the coordinator answers, and for what.
    reader: Handle,
    offsets: TopicPartitionList,
}

impl Watch {
    /// Begins to watch.
    ///
    /// # Errors
    /// Exit 1 where the system gives no thread.
    pub fn new(kafka: &Kafka, contact: &Contact) -> Result<Self, Failure> {
        let set = kafka.client.get(TRANSACTION_MAX.0).and_then(|value| value.expose().parse().ok());
        let longest = Duration::from_millis(set.unwrap_or(TRANSACTION_MAX.1));
        let (call, ended) = (Arc::<Mutex<Option<Call>>>::default(), Interrupt::default());
        let watched = (Arc::clone(&call), ended.clone(), contact.clone());
        let thread = thread::Builder::new()
            .name("watch".to_owned())
            .spawn(move || look(&watched.0, &watched.1, &watched.2, longest))
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot start a thread: {e}")))?;
        Ok(Self { call, ended, thread })
    }

    /// Makes the call that sends these offsets, which this reader has read up to.
    pub fn over<T>(&self, reader: &Handle, offsets: &TopicPartitionList, call: impl FnOnce() -> T) -> T {
        let stands = Call { began: clock::monotonic(), reader: Arc::clone(reader), offsets: offsets.clone() };
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

fn lock(call: &Mutex<Option<Call>>) -> MutexGuard<'_, Option<Call>> {
    call.lock().unwrap_or_else(PoisonError::into_inner)
}

fn look(call: &Mutex<Option<Call>>, ended: &Interrupt, contact: &Contact, longest: Duration) {
    let mut answers = None;
    while !ended.requested() {
        thread::park_timeout(LOOK_EVERY);
        let Some(stands) = lock(call).clone() else { continue };
        let stood = clock::monotonic().duration_since(stands.began);
        if stood >= GRACE {
            contact.failed("a transaction is held up", &"the client looks for the group's coordinator");
        }
        if stood < longest || !stands.coordinator_answers() {
            answers = None;
            continue;
        }
        let now = clock::monotonic();
        let answers_since = *answers.get_or_insert(now);
        if now.duration_since(answers_since) >= CHANCE && stands.is_still(call) {
            let what = format!("the Kafka client has not returned from a transaction for {} s", stood.as_secs());
            let failure = Failure::new(Exit::Unavailable, format!("{what}: start it again, it goes on where it was"));
            process::exit(exit::report(Err(failure)) as i32);
        }
    }
}

impl Call {
    fn coordinator_answers(&self) -> bool {
        self.reader.committed_offsets(self.offsets.clone(), ANSWER_MAX).is_ok()
    }

    /// Whether it is the one that stands now.
    fn is_still(&self, call: &Mutex<Option<Self>>) -> bool {
        lock(call).as_ref().is_some_and(|now| now.began == self.began)
    }
}

/// Here a test holds the call up.
#[cfg(feature = "failpoints")]
fn failpoint() {
    fail::fail_point!("in-call");
}

#[cfg(not(feature = "failpoints"))]
const fn failpoint() {}
