//! Any bytes decode to an event or are rejected with a reason. An event that is written and read again is the same
//! event.
#![no_main]

use foreshock::event::{DecodeLimits, EventType, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = DecodeLimits::default();
    let Ok(event) = decode(bytes, limits) else { return };
    // The fields of an unknown type are not kept, so it cannot be written.
    if event.body.kind() == EventType::Unknown {
        return;
    }
    let written = serde_json::to_vec(&event).expect("an event can be written");
    assert_eq!(decode(&written, limits).as_ref(), Ok(&event));
});
