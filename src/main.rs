//! The `foreshock` command: from the arguments to the exit code.

use std::process::ExitCode;

use foreshock::app::{self, Cli, Interrupt, logging, report, stamp};
use tikv_jemallocator::Jemalloc;

/// Puts the heap on huge pages, by its own option (`.cargo/config.toml`): the hot state is hundreds of megabytes read at random.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

fn main() -> ExitCode {
    // The commit, where the builder says it: `make build` does.
    stamp(option_env!("BUILD_COMMIT"));
    let cli = match Cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(shown) => return shown.into(),
    };
    let outcome = logging::start(cli.command.log_level())
        .and_then(|()| Interrupt::install())
        .and_then(|interrupt| app::run(cli.command, &interrupt));
    report(outcome).into()
}
