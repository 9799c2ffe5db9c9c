//! The reader of the alerts topic. What it puts on the board is what was committed.
//!
//! Reading begins at `notify.look_back_s` before now, by the times of the records, so it needs no memory of its own and no state
//! of the engine: every process that starts reads the same. The first board goes up once all partitions were read to their end; an
//! alert that has ended since is thus never posted as firing. Whenever reading begins anew, a new board is filled, and the old one
//! stays up until then.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use rdkafka::{
    ClientConfig, Message as _, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
    message::BorrowedMessage,
};

use super::{
    board::{Board, MadeRoom},
    notice::Notice,
    shared::Shared,
};
use crate::{
    app::{
        Failure, Interrupt, clock,
        kafka::{
            self,
            contact::Contact,
            life_sign::{self, LifeSign},
            range,
            topics::{self, Range},
            unavailable,
        },
        metrics::Notified,
    },
    config::Config,
    time::{Span, WallTime},
};

/// How often a wait for records checks the interrupt.
const POLL: Duration = Duration::from_millis(100);
/// How often what is old is taken off the board.
const EXPIRE_EVERY: Duration = Duration::from_secs(1);
/// How often the number of partitions is asked for. A partition that was added is read late by at most so much.
const COUNT_EVERY: Duration = Duration::from_secs(30);
/// The wait before reading begins anew after a failure that may pass.
const AGAIN: Duration = Duration::from_secs(1);

/// Reads the alerts topic onto the board.
pub struct Reader<'a> {
    config: &'a Config,
    shared: Arc<Shared>,
    meters: Vec<Notified>,
    contact: Contact,
    /// Called once, when the first board goes up.
    caught_up: Option<Box<dyn FnOnce() + Send + 'a>>,
}

/// Reading that goes on until something changes.
struct Reading {
    consumer: BaseConsumer,
    /// Reads signs of life, with a client of its own because the end of a partition is reported without its topic; `None` where
    /// their topic is not there yet.
    signs: Option<BaseConsumer>,
    /// Number of partitions of the alerts topic, and of the topic with signs of life.
    partitions: [usize; 2],
    /// Partitions that were not read to their end yet.
    unread: BTreeSet<i32>,
    /// The board that is being filled; `None` once it is up.
    filling: Option<Board>,
}

impl<'a> Reader<'a> {
    /// A reader that has read nothing; `caught_up` is called when the first board is complete.
    pub fn new(
        config: &'a Config,
        shared: Arc<Shared>,
        meters: Vec<Notified>,
        caught_up: impl FnOnce() + Send + 'a,
    ) -> Self {
        Self { config, shared, meters, contact: Contact::default(), caught_up: Some(Box::new(caught_up)) }
    }

