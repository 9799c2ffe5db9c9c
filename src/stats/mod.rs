//! Statistics over numbers alone: no event, no clock, no account.

pub mod math;
