//! Version and commit of this build.

use std::sync::OnceLock;

/// The commit of this build, once the binary has said which.
static COMMIT: OnceLock<&str> = OnceLock::new();

/// Version of this build.
#[must_use]
pub const fn build() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Sets the commit that this build was made from; the first call counts. The binary says it, and not this library, so that
/// another commit builds only the binary again.
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
