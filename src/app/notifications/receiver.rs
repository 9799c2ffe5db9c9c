//! A receiver: one Alertmanager or webhook that is kept up to date with the board, whatever the others do.
//!
//! A receiver compares the board with what it was sent, and posts the difference. So a receiver that was away is sent the newest
//! state of each incident, and never what has happened meanwhile.
//!
//! An Alertmanager is posted alerts in batches, and alerts that still fire are posted again. If it refuses a batch as malformed
//! (400), one alert in the batch is the cause, so the batch is halved until that alert is alone, and the alert is reported. From
//! then on it is posted alone, as often as the others, so it is not lost if the fault was elsewhere. Any other failure concerns the
//! receiver, which is tried again with the state that is the newest then.
//!
//! A webhook is posted each revision once, alone, as it is in the topic, with its history; a revision that it refuses as malformed
//! is reported and left out. A webhook resolves nothing by itself, so what ended while it was away is posted when it is back. The
//! limit of pages does not apply to it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use super::{
    backoff::Backoff,
    board::{ENDED_FOR, Item},
    client::{Answer, Client, NoAnswer},
    posting::Posting,
    shared::Shared,
};
use crate::{
    app::{Failure, clock, metrics::Notified},
    config::{Notify, Protocol, ReceiverSettings},
    detect::Severity,
    time::WallTime,
};

/// The path of the API.
pub const ALERTS: &str = "/api/v2/alerts";
/// How many alerts are posted at once: some 500 kB. Prometheus posts as many.
const BATCH_MAX: usize = 256;
/// How often a receiver looks for alerts that are to be repeated: the shortest time between repetitions is far longer.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest part of a refusal that is reported: its reason, and not a whole page.
const REFUSAL_CHARS: usize = 300;

/// One receiver and what it was sent.
pub struct Receiver {
    name: String,
    protocol: Protocol,
    client: Client,
    least_severity: Severity,
    resend: Duration,
    venue: Option<String>,
    meters: Notified,
    /// The last state that was sent of each label set on the board.
    sent: BTreeMap<(String, Severity), Sent>,
    /// Number of the attempt since one succeeded, from 1.
    attempt: u32,
}

/// The last state of one label set that a receiver was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Sent {
    version: u64,
    ended: bool,
    at: Instant,
    refused: bool,
}

/// The meaning of an answer for the alerts that were posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    /// The alerts are taken.
    Taken,
    /// At least one of them is malformed or too large.
    Malformed,
    /// The receiver cannot take any now.
    Failed,
}

impl Verdict {
    const fn of(status: u16) -> Self {
        match status {
            200..=299 => Self::Taken,
            400 | 413 | 422 => Self::Malformed,
            _ => Self::Failed,
        }
    }
}

impl Receiver {
    /// Makes a receiver that was sent nothing yet.
    ///
    /// # Errors
    /// Exit 64 where a file that the configuration names cannot be used.
    pub fn new(
        config: &ReceiverSettings,
        notify: &Notify,
        venue: Option<String>,
        meters: Notified,
    ) -> Result<Self, Failure> {
        Ok(Self {
            name: config.name.clone(),
            protocol: config.protocol,
            client: Client::new(config)?,
            least_severity: config.least_severity,
            resend: notify.resend,
            venue,
            meters,
            sent: BTreeMap::new(),
            attempt: 1,
        })
    }

    /// Keeps the receiver up to date until the task is ended.
    pub async fn run(mut self, shared: Arc<Shared>) {
        let mut changes = shared.changes();
        let mut backoff = Backoff::default();
        loop {
            changes.mark_unchanged();
            let due = self.due(&shared);
            if due.is_empty() {
                // After the time-out the loop looks for alerts to repeat. The sender lives as long as `shared`.
                let _ = timeout(LOOK_EVERY, changes.changed()).await;
                continue;
            }
            if self.deliver(due).await {
                if self.attempt > 1 {
                    tracing::info!(receiver = self.name, "the receiver takes alerts again");
                }
                (self.attempt, backoff) = (1, Backoff::default());
            } else {
                if self.attempt == 1 {
                    tracing::warn!(
                        receiver = self.name,
                        "the receiver takes no alerts: it is tried again until it does"
                    );
                }
                self.attempt = self.attempt.saturating_add(1);
                sleep(backoff.wait()).await;
            }
        }
    }

    /// Returns the items that the receiver does not know, or that are to be repeated.
    fn due(&mut self, shared: &Shared) -> Vec<Item> {
        let (wall, now) = (clock::wall(), clock::monotonic());
        let Some(mut items) = shared.items(wall) else { return Vec::new() };
        items.retain(|item| self.shows(item, wall));
        let present: BTreeSet<_> = items.iter().map(Item::key).collect();
        self.sent.retain(|key, _| present.contains(key));
        items.retain(|item| {
            self.sent.get(&item.key()).is_none_or(|sent| {
                let is_old = now.saturating_duration_since(sent.at) >= self.resend;
                sent.is_news(item) || (is_old && self.protocol == Protocol::Alertmanager)
            })
        });
        items
    }

    /// Whether the receiver is to show an item.
    fn shows(&self, item: &Item, now: WallTime) -> bool {
        match (item, self.protocol) {
            (Item::Own(_), protocol) => protocol == Protocol::Alertmanager,
            (Item::Incident(entry), _) if entry.severity < self.least_severity => false,
            (Item::Incident(entry), Protocol::Alertmanager) => {
                !entry.is_held_back && entry.ended_at.is_none_or(|at| now.since(at) < ENDED_FOR)
            }
            // The revision itself says that the severity before is over.
            (Item::Incident(entry), Protocol::Webhook) => entry.severity == entry.notice.severity,
        }
    }

