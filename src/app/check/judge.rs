//! What a topic's settings mean for the service.

use std::time::Duration;

use super::{Finding, count};

/// The largest record that the service publishes: a dead letter of 990 kB with its key and headers.
const RECORD_BYTES_NEEDED: i64 = 1_000_000;
/// How often a snapshot is taken. A restart reads the input again from a snapshot on, and from the one before where the last
/// is torn.
pub const SNAPSHOT_INTERVAL: Duration = Duration::from_mins(1);

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
}

/// An input topic with so many partitions: what is read again after a restart must still be there.
pub fn input(topic: &str, partitions: usize, settings: &Settings, interval: Duration) -> Vec<Finding> {
    let about = format!("input {topic}");
    let needed = i64::try_from(2 * interval.as_millis()).unwrap_or(i64::MAX);
    let mut findings = Vec::new();
    if settings.cleanup_policy.contains("compact") {
        let words = "compaction removes records that a restart reads again: set its cleanup.policy to delete";
        findings.push(Finding::fail(&about, words));
    }
    if (0..=needed).contains(&settings.retention_ms) {
        let words = format!(
            "records are kept for {}, but a restart reads up to {} again: set its retention.ms to more than {needed}",
            time(settings.retention_ms),
            time(needed)
        );
        findings.push(Finding::fail(&about, words));
    }
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

/// An output topic: what the service writes must fit, for one record that does not would hold up all others.
pub fn output(topic: &str, partitions: usize, settings: &Settings, client_bytes_max: Option<i64>) -> Finding {
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
    if settings.cleanup_policy.contains("compact") {
        let words = "compaction removes what was said before under the same key: set its cleanup.policy to delete";
        return Finding::warn(about, words);
    }
    Finding::ok(about, format!("{}, kept for {}", count(partitions, "partition"), time(settings.retention_ms)))
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
    use super::{super::Verdict, *};

    fn settings() -> Settings {
        Settings {
            cleanup_policy: "delete".to_owned(),
            retention_ms: 604_800_000,
            retention_bytes: -1,
            timestamp_type: "CreateTime".to_owned(),
            record_bytes_max: 1_048_588,
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
        assert_eq!(output("t", 1, &settings(), None), Finding::ok("output t", "1 partition, kept for 7 d"));
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

    #[test]
    fn an_output_takes_the_largest_record() {
        let small = Settings { record_bytes_max: 500_000, ..settings() };
        assert_eq!(output("t", 1, &small, None).verdict, Verdict::Fail);
        assert_eq!(output("t", 1, &settings(), Some(500_000)).verdict, Verdict::Fail);
        assert_eq!(output("t", 1, &settings(), Some(2_000_000)).verdict, Verdict::Ok);
        let compacted = Settings { cleanup_policy: "compact".to_owned(), ..settings() };
        assert_eq!(output("t", 1, &compacted, None).verdict, Verdict::Warn);
    }
}
