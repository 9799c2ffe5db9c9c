//! Writes shell completions and manual pages into a folder: `cargo run --example manual -- DIR`. `make dist` packs them.

use std::{error::Error, fs, path::Path};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate_to};
use foreshock::app::Cli;

fn main() -> Result<(), Box<dyn Error>> {
    let dir = std::env::args_os().nth(1).ok_or("expected a folder")?;
    let dir = Path::new(&dir);
    let (completions, pages) = (dir.join("completions"), dir.join("man"));
    fs::create_dir_all(&completions)?;
    fs::create_dir_all(&pages)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        generate_to(shell, &mut Cli::command(), "foreshock", &completions)?;
    }
    clap_mangen::generate_to(Cli::command(), &pages)?;
    Ok(())
}
