//! The next commit: messages that wait for it, and when it is due.

use std::time::{Duration, Instant};

use crate::app::{
    clock,
    kafka::message::Message,
    metrics::{Meters, Stage},
};

/// Size of the waiting messages, in bytes, at which they are committed early: hostile input makes a dead letter of each record.
const BYTES_MAX: usize = 4 << 20;

/// Whether alerts wait, and whether one of them opens an incident.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Alerts {
    #[default]
    None,
    Some,
    Opening,
}

/// Messages that wait for the next transaction.
pub struct PendingCommit {
    messages: Vec<Message>,
    bytes: usize,
    alerts: Alerts,
    /// When each alert that waits was emitted, and the milliseconds before that, where a record completed it.
    emitted: Vec<(Instant, Option<f64>)>,
    due_at: Instant,
    interval: Duration,
}

impl PendingCommit {
    /// Begins without messages; the first commit is due after the interval.
    #[must_use]
    pub fn new(interval: Duration) -> Self {
        let due_at = clock::monotonic() + interval;
        Self { messages: Vec::new(), bytes: 0, alerts: Alerts::None, emitted: Vec::new(), due_at, interval }
    }

    /// Adds a message.
    pub fn push(&mut self, message: Message) {
        self.bytes += message.bytes();
        self.messages.push(message);
    }

    /// Adds the message of an alert, and the milliseconds from its completing event to now. Its commit is due at once.
    pub fn push_alert(&mut self, message: Message, opens_incident: bool, before: Option<f64>) {
        self.alerts = self.alerts.max(if opens_incident { Alerts::Opening } else { Alerts::Some });
        self.emitted.push((clock::monotonic(), before));
        self.push(message);
    }

    /// Returns the messages, in order. The publisher cuts a message that is too large for its topic.
    pub const fn messages(&mut self) -> &mut Vec<Message> {
        &mut self.messages
    }

    /// Whether an alert that waits opens an incident, for the tests that end the process there.
    #[must_use]
    pub fn opens_incident(&self) -> bool {
        self.alerts == Alerts::Opening
    }

    /// Whether no message waits.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Returns how long it is until the next commit is due.
    #[must_use]
    pub fn until_due(&self, now: Instant) -> Duration {
        self.due_at.saturating_duration_since(now)
    }

    /// Whether the commit is due: at once with an alert, else on the interval.
    #[must_use]
    pub fn is_due(&self, now: Instant) -> bool {
        self.alerts > Alerts::None || self.bytes >= BYTES_MAX || now >= self.due_at
    }

    /// Makes the commit due at once.
    pub fn hurry(&mut self) {
        self.due_at = clock::monotonic();
    }

    /// Begins the next interval.
    pub fn begin_interval(&mut self) {
        self.due_at = clock::monotonic() + self.interval;
    }

    /// Removes the messages after a commit that began at `began`, and measures how long the commit and its alerts took.
    pub fn committed(&mut self, began: Instant, meters: &Meters) {
        let now = clock::monotonic();
        meters.committed(now.duration_since(began), self.emitted.len());
        for (emitted, before) in self.emitted.drain(..) {
            let delivery = now.duration_since(emitted).as_secs_f64();
            meters.alert(Stage::Delivery, delivery);
            if let Some(before) = before {
                meters.alert(Stage::Total, before / 1e3 + delivery);
            }
        }
        self.messages.clear();
        (self.bytes, self.alerts) = (0, Alerts::None);
    }
}
