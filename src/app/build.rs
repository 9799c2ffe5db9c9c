//! Version and commit of this build.

use std::sync::OnceLock;

/// The commit of this build, once the binary has set it.
static COMMIT: OnceLock<&str> = OnceLock::new();

/// Version of this build.
#[must_use]
pub const fn build() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Sets the commit that this build was made from; the first call counts. The binary sets it, and not this library, so
/// that a new commit rebuilds only the binary.
pub fn stamp(commit: Option<&'static str>) {
    if let Some(commit) = commit {
        COMMIT.get_or_init(|| commit);
    }
}

/// The commit that this build was made from, or `unknown`.
#[must_use]
pub fn commit() -> &'static str {
    COMMIT.get().copied().unwrap_or("unknown")
}
