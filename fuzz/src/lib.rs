//! Shared parts of the fuzz targets: an event described by a few numbers ([`EventSpec`]), and the engines under test
//! ([`engines`]).
//!
//! Each target is a file in `targets/`; its first lines say what must hold. `examples/seeds.rs` writes the seeds (it is
//! an example, because a fuzzer's binaries are linked against libFuzzer). A finding becomes an ordinary test of the
//! product.

pub mod engines;
mod event;

pub use event::{Clock, EventSpec};
