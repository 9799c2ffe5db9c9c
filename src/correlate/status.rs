//! The status of an incident, as each of its revisions says it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The status of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The incident has just opened.
    Firing,
    /// The incident goes on, and is worse than last published, or a maintenance window has begun or ended.
    Amended,
    /// The incident is over.
    Resolved,
    /// The incident is no longer followed under this id: it became a part of another incident (`merged_into`), or newer
    /// ones needed its place.
    Withdrawn,
}
