//! Any bytes are an event or have a reason for not being one, and what is an event is the same event when it is written and
//! read again.
#![no_main]

use foreshock::event::{DecodeLimits, EventType, decode};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let limits = DecodeLimits::default();
    let Ok(event) = decode(bytes, None, limits) else { return };
    // What an unknown type says is not kept.
    if event.body.kind() == EventType::Unknown {
        return;
    }
    let written = serde_json::to_vec(&event).expect("an event can be written");
    assert_eq!(decode(&written, None, limits).as_ref(), Ok(&event));
});
