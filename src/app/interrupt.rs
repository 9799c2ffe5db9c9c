//! Ctrl-C and SIGTERM as a flag that long work polls, and SIGHUP as another.
//!
//! The first signal only sets the flag: the work sees it, finishes what it holds and ends with 130. The second signal ends the
//! process at once, so a hung command never needs `kill -9`. A read that waits on an idle pipe does not see the flag until
//! bytes come; there the second Ctrl-C ends the process.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    flag,
};

use super::{Exit, Failure, clock, liveness::Pulse};

/// How often a wait checks the flag.
const CHECK_EVERY: Duration = Duration::from_millis(50);

/// Whether the process, or one scope of its work, is to end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    requested: Arc<AtomicBool>,
    /// Flags of the enclosing scopes; any of them ends this one.
    enclosing: Vec<Arc<AtomicBool>>,
    /// Beats at each check.
    pulse: Pulse,
}

impl Interrupt {
    /// Installs the handlers of SIGINT and SIGTERM.
    ///
    /// # Errors
    /// Exit 1 where the system refuses the handlers.
    pub fn install() -> Result<Self, Failure> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // The order matters: the handler that ends the process sees the flag only from the second signal on.
            flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(&interrupt.requested))
                .and_then(|_| flag::register(signal, Arc::clone(&interrupt.requested)))
                .map_err(|e| Failure::new(Exit::Failed, format!("cannot listen for signal {signal}: {e}")))?;
        }
        Ok(interrupt)
    }

    /// Returns the same interrupt for another thread, whose checks count as that thread's sign of life.
    #[must_use]
    pub fn beating(&self, pulse: Pulse) -> Self {
        Self { requested: Arc::clone(&self.requested), enclosing: self.enclosing.clone(), pulse }
    }

    /// The interrupt of a scope inside this one: requested alone, or with this one.
    #[must_use]
    pub fn part(&self) -> Self {
        let enclosing = self.enclosing.iter().chain([&self.requested]).map(Arc::clone).collect();
        Self { requested: Arc::default(), enclosing, pulse: self.pulse.clone() }
    }

    /// Whether the end was requested.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.pulse.beat();
        self.enclosing.iter().chain([&self.requested]).any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Requests the end from inside the process, as a signal would.
    pub fn request(&self) {
        self.requested.store(true, Ordering::Relaxed);
    }

    /// Waits for this long, or until the end is requested.
    ///
    /// # Errors
    /// [`Failure::interrupted`] from the first signal on.
    pub fn wait(&self, length: Duration) -> Result<(), Failure> {
        let until = clock::monotonic() + length;
        loop {
            self.check()?;
            let left = until.saturating_duration_since(clock::monotonic());
            if left.is_zero() {
                return Ok(());
            }
            thread::park_timeout(left.min(CHECK_EVERY));
        }
    }

    /// Fails once the end was requested, so that `?` ends the work with 130.
    ///
    /// # Errors
    /// [`Failure::interrupted`] from the first signal on.
    pub fn check(&self) -> Result<(), Failure> {
        if self.requested() { Err(Failure::interrupted()) } else { Ok(()) }
    }
}

/// Whether SIGHUP came: the configuration is to be read again.
#[derive(Clone, Debug, Default)]
pub struct Hangup(Arc<AtomicBool>);

impl Hangup {
    /// Installs the handler of SIGHUP, which would otherwise end the process.
    ///
    /// # Errors
    /// Exit 1 where the system refuses the handler.
    pub fn install() -> Result<Self, Failure> {
        let hangup = Self::default();
        flag::register(SIGHUP, Arc::clone(&hangup.0))
            .map_err(|e| Failure::new(Exit::Failed, format!("cannot listen for signal {SIGHUP}: {e}")))?;
        Ok(hangup)
    }

    /// Sets the flag from inside the process, as the signal would.
    pub fn request(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether the signal came since the last question. Several signals in between count as one.
    #[must_use]
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_ends_alone_or_with_the_whole() {
        let whole = Interrupt::default();
        let part = whole.part();
        let inner = part.part();
        assert!(!inner.requested());
        part.request();
        assert!(inner.requested() && part.requested() && !whole.requested());
        let other = whole.part().part();
        assert!(!other.requested());
        whole.request();
        assert!(other.requested());
    }
}
