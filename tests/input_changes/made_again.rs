//! A topic that is deleted and made again: every record of the new one has a fate, positions of the two logs differ, the break is
//! reported, and a restart, a takeover and a replay go on from there.

use serde_json::Value;

use crate::TOLD_MAX;
use crate::bench::Bench;
use crate::support::deadline::Deadline;

const NEW_LOG: &str = "another log has begun";
const READ_AGAIN: &str = "the input was read again";

/// Has a service read a topic, makes the topic again with other records, and proves that all of them are taken and the break is
/// reported.
fn make_again_while_it_runs(name: &str, old: i64, new: i64) -> Bench {
    let bench = Bench::new(name, 1);
    bench.send(0, 0..old);
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, u32::try_from(old).unwrap());
    bench.make_again(1);
    bench.send(0, old..old + new);
    bench.send_text("of the new log");
    service.wait_line(NEW_LOG);
    bench.wait_fates(address, &mut service, u32::try_from(old + new).unwrap() + 1);
    bench.wait_metric(address, "foreshock_new_logs_total", 1.0);
    let alert = bench.wait_reason("new_log", TOLD_MAX);
    assert_eq!(alert["detectors"], serde_json::json!(["feed"]), "{alert}");
    let recorded = bench.recorded("new_log");
    assert_eq!((recorded.len(), recorded[0]["generation"].as_u64()), (1, Some(1)), "{recorded:?}");
    let letters = bench.dead_letters();
    let (_, headers) = letters.first().expect("a dead letter");
    assert_eq!((headers["generation"].as_str(), headers["offset"].as_str()), ("1", new.to_string().as_str()));

    // A standby takes over from a killed process, in the new log.
    service.kill();
    let mut restarted = bench.start();
    let address = restarted.http();
    let again = restarted.wait_json(READ_AGAIN);
    bench.send(0, old + new..old + new + 10);
    bench.wait_fates(address, &mut restarted, 10);
    let (status, log) = restarted.end();
    assert!(status.success() && !log.contains(NEW_LOG), "{again} {log}");
    bench
}

#[test]
fn a_topic_that_is_made_again_with_fewer_records_is_read_from_its_start_and_reported() {
    let bench = make_again_while_it_runs("fewer", 600, 200);
    // The replay reads the new log alone, with the numbers of its positions.
    let replay = bench.replay();
    assert_eq!((replay.totals.records, replay.totals.fates()), (211, 211));
    let reported = |alerts: &[Value]| {
        let has = |alert: &&Value| alert["trust"]["reasons"].as_array().unwrap().iter().any(|one| one == "new_log");
        alerts.iter().filter(has).map(|alert| (alert["id"].clone(), alert["revision"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(reported(&replay.alerts), reported(&bench.alerts()));
}

/// The position goes on to exist in the new log, so nothing but the topic's id shows that it is another.
#[test]
fn a_topic_that_is_made_again_with_more_records_is_read_from_its_start_and_reported() {
    make_again_while_it_runs("more", 50, 2_000);
}

#[test]
fn a_topic_that_is_made_again_while_the_service_is_down_goes_on_with_what_was_learned() {
    let bench = Bench::new("down", 1);
    bench.send(0, 0..300);
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, 300);
    assert_eq!(service.terminate().code(), Some(0));
    bench.make_again(1);
    bench.send(0, 300..1_000);
    let mut service = bench.start();
    let address = service.http();
    service.wait_line("the state was loaded from a snapshot");
    service.wait_line(NEW_LOG);
    bench.wait_fates(address, &mut service, 700);
    bench.wait_reason("new_log", TOLD_MAX);
    bench.wait_metric(address, "foreshock_new_logs_total", 1.0);
    assert_eq!(service.terminate().code(), Some(0));
}

/// The partitions that an alert gives as evidence.
fn partitions(alert: &Value) -> Vec<i64> {
    let records = alert["evidence"]["records"].as_array().unwrap();
    let mut all: Vec<i64> = records.iter().map(|record| record["partition"].as_i64().unwrap()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// Nothing comes after the break, so no clock moves on by itself.
#[test]
fn every_partition_of_a_topic_that_is_made_again_and_stays_empty_is_reported() {
    let bench = Bench::new("several", 3);
    (0..3).for_each(|partition| bench.send(partition, 0..300 + i64::from(partition)));
    let mut service = bench.start();
    let address = service.http();
    bench.wait_fates(address, &mut service, 903);
    assert_eq!(service.terminate().code(), Some(0));
    bench.make_again(3);
    let mut service = bench.start();
    let address = service.http();
    service.wait_line("the state was loaded from a snapshot");
    let deadline = Deadline::after(TOLD_MAX);
    loop {
        let alerts = bench.alerts();
        let reported = alerts.iter().filter(|alert| alert["trust"]["reasons"].to_string().contains("new_log"));
        let last = reported.max_by_key(|alert| alert["revision"].as_i64());
        if last.is_some_and(|alert| partitions(alert) == [0, 1, 2] && alert["trust"]["mode"] != "normal") {
            break;
        }
        assert!(!deadline.left().is_zero(), "{alerts:#?}\n{}", service.log_so_far());
        crate::bench::pause();
    }
    bench.wait_metric(address, "foreshock_new_logs_total", 3.0);
    assert_eq!(service.terminate().code(), Some(0));
}
