//! Membership in the group, and a consumer on its own thread that delivers the records of the assigned partitions in batches.
//!
//! The thread only polls and copies, and sends batches through a bounded channel. While the channel is full, the partitions are
//! paused and polling goes on, so the group never takes this process for dead. librdkafka bounds what it reads ahead, so a slow
//! receiver costs no memory.
//!
//! ```text
//!  join ──▶ Assigned ──▶ Batch, Moved, Batch, … ──▶ Revoked ──▶ Assigned …      each assignment has an interrupt that its work checks
//!                                                      └─ lost: leaves at once, and commits nothing
//! ```
//! Reading begins where the receiver says, once it has restored its state; until then the partitions are paused. The client never
//! chooses a position by itself: where it cannot go on, `poller` asks what the partitions hold, says so, and goes on there.
//!
//! A rebalance is a message in the same channel, after the records that were read before it. Partitions are given back only when
//! the receiver has committed. Partitions that are lost, because the session ended, belong to another member already: this member
//! then leaves the group, because to join again by itself would disturb the process that works now.

use std::{sync::Arc, thread::JoinHandle, time::Duration};

use crossbeam_channel::{Receiver, bounded};
use rdkafka::{ClientConfig, config::RDKafkaLogLevel, consumer::Consumer as _};

pub use super::delivery::{Assignment, Delivery, Handle, Moved, Rebalances, Revoked, Start};
use super::{
    consumer as settings,
    contact::Contact,
    delivery::BUSY_POLL,
    group::{Roster, is_in},
    lag, logs,
    poller::Poller,
    refusal::refused,
    unavailable,
};
use crate::{
    app::{Exit, Failure, Interrupt, clock, liveness::Pulse},
    config::Kafka,
};

/// Capacity of the channel in batches: some tens of milliseconds of a busy feed.
const BATCHES_MAX: usize = 16;
/// How long leaving the group may take; without an answer the group waits for the end of the session.
const LEAVE_MAX: Duration = Duration::from_secs(2);

/// How often the client asks for metadata, in milliseconds: a new partition is to be noticed within 10 s, and it takes up to two
/// seconds more to read it. One small request for each.
const METADATA_EVERY: (&str, &str) = ("topic.metadata.refresh.interval.ms", "4000");

/// A membership in the group, from joining to leaving.
pub struct Membership {
    /// The consumer.
    pub reader: Handle,
    /// The consumer's messages.
    pub deliveries: Receiver<Delivery>,
    /// Requested when the group has ended the membership: nothing more can be committed then.
    pub lost: Interrupt,
    /// The member's name in the group.
    pub instance_id: String,
    /// Requested when the member leaves.
    left: Interrupt,
    thread: JoinHandle<()>,
}

impl Membership {
    /// Joins the group under this name and starts the thread, which beats the pulse.
    ///
    /// # Errors
    /// Exit 64 where the settings are refused, 69 where the topics cannot be subscribed to.
    pub fn join(
        kafka: &Kafka,
        instance_id: String,
        interrupt: &Interrupt,
        pulse: Pulse,
        contact: &Contact,
    ) -> Result<Self, Failure> {
        let (sender, deliveries) = bounded(BATCHES_MAX);
        let (lost, left) = (interrupt.part(), Interrupt::default().beating(pulse));
        let reader: Handle = Arc::new(
            member_settings(kafka, &instance_id)
                .create_with_context(Rebalances::new(sender.clone(), lost.clone(), kafka.client.contains_key("debug")))
                .map_err(|e| refused(&e))?,
        );
        let topics: Vec<&str> = kafka.input.iter().map(crate::config::Subscription::as_str).collect();
        reader.subscribe(&topics).map_err(|e| unavailable("cannot subscribe to the input", &e))?;
        let poller = Poller::new(Arc::clone(&reader), sender, left.clone(), contact.clone());
        let thread = std::thread::Builder::new()
            .name("consumer".to_owned())
            .spawn(move || poller.run())
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot start a thread: {e}")))?;
        Ok(Self { reader, deliveries, lost, instance_id, left, thread })
    }

    /// Takes the reason why the consumer cannot go on, where that has ended the membership.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        self.reader.context().take_failure()
    }

    /// Leaves the group for good, so that another process need not wait for the end of the session.
    ///
    /// # Errors
    /// Exit 1 where the thread panicked.
    pub fn leave(self, roster: &mut Roster) -> Result<(), Failure> {
        self.left.request();
        // A rebalance may be waiting for the partitions to be let go: dropping its message lets them go.
        while !self.thread.is_finished() {
            let _ = self.deliveries.recv_timeout(BUSY_POLL);
        }
        self.thread.join().map_err(|_| Failure::new(Exit::Failed, "the consumer's thread panicked"))?;
        // Without a receiver, the partitions go at once when the membership ends.
        self.deliveries.try_iter().for_each(drop);
        drop(self.deliveries);
        // A static member that merely closes stays in the group; one that unsubscribes leaves.
        self.reader.unsubscribe();
        let until = clock::monotonic() + LEAVE_MAX;
        while clock::monotonic() < until && roster.members().is_ok_and(|members| is_in(&members, &self.instance_id)) {
            self.reader.poll(BUSY_POLL);
        }
        Ok(())
    }
}

/// Returns a consumer that knows the group and learns the topics' ids, but joins nothing.
///
/// # Errors
/// Exit 64 where the settings are refused.
pub fn observer(kafka: &Kafka) -> Result<Handle, Failure> {
    let (sender, _) = bounded(0);
    // The name of the instance matters only to a member.
    let settings = member_settings(kafka, "observer");
    let context = Rebalances::new(sender, Interrupt::default(), kafka.client.contains_key("debug"));
    settings.create_with_context(context).map(Arc::new).map_err(|e| refused(&e))
}

/// The settings of a member, on top of those of every consumer.
fn member_settings(kafka: &Kafka, instance_id: &str) -> ClientConfig {
    let mut settings = settings(kafka);
    // The group notices a dead process after six seconds; the default is 45.
    if !kafka.client.contains_key("session.timeout.ms") {
        settings.set("session.timeout.ms", "6000");
    }
    if !kafka.client.contains_key("heartbeat.interval.ms") {
        settings.set("heartbeat.interval.ms", "500");
    }
    // The client notices a new partition, and a topic that matches a pattern, with its metadata; the default is five minutes.
    if !kafka.client.contains_key(METADATA_EVERY.0) {
        settings.set(METADATA_EVERY.0, METADATA_EVERY.1);
    }
    let debug = kafka.client.get("debug").map_or_else(String::new, |kinds| format!("{},", kinds.expose()));
    settings
        .set("group.instance.id", instance_id)
        .set("statistics.interval.ms", lag::EVERY_MS)
        // What to do is decided by what the partition holds (`poller`), not by the client.
        .set("auto.offset.reset", "error")
        .set("debug", format!("{debug}{}", logs::DEBUG_KIND))
        .set_log_level(RDKafkaLogLevel::Debug);
    settings
}
