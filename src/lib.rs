#![doc = include_str!("ARCHITECTURE.md")]

pub mod event;
pub mod stats;
pub mod time;
