//! Any bytes inside the checksum decode to a state or are refused, with memory in proportion to the bytes. A decoded
//! state can be encoded, and reads back as the same bytes.
//!
//! The target does not run an engine from such a state: it may contradict itself, and in the service the checksum keeps
//! it out. The `engine` target restores engines from snapshots that an engine wrote.
#![no_main]

use foreshock::engine::Snapshot;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|body: &[u8]| {
    let Ok(snapshot) = Snapshot::decode_body(body) else { return };
    let written = snapshot.encode();
    let read = Snapshot::decode(&written).expect("a state that was encoded");
    assert!(read.encode() == written, "it reads back as another state");
});
