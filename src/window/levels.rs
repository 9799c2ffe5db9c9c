//! The levels of a burst window's statistics.

use serde::{Deserialize, Serialize};

use crate::stats::block_tail::Bounded;

/// The levels in force.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Levels {
    /// One level of the scan, for a warning.
    Fixed(f64),
    /// Levels for info and warning, and the one that is a step stricter than a warning's.
    Own {
        /// The levels of the scan.
        scan: [Bounded; 3],
        /// The levels of the CUSUM.
        cusum: [Bounded; 3],
        /// The levels that both must reach for a critical finding, and the same a step stricter.
        critical: [Both; 2],
    },
}

/// A level of the scan and one of the CUSUM.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Both {
    /// The level of the scan.
    pub scan: Bounded,
    /// The level of the CUSUM.
    pub cusum: Bounded,
}