    /// Reads until the interrupt.
    ///
    /// # Errors
    /// Exit 69 at a failure that will not pass, 130 at the interrupt.
    pub fn run(&mut self, interrupt: &Interrupt, beat: &dyn Fn()) -> Result<(), Failure> {
        loop {
            match self.read(interrupt, beat) {
                // The partitions have changed.
                Ok(()) => {}
                Err(failure) if failure.is_passing() => {
                    self.contact.failed("the alerts topic cannot be read", &failure);
                    interrupt.wait(AGAIN)?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Reads until the number of partitions changes.
    fn read(&mut self, interrupt: &Interrupt, beat: &dyn Fn()) -> Result<(), Failure> {
        let mut reading = self.open()?;
        self.contact.worked();
        let (mut expired_at, mut counted_at) = (clock::monotonic(), clock::monotonic());
        loop {
            interrupt.check()?;
            beat();
            self.poll(&mut reading)?;
            if is_due(&mut expired_at, EXPIRE_EVERY) {
                for incident in self.shared.expire(clock::wall()) {
                    tracing::warn!(
                        incident,
                        "no revision for `notify.look_back_s`: the incident is open and no longer notified"
                    );
                }
            }
            if is_due(&mut counted_at, COUNT_EVERY) && self.count(&reading) != reading.partitions {
                return Ok(());
            }
        }
    }

    fn open(&self) -> Result<Reading, Failure> {
        let topic = self.config.topics.alerts.as_str();
        let ranges = topics::ranges(&self.config.kafka, topic)?;
        let settings = kafka::consumer(&self.config.kafka);
        let look_back = span(self.config.notify.look_back);
        let begin = clock::wall().nanos().saturating_sub(look_back.nanos()) / 1_000_000;
        let from = range::at_time(&settings, &ranges, begin.max(0))?;
        let signs = self.signs_of_life(&settings)?;
        let partitions = [ranges.len(), signs.as_ref().map_or(0, |(_, partitions)| *partitions)];
        let unread = ranges.iter().map(|range| range.partition).collect();
        let failed = |e| unavailable("cannot read the alerts topic", &e);
        let consumer = assign(settings.clone().set("enable.partition.eof", "true"), &ranges, &from).map_err(failed)?;
        let board = Board::new(self.config.limits.incidents_max, look_back, self.config.notify.pages_per_hour);
        Ok(Reading { consumer, signs: signs.map(|(consumer, _)| consumer), partitions, unread, filling: Some(board) })
    }

    /// Makes a consumer of signs of life, and returns it with the number of its partitions; `None` where the topic does not exist
    /// yet. The topic is looked for again whenever partitions are counted.
    fn signs_of_life(&self, settings: &ClientConfig) -> Result<Option<(BaseConsumer, usize)>, Failure> {
        let topic = self.config.topics.view.as_str();
        let ranges = match topics::ranges(&self.config.kafka, topic) {
            Ok(ranges) => ranges,
            Err(failure) if failure.is_passing() => return Err(failure),
            Err(failure) => {
                tracing::warn!(error = %failure, "no sign of life can be read, so `Watchdog` does not fire");
                return Ok(None);
            }
        };
        let begin = clock::wall().minus(life_sign::YOUNG_FOR).nanos() / 1_000_000;
        let from = range::at_time(settings, &ranges, begin.max(0))?;
        let consumer = assign(settings, &ranges, &from).map_err(|e| unavailable("cannot read signs of life", &e))?;
        Ok(Some((consumer, ranges.len())))
    }

    /// Takes the next record, or waits a moment for it.
    fn poll(&mut self, reading: &mut Reading) -> Result<(), Failure> {
        match reading.consumer.poll(POLL) {
            None => {}
            Some(Ok(record)) => {
                self.contact.worked();
                let made = self.take(reading.filling.as_mut(), &record);
                for meters in &self.meters {
                    meters.evicted.inc_by(made.incidents);
                    meters.forgotten.inc_by(made.past);
                }
            }
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                reading.unread.remove(&partition);
            }
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                return Err(unavailable("the Kafka client gave up", &error).passing());
            }
            // The client goes on by itself once the broker is back.
            Some(Err(error)) => self.contact.failed("the alerts topic cannot be read", &error),
        }
        while let Some(sign) = reading.signs.as_ref().and_then(|signs| signs.poll(Duration::ZERO)) {
            match sign {
                Ok(record) => self.take_sign(reading.filling.as_mut(), &record),
                // As above; nobody fires `Watchdog` meanwhile.
                Err(error) => self.contact.failed("signs of life cannot be read", &error),
            }
        }
        if reading.unread.is_empty()
            && let Some(mut board) = reading.filling.take()
        {
            board.expire(clock::wall());
            self.shared.put_up(board);
            if let Some(caught_up) = self.caught_up.take() {
                tracing::info!("the alerts topic was read to its end: receivers are notified");
                caught_up();
            }
        }
        Ok(())
    }

    /// The numbers of partitions now, or as they were where nobody answers.
    fn count(&self, reading: &Reading) -> [usize; 2] {
        let topics = [self.config.topics.alerts.as_str(), self.config.topics.view.as_str()];
        let mut counts = reading.partitions;
        for (topic, count) in topics.into_iter().zip(&mut counts) {
            let metadata = reading.consumer.fetch_metadata(Some(topic), POLL);
            let partitions = metadata.ok().and_then(|metadata| metadata.topics().first().map(|t| t.partitions().len()));
            *count = partitions.filter(|n| *n > 0).unwrap_or(*count);
        }
        counts
    }

    /// Takes a record onto the board that is being filled, or else onto the one that is up. Returns how many incidents were evicted
    /// to make room.
    fn take(&self, filling: Option<&mut Board>, record: &BorrowedMessage<'_>) -> MadeRoom {
        match Notice::parse(record.payload().unwrap_or_default(), self.config.notify.has_webhook()) {
            Ok(notice) => match filling {
                Some(board) => board.take(notice, written_at(record), false),
                None => self.shared.take(notice, written_at(record)),
            },
            // Another program may write to the topic, too.
            Err(error) => {
                let (partition, offset) = (record.partition(), record.offset());
                tracing::warn!(%error, partition, offset, "a record of the alerts topic is no alert: it is left out");
                MadeRoom::default()
            }
        }
    }

    /// Takes a sign of life of this service. The topic has other records, and those of other services, too.
    fn take_sign(&self, filling: Option<&mut Board>, record: &BorrowedMessage<'_>) {
        if record.key() != Some(life_sign::KEY.as_bytes()) {
            return;
        }
        let sign: Option<LifeSign> = serde_json::from_slice(record.payload().unwrap_or_default()).ok();
        if sign.is_none_or(|sign| sign.group != self.config.kafka.group) {
            return;
        }
        // A machine whose clock is ahead must not seem to be at work for longer.
        let at = written_at(record).min(clock::wall());
        match filling {
            Some(board) => board.alive(at),
            None => self.shared.alive(at),
        }
    }
}

fn assign(settings: &ClientConfig, ranges: &[Range], from: &[i64]) -> Result<BaseConsumer, KafkaError> {
    let consumer: BaseConsumer = settings.create()?;
    let mut assignment = TopicPartitionList::new();
    for (range, from) in ranges.iter().zip(from) {
        assignment.add_partition_offset(&range.topic, range.partition, Offset::Offset(*from))?;
    }
    consumer.assign(&assignment)?;
    Ok(consumer)
}

fn written_at(record: &BorrowedMessage<'_>) -> WallTime {
    let millis = record.timestamp().to_millis().unwrap_or_default();
    WallTime::from_nanos(millis.saturating_mul(1_000_000))
}

/// Whether this long has passed since the last time, which then is now.
fn is_due(last: &mut Instant, every: Duration) -> bool {
    let now = clock::monotonic();
    let due = now.saturating_duration_since(*last) >= every;
    if due {
        *last = now;
    }
    due
}

fn span(length: Duration) -> Span {
    Span::from_nanos(i64::try_from(length.as_nanos()).unwrap_or(i64::MAX))
}
