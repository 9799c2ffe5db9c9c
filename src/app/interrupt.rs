//! Ctrl-C and SIGTERM as a question that long work asks.
//!
//! The first signal only raises a flag: the work polls it, puts away what it has and ends with 130. The second ends the
//! process at once, so a hung command never needs `kill -9`. A read that waits on an idle pipe does not see the flag until
//! bytes come; there the second Ctrl-C serves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

use super::{Exit, Failure, clock, liveness::Pulse};

/// How often a wait looks at the flag.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Whether the person or the supervisor wants the process, or a piece of its work, to end.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    asked_for: Arc<AtomicBool>,
    /// Those of the work that this is a piece of.
    wholes: Vec<Arc<AtomicBool>>,
    /// Beats with each question.
    pulse: Pulse,
}

impl Interrupt {
    /// Listens for SIGINT and SIGTERM from now on.
    ///
    /// # Errors
    /// When the system refuses the handlers.
    pub fn install() -> Result<Self, Failure> {
        let interrupt = Self::default();
        for signal in [SIGINT, SIGTERM] {
            // The order matters: the handler that ends the process sees the flag only from the second signal on.
            flag::register_conditional_shutdown(signal, Exit::Interrupted as i32, Arc::clone(&interrupt.asked_for))
                .and_then(|_| flag::register(signal, Arc::clone(&interrupt.asked_for)))
                .map_err(|e| Failure::new(Exit::Failed, format!("cannot listen for signal {signal}: {e}")))?;
        }
        Ok(interrupt)
    }

    /// The same question for a thread of its own, whose asking is taken for a sign of life.
    #[must_use]
    pub fn beating(&self, pulse: Pulse) -> Self {
        Self { asked_for: Arc::clone(&self.asked_for), wholes: self.wholes.clone(), pulse }
    }

    /// The interrupt of a piece of the work: it ends with the whole, or alone.
    #[must_use]
    pub fn part(&self) -> Self {
        let wholes = self.wholes.iter().chain([&self.asked_for]).map(Arc::clone).collect();
        Self { asked_for: Arc::default(), wholes, pulse: self.pulse.clone() }
    }

    /// Whether it is time to end.
    #[must_use]
    pub fn requested(&self) -> bool {
        self.pulse.beat();
        self.wholes.iter().chain([&self.asked_for]).any(|flag| flag.load(Ordering::Relaxed))
    }

    /// Asks for the end from inside the process, as a signal would.
    pub fn request(&self) {
        self.asked_for.store(true, Ordering::Relaxed);
    }

    /// Waits, unless the end is asked for.
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
            thread::park_timeout(left.min(LOOK_EVERY));
        }
    }

    /// Ends the work with 130 once the end was asked for.
    ///
    /// # Errors
    /// [`Failure::interrupted`] from the first signal on.
    pub fn check(&self) -> Result<(), Failure> {
        if self.requested() { Err(Failure::interrupted()) } else { Ok(()) }
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
