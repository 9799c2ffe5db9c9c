//! Statistics over numbers alone: no event, no clock, no account.

pub mod block_tail;
pub mod hill;
pub mod joint;
pub mod math;
pub mod nb1;
pub mod quantile;
pub mod seasonal;

/// Keeps a value among the greatest so far, the greatest first; the least of them goes.
fn keep_greatest(greatest: &mut [f64], value: f64) {
    let mut next = value;
    for kept in greatest.iter_mut().filter(|kept| **kept < value) {
        next = std::mem::replace(kept, next);
    }
}
