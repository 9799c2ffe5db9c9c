//! Records that come to a topic as the wall clock goes on, so many a second, as a venue sends them.
//!
//! A topic that is full before the service starts is read as fast as it goes; this one puts the service under a load of the
//! test's choice. Event time keeps its own course: only the pace is real.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::deadline::Deadline;
use super::topic::{Isolation, Record, Topic};

/// How often what has become due is sent.
const TICK: Duration = Duration::from_millis(10);
/// A broker that was killed meanwhile must be up again within this.
const FLUSH_MAX: Duration = Duration::from_mins(2);

/// Records a second, for so many seconds. What is left after the last step is sent at once.
pub type Pace = &'static [(u32, u32)];

/// A thread that sends. It stops early if this is dropped.
pub struct Feed {
    thread: JoinHandle<()>,
    held: Sender<()>,
}

impl Feed {
    /// Starts to send all records of one topic to another that is empty, each to its partition, at its offset.
    pub fn start(from: Topic, to: Topic, pace: Pace) -> Self {
        let (held, dropped) = mpsc::channel();
        let thread = thread::spawn(move || send(&from, &to, pace, &dropped));
        Self { thread, held }
    }

    /// Proves that what was done to the service was done while its input still came.
    pub fn assert_goes_on(&self) {
        assert!(!self.thread.is_finished(), "everything had been sent before");
    }

    /// Returns when everything is with the broker.
    pub fn finish(self) {
        self.thread.join().expect("everything is sent");
        drop(self.held);
    }
}

fn send(from: &Topic, to: &Topic, pace: Pace, dropped: &Receiver<()>) {
    let mut records = in_step(from).into_iter();
    let producer = to.producer();
    for &(rate, seconds) in pace {
        let (length, mut sent) = (Duration::from_secs(seconds.into()), 0);
        let end = Deadline::after(length);
        while !end.left().is_zero() {
            let millis = length.saturating_sub(end.left()).as_millis();
            let due = usize::try_from(u128::from(rate) * millis / 1_000).unwrap();
            records.by_ref().take(due - sent).for_each(|record| put(&producer, to, &record));
            sent = due;
            producer.poll(Duration::ZERO);
            if dropped.recv_timeout(TICK) == Err(RecvTimeoutError::Disconnected) {
                return;
            }
        }
    }
    records.for_each(|record| put(&producer, to, &record));
    producer.flush(FLUSH_MAX).unwrap();
    let ends = [from, to].map(|topic| topic.ends(Isolation::ReadUncommitted));
    assert_eq!(ends[1], ends[0], "the ends of the partitions");
}

fn put(producer: &BaseProducer, to: &Topic, record: &Record) {
    let message = BaseRecord::to(&to.name).key(&record.key).payload(&record.payload).partition(record.partition);
    producer.send(message).map_err(|(error, _)| error).unwrap();
}

/// All records, the partitions side by side: each is as far along as the others.
fn in_step(topic: &Topic) -> Vec<Record> {
    let ends = topic.ends(Isolation::ReadUncommitted);
    let mut records = topic.records(Isolation::ReadUncommitted);
    // In billionths of its partition.
    records.sort_by_key(|record| {
        let end = ends[usize::try_from(record.partition).unwrap()];
        (record.offset * 1_000_000_000 / end, record.partition, record.offset)
    });
    records
}
