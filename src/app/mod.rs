//! The shell: everything that touches files, Kafka, the clock, the terminal and the process.
//!
//! The shell feeds the pure part of the crate and carries out what that part decides; it decides nothing itself. Each file
//! deals with one thing outside the crate: [`cli`] with the command line, [`files`] with input files and [`output`] with output
//! files, `collision` with files that are both, [`clock`] with the clock, [`interrupt`] with signals, [`exit`] with the end of
//! the process. Each command has a file of its own.

pub mod audit;
mod build;
mod check;
pub mod cli;
pub mod clock;
mod collision;
mod convert;
pub mod coverage;
mod deliver;
mod demo;
pub mod exit;
pub mod files;
pub mod http;
pub mod interrupt;
pub mod kafka;
pub mod liveness;
pub mod logging;
pub mod metrics;
pub mod notifications;
mod notify;
pub mod output;
mod pace;
pub mod plan;
pub mod progress;
pub mod readiness;
mod refusals;
mod replay;
mod schema;
pub mod service;
pub mod settings;
mod simulate;
pub mod supervisor;
pub mod telemetry;
mod unknown_types;

use self::cli::Command;
pub use self::{
    build::{build, commit, stamp},
    cli::Cli,
    exit::{Exit, Failure, report},
    interrupt::Interrupt,
};

/// Runs one command.
///
/// # Errors
/// The failure, with the exit code of the process.
pub fn run(command: Command, interrupt: &Interrupt) -> Result<Exit, Failure> {
    // Reads the environment variable `FAILPOINTS`; only a build with the feature has failpoints.
    #[cfg(feature = "failpoints")]
    let _points = fail::FailScenario::setup();
    collision::check(&command)?;
    match command {
        Command::Convert(args) => convert::run(&args, interrupt),
        Command::Schema(args) => schema::run(args.of),
        Command::Check(args) => check::run(&args, interrupt),
        Command::Notify(args) => notify::run(&args, interrupt),
        Command::Run(args) => service::run(&args, interrupt),
        Command::Replay(args) => replay::run(&args, interrupt),
        Command::Simulate(args) => simulate::run(&args, interrupt),
        Command::Demo(args) => demo::run(&args, interrupt),
    }
}
