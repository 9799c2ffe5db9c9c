//! Statistics over numbers alone: no event, no clock, no account.

pub mod block_tail;
pub mod hill;
pub mod joint;
pub mod math;
pub mod nb1;
pub mod seasonal;