    /// Posts items in batches. Returns whether the receiver answered them all, be it with a refusal.
    async fn deliver(&mut self, due: Vec<Item>) -> bool {
        let was_refused = |item: &Item| self.sent.get(&item.key()).is_some_and(|sent| sent.refused);
        let (refused, others): (Vec<Item>, Vec<Item>) = due.into_iter().partition(was_refused);
        let together = match self.protocol {
            Protocol::Alertmanager => BATCH_MAX,
            Protocol::Webhook => 1,
        };
        let mut batches: Vec<Vec<Item>> =
            others.chunks(together).chain(refused.chunks(1)).map(<[Item]>::to_vec).collect();
        batches.reverse();
        while let Some(mut batch) = batches.pop() {
            match self.post(&batch).await {
                (Verdict::Taken, _) => batch.iter().for_each(|item| self.taken(item)),
                (Verdict::Malformed, _) if batch.len() > 1 => {
                    let second = batch.split_off(batch.len() / 2);
                    batches.extend([second, batch]);
                }
                (Verdict::Malformed, answer) => batch.iter().for_each(|item| self.refused(item, &answer)),
                (Verdict::Failed, _) => return false,
            }
        }
        true
    }

    /// Posts one batch, and logs the request.
    async fn post(&self, batch: &[Item]) -> (Verdict, String) {
        let began = clock::monotonic();
        let (bytes, answer) = match self.protocol {
            Protocol::Alertmanager => self.post_to_alertmanager(batch).await,
            Protocol::Webhook => self.post_to_webhook(batch).await,
        };
        let milliseconds = clock::monotonic().duration_since(began).as_secs_f64() * 1e3;
        let (status, error) = match &answer {
            Ok(answer) => (Some(answer.status), None),
            Err(error) => (None, Some(error.to_string())),
        };
        let (receiver, attempt, alerts) = (self.name.as_str(), self.attempt, batch.len());
        tracing::info!(receiver, attempt, status, error, alerts, bytes, milliseconds, "posted");
        let verdict = status.map_or(Verdict::Failed, Verdict::of);
        if verdict == Verdict::Failed {
            self.meters.failed.inc_by(alerts as u64);
        }
        (verdict, answer.map(|answer| answer.body).unwrap_or_default())
    }

    /// Posts alerts in the form of Alertmanager. Returns the number of bytes and the answer.
    async fn post_to_alertmanager(&self, batch: &[Item]) -> (usize, Result<Answer, NoAnswer>) {
        let now = clock::wall();
        let posting = |item| Posting::new(item, self.venue.as_deref(), self.resend, now);
        let json = serde_json::to_string(&batch.iter().map(posting).collect::<Vec<_>>()).unwrap_or_default();
        (json.len(), self.client.post(ALERTS, json, None).await)
    }

    /// Posts the one revision of the batch as it is in the topic, with what happened before. Returns the number of bytes and the
    /// answer.
    async fn post_to_webhook(&self, batch: &[Item]) -> (usize, Result<Answer, NoAnswer>) {
        let [Item::Incident(entry)] = batch else { unreachable!("a webhook is shown one incident at a time") };
        let notice = &entry.notice;
        let json = notice.payload_with(entry.history.as_ref());
        let key = format!("{}-{}", notice.id, notice.revision);
        (json.len(), self.client.post("", json, Some(&key)).await)
    }

    fn taken(&mut self, item: &Item) {
        if self.sent.get(&item.key()).is_some_and(|sent| !sent.is_news(item)) {
            self.meters.repeated.inc();
        } else {
            self.meters.delivered.inc();
            if let Item::Incident(entry) = item
                && entry.is_news
                && entry.severity == entry.notice.severity
            {
                let since = entry.notice.emitted_at.unwrap_or(entry.written_at);
                self.meters.seconds.observe(clock::wall().since(since).secs_f64().max(0.0));
            }
        }
        self.remember(item, false);
    }

    fn refused(&mut self, item: &Item, answer: &str) {
        let answer: String = answer.chars().take(REFUSAL_CHARS).collect();
        let (receiver, (incident, _), revision) = (self.name.as_str(), item.key(), item.version());
        let then = match self.protocol {
            Protocol::Alertmanager => "it is posted alone from now on",
            Protocol::Webhook => "the revision is left out",
        };
        tracing::error!(receiver, incident, revision, answer, "the receiver refuses the alert: {then}");
        self.meters.refused.inc();
        self.remember(item, true);
    }

    fn remember(&mut self, item: &Item, refused: bool) {
        let (version, ended) = (item.version(), item.ended_at().is_some());
        self.sent.insert(item.key(), Sent { version, ended, at: clock::monotonic(), refused });
    }
}

impl Sent {
    /// Whether the item differs from the state that was sent.
    fn is_news(&self, item: &Item) -> bool {
        self.version != item.version() || self.ended != item.ended_at().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_malformed_alert_is_not_tried_again() {
        for (status, verdict) in [
            (200, Verdict::Taken),
            (202, Verdict::Taken),
            (400, Verdict::Malformed),
            (413, Verdict::Malformed),
            (301, Verdict::Failed),
            (401, Verdict::Failed),
            (404, Verdict::Failed),
            (429, Verdict::Failed),
            (500, Verdict::Failed),
            (503, Verdict::Failed),
        ] {
            assert_eq!(Verdict::of(status), verdict, "{status}");
        }
    }
}
