//! `cancel_burst`: orders are withdrawn far faster than is usual for the subject.
//!
//! Counts withdrawals: `order_cancel` by the user or without a reason, and `order_replace` to another price or less quantity; never
//! what expired or what the venue withdrew (`engine::symbol` decides). How they are judged is `super::burst`'s business. A
//! subject is a symbol with a window of its own, or a party with one from the pool (`super::parties`): there the burst must be
//! of withdrawals alone, or every busy maker would be one.

use serde::{Deserialize, Serialize};

use crate::window::BurstSettings;

/// What the detector is set to.
/// Transparent, so that its keys stand where they stand in the configuration; a snapshot's format knows no `flatten`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Settings {
    /// The window's own settings.
    pub window: BurstSettings,
}
