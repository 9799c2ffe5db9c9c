//! Reading the configuration again at SIGHUP.
//!
//! A file with a mistake, or with a key that needs a restart, changes nothing: the log says why, and the old configuration stays.
//! Otherwise every key that differs is logged with both values. While this process works, the change then becomes a recorded input of
//! the engine (`worker::settings`). While it stands by, the change waits for its turn: the process that works goes by its own file.

use std::path::PathBuf;

use crate::{
    app::{
        Failure, clock,
        interrupt::Hangup,
        metrics::{Meters, Reloaded},
        plan, settings,
    },
    config::{Change, Config, Difference, Written},
    engine::Settings,
};

/// The configuration that a process goes by, and where it came from.
pub struct Reload {
    /// The configuration with the settings that were read last.
    config: Config,
    source: Option<Source>,
}

/// A file that can be read again.
struct Source {
    hangup: Hangup,
    file: PathBuf,
    written: Written,
}

impl Reload {
    /// A configuration that stays as it is.
    #[must_use]
    pub fn never(config: &Config) -> Self {
        Self { config: config.clone(), source: None }
    }

    /// A configuration from a file that is read again at each signal. `written` is what the file said.
    #[must_use]
    pub fn at(hangup: Hangup, file: PathBuf, config: &Config, written: Written) -> Self {
        Self { config: config.clone(), source: Some(Source { hangup, file, written }) }
    }

    /// The configuration with the settings that were read last. Only settings of the engine ever change.
    #[must_use]
    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// Reads the configuration again if the signal came. Returns the settings if others are to be in force from now on.
    pub fn read_if_asked(&mut self, meters: &Meters) -> Option<Settings> {
        let source = self.source.as_mut().filter(|source| source.hangup.take())?;
        let outcome = match source.read() {
            Err(failure) => {
                let reason = failure.message.as_str();
                tracing::error!("the configuration is not reloaded, the old one stays: {reason}");
                Reloaded::Refused
            }
            Ok(None) => {
                tracing::info!("the configuration was read again: nothing differs");
                Reloaded::Unchanged
            }
            Ok(Some((settings, changes))) => {
                log(&changes);
                tracing::info!(changes = changes.len(), "the configuration is reloaded");
                self.config = self.config.clone().with(settings);
                Reloaded::Applied
            }
        };
        meters.config.reloaded(outcome, &plan::hash(&self.config), clock::wall());
        (outcome == Reloaded::Applied).then(|| self.config.settings())
    }
}

impl Source {
    /// Reads the file. Returns the new settings and their differences, if there are any.
    fn read(&mut self) -> Result<Option<(Settings, Vec<Change>)>, Failure> {
        let (config, written) = settings::load_written(Some(&self.file))?;
        match self.written.compare(&written) {
            Difference::Nothing => Ok(None),
            Difference::NeedsRestart(keys) => {
                let keys: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
                Err(Failure::usage(format!("restart to change {}", keys.join(", "))))
            }
            Difference::Settings(changes) => {
                self.written = written;
                Ok(Some((config.settings(), changes)))
            }
        }
    }
}

/// Logs each key with another value.
pub fn log(changes: &[Change]) {
    for Change { key, before, now } in changes {
        tracing::info!(key, before, now, "a setting changes");
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    /// A reload of a file with this text, with the handle that stands for the signal.
    fn reload(text: &str) -> (TempDir, PathBuf, Hangup, Reload, Meters) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("foreshock.toml");
        fs::write(&file, text).unwrap();
        let (config, written) = settings::load_written(Some(&file)).unwrap();
        let hangup = Hangup::default();
        let reload = Reload::at(hangup.clone(), file.clone(), &config, written);
        (dir, file, hangup, reload, Meters::new().unwrap())
    }

    fn refused(now: &str) -> bool {
        let (_dir, file, hangup, mut reload, meters) = reload("[detect.cancel_burst]\na_min = 5\n");
        let before = reload.config().clone();
        fs::write(&file, now).unwrap();
        hangup.request();
        let settings = reload.read_if_asked(&meters);
        settings.is_none() && *reload.config() == before
    }

    #[test]
    fn the_file_is_read_again_once_for_each_signal() {
        let (_dir, file, hangup, mut reload, meters) = reload("");
        fs::write(&file, "[detect.cancel_burst]\na_min = 7\n").unwrap();
        assert_eq!(reload.read_if_asked(&meters), None, "nobody asked");
        hangup.request();
        let settings = reload.read_if_asked(&meters).expect("a setting differs");
        assert_eq!(settings.detection.cancel_burst.a_min, 7);
        assert_eq!(reload.config().settings(), settings);
        assert_eq!(reload.read_if_asked(&meters), None, "the signal was taken");
        hangup.request();
        assert_eq!(reload.read_if_asked(&meters), None, "nothing differs any more");
    }

    #[test]
    fn a_mistake_a_key_that_needs_a_restart_and_a_missing_file_change_nothing() {
        assert!(refused("[detect.cancel_burst]\na_min = \"many\"\n"));
        assert!(refused("[kafka]\ngroup = \"other\"\n[detect.cancel_burst]\na_min = 7\n"));
        let (_dir, file, hangup, mut reload, meters) = reload("");
        fs::remove_file(&file).unwrap();
        hangup.request();
        assert_eq!(reload.read_if_asked(&meters), None);
    }

    #[test]
    fn a_refused_file_is_compared_again_once_it_is_put_right() {
        let (_dir, file, hangup, mut reload, meters) = reload("");
        for (text, applied) in [("[detect.cancel_burst]\na_min = 0", false), ("[detect.cancel_burst]\na_min = 8", true)]
        {
            fs::write(&file, text).unwrap();
            hangup.request();
            assert_eq!(reload.read_if_asked(&meters).is_some(), applied, "{text}");
        }
    }
}
