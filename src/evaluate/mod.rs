//! How good a run was: labels, and the score of the incidents against them.
//!
//! A label says what really happened (from the simulator, or from a person); a [`Score`] says how many of the planted
//! episodes were found, how many incidents were about nothing, and how long before the end of each episode the warning
//! came. Nothing here knows a detector: it compares times and symbols, so the same figures serve every one of them.

mod label;
mod score;
mod seen;

pub use self::{
    label::Label,
    score::{IncidentView, LATENESS, Score, score},
    seen::{Seen, SeenAlert},
};
