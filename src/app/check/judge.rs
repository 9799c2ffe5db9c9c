//! What a topic's settings mean for the service.

use std::time::Duration;

use super::{Finding, Verdict, count};

/// The largest record that the service publishes: a dead letter of 990 kB with its key and headers.
const RECORD_BYTES_NEEDED: i64 = 1_000_000;
/// The largest segment of the topic of snapshots: what is older than the segment that is being written is compacted, the rest is
/// read at a restart. Four times what the service sets where it creates the topic.
const SEGMENT_BYTES_MAX: i64 = 64 << 20;

/// What an output topic is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Read by others.
    Said,
    /// The service's own decisions, which a restart reads again with the input.
    Decisions,
    /// Snapshots of its state.
    Snapshots,
}

/// The settings of a topic, as far as they matter here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// `cleanup.policy`
    pub cleanup_policy: String,
    /// `retention.ms`; -1 is for ever.
    pub retention_ms: i64,
    /// `retention.bytes`, of a partition; -1 is any number.
    pub retention_bytes: i64,
    /// `message.timestamp.type`
    pub timestamp_type: String,
    /// `max.message.bytes`
    pub record_bytes_max: i64,
    /// `segment.bytes`
    pub segment_bytes: i64,
}

/// An input topic with so many partitions: what is read again after a restart must still be there.
pub fn input(topic: &str, partitions: usize, settings: &Settings, interval: Duration) -> Vec<Finding> {
    let about = format!("input {topic}");
    let needed = needed(interval);
    let mut findings = Vec::new();
    if settings.cleanup_policy.contains("compact") {
        let words = "compaction removes records that a restart reads again: set its cleanup.policy to delete";
        findings.push(Finding::fail(&about, words));
    }
    findings.extend(too_short(&about, settings, interval));
    if settings.retention_bytes >= 0 {
        let words = format!(
            "each partition keeps {} bytes: make sure that {} of the busiest flow fit, or set its retention.bytes to -1",
            settings.retention_bytes,
            time(needed)
        );
        findings.push(Finding::warn(&about, words));
    }
    if findings.is_empty() {
        let (partitions, kept) = (count(partitions, "partition"), time(settings.retention_ms));
        findings.push(Finding::ok(about, format!("{partitions}, kept for {kept}, {}", settings.timestamp_type)));
    }
    findings
}

/// Records that are gone before a restart would read them again.
fn too_short(about: &str, settings: &Settings, interval: Duration) -> Option<Finding> {
    let needed = needed(interval);
    (0..=needed).contains(&settings.retention_ms).then(|| {
        let words = format!(
            "records are kept for {}, but a restart reads up to {} again: set its retention.ms to more than {needed}",
            time(settings.retention_ms),
            time(needed)
        );
        Finding::fail(about, words)
    })
}

/// How far a restart reads back at most, in milliseconds: to the snapshot before the last, where that one is torn.
fn needed(interval: Duration) -> i64 {
    i64::try_from(2 * interval.as_millis()).unwrap_or(i64::MAX)
}

/// An output topic: what the service writes must fit, for one record that does not would hold up all others, and what it reads
/// again must stay.
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
        let words = format!(
            "it takes records of {} bytes: set its max.message.bytes to {RECORD_BYTES_NEEDED} or more",
            settings.record_bytes_max
        );
        return Finding::fail(about, words);
    }
    if let Some(bytes) = client_bytes_max.filter(|bytes| *bytes < RECORD_BYTES_NEEDED) {
        let words = format!(
            "`message.max.bytes` of `kafka.client` allows records of {bytes} bytes: {RECORD_BYTES_NEEDED} are needed"
        );
        return Finding::fail(about, words);
    }
    let compacted = settings.cleanup_policy.contains("compact");
    match role {
        Role::Snapshots => snapshots(about, settings),
        Role::Said | Role::Decisions if compacted => {
            let words = "compaction removes what was said before under the same key: set its cleanup.policy to delete";
            let verdict = if role == Role::Decisions { Verdict::Fail } else { Verdict::Warn };
            Finding { verdict, about, words: words.to_owned() }
        }
        Role::Said | Role::Decisions => {
            let lost = if role == Role::Decisions { too_short(&about, settings, interval) } else { None };
            let kept = format!("{}, kept for {}", count(partitions, "partition"), time(settings.retention_ms));
            lost.unwrap_or_else(|| Finding::ok(about, kept))
        }
    }
}

