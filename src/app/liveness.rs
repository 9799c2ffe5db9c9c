//! Whether the process's threads make progress.
//!
//! Each thread that the service cannot do without has a [`Pulse`]. It beats whenever the thread asks whether it is to end
//! ([`Interrupt`](super::Interrupt)), which all long work does, so a thread that waits for a broker lives and one that hangs
//! does not. Whoever is asked keeps a [`Liveness`], which looks at the pulses and remembers when each last moved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The longest that a thread may do without a beat. The longest step that does not ask is the reader's wait
/// until its partitions may go (twice 30 s, `kafka::consumer`); that and a loaded machine are still alive.
pub const BEATLESS_MAX: Duration = Duration::from_secs(90);

/// Counts the turns of one thread.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// The thread has come round once more.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// The threads that are looked at.
#[derive(Debug)]
pub struct Liveness(Vec<Thread>);

#[derive(Debug)]
struct Thread {
    name: &'static str,
    pulse: Pulse,
    count: u64,
    moved_at: Instant,
}

impl Liveness {
    /// Looks at these threads from now on.
    #[must_use]
    pub fn new(pulses: &[(&'static str, Pulse)], now: Instant) -> Self {
        let thread = |(name, pulse): &(&'static str, Pulse)| Thread {
            name,
            pulse: pulse.clone(),
            count: pulse.count(),
            moved_at: now,
        };
        Self(pulses.iter().map(thread).collect())
    }

    /// Looks at every pulse. A thread that stands is noticed only if this is called while it stands.
    pub fn look(&mut self, now: Instant) {
        for thread in &mut self.0 {
            let count = thread.pulse.count();
            if count != thread.count {
                (thread.count, thread.moved_at) = (count, now);
            }
        }
    }

    /// The thread that has stood too long, and for how long.
    #[must_use]
    pub fn stalled(&self, now: Instant) -> Option<(&'static str, Duration)> {
        let stood = self.0.iter().map(|thread| (thread.name, now.saturating_duration_since(thread.moved_at)));
        stood.max_by_key(|(_, length)| *length).filter(|(_, length)| *length > BEATLESS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::clock;

    #[test]
    fn a_thread_that_stands_too_long_is_named_and_one_that_comes_round_again_is_forgiven() {
        let (a, b) = (Pulse::default(), Pulse::default());
        let start = clock::monotonic();
        let mut liveness = Liveness::new(&[("a", a.clone()), ("b", b.clone())], start);
        let second = Duration::from_secs(1);
        let late = start + BEATLESS_MAX + second;
        b.beat();
        liveness.look(start + second * 2);
        assert_eq!(liveness.stalled(start + BEATLESS_MAX), None);
        assert_eq!(liveness.stalled(late), Some(("a", BEATLESS_MAX + second)));
        a.beat();
        liveness.look(late);
        assert_eq!(liveness.stalled(late), None);
    }
}
