//! The `foreshock` command: the life of the process on one screen.

use std::process::ExitCode;

use foreshock::app::{self, Cli, Interrupt, logging, report};

fn main() -> ExitCode {
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(shown) => return shown.into(),
    };
    let outcome = logging::start(cli.command.log_level())
        .and_then(|()| Interrupt::install())
        .and_then(|interrupt| app::run(cli.command, &interrupt));
    report(outcome).into()
}
