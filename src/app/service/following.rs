//! A standby's own state, which a thread keeps close behind the process that works.
//!
//! Every few seconds the thread reads the input from where it stopped up to the offsets that are committed by then, and discards
//! the outputs, as a restart does. So a standby that takes over goes on within a moment, and a standby of a new version that cannot
//! use the snapshots of the old one has read the input again before it takes over.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use super::{
    restore::{self, Ahead, Ground},
    worker::discarding,
};
use crate::{
    app::{
        Exit, Failure, Interrupt, clock,
        kafka::{consumer::observer, topics},
        liveness::Pulse,
        metrics::StandbyMeters,
    },
    config::Config,
};

/// How long the thread rests after each reading. What was committed meanwhile is read again at a takeover: some tens of milliseconds
/// of a busy feed.
const REST: Duration = Duration::from_secs(5);
/// How often the end of the thread is checked for: short against what a takeover lasts.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// The thread.
pub struct Following {
    thread: JoinHandle<Option<Ahead>>,
    /// Requested when no further reading is to begin.
    enough: Interrupt,
    /// Requested when the reading under way is of no use.
    end: Interrupt,
    holds_state: Arc<AtomicBool>,
}

impl Following {
    /// Starts the thread.
    ///
    /// # Errors
    /// Exit 1 where the system gives no thread.
    pub fn start(config: &Config, meters: StandbyMeters, interrupt: &Interrupt) -> Result<Self, Failure> {
        // The service's thread gives the signs of life.
        let end = interrupt.beating(Pulse::default()).part();
        let (enough, holds_state) = (end.part(), Arc::new(AtomicBool::new(false)));
        let follower = Follower {
            config: config.clone(),
            meters,
            end: end.clone(),
            enough: enough.clone(),
            holds_state: Arc::clone(&holds_state),
        };
        let thread = std::thread::Builder::new()
            .name("following".to_owned())
            .spawn(move || follower.run())
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot start a thread: {e}")))?;
        Ok(Self { thread, enough, end, holds_state })
    }

    /// Whether the state is that of some committed offsets.
    #[must_use]
    pub fn holds_state(&self) -> bool {
        self.holds_state.load(Ordering::Relaxed)
    }

    /// Waits for the reading under way, which a takeover would have to do too, and returns the state.
    ///
    /// # Errors
    /// Exit 130 at an interrupt.
    pub fn finish(self, interrupt: &Interrupt) -> Result<Option<Ahead>, Failure> {
        self.enough.request();
        while !self.thread.is_finished() {
            if let Err(interrupted) = interrupt.wait(LOOK_EVERY) {
                self.end.request();
                return Err(interrupted);
            }
        }
        Ok(self.thread.join().unwrap_or_else(|_| {
            tracing::error!("the thread that kept the state panicked: the state is restored from the newest snapshot");
            None
        }))
    }
}

/// The work of the thread.
struct Follower {
    config: Config,
    meters: StandbyMeters,
    end: Interrupt,
    enough: Interrupt,
    holds_state: Arc<AtomicBool>,
}

impl Follower {
    fn run(self) -> Option<Ahead> {
        let mut state = None;
        // One line for each time that following stops, and one when it goes on.
        let mut is_held_up = false;
        loop {
            state = match self.read(state) {
                Ok(state) => {
                    if !self.holds_state.swap(true, Ordering::Relaxed) {
                        tracing::info!("this standby holds the state up to the committed offsets");
                    }
                    is_held_up = false;
                    self.meters.followed(clock::wall());
                    Some(state)
                }
                Err(failure) => {
                    self.holds_state.store(false, Ordering::Relaxed);
                    if failure.exit != Exit::Interrupted && !std::mem::replace(&mut is_held_up, true) {
                        tracing::warn!(%failure, "this standby cannot follow: it begins again with the newest snapshot");
                    }
                    None
                }
            };
            if self.enough.wait(REST).is_err() {
                return state;
            }
        }
    }

    /// Reads up to what is committed now.
    fn read(&self, state: Option<Ahead>) -> Result<Ahead, Failure> {
        let Self { config, end, .. } = self;
        let partitions = topics::partitions_of_input(config)?;
        // A consumer of its own each time: nobody polls it, so what the client reports would pile up.
        let reader = observer(&config.kafka)?;
        let ground = Ground { config, reader: &reader, partitions: &partitions, interrupt: end };
        restore::follow(ground, state, discarding(config.limits.decode()))
    }
}
