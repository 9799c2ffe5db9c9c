//! Any bytes behind the checksum are a state or are refused, with memory in proportion to the bytes; what is taken for a state
//! can be written, and reads back as the same bytes.
//!
//! It is not run on: a state may contradict itself, and the checksum is what keeps such a one from an engine. That an engine goes
//! on from what an engine wrote is the `engine` target's.
#![no_main]

use foreshock::engine::Snapshot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(snapshot) = Snapshot::decode_body(body) else { return };
    let written = snapshot.encode();
    let read = Snapshot::decode(&written).expect("what was written");
    assert!(read.encode() == written, "it reads back as another state");
});
