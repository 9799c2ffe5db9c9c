#![doc = include_str!("ARCHITECTURE.md")]

pub mod adapt;
pub mod alert;
#[cfg(feature = "app")]
pub mod app;
pub mod book;
pub mod config;
pub mod correlate;
pub mod detect;
pub mod engine;
pub mod evaluate;
pub mod event;
pub mod simulate;
pub mod stats;
pub mod table;
pub mod time;
pub mod window;
