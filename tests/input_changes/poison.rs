//! A record that stops the service by a fault in its engine: after two crashes it goes to the dead letters and pages, and the
//! service goes on.

use crate::TOLD_MAX;
use crate::bench::{Bench, heartbeat};

/// Stops the process at the record that holds this text.
const POISON: &str = "poison=return(stops the engine)";

#[test]
fn a_record_at_which_the_service_stopped_twice_is_a_dead_letter_and_pages_and_the_rest_is_read() {
    let bench = Bench::new("poison", 1);
    bench.send(0, 0..40);
    let poison = heartbeat(40).replace("\"p\"", "\"stops the engine\"");
    bench.send_text(&poison);
    bench.send(0, 41..80);
    for _ in 0..2 {
        let mut service = bench.start_with(POISON);
        service.wait_line("the service stops at a record");
        let (status, last) = service.ended();
        assert!(!status.success(), "{last}");
    }
    let mut service = bench.start_with(POISON);
    let address = service.http();
    service.wait_line("is left out");
    bench.wait_fates(address, &mut service, 80);
    let alert = bench.wait_reason("poison", TOLD_MAX);
    assert_eq!(alert["severity"], "critical", "{alert}");
    let letters = bench.dead_letters();
    let [(payload, headers)] = letters.as_slice() else { panic!("{letters:?}") };
    assert_eq!((payload.as_slice(), headers["reason"].as_str()), (poison.as_bytes(), "poison"));
    assert_eq!(headers["offset"], "40");
    // A restart that reads the record again leaves it out again: the process is killed, and has written no snapshot since.
    service.kill();
    let mut restarted = bench.start_with(POISON);
    restarted.wait_line("the input was read again");
    assert_eq!(restarted.terminate().code(), Some(0));
    assert_eq!(bench.dead_letters().len(), 1);
    let replay = bench.replay();
    assert_eq!((replay.totals.records, replay.totals.accepted, replay.totals.rejected), (80, 79, 1));
}
