//! A sender that fills a topic at a chosen rate of records per second, by the wall clock, as a venue does.
//!
//! The service reads a topic that is full beforehand as fast as it can; a paced topic puts it under a load of the
//! test's choice. The records keep their event times: only the rate is real.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

use super::deadline::Deadline;
use super::topic::{Isolation, Record, Topic};

/// How often the records that have become due are sent.
const TICK: Duration = Duration::from_millis(10);
/// Time within which a broker that was killed meanwhile must be up again.
const FLUSH_MAX: Duration = Duration::from_mins(2);

/// Steps of (records per second, seconds). The records that are left after the last step are sent at once.
pub type Pace = &'static [(u32, u32)];

/// A sending thread. Dropping this stops the thread early.
pub struct PacedSender {
    thread: JoinHandle<()>,
    stop_on_drop: Sender<()>,
}

impl PacedSender {
    /// Starts to send all records of one topic to an empty one, each to the same partition and offset.
    pub fn start(from: Topic, to: Topic, pace: Pace) -> Self {
        let (stop_on_drop, dropped) = mpsc::channel();
        let thread = thread::spawn(move || send(&from, &to, pace, &dropped));
        Self { thread, stop_on_drop }
    }

    /// Proves that input was still arriving when the test did harm to the service.
    pub fn assert_still_sending(&self) {
        assert!(!self.thread.is_finished(), "everything had been sent before");
    }

    /// Waits until the broker has every record.
    pub fn finish(self) {
        self.thread.join().expect("everything is sent");
        drop(self.stop_on_drop);
    }
}

fn send(from: &Topic, to: &Topic, pace: Pace, dropped: &Receiver<()>) {
    let mut records = interleaved(from).into_iter();
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

/// All records, interleaved so that every partition is equally far along at any time.
fn interleaved(topic: &Topic) -> Vec<Record> {
    let ends = topic.ends(Isolation::ReadUncommitted);
    let mut records = topic.records(Isolation::ReadUncommitted);
    // How far along a record is, in billionths of its partition.
    records.sort_by_key(|record| {
        let end = ends[usize::try_from(record.partition).unwrap()];
        (record.offset * 1_000_000_000 / end, record.partition, record.offset)
    });
    records
}
