//! Changes of the input under a running service, on a real broker: a topic that is made again, records that are deleted unread,
//! partitions and topics that are added, and a record that stops the service. Every record has a fate, what is missing is reported,
//! and a restart and a replay agree.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

mod bench;
mod clocks;
mod made_again;
mod poison;
#[path = "../support/mod.rs"]
mod support;

use std::time::Duration;

use rdkafka::admin::{AdminOptions, NewPartitions};

use bench::Bench;
use support::deadline::Deadline;
use support::http::Metrics;
use support::service::Service;
use support::topic::Isolation;

/// Time in which a change is noticed and reported, on a machine that does other work too.
const TOLD_MAX: Duration = Duration::from_secs(10);

#[test]
fn a_partition_that_is_added_is_read_within_ten_seconds_and_what_was_learned_is_kept() {
    let bench = Bench::new("added", 1);
    bench.send(0, 0..100);
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, 100);
    let grown = [NewPartitions::new(&bench.input.name, 2)];
    pollster::block_on(bench.input.admin().create_partitions(&grown, &AdminOptions::new())).unwrap();
    let deadline = Deadline::after(TOLD_MAX);
    while bench.input.ends(Isolation::ReadUncommitted).len() < 2 {
        deadline.check("the new partition");
        bench::pause();
    }
    bench.send(1, 100..150);
    service.wait_line("a partition is new");
    bench.wait_fates(address, &mut service, 150);
    deadline.check("the records of the new partition");
    assert_eq!(service.count_lines("a snapshot is not used"), 0, "{}", service.log_so_far());
    // It was read soon enough, so nothing is missing and nothing is reported.
    let unread = Metrics::of(address).value("foreshock_partitions_unread");
    assert!(unread < 0.5 && service.count_lines("the mode changes") == 0, "{unread}: {}", service.log_so_far());
    assert_eq!(service.terminate().code(), Some(0));
    let replay = bench.replay();
    assert_eq!((replay.totals.records, replay.totals.accepted), (150, 150));
}

#[test]
fn records_that_retention_removed_while_the_service_was_away_are_a_gap_with_its_size() {
    let bench = Bench::new("expired", 1);
    bench.send(0, 0..100);
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, 100);
    assert_eq!(service.terminate().code(), Some(0));
    bench.send(0, 100..200);
    bench.delete_before(150);
    let mut service = bench.start();
    let address = service.http();
    let line = service.wait_json("records were deleted before they were read");
    assert_eq!((line["read_to"].as_i64(), line["missing"].as_i64()), (Some(100), Some(50)), "{line}");
    bench.wait_fates(address, &mut service, 50);
    let alert = bench.wait_reason("gap", TOLD_MAX);
    let gap = alert["features"].as_array().unwrap().iter().find(|feature| feature["name"] == "gap").unwrap();
    assert_eq!(gap["value"].as_f64(), Some(50.0), "{alert}");
    bench.wait_metric(address, "foreshock_records_lost_total", 50.0);
    // A restart knows of it, and of nothing else.
    assert_eq!(service.terminate().code(), Some(0));
    let mut service = bench.start();
    service.wait_line("the input was read again");
    assert_eq!(bench.recorded("loss").len(), 1);
    let (status, log) = service.end();
    assert!(status.success() && !log.contains("were deleted before"), "{log}");
}

/// Nothing comes after the loss, so no clock moves on by itself.
#[test]
fn all_records_removed_while_the_service_was_away_are_reported_although_nothing_follows() {
    let bench = Bench::new("emptied", 1);
    bench.send(0, 0..100);
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, 100);
    assert_eq!(service.terminate().code(), Some(0));
    bench.send(0, 100..200);
    bench.delete_before(200);
    let mut service = bench.start();
    let address = service.http();
    let alert = bench.wait_reason("gap", TOLD_MAX);
    let gap = alert["features"].as_array().unwrap().iter().find(|feature| feature["name"] == "gap").unwrap();
    assert_eq!(gap["value"].as_f64(), Some(100.0), "{alert}");
    bench.wait_metric(address, "foreshock_records_lost_total", 100.0);
    assert_eq!(service.terminate().code(), Some(0));
}

/// The process is held up, and meanwhile retention passes it.
#[test]
fn records_that_retention_removed_ahead_of_a_slow_service_are_a_gap_with_its_size() {
    let bench = Bench::new("overtaken", 1);
    bench.send(0, 0..100);
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, 100);
    service.freeze();
    bench.send(0, 100..200);
    bench.delete_before(170);
    service.thaw();
    // A fetch that was under way may have brought some of the records before they were deleted.
    let deadline = Deadline::after(TOLD_MAX);
    while Metrics::of(address).sum("foreshock_records_total") + Metrics::of(address).sum("foreshock_records_lost_total")
        < 200.0
    {
        service.assert_running();
        deadline.check("a fate or a loss of every record");
        bench::pause();
    }
    assert_eq!(service.terminate().code(), Some(0));
}

#[test]
fn the_marker_of_a_transaction_at_the_end_is_no_loss_when_retention_has_passed_it() {
    let bench = Bench::new("markers", 1);
    bench.send_in_transaction(0..20);
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, 20);
    assert_eq!(service.terminate().code(), Some(0));
    // 20 records and the marker.
    bench.delete_before(21);
    bench.send(0, 20..30);
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, 10);
    let (_, log) = service.end();
    assert!(!log.contains("were deleted before") && bench.recorded("loss").is_empty(), "{log}");
}

#[test]
fn topics_are_read_by_name_and_by_pattern_and_one_that_is_made_later_too() {
    let bench = Bench::with_input("patterns", 1, &["patterns.events", "^patterns\\.md\\..*"]);
    let [first, second] = ["patterns.md.a", "patterns.md.b"];
    bench.create_topic(first, 2);
    bench.send(0, 0..10);
    bench.send_to(first, 1, 10..30);
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, 30);
    bench.create_topic(second, 1);
    let deadline = Deadline::after(TOLD_MAX);
    bench.send_to(second, 0, 30..70);
    bench.wait_fates(address, &mut service, 70);
    deadline.check("the records of the new topic");
    let (status, log) = service.end();
    assert!(status.success() && !log.contains("a snapshot is not used"), "{log}");
    let mut service = bench.start();
    let again = service.wait_json("the input was read again");
    assert_eq!(again["records"].as_i64(), Some(0), "{again}");
    assert_eq!(service.terminate().code(), Some(0));
}

#[test]
fn a_pattern_that_matches_an_output_topic_is_refused_by_name() {
    let bench = Bench::with_input("mirror", 1, &["^mirror\\..*"]);
    let service: Service = bench.start();
    let (status, last) = service.ended();
    assert_eq!(status.code(), Some(64), "{last}");
    assert!(last.contains("`mirror.alerts`"), "{last}");
    let checked = bench.check();
    assert!(checked.contains("mirror.alerts") && checked.contains("mirror.events"), "{checked}");
}
