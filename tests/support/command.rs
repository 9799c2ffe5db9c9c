//! The product's binary as a command.

use std::env;
use std::process::Command;

/// `foreshock`, without the variables of this process's environment that it would read.
pub fn foreshock() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_foreshock"));
    let ours = |name: &str| name.starts_with("FORESHOCK_") || name == "FAILPOINTS";
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
    command
}
