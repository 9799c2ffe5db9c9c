//! The error for a file whose name lacks a part that its format needs: a symbol, a date, or the name of its other file.

/// A file whose name lacks a part that names of its format must have, or that has no second file beside it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`: {problem}")]
pub struct UnfitFile {
    /// Name of the file, as it was given.
    pub file: String,
    /// The missing part of the name, or the missing file, and what to do about it.
    pub problem: String,
}
