//! What several integration tests share: `mod support;`.
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

pub mod command;
pub mod deadline;
pub mod feed;
pub mod flow;
pub mod histories;
pub mod hostile;
pub mod http;
pub mod kafka;
pub mod outcome;
pub mod prometheus;
pub mod replay;
pub mod service;
pub mod state;
pub mod topic;
pub mod trial;
pub mod watchdog;
