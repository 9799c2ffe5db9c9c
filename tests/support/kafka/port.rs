//! Free ports below the ephemeral range.
//!
//! A port that the system picks is one that it also gives to outgoing connections: while a node is down, a client
//! could take the node's port, or, trying to reach the node, connect to itself.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};

/// The range of ports; Linux gives outgoing connections those from 32768.
const LOW: u64 = 10_000;
const HIGH: u64 = 32_000;
/// Enough to find one on any machine that has some.
const ATTEMPTS_MAX: usize = 1000;

/// Finds ports that nobody listens on. All are held until the last is found, so they differ.
pub fn free(count: usize) -> Vec<u16> {
    let held: Vec<TcpListener> =
        (0..ATTEMPTS_MAX).filter_map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, random())).ok()).take(count).collect();
    assert_eq!(held.len(), count, "no free ports from {LOW} to {HIGH}");
    held.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

/// A port that another test, run at the same time, is not likely to try.
fn random() -> u16 {
    let entropy = RandomState::new().build_hasher().finish();
    u16::try_from(LOW + entropy % (HIGH - LOW)).unwrap()
}