/// The topic of the snapshots keeps the last ones, and little more.
fn snapshots(about: String, settings: &Settings) -> Finding {
    if !settings.cleanup_policy.contains("compact") {
        return Finding::fail(
            about,
            "a restart would read every snapshot ever written: set its cleanup.policy to compact",
        );
    }
    if settings.segment_bytes > SEGMENT_BYTES_MAX {
        let words = format!(
            "a segment of {} bytes is compacted late, and a restart reads all of it: set its segment.bytes to 16777216",
            settings.segment_bytes
        );
        return Finding::warn(about, words);
    }
    Finding::ok(about, "compacted")
}

/// A span in words: the largest unit that divides it.
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

    fn verdicts(settings: &Settings) -> Vec<Verdict> {
        input("t", 3, settings, Duration::from_mins(1)).iter().map(|finding| finding.verdict).collect()
    }

    #[test]
    fn the_usual_topic_is_fine() {
        let found = input("t", 3, &settings(), Duration::from_mins(1));
        assert_eq!(found, [Finding::ok("input t", "3 partitions, kept for 7 d, CreateTime")]);
        assert_eq!(verdicts(&Settings { retention_ms: -1, ..settings() }), [Verdict::Ok]);
        let said = output("t", Role::Said, 1, &settings(), None, Duration::from_mins(1));
        assert_eq!(said, Finding::ok("output t", "1 partition, kept for 7 d"));
    }

    #[test]
    fn records_must_outlive_two_snapshots() {
        for (millis, verdict) in [(0, Verdict::Fail), (120_000, Verdict::Fail), (120_001, Verdict::Ok)] {
            assert_eq!(verdicts(&Settings { retention_ms: millis, ..settings() }), [verdict], "{millis}");
        }
        let words = &input("t", 1, &Settings { retention_ms: 90_000, ..settings() }, Duration::from_mins(1))[0].words;
        assert!(words.contains("kept for 90 s") && words.contains("more than 120000"), "{words}");
    }

    #[test]
    fn every_fault_of_an_input_is_named() {
        let bad = Settings {
            cleanup_policy: "compact,delete".to_owned(),
            retention_ms: 1,
            retention_bytes: 1 << 20,
            ..settings()
        };
        assert_eq!(verdicts(&bad), [Verdict::Fail, Verdict::Fail, Verdict::Warn]);
    }

    fn judged(role: Role, settings: &Settings, client_bytes_max: Option<i64>) -> Verdict {
        output("t", role, 1, settings, client_bytes_max, Duration::from_mins(1)).verdict
    }

    #[test]
    fn an_output_takes_the_largest_record() {
        let small = Settings { record_bytes_max: 500_000, ..settings() };
        for role in [Role::Said, Role::Decisions, Role::Snapshots] {
            assert_eq!(judged(role, &small, None), Verdict::Fail, "{role:?}");
        }
        assert_eq!(judged(Role::Said, &settings(), Some(500_000)), Verdict::Fail);
        assert_eq!(judged(Role::Said, &settings(), Some(2_000_000)), Verdict::Ok);
    }

    #[test]
    fn what_is_said_may_go_soon_but_what_was_decided_outlives_two_snapshots() {
        let short = Settings { retention_ms: 60_000, ..settings() };
        assert_eq!(judged(Role::Said, &short, None), Verdict::Ok);
        assert_eq!(judged(Role::Decisions, &short, None), Verdict::Fail);
        let compacted = Settings { cleanup_policy: "compact".to_owned(), ..settings() };
        assert_eq!(judged(Role::Said, &compacted, None), Verdict::Warn);
        assert_eq!(judged(Role::Decisions, &compacted, None), Verdict::Fail);
        assert_eq!(judged(Role::Decisions, &settings(), None), Verdict::Ok);
    }

    #[test]
    fn snapshots_are_compacted_in_small_segments() {
        assert_eq!(judged(Role::Snapshots, &settings(), None), Verdict::Fail);
        let compacted = Settings { cleanup_policy: "compact".to_owned(), ..settings() };
        assert_eq!(judged(Role::Snapshots, &compacted, None), Verdict::Warn);
        assert_eq!(judged(Role::Snapshots, &Settings { segment_bytes: 16 << 20, ..compacted }, None), Verdict::Ok);
    }
}
