//! Version and commit of this build.

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
