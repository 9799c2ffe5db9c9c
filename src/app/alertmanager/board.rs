//! The board: what every receiver is to show now, as a function of the records of the alerts topic.
//!
//! The board keeps the newest revision of each open incident, and what has ended for five more minutes, so that a receiver that
//! was away for a moment hears of the end. One entry stands for an incident, however many revisions it has had, so what waits for
//! a receiver that is away is bounded by the number of incidents.
//!
//! Labels identify an alert at a receiver, and the severity is one of them. So an incident whose severity rises is two alerts
//! there: the old label set ends when the new one begins. Which label sets were ever sent follows from the records, hence it needs
//! no memory of its own over a restart, and copies of the process agree.
//!
//! The times here are those of records (the broker's or the producer's wall clock, in the record), not those of the venue.

use std::{collections::BTreeMap, sync::Arc};

use super::notice::Notice;
use crate::{
    detect::Severity,
    time::{EventTime, Span, WallTime},
};

/// How long an alert that has ended is posted as ended. A receiver that is away for longer has resolved the alert by itself.
pub const ENDED_FOR: Span = Span::from_secs(300);

/// The notice of an incident under one severity.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The newest revision.
    pub notice: Arc<Notice>,
    /// The detector that opened the incident.
    pub detector: Arc<str>,
    /// When the first revision was read that had this incident, for a venue whose clock is ahead.
    pub first_at: WallTime,
    /// When the newest revision was written.
    pub written_at: WallTime,
    /// The severity of this label set.
    pub severity: Severity,
    /// When this label set ended; `None` while it fires.
    pub ended_at: Option<WallTime>,
    /// Whether the revision was read as it came, and not from the past at a start.
    pub is_news: bool,
}

/// One incident: its newest revision and its label sets.
#[derive(Debug)]
struct Incident {
    notice: Arc<Notice>,
    detector: Arc<str>,
    first_at: WallTime,
    written_at: WallTime,
    is_news: bool,
    /// The severities that the incident has had, and when each ended.
    sets: BTreeMap<Severity, Option<WallTime>>,
}

/// The incidents that receivers are to know of.
#[derive(Debug)]
pub struct Board {
    incidents: BTreeMap<String, Incident>,
    incidents_max: usize,
    look_back: Span,
}

impl Board {
    /// An empty board. An incident without a record for longer than `look_back` is taken off, as a process that starts then would
    /// not read it either.
    #[must_use]
    pub const fn new(incidents_max: usize, look_back: Span) -> Self {
        Self { incidents: BTreeMap::new(), incidents_max, look_back }
    }

    /// Takes a revision that was written at this time. Returns the number of incidents that had to make room.
    pub fn take(&mut self, notice: Notice, written_at: WallTime, is_news: bool) -> u64 {
        let notice = Arc::new(notice);
        let incident = self.incidents.entry(notice.id.clone()).or_insert_with(|| Incident {
            detector: Arc::from(notice.opening_detector()),
            notice: Arc::clone(&notice),
            first_at: written_at,
            written_at,
            is_news,
            sets: BTreeMap::new(),
        });
        // A record that is read again, or that another process repeats.
        if notice.revision < incident.notice.revision {
            return 0;
        }
        (incident.written_at, incident.is_news) = (written_at, is_news);
        incident.sets.entry(notice.severity).or_default();
        let open = notice.is_open();
        for (severity, ended_at) in &mut incident.sets {
            if !open || *severity != notice.severity {
                ended_at.get_or_insert(written_at);
            }
        }
        incident.notice = notice;
        self.make_room()
    }

    /// Takes off what has ended for long enough. Returns the incidents that are open and had no record for too long.
    pub fn expire(&mut self, now: WallTime) -> Vec<String> {
        let look_back = self.look_back;
        let mut forgotten = Vec::new();
        self.incidents.retain(|id, incident| {
            incident.sets.retain(|_, ended_at| ended_at.is_none_or(|at| now.since(at) < ENDED_FOR));
            let stale = now.since(incident.written_at) >= look_back;
            if stale && !incident.sets.is_empty() {
                forgotten.push(id.clone());
            }
            !stale && !incident.sets.is_empty()
        });
        forgotten
    }

    /// The alerts to be posted, in the order of the incidents' ids.
    pub fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.incidents.values().flat_map(|incident| {
            incident.sets.iter().map(|(severity, ended_at)| Entry {
                notice: Arc::clone(&incident.notice),
                detector: Arc::clone(&incident.detector),
                first_at: incident.first_at,
                written_at: incident.written_at,
                severity: *severity,
                ended_at: *ended_at,
                is_news: incident.is_news,
            })
        })
    }

    /// Takes off incidents above the limit: one that is over, or else the one with the oldest record.
    fn make_room(&mut self) -> u64 {
        let mut evicted = 0;
        while self.incidents.len() > self.incidents_max {
            let least =
                self.incidents.iter().min_by_key(|(_, incident)| (incident.notice.is_open(), incident.written_at));
            let Some(id) = least.map(|(id, _)| id.clone()) else { break };
            self.incidents.remove(&id);
            evicted += 1;
        }
        evicted
    }
}

impl Entry {
    /// The label set, as far as it differs between entries.
    #[must_use]
    pub fn key(&self) -> (String, Severity) {
        (self.notice.id.clone(), self.severity)
    }

    /// When the alert began, by the venue's clock; where that is ahead of ours, when it was first written.
    #[must_use]
    pub fn starts_at(&self) -> WallTime {
        let venue = self.notice.starts_at;
        let ahead = venue.ahead_of(self.first_at) > Span::ZERO;
        if ahead { self.first_at } else { of_venue(venue) }
    }
}

