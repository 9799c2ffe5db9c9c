//! Shared parts of the tests on a real broker: `mod support;`. Tests without a broker include single files of this
//! folder.
#![allow(dead_code, reason = "each test is a crate of its own and uses its part")]
#![allow(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

pub mod alertmanager;
pub mod command;
pub mod deadline;
pub mod environment;
pub mod fake_receiver;
pub mod flow;
pub mod histories;
pub mod hostile_records;
pub mod http;
pub mod kafka;
pub mod outcome;
pub mod paced_sender;
pub mod prometheus;
pub mod random;
pub mod replay;
pub mod service;
pub mod state;
pub mod topic;
pub mod trial;
pub mod watchdog;
