//! A posting: one alert in the form of Alertmanager's API (version 2).
//!
//! Labels are identity alone, so an alert that is told again with other numbers stays the same alert. Everything else is an
//! annotation.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use super::board::Entry;
use crate::time::{Span, WallTime};

/// How many repetitions a receiver may miss before it resolves an alert by itself. Prometheus has the same.
const REPETITIONS_MISSED: u32 = 4;
/// How many symbols an annotation names.
const SYMBOLS_MAX: usize = 10;

/// One alert as Alertmanager takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Posting {
    labels: BTreeMap<&'static str, String>,
    annotations: BTreeMap<&'static str, String>,
    starts_at: String,
    ends_at: String,
}

impl Posting {
    /// The posting of an entry, which fires for four more repetitions or has ended.
    #[must_use]
    pub fn new(entry: &Entry, venue: Option<&str>, resend: Duration, now: WallTime) -> Self {
        let notice = &entry.notice;
        let mut labels = BTreeMap::from([
            ("alertname", entry.detector.to_string()),
            ("incident", notice.id.clone()),
            ("severity", entry.severity.name().to_owned()),
        ]);
        labels.extend(venue.map(|venue| ("venue", venue.to_owned())));
        let annotations = BTreeMap::from([
            ("summary", notice.summary.clone()),
            ("description", notice.title.clone()),
            ("symbols", symbols(entry)),
            ("accounts_total", notice.accounts_total().to_string()),
            ("p", format!("{:.1e}", notice.p)),
            ("since", rfc_3339(notice.starts_at.nanos())),
            ("mode", notice.mode().to_owned()),
            ("replay", notice.replay().to_owned()),
        ]);
        let starts_at = entry.starts_at();
        // A record of a machine whose clock is ahead must not keep an alert alive that has ended.
        let ends_at =
            entry.ended_at.map_or_else(|| now.plus(ahead(resend)), |ended_at| ended_at.min(now)).max(starts_at);
        Self { labels, annotations, starts_at: rfc_3339(starts_at.nanos()), ends_at: rfc_3339(ends_at.nanos()) }
    }

    /// A posting that tests the way to a receiver, and ends by itself.
    #[must_use]
    pub fn test(severity: &'static str, venue: Option<&str>, resend: Duration, now: WallTime) -> Self {
        let mut labels = BTreeMap::from([
            ("alertname", "ForeshockTest".to_owned()),
            ("incident", "test".to_owned()),
            ("severity", severity.to_owned()),
        ]);
        labels.extend(venue.map(|venue| ("venue", venue.to_owned())));
        let summary = "This is a test of the notifications of Foreshock. Nothing has happened.".to_owned();
        let annotations =
            BTreeMap::from([("summary", summary), ("description", "TEST: nothing has happened".to_owned())]);
        let (starts_at, ends_at) = (rfc_3339(now.nanos()), rfc_3339(now.plus(ahead(resend)).nanos()));
        Self { labels, annotations, starts_at, ends_at }
    }
}

fn ahead(resend: Duration) -> Span {
    let nanos = (resend * REPETITIONS_MISSED).as_nanos();
    Span::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// The first symbols, and how many there are if that is not all.
fn symbols(entry: &Entry) -> String {
    let symbols = &entry.notice.symbols;
    let total = entry.notice.symbols_total.unwrap_or(symbols.len() as u64);
    let shown = symbols.len().min(SYMBOLS_MAX);
    let more = total.saturating_sub(shown as u64);
    let names = symbols[..shown].join(", ");
    if more > 0 { format!("{names} and {more} more") } else { names }
}

fn rfc_3339(nanos: i64) -> String {
    // Every i64 of nanoseconds is an instant that jiff has.
    Timestamp::from_nanosecond(i128::from(nanos)).unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::app::alertmanager::{board::Board, notice::Notice};

    const RESEND: Duration = Duration::from_mins(1);

    const fn at(secs: i64) -> WallTime {
        WallTime::from_nanos(secs * 1_000_000_000)
    }

    fn posted(status: &str, symbols: usize, venue: Option<&str>, now: WallTime) -> Value {
        let alert = json!({
            "id": "0eb2", "revision": 1, "status": status, "severity": "critical", "title": "the title", "summary": "the summary",
            "starts_at": 5_000_000_000_i64, "emitted_at": null, "detectors": ["cancel_burst"],
            "symbols": (0..symbols).map(|n| format!("S{n}")).collect::<Vec<_>>(), "accounts": ["a1", "a2"], "p": 3.21e-12,
            "evidence": {"replay": "foreshock replay"}, "trust": {"mode": "normal"},
        });
        let mut board = Board::new(1, Span::from_secs(3_600));
        board.take(serde_json::from_value::<Notice>(alert).unwrap(), at(7), true);
        let entry = board.entries().next().unwrap();
        serde_json::to_value(Posting::new(&entry, venue, RESEND, now)).unwrap()
    }

    #[test]
    fn labels_are_identity_and_everything_else_is_an_annotation() {
        let expected = json!({
            "labels": {"alertname": "cancel_burst", "incident": "0eb2", "severity": "critical", "venue": "XY"},
            "annotations": {
                "summary": "the summary", "description": "the title", "symbols": "S0, S1", "accounts_total": "2",
                "p": "3.2e-12", "since": "1970-01-01T00:00:05Z", "mode": "normal", "replay": "foreshock replay",
            },
            "startsAt": "1970-01-01T00:00:05Z",
            "endsAt": "1970-01-01T00:05:00Z",
        });
        assert_eq!(posted("firing", 2, Some("XY"), at(60)), expected);
        assert_eq!(posted("firing", 2, None, at(60))["labels"].get("venue"), None);
    }

    #[test]
    fn one_that_has_ended_ends_when_its_record_was_written_and_never_later_than_now() {
        assert_eq!(posted("resolved", 1, None, at(60))["endsAt"], "1970-01-01T00:00:07Z");
        assert_eq!(posted("withdrawn", 1, None, at(6))["endsAt"], "1970-01-01T00:00:06Z");
    }

    #[test]
    fn a_long_list_of_symbols_is_cut_and_counted() {
        assert_eq!(
            posted("firing", 12, None, at(9))["annotations"]["symbols"],
            "S0, S1, S2, S3, S4, S5, S6, S7, S8, S9 and 2 more"
        );
    }
}