/// An instant of the venue's clock as the receiver is told it, who has one clock only.
const fn of_venue(at: EventTime) -> WallTime {
    WallTime::from_nanos(at.nanos())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(secs: i64) -> WallTime {
        WallTime::from_nanos(secs * 1_000_000_000)
    }

    fn alert(id: &str, revision: u64, status: &str, severity: &str) -> serde_json::Value {
        serde_json::json!({
            "id": id, "revision": revision, "status": status, "severity": severity, "title": "t", "summary": "s",
            "starts_at": 1_000_000_000, "emitted_at": null, "detectors": ["cancel_burst", "thin_book"], "symbols": ["S1"],
            "accounts": [], "p": 1e-3, "evidence": {"replay": "r"}, "trust": {"mode": "normal"},
        })
    }

    fn with_path(mut alert: serde_json::Value) -> serde_json::Value {
        alert["evidence"]["path"] = serde_json::json!([{"detector": "thin_book", "through": null}]);
        alert
    }

    fn notice(id: &str, revision: u64, status: &str, severity: &str) -> Notice {
        serde_json::from_value(alert(id, revision, status, severity)).unwrap()
    }

    fn board() -> Board {
        Board::new(3, Span::from_secs(3_600))
    }

    /// Incident, severity, and when it ended, in seconds.
    fn shown(board: &Board) -> Vec<(String, &'static str, Option<i64>)> {
        let secs = |at: WallTime| at.nanos() / 1_000_000_000;
        board.entries().map(|e| (e.notice.id.clone(), e.severity.name(), e.ended_at.map(secs))).collect()
    }

    #[test]
    fn a_severity_that_rises_ends_the_label_set_before() {
        let mut board = board();
        board.take(notice("a", 1, "firing", "warning"), at(10), true);
        board.take(notice("a", 2, "amended", "critical"), at(20), true);
        let both = [("a".to_owned(), "warning", Some(20)), ("a".to_owned(), "critical", None)];
        assert_eq!(shown(&board), both);
        board.expire(at(20 + 300));
        assert_eq!(shown(&board), [("a".to_owned(), "critical", None)]);
    }

    #[test]
    fn the_end_of_an_incident_ends_every_label_set_and_is_told_for_five_minutes() {
        for end in ["resolved", "withdrawn"] {
            let mut board = board();
            board.take(notice("a", 1, "firing", "warning"), at(10), true);
            board.take(notice("a", 2, "amended", "critical"), at(20), true);
            board.take(notice("a", 3, end, "critical"), at(30), true);
            let ended = [("a".to_owned(), "warning", Some(20)), ("a".to_owned(), "critical", Some(30))];
            assert_eq!(shown(&board), ended);
            assert_eq!(board.expire(at(329)), Vec::<String>::new());
            assert_eq!(shown(&board), [("a".to_owned(), "critical", Some(30))]);
            assert_eq!(board.expire(at(330)), Vec::<String>::new());
            assert_eq!(shown(&board), []);
        }
    }

    #[test]
    fn an_older_revision_changes_nothing() {
        let mut board = board();
        board.take(notice("a", 2, "resolved", "warning"), at(10), true);
        board.take(notice("a", 1, "firing", "warning"), at(11), true);
        assert_eq!(shown(&board), [("a".to_owned(), "warning", Some(10))]);
    }

    #[test]
    fn one_that_is_over_makes_room_first_and_then_the_one_without_news() {
        let mut board = board();
        board.take(notice("a", 1, "firing", "warning"), at(1), true);
        board.take(notice("b", 1, "firing", "warning"), at(2), true);
        board.take(notice("c", 2, "resolved", "warning"), at(3), true);
        assert_eq!(board.take(notice("d", 1, "firing", "warning"), at(4), true), 1);
        assert_eq!(board.take(notice("e", 1, "firing", "warning"), at(5), true), 1);
        let ids: Vec<String> = shown(&board).into_iter().map(|(id, ..)| id).collect();
        assert_eq!(ids, ["b", "d", "e"]);
    }

    #[test]
    fn an_open_incident_without_a_record_for_the_whole_look_back_is_named_and_taken_off() {
        let mut board = board();
        board.take(notice("a", 1, "firing", "warning"), at(10), true);
        assert_eq!(board.expire(at(3_609)), Vec::<String>::new());
        assert_eq!(board.expire(at(3_610)), ["a"]);
        assert_eq!(shown(&board), []);
    }

    #[test]
    fn the_detector_is_the_one_that_opened_and_stays() {
        let mut board = board();
        let detector = |board: &Board| board.entries().next().unwrap().detector.to_string();
        board.take(notice("a", 1, "firing", "warning"), at(10), true);
        assert_eq!(detector(&board), "cancel_burst");
        let second: Notice = serde_json::from_value(with_path(alert("a", 2, "amended", "warning"))).unwrap();
        board.take(second.clone(), at(20), true);
        assert_eq!(detector(&board), "cancel_burst");
        // Where the first revision is not there any more, the path names it.
        let mut late = Board::new(3, Span::from_secs(3_600));
        late.take(second, at(20), true);
        assert_eq!(detector(&late), "thin_book");
    }

    #[test]
    fn an_alert_never_begins_after_it_was_written() {
        let mut board = board();
        board.take(notice("a", 1, "firing", "warning"), at(10), true);
        board.take(notice("b", 1, "firing", "warning"), WallTime::from_nanos(5), true);
        let starts: Vec<i64> = board.entries().map(|e| e.starts_at().nanos()).collect();
        assert_eq!(starts, [1_000_000_000, 5]);
    }
}
