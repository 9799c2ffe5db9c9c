//! The shell: everything that touches files, Kafka, the clock, the terminal and the process.
//!
//! It feeds the pure part of the crate and carries out what that part decides; it decides nothing itself. One file holds
//! one thing that the outside has: [`cli`] the command line, [`files`] what is read and [`output`] what is written,
//! [`clock`] the only clock, [`interrupt`] signals, [`exit`] how the process ends, then one file for each command.

pub mod audit;
mod check;
pub mod cli;
pub mod clock;
mod convert;
mod demo;
pub mod exit;
pub mod files;
pub mod http;
pub mod interrupt;
pub mod kafka;
pub mod liveness;
pub mod logging;
pub mod metrics;
pub mod output;
pub mod plan;
pub mod progress;
pub mod readiness;
mod replay;
mod schema;
pub mod service;
pub mod settings;
mod simulate;
pub mod telemetry;

use self::cli::Command;
pub use self::{
    cli::Cli,
    exit::{Exit, Failure, report},
    interrupt::Interrupt,
};

/// Carries out one command.
///
/// # Errors
/// Says what failed and with which exit code the process ends.
pub fn run(command: Command, interrupt: &Interrupt) -> Result<Exit, Failure> {
    // Reads `FAILPOINTS`; without the feature there are none.
    #[cfg(feature = "failpoints")]
    let _points = fail::FailScenario::setup();
    match command {
        Command::Convert(args) => convert::run(&args, interrupt),
        Command::Schema(args) => schema::run(args.of),
        Command::Check(args) => check::run(&args, interrupt),
        Command::Run(args) => service::run(&args, interrupt),
        Command::Replay(args) => replay::run(&args, interrupt),
        Command::Simulate(args) => simulate::run(&args, interrupt),
        Command::Demo(args) => demo::run(&args, interrupt),
    }
}

/// Version of this build.
#[must_use]
pub const fn build() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// The commit that this build was made from, where the builder said so (`BUILD_COMMIT`; `make build` does).
#[must_use]
pub const fn commit() -> &'static str {
    match option_env!("BUILD_COMMIT") {
        Some(commit) => commit,
        None => "unknown",
    }
}
