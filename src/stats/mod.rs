//! Statistics over numbers alone: no event, no clock, no account.

pub mod block_tail;
pub mod hill;
pub mod joint;
pub mod math;
pub mod nb1;
pub mod quantile;
pub mod seasonal;
pub mod tail_prior;

/// Inserts a value into the greatest values so far, sorted with the greatest first. The least of them makes room.
fn keep_greatest(greatest: &mut [f64], value: f64) {
    let mut next = value;
    for kept in greatest.iter_mut().filter(|kept| **kept < value) {
        next = std::mem::replace(kept, next);
    }
}
