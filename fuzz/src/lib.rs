//! What the fuzz targets share: a record said in a few numbers ([`Said`]), and engines to give it to ([`engines`]).
//!
//! A target stands in `targets/`, one file each, and says in its first lines what must hold; `examples/seeds.rs` writes what they
//! begin with (an example, because a fuzzer's binaries are linked against libFuzzer). What a target finds becomes an
//! ordinary test of the product; nothing here is one.

pub mod engines;
mod said;

pub use said::{Clock, Said};
