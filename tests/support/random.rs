//! Random numbers for tests.
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]

use std::hash::{BuildHasher, Hasher, RandomState};
use std::thread;

use super::environment;

/// A generator (`SplitMix64`) that gives the same numbers on every machine, from its seed.
pub struct Random(pub u64);

impl Random {
    /// Starts from a fresh seed, or from `TEST_SEED`, and prints the command that repeats the test with this seed. The
    /// test harness shows it if the test fails.
    #[expect(clippy::print_stderr, reason = "the seed belongs to the report of a failure")]
    pub fn from_fresh_seed() -> Self {
        let seed = environment::seed().unwrap_or_else(|| RandomState::new().build_hasher().finish());
        eprintln!("to repeat with the same seed: {}", command(seed));
        Self(seed)
    }

    pub fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `end`, each equally likely.
    pub fn below(&mut self, end: u64) -> u64 {
        self.next_u64() % end
    }

    /// An index into `len` elements, each equally likely.
    pub fn index(&mut self, len: usize) -> usize {
        usize::try_from(self.below(len as u64)).unwrap()
    }

    /// True once in `n` times on average.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.index(n) == 0
    }
}

/// The command line that runs the current test with a seed.
fn command(seed: u64) -> String {
    let long = if environment::is_long() { "TEST_LONG=1 " } else { "" };
    let (target, thread) = (env!("CARGO_CRATE_NAME"), thread::current());
    let test = thread.name().expect("the test harness names the thread after the test");
    format!("{long}TEST_SEED={seed} cargo test --features failpoints --test {target} {test} -- --exact")
}
