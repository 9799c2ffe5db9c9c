//! The stages: market (one for each feed), account (shards), correlation (one).
//!
//! A stage takes messages by value, owns all its state and leaves messages behind; the engine alone hands them on. So a stage can
//! be restored by itself, and will run in a process of its own with Kafka between (DESIGN, "The way data flows").

pub mod account;
pub mod correlation;
pub mod market;
