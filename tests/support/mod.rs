//! What several integration tests share: `mod support;`.
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

pub mod kafka;
