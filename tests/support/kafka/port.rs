//! Free ports below the ephemeral range.
//!
//! The system picks free ports from the range that it also uses for outgoing connections: while a node is down, a
//! client could get the node's port, or, trying to reach the node, connect to itself.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// The range of ports. Linux uses ports from 32768 for outgoing connections.
const LOW: u64 = 10_000;
const HIGH: u64 = 32_000;
/// Attempts that are enough on any machine with free ports.
const ATTEMPTS_MAX: usize = 1000;

/// Finds free ports. Each is held until the last is found, so that they differ.
pub fn free(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..ATTEMPTS_MAX).filter_map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, random())).ok()).take(count).collect();
    assert_eq!(held.len(), count, "no free ports from {LOW} to {HIGH}");
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

/// A random port, which another test at the same time is unlikely to try. `TEST_SEED` does not fix it: two runs must
/// not collide.
fn random() -> u16 {
    let entropy = RandomState::new().build_hasher().finish();
    u16::try_from(LOW + entropy % (HIGH - LOW)).unwrap()
}
