//! Parts of the service that last from one session to the next.

use std::{sync::Arc, time::Duration};

use super::following::Following;
use super::reload::Reload;
use super::report::Reporter;
use crate::{
    app::{
        Interrupt,
        kafka::{contact::Contact, group::Roster},
        telemetry::Telemetry,
    },
    config::Config,
};

/// How long a topic may be missing that was there.
pub(super) const MISSING_MAX: Duration = Duration::from_secs(10);

/// The parts that last from one session to the next.
pub(super) struct Service<'a> {
    pub(super) config: &'a Config,
    pub(super) interrupt: &'a Interrupt,
    pub(super) telemetry: &'a Arc<Telemetry>,
    pub(super) contact: Contact,
    pub(super) report: Reporter,
    pub(super) roster: Roster,
    /// The state that this process keeps while it stands by.
    pub(super) following: Option<Following>,
    /// The settings that this process goes by, which are read again at SIGHUP. All else stays as it is in `config`.
    pub(super) reload: Reload,
}
