//! Writes snapshots on a thread of its own: encodes and compresses the state, sends the chunks, waits for the broker, and sends the
//! manifest.
//!
//! The thread writes one snapshot at a time; the caller asks first whether the last one is done. A failure never holds up the
//! flow: it is logged and counted, and the next snapshot is written into the same slot, so that the complete one in the other slot
//! stays.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use rdkafka::{
    ClientContext,
    error::KafkaError,
    producer::{BaseRecord, DeliveryResult, ProducerContext, ThreadedProducer},
};
use sha2::{Digest as _, Sha256};

use super::{
    CHUNK_BYTES, Key, Manifest, PARTITION, Part, PartitionOffset, Slot, UNPACKED_BYTES_MAX, manifest::Contents,
};
use crate::{
    alert::hexadecimal,
    app::{Exit, Failure, clock, kafka::client, telemetry::Telemetry},
    config::Config,
    engine::{Settings, Snapshot},
    time::WallTime,
};

/// Compression level: zstd's own default. A higher one gains a few per cent for several times the time.
const LEVEL: i32 = 3;
/// Largest number of chunks under way: the flow's own records should not have to wait behind a whole snapshot.
const UNDER_WAY_MAX: usize = 4;
/// How long the delivery of a chunk may take, with time for a broker's restart; then the snapshot is given up.
const DELIVERY_MAX_MS: &str = "60000";

/// A snapshot to be written.
pub struct Job {
    /// The state.
    pub snapshot: Snapshot,
    /// The settings in force.
    pub settings: Settings,
    /// The committed offsets to which the state belongs.
    pub positions: Vec<PartitionOffset>,
    /// Time at which the state was copied.
    pub taken_at: WallTime,
    /// Whether nothing is committed after this snapshot before the partitions are given back.
    pub is_last: bool,
}

/// The handle of the writing thread.
pub struct Writer {
    jobs: Option<Sender<Job>>,
    flags: Flags,
    /// Disconnected when the thread has ended.
    ended: Receiver<()>,
}

/// Flags that the handle and the thread share.
#[derive(Clone, Default)]
struct Flags {
    /// A snapshot is being written.
    busy: Arc<AtomicBool>,
    /// The snapshot is of no more use: another process may be writing into the same slots.
    cancelled: Arc<AtomicBool>,
}

impl Writer {
    /// Starts the thread; `slot` is written first.
    ///
    /// # Errors
    /// Exit 1 where the system creates no thread.
    pub fn start(config: &Config, telemetry: &Arc<Telemetry>, slot: Slot) -> Result<Self, Failure> {
        let (jobs, received) = bounded::<Job>(1);
        let (end, ended) = bounded(0);
        let flags = Flags::default();
        let mut thread = Thread {
            config: config.clone(),
            telemetry: Arc::clone(telemetry),
            flags: flags.clone(),
            slot,
            producer: None,
        };
        let work = move || {
            for job in &received {
                thread.handle(job);
                thread.flags.busy.store(false, Ordering::Release);
            }
            drop(end);
        };
        std::thread::Builder::new()
            .name("snapshots".to_owned())
            .spawn(work)
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot start a thread: {e}")))?;
        Ok(Self { jobs: Some(jobs), flags, ended })
    }

    /// Whether a snapshot is being written.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.flags.busy.load(Ordering::Acquire)
    }

    /// Begins to write a snapshot. Must not be called while one is being written.
    pub fn write(&self, job: Job) {
        self.flags.busy.store(true, Ordering::Release);
        // The thread ends only with this sender. A thread that panicked stays busy, and no more state is copied for it.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.try_send(job);
        }
    }

    /// Waits until everything is written, at most for this time. Returns whether it was enough.
    #[must_use]
    pub fn finish(mut self, within: Duration) -> bool {
        self.jobs = None;
        self.ended.recv_timeout(within).is_err_and(|error| error.is_disconnected())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.flags.cancelled.store(true, Ordering::Release);
    }
}

/// The reason why a snapshot was not written.
enum Setback {
    TooLarge(usize),
    Cancelled,
    Kafka(KafkaError),
    Other(String),
}

impl From<KafkaError> for Setback {
    fn from(error: KafkaError) -> Self {
        Self::Kafka(error)
    }
}

/// The state of the writing thread.
struct Thread {
    config: Config,
    telemetry: Arc<Telemetry>,
    flags: Flags,
    /// Slot of the next snapshot.
    slot: Slot,
    /// The client, which is created when it is needed, and anew after a failure.
    producer: Option<Producer>,
}

impl Thread {
    fn handle(&mut self, job: Job) {
        let (began, taken_at) = (clock::monotonic(), job.taken_at);
        match self.write(job) {
            Ok(bytes) => {
                self.slot = self.slot.other();
                let length = clock::monotonic().duration_since(began);
                self.telemetry.meters.snapshot_written(taken_at, bytes, length);
                tracing::debug!(bytes, seconds = length.as_secs_f64(), "a snapshot was written");
            }
            Err(Setback::Cancelled) => {}
            Err(Setback::TooLarge(bytes)) => {
                self.telemetry.meters.snapshot_too_large();
                tracing::error!(
                    bytes,
                    bytes_max = self.config.state.bytes_max,
                    "the state is too large to be written, so a restart will read all of the input again: \
                     raise `state.bytes_max`, or lower `limits.symbols_max` or `limits.orders_max`"
                );
            }
            Err(Setback::Kafka(error)) => self.failed(&error.to_string()),
            Err(Setback::Other(what)) => self.failed(&what),
        }
    }

