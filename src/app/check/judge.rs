//! Judges a topic's settings by what the service needs.

use std::time::Duration;

use super::finding::{Finding, Outcome, count};
use crate::config::TopicLayout;

/// Size of the largest record that the service publishes: a dead letter of 990 kB with its key and headers.
const RECORD_BYTES_NEEDED: i64 = 1_000_000;
/// Largest good segment size of the snapshots topic. Only segments before the active one are compacted, and a restart reads all
/// that is left. Four times the size that the service sets where it creates the topic.
const SEGMENT_BYTES_MAX: i64 = 64 << 20;

/// The role of an output topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Published for others, such as alerts and dead letters.
    Published,
    /// The service's own decisions, which a restart reads again with the input.
    Decisions,
    /// Snapshots of the service's state.
    Snapshots,
    /// The newest state of what is shown, such as the service's signs of life.
    Shown,
}

/// The settings of a topic that matter to the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `cleanup.policy`
    pub cleanup_policy: String,
    /// `retention.ms`; -1 is without end.
    pub retention_ms: i64,
    /// `retention.bytes` of a partition; -1 is without limit.
    pub retention_bytes: i64,
    /// `message.timestamp.type`
    pub timestamp_type: String,
    /// `max.message.bytes`
    pub record_bytes_max: i64,
    /// `segment.bytes`
    pub segment_bytes: i64,
}

/// Judges an input topic: the records that a restart reads again must still be there.
pub fn input(topic: &str, partitions: usize, settings: &Settings, interval: Duration) -> Vec<Finding> {
    let about = format!("input {topic}");
    let needed = needed(interval);
    let mut findings = Vec::new();
    if settings.cleanup_policy.contains("compact") {
        let message = "compaction removes records that a restart reads again: set its cleanup.policy to delete";
        findings.push(Finding::fail(&about, message));
    }
    findings.extend(too_short(&about, settings, interval));
    if settings.retention_bytes >= 0 {
        let message = format!(
            "each partition keeps {} bytes: make sure that {} of the busiest flow fit, or set its retention.bytes to -1",
            settings.retention_bytes,
            time(needed)
        );
        findings.push(Finding::warn(&about, message));
    }
    if findings.is_empty() {
        let (partitions, kept) = (count(partitions, "partition"), time(settings.retention_ms));
        findings.push(Finding::ok(about, format!("{partitions}, kept for {kept}, {}", settings.timestamp_type)));
    }
    findings
}

/// Returns a failure if records expire before a restart would read them again.
fn too_short(about: &str, settings: &Settings, interval: Duration) -> Option<Finding> {
    let needed = needed(interval);
    (0..=needed).contains(&settings.retention_ms).then(|| {
        let message = format!(
            "records are kept for {}, but a restart reads up to {} again: set its retention.ms to more than {needed}",
            time(settings.retention_ms),
            time(needed)
        );
        Finding::fail(about, message)
    })
}

/// Returns how far back a restart reads at most, in milliseconds: to the snapshot before the last, if the last is torn.
fn needed(interval: Duration) -> i64 {
    i64::try_from(2 * interval.as_millis()).unwrap_or(i64::MAX)
}

/// Judges an output topic: the service's records must fit, because one that does not would hold up all others, and records that a
/// restart reads again must stay.
pub fn output(
    topic: &str,
    role: Role,
    partitions: usize,
    settings: &Settings,
    client_bytes_max: Option<i64>,
    interval: Duration,
) -> Finding {
    let about = format!("output {topic}");
    if settings.record_bytes_max < RECORD_BYTES_NEEDED {
        let message = format!(
            "it takes records of {} bytes: set its max.message.bytes to {RECORD_BYTES_NEEDED} or more",
            settings.record_bytes_max
        );
        return Finding::fail(about, message);
    }
    if let Some(bytes) = client_bytes_max.filter(|bytes| *bytes < RECORD_BYTES_NEEDED) {
        let message = format!(
            "`message.max.bytes` of `kafka.client` allows records of {bytes} bytes: {RECORD_BYTES_NEEDED} are needed"
        );
        return Finding::fail(about, message);
    }
    let compacted = settings.cleanup_policy.contains("compact");
    match role {
        Role::Snapshots => snapshots(about, settings),
        Role::Shown if compacted => Finding::ok(about, "compacted"),
        Role::Shown => {
            Finding::warn(about, "it keeps every sign of life for its retention: set its cleanup.policy to compact")
        }
        Role::Published | Role::Decisions if compacted => {
            let message = "compaction removes earlier records of the same key: set its cleanup.policy to delete";
            let outcome = if role == Role::Decisions { Outcome::Fail } else { Outcome::Warn };
            Finding { outcome, about, message: message.to_owned() }
        }
        Role::Published | Role::Decisions => {
            let lost = if role == Role::Decisions { too_short(&about, settings, interval) } else { None };
            let kept = format!("{}, kept for {}", count(partitions, "partition"), time(settings.retention_ms));
            lost.unwrap_or_else(|| Finding::ok(about, kept))
        }
    }
}

