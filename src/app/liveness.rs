//! Liveness: whether the process's threads make progress.
//!
//! Each thread that the service needs has a [`Pulse`]. The pulse beats whenever the thread checks its
//! [`Interrupt`](super::Interrupt), which all long work does, so a thread that waits for a broker is live and a thread that hangs
//! is not. A [`Liveness`] observes the pulses and remembers when each last moved.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

/// The longest time without a beat of a live thread. The longest step without a check is the consumer's wait until its
/// partitions may be revoked (twice 30 s, `kafka::consumer`); the rest is for a loaded machine.
pub const BEATLESS_MAX: Duration = Duration::from_secs(90);

/// Counts the beats of one thread.
#[derive(Clone, Debug, Default)]
pub struct Pulse(Arc<AtomicU64>);

impl Pulse {
    /// Records a sign of life.
    pub fn beat(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// The beats so far.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Observes the pulses of several threads.
#[derive(Debug)]
pub struct Liveness(Vec<Thread>);

/// One thread with its beats as they were last observed.
#[derive(Debug)]
struct Thread {
    name: &'static str,
    pulse: Pulse,
    count: u64,
    moved_at: Instant,
}

impl Liveness {
    /// Begins to observe these threads.
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

    /// Observes every pulse. A stalled thread is noticed only if this is called while it is stalled.
    pub fn observe(&mut self, now: Instant) {
        for thread in &mut self.0 {
            let count = thread.pulse.count();
            if count != thread.count {
                (thread.count, thread.moved_at) = (count, now);
            }
        }
    }

    /// The thread that has been without a beat for longest, and for how long, if that is too long.
    #[must_use]
    pub fn stalled(&self, now: Instant) -> Option<(&'static str, Duration)> {
        let stalls = self.0.iter().map(|thread| (thread.name, now.saturating_duration_since(thread.moved_at)));
        stalls.max_by_key(|(_, length)| *length).filter(|(_, length)| *length > BEATLESS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::clock;

    #[test]
    fn a_thread_without_a_beat_for_too_long_is_named_until_it_beats_again() {
        let (a, b) = (Pulse::default(), Pulse::default());
        let start = clock::monotonic();
        let mut liveness = Liveness::new(&[("a", a.clone()), ("b", b.clone())], start);
        let second = Duration::from_secs(1);
        let late = start + BEATLESS_MAX + second;
        b.beat();
        liveness.observe(start + second * 2);
        assert_eq!(liveness.stalled(start + BEATLESS_MAX), None);
        assert_eq!(liveness.stalled(late), Some(("a", BEATLESS_MAX + second)));
        a.beat();
        liveness.observe(late);
        assert_eq!(liveness.stalled(late), None);
    }
}
