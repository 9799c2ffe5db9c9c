//! A posting: one alert in the form of Alertmanager's API (version 2).
//!
//! Labels are identity alone, so an alert that is posted again with other numbers stays the same alert. Everything else is an
//! annotation.

use std::{collections::BTreeMap, time::Duration};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    board::{Entry, Item},
    notice::{before, without_unknown_past},
    own::OwnAlert,
};
use crate::time::{Span, WallTime};

/// How many repetitions a receiver may miss before it resolves an alert by itself. Prometheus has the same.
const REPETITIONS_MISSED: u32 = 4;
/// How many symbols an annotation names.
const SYMBOLS_MAX: usize = 10;

/// Title of an alert that tests the way to a receiver.
pub const TEST_TITLE: &str = "TEST: nothing has happened";
/// Summary of an alert that tests the way to a receiver.
pub const TEST_SUMMARY: &str = "This is a test of the notifications of Foreshock. Nothing has happened.";

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
    /// Makes the posting of an item, which fires for four more repetitions or has ended.
    #[must_use]
    pub fn new(item: &Item, venue: Option<&str>, resend: Duration, now: WallTime) -> Self {
        let (name, incident, severity) = match item {
            Item::Incident(entry) => (&*entry.detector, entry.notice.id.as_str(), entry.severity),
            Item::Own(alert) => (alert.name, alert.name, alert.severity),
        };
        let (annotations, starts_at) = match item {
            Item::Incident(entry) => (of_incident(entry), entry.starts_at()),
            Item::Own(alert) => (of_own(alert), alert.since),
        };
        // A record of a machine whose clock is ahead must not keep an alert alive that has ended.
        let ends_at =
            item.ended_at().map_or_else(|| now.plus(ahead(resend)), |ended_at| ended_at.min(now)).max(starts_at);
        Self {
            labels: labels(name, incident, severity.name(), venue),
            annotations,
            starts_at: rfc_3339(starts_at.nanos()),
            ends_at: rfc_3339(ends_at.nanos()),
        }
    }

    /// Makes a posting that tests the way to a receiver, and ends by itself.
    #[must_use]
    pub fn test(severity: &'static str, venue: Option<&str>, resend: Duration, now: WallTime) -> Self {
        let annotations =
            BTreeMap::from([("summary", TEST_SUMMARY.to_owned()), ("description", TEST_TITLE.to_owned())]);
        let (starts_at, ends_at) = (rfc_3339(now.nanos()), rfc_3339(now.plus(ahead(resend)).nanos()));
        Self { labels: labels("ForeshockTest", "test", severity, venue), annotations, starts_at, ends_at }
    }
}

fn labels(name: &str, incident: &str, severity: &str, venue: Option<&str>) -> BTreeMap<&'static str, String> {
    let labels =
        [("alertname", Some(name)), ("incident", Some(incident)), ("severity", Some(severity)), ("venue", venue)];
    labels.into_iter().filter_map(|(label, value)| Some((label, value?.to_owned()))).collect()
}

fn of_incident(entry: &Entry) -> BTreeMap<&'static str, String> {
    let notice = &entry.notice;
    let action = &notice.action;
    let links = [("runbook_url", &action.runbook), ("dashboard_url", &action.dashboard), ("page_url", &action.page)];
    let mut annotations = BTreeMap::from([
        ("summary", notice.summary.clone()),
        ("description", description(entry)),
        ("symbols", listed(&notice.symbols, notice.symbols_total)),
        ("accounts_total", notice.accounts_total().to_string()),
        ("p", format!("{:.1e}", notice.p)),
        ("since", rfc_3339(notice.starts_at.nanos())),
        ("mode", notice.mode().to_owned()),
        ("replay", notice.replay().to_owned()),
    ]);
    annotations.extend(links.into_iter().filter_map(|(name, link)| Some((name, link.clone()?))));
    annotations
}

