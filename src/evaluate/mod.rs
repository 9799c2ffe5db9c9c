//! Evaluation of a run: labels, and the score of the incidents against them.
//!
//! A label states what really happened (from the simulator, or from a person); a [`Score`] states how many of the planted
//! episodes were found, how many incidents were false, and how long before the end of each episode the warning came.
//! Evaluation does not know the detectors: it compares times, symbols and accounts, so the same figures serve all of them.

mod label;
mod latest;
mod score;

pub use self::{
    label::Label,
    latest::{LatestAlerts, ScoredAlert},
    score::{GRACE, IncidentView, Score, score},
};