/// The layout of a topic that is there, as far as the broker says it.
#[derive(Clone, Copy, Debug)]
pub struct Found {
    /// Partitions.
    pub partitions: usize,
    /// Replicas of each partition.
    pub replication: Option<usize>,
    /// `retention.ms`
    pub retention_ms: Option<i64>,
}

/// Compares a topic with its layout in the configuration.
pub fn differences(topic: &str, layout: TopicLayout, found: Found) -> Option<Finding> {
    let number = |number: i32| usize::try_from(number).unwrap_or(usize::MAX);
    let partitions = layout.partitions.map(number).filter(|wanted| *wanted != found.partitions);
    let replication = layout.replication.map(number).zip(found.replication).filter(|(wanted, found)| wanted != found);
    let wanted_ms = layout.retention.map(|retention| i64::try_from(retention.as_millis()).unwrap_or(i64::MAX));
    let retention = wanted_ms.zip(found.retention_ms).filter(|(wanted, found)| wanted != found);
    let differing = [
        partitions.map(|wanted| format!("{}, configured {wanted}", count(found.partitions, "partition"))),
        replication.map(|(wanted, found)| format!("{}, configured {wanted}", count(found, "replica"))),
        retention.map(|(wanted, found)| format!("kept for {}, configured {}", time(found), time(wanted))),
    ];
    let differing: Vec<String> = differing.into_iter().flatten().collect();
    (!differing.is_empty()).then(|| {
        let message = format!(
            "it differs from `kafka.topics`: {}; the service changes nothing of it: alter the topic, or correct the configuration",
            differing.join("; ")
        );
        Finding::warn(format!("output {topic}"), message)
    })
}

/// Judges the snapshots topic: it should keep the last snapshots, and little more.
fn snapshots(about: String, settings: &Settings) -> Finding {
    if !settings.cleanup_policy.contains("compact") {
        return Finding::fail(
            about,
            "a restart would read every snapshot ever written: set its cleanup.policy to compact",
        );
    }
    if settings.segment_bytes > SEGMENT_BYTES_MAX {
        let message = format!(
            "a segment of {} bytes is compacted late, and a restart reads all of it: set its segment.bytes to 16777216",
            settings.segment_bytes
        );
        return Finding::warn(about, message);
    }
    Finding::ok(about, "compacted")
}

