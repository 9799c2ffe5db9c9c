//! Loads the configuration from a file and the environment. No other file but `main` reads the environment.

use std::{env, fs, path::Path};

use super::{Exit, Failure};
use crate::config::{self, ClientValue, Config, Written};

/// The value of `FORESHOCK_LOG`, if it is set and not empty.
#[must_use]
pub fn log_level() -> Option<String> {
    env::var_os(config::LOG_VARIABLE).map(|value| value.to_string_lossy().into_owned()).filter(|text| !text.is_empty())
}

/// Loads the configuration from a file, or the defaults without one, with the environment's `FORESHOCK_…` over it.
///
/// # Errors
/// Exit 64 with the position of the first mistake.
pub fn load(file: Option<&Path>) -> Result<Config, Failure> {
    load_written(file).map(|(config, _)| config)
}

/// Loads the same, and returns beside it what was written, by which two configurations are compared.
///
/// # Errors
/// Exit 64 with the position of the first mistake.
pub fn load_written(file: Option<&Path>) -> Result<(Config, Written), Failure> {
    let (name, text) = match file {
        None => (String::new(), String::new()),
        Some(path) => (path.display().to_string(), read(path)?),
    };
    // A variable that is not UTF-8 is no setting of ours, because all our keys and values are UTF-8.
    let variables =
        env::vars_os().filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    let (config, written) = Config::read(&name, &text, variables).map_err(|e| Failure::usage(e.to_string()))?;
    let config = with_secrets(Config { file: file.map(|path| path.display().to_string()), ..config })?;
    Ok((config, written))
}

/// Reads the secrets that are in files of their own, without the newline at their end.
fn with_secrets(mut config: Config) -> Result<Config, Failure> {
    for (setting, path) in std::mem::take(&mut config.kafka.secret_files) {
        let text = fs::read_to_string(&path).map_err(|e| {
            let path = path.display();
            Failure::usage(format!("cannot read `{path}` for `kafka.client.{setting}_file`: {e}"))
        })?;
        let secret = text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line));
        let value = ClientValue::new(&setting, secret.to_owned());
        config.kafka.client.insert(setting, value);
    }
    Ok(config)
}

fn read(path: &Path) -> Result<String, Failure> {
    fs::read_to_string(path).map_err(|e| {
        Failure::new(
            Exit::Usage,
            format!("cannot read the configuration `{}`: {e}; `foreshock schema config` prints one", path.display()),
        )
    })
}
