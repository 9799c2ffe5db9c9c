//! Notifications of the alerts that were committed, at Alertmanagers and webhooks.
//!
//! ```text
//!  alerts topic ─▶ reader (a thread) ─▶ board: the newest revision of each open incident
//!  signs of life ────▶                    ├─▶ receiver ─▶ an Alertmanager: POST /api/v2/alerts
//!                                         └─▶ receiver ─▶ a webhook: POST          (tasks of one thread)
//! ```
//!
//! Notifications are made from the topic and not by the engine, so nothing is sent that was not committed, and a restart or a
//! takeover needs no memory of its own. Every process does the same, working or standing by, as a pair of Prometheus servers does:
//! Alertmanager takes equal alerts for one.

mod backoff;
mod board;
mod client;
mod notice;
mod own;
mod pages;
mod past;
mod posting;
mod reader;
mod receiver;
mod shared;

use std::{
    io,
    sync::Arc,
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{runtime::Runtime, sync::oneshot, task::JoinSet};

pub use self::client::{Answer, NoAnswer};
use self::{
    client::Client,
    posting::{Posting, TEST_SUMMARY, TEST_TITLE},
    reader::Reader,
    receiver::Receiver,
    shared::Shared,
};
use super::{
    Exit, Failure, Interrupt, clock,
    liveness::Pulse,
    metrics::{Meters, Notified},
    telemetry::Telemetry,
};
use crate::config::{Config, Protocol, ReceiverSettings};

/// The path that says whether this is an Alertmanager, behind the same login as its alerts.
const STATUS: &str = "/api/v2/status";
/// The wait after a failure that an operator must mend, such as a missing right. The service goes on meanwhile.
const MENDED: Duration = Duration::from_secs(10);
/// How long the end waits for the look-up of a host's name, which cannot be interrupted.
const END_MAX: Duration = Duration::from_millis(500);

/// The notifications of a service, on threads of their own. Dropping it ends them.
pub struct Notifier {
    interrupt: Interrupt,
    reader: Option<JoinHandle<()>>,
    _receivers: Receivers,
}

/// The thread of the receivers. Dropping it ends what is under way.
struct Receivers {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Notifier {
    /// Begins to notify, if the configuration has receivers.
    ///
    /// # Errors
    /// Exit 64 where a file that the configuration names cannot be used, 1 where the system creates no thread.
    pub fn start(config: &Config, telemetry: &Telemetry, interrupt: &Interrupt) -> Result<Option<Self>, Failure> {
        if config.notify.receivers.is_empty() {
            return Ok(None);
        }
        let (shared, meters) = (Arc::new(Shared::default()), meters(config, &telemetry.meters));
        let receivers = Receivers::start(config, &shared, &meters)?;
        // A reader that waits for the broker is no sign of life of the service.
        let interrupt = interrupt.beating(Pulse::default()).part();
        let (config, inner) = (config.clone(), interrupt.clone());
        let reader = thread::Builder::new().name("alerts".to_owned()).spawn(move || {
            let mut reader = Reader::new(&config, shared, meters, || {});
            let mut reported = None;
            while let Err(failure) = reader.run(&inner, &|| {}) {
                let is_reported = reported.as_ref() == Some(&failure);
                if failure.exit != Exit::Interrupted && !is_reported {
                    tracing::error!(error = %failure, "alerts cannot be read, so new ones are not notified: it is tried again");
                    reported = Some(failure);
                }
                if inner.wait(MENDED).is_err() {
                    break;
                }
            }
        });
        Ok(Some(Self { interrupt, reader: Some(reader.map_err(|e| no_thread(&e))?), _receivers: receivers }))
    }
}

impl Drop for Notifier {
    fn drop(&mut self) {
        self.interrupt.request();
        if self.reader.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that reads alerts panicked");
        }
    }
}

/// Notifies until the interrupt, on this thread; `caught_up` is called once receivers know what is open.
///
/// # Errors
/// Exit 69 at a failure that will not pass, 64 where a file cannot be used, 130 at the interrupt.
pub fn run(
    config: &Config,
    telemetry: &Telemetry,
    interrupt: &Interrupt,
    caught_up: impl FnOnce() + Send,
) -> Result<(), Failure> {
    let (shared, meters) = (Arc::new(Shared::default()), meters(config, &telemetry.meters));
    let _receivers = Receivers::start(config, &shared, &meters)?;
    let consumer = telemetry.consumer();
    Reader::new(config, shared, meters, caught_up).run(interrupt, &|| consumer.beat())
}

/// Asks an Alertmanager for its status, and sends it nothing. A webhook is only connected to, which gives no answer.
///
/// # Errors
/// Exit 64 where a file that the configuration names cannot be used, 1 where there is no runtime.
pub fn status(receiver: &ReceiverSettings) -> Result<Result<Option<Answer>, NoAnswer>, Failure> {
    let client = Client::new(receiver)?;
    let runtime = runtime()?;
    let answer = runtime.block_on(async {
        match receiver.protocol {
            Protocol::Alertmanager => client.get(STATUS).await.map(Some),
            Protocol::Webhook => client.reach().await.map(|()| None),
        }
    });
    runtime.shutdown_timeout(END_MAX);
    Ok(answer)
}

/// Sends a receiver one alert that is marked as a test, and waits for the answer.
///
/// # Errors
/// The errors of [`status`].
pub fn test(config: &Config, receiver: &ReceiverSettings) -> Result<Result<Answer, NoAnswer>, Failure> {
    let client = Client::new(receiver)?;
    let (severity, venue) = (receiver.least_severity.name(), config.venue.name.as_deref());
    let (path, key, json) = match receiver.protocol {
        Protocol::Alertmanager => {
            let posting = Posting::test(severity, venue, config.notify.resend, clock::wall());
            (receiver::ALERTS, None, serde_json::to_string(&[posting]))
        }
        Protocol::Webhook => {
            let alert = serde_json::json!({
                "id": "test", "revision": 1, "status": "firing", "severity": severity, "venue": venue,
                "title": TEST_TITLE, "summary": TEST_SUMMARY,
            });
            ("", Some("test-1"), serde_json::to_string(&alert))
        }
    };
    let json = json.map_err(|e| Failure::new(Exit::Failed, format!("a test cannot be written as JSON: {e}")))?;
    let runtime = runtime()?;
    let answer = runtime.block_on(client.post(path, json, key));
    runtime.shutdown_timeout(END_MAX);
    Ok(answer)
}

impl Receivers {
    fn start(config: &Config, shared: &Arc<Shared>, meters: &[Notified]) -> Result<Self, Failure> {
        let receivers = config.notify.receivers.iter().zip(meters).map(|(receiver, meters)| {
            Receiver::new(receiver, &config.notify, config.venue.name.clone(), meters.clone())
        });
        let receivers: Vec<Receiver> = receivers.collect::<Result<_, _>>()?;
        let (runtime, shared) = (runtime()?, Arc::clone(shared));
        let (stop, stopped) = oneshot::channel();
        let work = move || {
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                for receiver in receivers {
                    tasks.spawn(receiver.run(Arc::clone(&shared)));
                }
                // Ends at the message, and when its sender is dropped.
                let _ = stopped.await;
            });
            runtime.shutdown_timeout(END_MAX);
        };
        let thread = thread::Builder::new().name("notify".to_owned()).spawn(work).map_err(|e| no_thread(&e))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Receivers {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread that notifies panicked");
        }
    }
}

fn meters(config: &Config, meters: &Meters) -> Vec<Notified> {
    config.notify.receivers.iter().map(|receiver| meters.receiver(&receiver.name)).collect()
}

fn runtime() -> Result<Runtime, Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| no_thread(&e))
}

fn no_thread(error: &io::Error) -> Failure {
    Failure::new(Exit::Failed, format!("cannot start the notifications: {error}"))
}