/// Formats a span in the largest unit that divides it.
fn time(millis: i64) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s")];
    if millis < 0 {
        return "ever".to_owned();
    }
    let unit = UNITS.iter().find(|(length, _)| millis > 0 && millis % length == 0);
    unit.map_or_else(|| format!("{millis} ms"), |(length, name)| format!("{} {name}", millis / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            cleanup_policy: "delete".to_owned(),
            retention_ms: 604_800_000,
            retention_bytes: -1,
            timestamp_type: "CreateTime".to_owned(),
            record_bytes_max: 1_048_588,
            segment_bytes: 1 << 30,
        }
    }

    fn outcomes(settings: &Settings) -> Vec<Outcome> {
        input("t", 3, settings, Duration::from_mins(1)).iter().map(|finding| finding.outcome).collect()
    }

    #[test]
    fn the_usual_topic_is_fine() {
        let found = input("t", 3, &settings(), Duration::from_mins(1));
        assert_eq!(found, [Finding::ok("input t", "3 partitions, kept for 7 d, CreateTime")]);
        assert_eq!(outcomes(&Settings { retention_ms: -1, ..settings() }), [Outcome::Ok]);
        let found = output("t", Role::Published, 1, &settings(), None, Duration::from_mins(1));
        assert_eq!(found, Finding::ok("output t", "1 partition, kept for 7 d"));
    }

    #[test]
    fn records_must_outlive_two_snapshots() {
        for (millis, outcome) in [(0, Outcome::Fail), (120_000, Outcome::Fail), (120_001, Outcome::Ok)] {
            assert_eq!(outcomes(&Settings { retention_ms: millis, ..settings() }), [outcome], "{millis}");
        }
        let message =
            &input("t", 1, &Settings { retention_ms: 90_000, ..settings() }, Duration::from_mins(1))[0].message;
        assert!(message.contains("kept for 90 s") && message.contains("more than 120000"), "{message}");
    }

    #[test]
    fn every_fault_of_an_input_is_named() {
        let bad = Settings {
            cleanup_policy: "compact,delete".to_owned(),
            retention_ms: 1,
            retention_bytes: 1 << 20,
            ..settings()
        };
        assert_eq!(outcomes(&bad), [Outcome::Fail, Outcome::Fail, Outcome::Warn]);
    }

    fn judged(role: Role, settings: &Settings, client_bytes_max: Option<i64>) -> Outcome {
        output("t", role, 1, settings, client_bytes_max, Duration::from_mins(1)).outcome
    }

    #[test]
    fn an_output_takes_the_largest_record() {
        let small = Settings { record_bytes_max: 500_000, ..settings() };
        for role in [Role::Published, Role::Decisions, Role::Snapshots, Role::Shown] {
            assert_eq!(judged(role, &small, None), Outcome::Fail, "{role:?}");
        }
        assert_eq!(judged(Role::Published, &settings(), Some(500_000)), Outcome::Fail);
        assert_eq!(judged(Role::Published, &settings(), Some(2_000_000)), Outcome::Ok);
    }

    #[test]
    fn published_records_may_expire_soon_but_decisions_outlive_two_snapshots() {
        let short = Settings { retention_ms: 60_000, ..settings() };
        assert_eq!(judged(Role::Published, &short, None), Outcome::Ok);
        assert_eq!(judged(Role::Decisions, &short, None), Outcome::Fail);
        let compacted = Settings { cleanup_policy: "compact".to_owned(), ..settings() };
        assert_eq!(judged(Role::Published, &compacted, None), Outcome::Warn);
        assert_eq!(judged(Role::Decisions, &compacted, None), Outcome::Fail);
        assert_eq!(judged(Role::Decisions, &settings(), None), Outcome::Ok);
    }

    #[test]
    fn a_topic_is_compared_with_what_is_configured_and_nothing_else() {
        let found = Found { partitions: 1, replication: Some(1), retention_ms: Some(604_800_000) };
        assert_eq!(differences("t", TopicLayout::default(), found), None);
        let month = Some(Duration::from_hours(720));
        let layout = TopicLayout { partitions: Some(3), replication: Some(3), retention: month };
        let message = differences("t", layout, found).unwrap().message;
        let expected = "1 partition, configured 3; 1 replica, configured 3; kept for 7 d, configured 30 d;";
        assert!(message.contains(expected), "{message}");
        let same = TopicLayout { partitions: Some(1), replication: None, retention: Some(Duration::from_hours(168)) };
        assert_eq!(differences("t", same, found), None);
        let unknown = Found { partitions: 3, replication: None, retention_ms: None };
        assert_eq!(differences("t", layout, unknown), None);
    }

    #[test]
    fn snapshots_are_compacted_in_small_segments() {
        assert_eq!(judged(Role::Snapshots, &settings(), None), Outcome::Fail);
        let compacted = Settings { cleanup_policy: "compact".to_owned(), ..settings() };
        assert_eq!(judged(Role::Shown, &settings(), None), Outcome::Warn);
        assert_eq!(judged(Role::Shown, &compacted, None), Outcome::Ok);
        assert_eq!(judged(Role::Snapshots, &compacted, None), Outcome::Warn);
        assert_eq!(judged(Role::Snapshots, &Settings { segment_bytes: 16 << 20, ..compacted }, None), Outcome::Ok);
    }
}
