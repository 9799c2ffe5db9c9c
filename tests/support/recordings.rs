//! Recordings of real venues in `../shared/data`, beside the checkout.
//!
//! These recordings are too large for the product's tree, and under licences of their own. A test that needs one is skipped where
//! it is absent, and says so.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::thread;

/// Finds a file or folder among the recordings. Where it is absent, prints that the current test is skipped.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if path.exists() {
        return Some(path);
    }
    let thread = thread::current();
    let test = thread.name().unwrap_or("a test");
    let line = format!("skipped: {test}: there is no recording `{name}` in `../shared/data`\n");
    // Written to the stream itself: the harness hides what a passing test prints with `eprintln!`.
    io::stderr().write_all(line.as_bytes()).unwrap();
    None
}
