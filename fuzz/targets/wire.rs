//! Any bytes decode to a frame or are refused. A frame that is encoded and decoded again is the same frame.
#![no_main]

use foreshock::engine::message::wire::{decode, encode};
use foreshock_fuzz::engines::plan;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let sources = plan().sources;
    let Ok(frame) = decode(bytes, &sources) else { return };
    let written = encode(&frame, &sources);
    let read = decode(&written, &sources).expect("a frame that was encoded");
    assert!(encode(&read, &sources) == written, "it reads back as another frame");
    // A frame with a NaN differs from itself, so only the bytes of such a frame are compared.
    if frame == frame.clone() {
        assert_eq!(read, frame);
    }
});
