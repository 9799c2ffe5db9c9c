//! What several integration tests share: `mod support;`.
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]

pub mod kafka;
