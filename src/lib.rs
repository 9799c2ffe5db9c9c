#![doc = include_str!("ARCHITECTURE.md")]

pub mod evaluate;
pub mod event;
pub mod simulate;
pub mod stats;
pub mod time;
