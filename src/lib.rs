#![doc = include_str!("ARCHITECTURE.md")]

pub mod stats;
pub mod time;
