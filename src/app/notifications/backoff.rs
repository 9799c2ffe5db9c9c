//! Waits between attempts: exponential with full jitter, so that many senders do not come back at the same moment.
//!
//! Full jitter is a wait drawn evenly from zero to the exponential delay (Brooker, "Exponential Backoff And Jitter", 2015). The
//! library's own jitter adds such a draw to the delay, so the delay is taken off again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};

/// The first delay: a receiver that restarts is away for about a second.
const DELAY_MIN: Duration = Duration::from_millis(250);
/// The longest delay: an eighth of the time after which a receiver resolves an alert that is not posted again.
const DELAY_MAX: Duration = Duration::from_secs(30);

/// Waits of one series of attempts.
#[derive(Debug)]
pub struct Backoff {
    delays: ExponentialBackoff,
    jittered: ExponentialBackoff,
}

impl Default for Backoff {
    fn default() -> Self {
        Self::of(builder().with_jitter())
    }
}

const fn builder() -> ExponentialBuilder {
    ExponentialBuilder::new().with_min_delay(DELAY_MIN).with_max_delay(DELAY_MAX).without_max_times()
}

impl Backoff {
    fn of(jittered: ExponentialBuilder) -> Self {
        Self { delays: builder().build(), jittered: jittered.build() }
    }

    /// The wait before the next attempt.
    pub fn wait(&mut self) -> Duration {
        let (delay, jittered) = (self.delays.next().unwrap_or(DELAY_MAX), self.jittered.next().unwrap_or(DELAY_MAX));
        jittered.saturating_sub(delay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_drawn_from_zero_to_a_delay_that_doubles() {
        let mut shares = Vec::new();
        for seed in 0..200 {
            let mut backoff = Backoff::of(builder().with_jitter().with_jitter_seed(seed));
            let mut delay = DELAY_MIN;
            for _ in 0..10 {
                let wait = backoff.wait();
                assert!(wait <= delay, "seed {seed}: {wait:?} of {delay:?}");
                shares.push(wait.as_secs_f64() / delay.as_secs_f64());
                delay = (delay * 2).min(DELAY_MAX);
            }
        }
        let below = |share: f64| shares.iter().filter(|s| **s < share).count();
        // Of 2,000 even draws 500 are expected below each quarter, give or take four deviations of 19.
        for (quarter, expected) in [(0.25, 500), (0.5, 1_000), (0.75, 1_500)] {
            assert!(below(quarter).abs_diff(expected) < 100, "{} below {quarter}", below(quarter));
        }
    }
}