    fn failed(&mut self, error: &str) {
        self.producer = None;
        self.telemetry.meters.snapshot_failed();
        let topic = self.config.topics.state.as_str();
        tracing::warn!(error, topic, "a snapshot was not written; the next one is tried after `state.interval_s`");
    }

    fn write(&mut self, job: Job) -> Result<usize, Setback> {
        let Job { snapshot, settings, positions, taken_at, is_last } = job;
        let config = (snapshot.config().to_owned(), settings.written());
        let bytes = snapshot.encode();
        // Freed before the compression needs as much memory again.
        drop(snapshot);
        let packed = zstd::bulk::compress(&bytes, LEVEL).map_err(|e| Setback::Other(e.to_string()))?;
        let unpacked_bytes = bytes.len() as u64;
        drop(bytes);
        if packed.len() > self.config.state.bytes_max || unpacked_bytes > UNPACKED_BYTES_MAX {
            return Err(Setback::TooLarge(packed.len()));
        }
        let chunks = self.send_chunks(&packed)?;
        failpoint();
        self.check()?;
        let contents = Contents {
            chunks,
            bytes: packed.len() as u64,
            unpacked_bytes,
            sha256: hexadecimal(&Sha256::digest(&packed)),
        };
        let manifest =
            Manifest::new(&self.config.kafka.transactional_id, contents, taken_at, config, (positions, is_last));
        let json = serde_json::to_vec(&manifest).map_err(|e| Setback::Other(e.to_string()))?;
        let (slot, producer) = (self.slot, self.producer()?);
        producer.send(slot, Part::Manifest, &json)?;
        producer.wait(0)?;
        Ok(packed.len())
    }

    /// Sends all chunks, and returns their number when the broker has them.
    fn send_chunks(&mut self, packed: &[u8]) -> Result<u32, Setback> {
        let slot = self.slot;
        let mut chunks = 0;
        for chunk in packed.chunks(CHUNK_BYTES) {
            self.check()?;
            let producer = self.producer()?;
            producer.wait(UNDER_WAY_MAX - 1)?;
            producer.send(slot, Part::Chunk(chunks), chunk)?;
            chunks += 1;
        }
        self.producer()?.wait(0)?;
        Ok(chunks)
    }

    fn check(&self) -> Result<(), Setback> {
        if self.flags.cancelled.load(Ordering::Acquire) { Err(Setback::Cancelled) } else { Ok(()) }
    }

    fn producer(&mut self) -> Result<&mut Producer, KafkaError> {
        let producer = match self.producer.take() {
            Some(producer) => producer,
            None => Producer::new(&self.config)?,
        };
        Ok(self.producer.insert(producer))
    }
}

/// An idempotent producer of one topic that reports each delivery.
struct Producer {
    client: ThreadedProducer<Deliveries>,
    outcomes: Receiver<Result<(), KafkaError>>,
    under_way: usize,
    service: String,
    topic: String,
}

/// The producer's context: sends the outcome of each delivery to the thread.
struct Deliveries(Sender<Result<(), KafkaError>>);

impl ClientContext for Deliveries {}

impl ProducerContext for Deliveries {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        let outcome = result.as_ref().map(|_| ()).map_err(|(error, _)| error.clone());
        // The receiver is gone when the snapshot was given up.
        let _ = self.0.send(outcome);
    }
}

impl Producer {
    fn new(config: &Config) -> Result<Self, KafkaError> {
        let (sender, outcomes) = unbounded();
        let mut settings = client(&config.kafka);
        settings
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("linger.ms", "0")
            .set("message.timeout.ms", DELIVERY_MAX_MS)
            // The chunks are compressed already.
            .set("compression.type", "none");
        Ok(Self {
            client: settings.create_with_context(Deliveries(sender))?,
            outcomes,
            under_way: 0,
            service: config.kafka.transactional_id.clone(),
            topic: config.topics.state.as_str().to_owned(),
        })
    }

    fn send(&mut self, slot: Slot, part: Part, payload: &[u8]) -> Result<(), KafkaError> {
        let key = Key { service: &self.service, slot, part }.to_string();
        let record = BaseRecord::to(&self.topic).partition(PARTITION).key(&key).payload(payload);
        self.client.send(record).map_err(|(error, _)| error)?;
        self.under_way += 1;
        Ok(())
    }

    /// Waits until at most this many chunks are under way. Each is delivered or fails within the client's time limit.
    fn wait(&mut self, under_way: usize) -> Result<(), KafkaError> {
        while self.under_way > under_way {
            self.outcomes.recv().map_err(|_| KafkaError::Canceled)??;
            self.under_way -= 1;
        }
        Ok(())
    }
}

/// The point at which a test ends the process: the broker has all chunks, but not the manifest.
#[cfg(feature = "failpoints")]
fn failpoint() {
    fail::fail_point!("in-snapshot", |_| {
        tracing::warn!("failpoint in-snapshot reached");
        loop {
            std::thread::park();
        }
    });
}

#[cfg(not(feature = "failpoints"))]
const fn failpoint() {}