/// The title, the news, what the summary has no room for, and whether it happened before: a line each.
fn description(entry: &Entry) -> String {
    let notice = &entry.notice;
    let news = notice.news.as_ref().map(|news| format!("New: {news}"));
    let before = entry.history.as_ref().map(before);
    let told = |text: &String| if before.is_some() { without_unknown_past(text) } else { text.clone() };
    let lines = [Some(notice.title.clone()), news, notice.description.as_ref().map(told), before.clone()];
    lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
}

fn of_own(alert: &OwnAlert) -> BTreeMap<&'static str, String> {
    BTreeMap::from([
        ("summary", alert.summary.clone()),
        ("description", alert.description.clone()),
        ("symbols", listed(&alert.symbols, None)),
        ("since", rfc_3339(alert.since.nanos())),
    ])
}

fn ahead(resend: Duration) -> Span {
    let nanos = (resend * REPETITIONS_MISSED).as_nanos();
    Span::from_nanos(i64::try_from(nanos).unwrap_or(i64::MAX))
}

/// The first symbols, and how many there are if that is not all.
fn listed(symbols: &[String], total: Option<u64>) -> String {
    let total = total.unwrap_or(symbols.len() as u64);
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
    use crate::app::notifications::{board::Board, notice::Notice};

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
            "action": {"suggested": "see", "runbook": "http://r/cancel_burst", "dashboard": null, "silence": null},
        });
        let mut board = Board::new(1, Span::from_secs(3_600), 20);
        board.take(serde_json::from_value::<Notice>(alert).unwrap(), at(7), true);
        let item = board.items(now).next().unwrap();
        serde_json::to_value(Posting::new(&item, venue, RESEND, now)).unwrap()
    }

    #[test]
    fn labels_are_identity_and_everything_else_is_an_annotation() {
        let expected = json!({
            "labels": {"alertname": "cancel_burst", "incident": "0eb2", "severity": "critical", "venue": "XY"},
            "annotations": {
                "summary": "the summary", "description": "the title", "symbols": "S0, S1", "accounts_total": "2",
                "p": "3.2e-12", "since": "1970-01-01T00:00:05Z", "mode": "normal", "replay": "foreshock replay",
                "runbook_url": "http://r/cancel_burst",
            },
            "startsAt": "1970-01-01T00:00:05Z",
            "endsAt": "1970-01-01T00:05:00Z",
        });
        assert_eq!(posted("firing", 2, Some("XY"), at(60)), expected);
        assert_eq!(posted("firing", 2, None, at(60))["labels"].get("venue"), None);
    }

    #[test]
    fn a_description_has_the_news_the_details_and_the_past_in_a_line_each() {
        let mut board = Board::new(9, Span::from_secs(3_600), 20);
        for (id, status, second) in [("a", "resolved", 5), ("b", "amended", 9)] {
            let alert = json!({
                "id": id, "fingerprint": "f", "revision": 2, "status": status, "severity": "warning", "title": "the title",
                "summary": "the summary", "news": "worse", "description": "all of it", "starts_at": at(second), "emitted_at": null,
                "detected_at": at(second), "ends_at": at(second + 1), "detectors": ["cancel_burst"], "symbols": [], "accounts": [],
                "p": 0.1, "evidence": {"replay": "r"}, "trust": {"mode": "normal"},
            });
            board.take(serde_json::from_value::<Notice>(alert).unwrap(), at(second), true);
        }
        let described: Vec<Value> = board
            .items(at(10))
            .map(|item| {
                serde_json::to_value(Posting::new(&item, None, RESEND, at(10))).unwrap()["annotations"]["description"]
                    .take()
            })
            .collect();
        let first = "the title\nNew: worse\nall of it\nNot seen before within the look-back";
        let second = "the title\nNew: worse\nall of it\nSeen once before within the look-back: the last was detected \
                      1970-01-01T00:00:05Z and ended 1970-01-01T00:00:06Z";
        assert_eq!(described, [first, second]);
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
