//! Tells the supervisor that started the process about its state, by systemd's protocol of notifications (`Type=notify`).
//!
//! The process is ready once it works or stands by: a standby that waits for its turn has started well, and what it waits for is in
//! the status. The watchdog is fed by the work itself: a notification goes out only when every thread that must make progress
//! ([`Telemetry::pulses`]) has done so since the last one. So the supervisor's limit is the only one, and it must be longer than
//! [`BEATLESS_MAX`](super::liveness::BEATLESS_MAX).
//!
//! Without a supervisor nothing is started.

use std::{
    io,
    sync::{
        Arc,
        mpsc::{self, RecvTimeoutError, Sender},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use sd_notify::NotifyState;

use super::{
    Exit, Failure,
    liveness::Pulse,
    telemetry::{Point, Telemetry},
};

/// Environment variable that names the supervisor's socket. It is not configuration; only whether it is set matters here.
const SOCKET: &str = "NOTIFY_SOCKET";
/// How often the state is observed: often enough that a person who starts the unit does not wait for it.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Observations within the watchdog's time limit. systemd advises two notifications in that time, and an observation may be late.
const LOOKS_IN_LIMIT: u32 = 4;

/// The thread that notifies the supervisor. Dropping it says that the process ends.
pub struct Supervisor {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Supervisor {
    /// Begins to notify, where there is a supervisor.
    ///
    /// # Errors
    /// Exit 1 where the system creates no thread.
    pub fn start(telemetry: Arc<Telemetry>) -> Result<Self, Failure> {
        if std::env::var_os(SOCKET).is_none() {
            return Ok(Self { stop: None, thread: None });
        }
        let (stop, stopped) = mpsc::channel();
        let every = sd_notify::watchdog_enabled().map_or(LOOK_EVERY, |limit| LOOK_EVERY.min(limit / LOOKS_IN_LIMIT));
        let work = move || {
            let mut state = State::new(telemetry.pulses());
            loop {
                let news = state.observe(&telemetry.point().0);
                notify(news.is_started, news.is_fed, news.status.as_deref());
                if stopped.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
            report(sd_notify::notify(&[NotifyState::Stopping]));
        };
        let thread = thread::Builder::new().name("supervisor".to_owned()).spawn(work);
        let thread =
            thread.map_err(|e| Failure::new(Exit::Failed, format!("cannot start the supervisor's thread: {e}")))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        drop(self.stop.take());
        if self.thread.take().is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the supervisor's thread panicked; the service itself did not");
        }
    }
}

fn notify(is_started: bool, is_fed: bool, status: Option<&str>) {
    let ready = is_started.then_some(NotifyState::Ready);
    let watchdog = is_fed.then_some(NotifyState::Watchdog);
    let states: Vec<_> = ready.into_iter().chain(status.map(NotifyState::Status)).chain(watchdog).collect();
    if !states.is_empty() {
        report(sd_notify::notify(&states));
    }
}

fn report(outcome: io::Result<()>) {
    if let Err(error) = outcome {
        tracing::warn!(%error, "the supervisor cannot be notified");
    }
}

/// The state of which the supervisor was last notified.
struct State {
    is_started: bool,
    status: String,
    /// The threads that must make progress, with their beats at the last feeding.
    beats: Vec<(Pulse, u64)>,
}

/// The changes since the supervisor was last notified.
#[derive(Debug, PartialEq, Eq)]
struct News {
    /// The start is over.
    is_started: bool,
    status: Option<String>,
    /// Every thread has made progress.
    is_fed: bool,
}

impl State {
    fn new(pulses: &[(&'static str, Pulse)]) -> Self {
        let beats = pulses.iter().map(|(_, pulse)| (pulse.clone(), pulse.count())).collect();
        Self { is_started: false, status: String::new(), beats }
    }

    /// Returns the changes since the last call, of which the supervisor is to be notified, and remembers them.
    fn observe(&mut self, point: &Point) -> News {
        let is_started = match point {
            Point::Connecting | Point::Ending => false,
            Point::StandingBy { .. } | Point::Restoring | Point::CatchingUp(_) | Point::Following => !self.is_started,
        };
        self.is_started |= is_started;
        let status = point.to_string();
        let status = (status != self.status).then_some(status);
        if let Some(status) = &status {
            self.status.clone_from(status);
        }
        let is_fed = self.beats.iter().all(|(pulse, fed_at)| pulse.count() != *fed_at);
        if is_fed {
            self.beats.iter_mut().for_each(|(pulse, fed_at)| *fed_at = pulse.count());
        }
        News { is_started, status, is_fed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_watchdog_is_fed_only_when_every_thread_has_moved_since() {
        let (a, b) = (Pulse::default(), Pulse::default());
        let mut state = State::new(&[("a", a.clone()), ("b", b.clone())]);
        let mut is_fed = || state.observe(&Point::Following).is_fed;
        assert!(!is_fed());
        a.beat();
        assert!(!is_fed(), "b stands");
        b.beat();
        assert!(is_fed());
        assert!(!is_fed(), "neither has moved since");
        b.beat();
        b.beat();
        assert!(!is_fed(), "a stands");
    }

    #[test]
    fn a_process_has_started_once_it_works_or_stands_by_and_says_so_once() {
        let mut state = State::new(&[]);
        let mut started = |point| state.observe(&point).is_started;
        assert!(!started(Point::Connecting));
        assert!(started(Point::StandingBy { holds_state: false }));
        assert!(!started(Point::Restoring) && !started(Point::Following) && !started(Point::Ending));
    }

    #[test]
    fn a_status_is_reported_when_it_changes() {
        let mut state = State::new(&[]);
        assert_eq!(
            state.observe(&Point::Restoring).status.as_deref(),
            Some("restoring the state up to the committed offsets")
        );
        assert_eq!(state.observe(&Point::Restoring).status, None);
        assert!(state.observe(&Point::CatchingUp(Some(3))).status.unwrap().ends_with("3 records to go"));
    }
}
