//! The error for a file whose name does not say what its format needs.

/// A file whose name lacks what a name must contain in its format.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`: {problem}")]
pub struct UnfitFile {
    /// Name of the file, as it was given.
    pub file: String,
    /// The right or topic that is missing, and what to do about it.
    pub problem: String,
}
