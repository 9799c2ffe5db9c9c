//! Changes of the settings: a recorded input at the present place of the input, and a snapshot right after it.

use super::Worker;
use crate::{
    app::{Failure, service::reload},
    config::changes,
    engine::{Input, Settings},
};

impl Worker {
    /// Changes the settings if the state was restored under others than those of this process's configuration: it was started with
    /// another file, or it takes over from a process that had another one.
    pub fn adopt(&mut self, settings: &Settings) -> Result<(), Failure> {
        let before = self.engine.settings();
        if before == *settings {
            return Ok(());
        }
        tracing::warn!("the settings of this process's configuration are not those in force: they are from here on");
        reload::log(&changes(&before.written(), &settings.written()));
        self.change_settings(settings)
    }

    /// Changes the settings from the next record on. The change is committed with what follows from it, and a snapshot is due then, so
    /// that a restart reads older records under the older settings, or not at all.
    pub fn change_settings(&mut self, settings: &Settings) -> Result<(), Failure> {
        self.engine.flush(&mut self.outbox);
        self.deliver_outputs(None, None)?;
        let recorded = self.engine.settings_change(settings).expect("the sources of a service are partitions");
        self.pending.push(self.deliver.decision(self.engine.decided() + 1, recorded)?);
        self.engine.handle(Input::Settings(settings), &mut self.outbox);
        self.deliver_outputs(None, None)?;
        let config = self.engine.context().config.as_str();
        tracing::info!(config, "other settings are in force: burst thresholds whose settings changed are learned anew");
        self.pending.hurry();
        self.snapshots.hurry();
        Ok(())
    }
}
