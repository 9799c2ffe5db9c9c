//! The past: which incidents the alerts topic has had within the look-back, by fingerprint.
//!
//! The engine cannot say whether a thing happened before, because it may have begun in the middle of the input. A reader of the
//! alerts topic can: reading begins at the look-back, so every process that reads the topic knows the same, and a restart forgets
//! nothing. An incident is remembered as long as its newest record is within the look-back. Beyond the limit the incidents with the
//! oldest records are evicted. A history may then count too few, and one that would count none is left out.

use std::collections::{BTreeMap, BTreeSet};

use super::notice::Notice;
use crate::{
    alert::History,
    correlate::Status,
    time::{EventTime, Span, WallTime},
};

/// The most incidents that are remembered: 3 MB of names and times, and more than one a minute for the default look-back of a week.
pub const REMEMBERED_MAX: usize = 10_000;

/// When an incident was detected, and its id.
type Key = (EventTime, String);

/// An incident that is remembered.
#[derive(Debug)]
struct Seen {
    /// When its newest record was written.
    written_at: WallTime,
    ended_at: Option<EventTime>,
    status: Status,
}

/// The incidents of the look-back.
#[derive(Debug)]
pub struct Past {
    look_back: Span,
    remembered_max: usize,
    /// By fingerprint, each in the order of detection.
    incidents: BTreeMap<String, BTreeMap<Key, Seen>>,
    /// All of them in the order of their newest records.
    order: BTreeSet<(WallTime, String, Key)>,
    /// The newest record among those of evicted incidents.
    evicted_at: Option<WallTime>,
}

impl Past {
    /// A past of which nothing is known.
    pub const fn new(look_back: Span, remembered_max: usize) -> Self {
        Self { look_back, remembered_max, incidents: BTreeMap::new(), order: BTreeSet::new(), evicted_at: None }
    }

    /// Takes a revision that was written at this time. Returns the number of incidents that had to make room.
    pub fn observe(&mut self, notice: &Notice, written_at: WallTime) -> u64 {
        let Some(fingerprint) = &notice.fingerprint else { return 0 };
        let key = (notice.detected_at(), notice.id.clone());
        let ended_at = notice.ends_at.filter(|_| !notice.is_open());
        let seen = Seen { written_at, ended_at, status: notice.status };
        let of_fingerprint = self.incidents.entry(fingerprint.clone()).or_default();
        if let Some(before) = of_fingerprint.insert(key.clone(), seen) {
            self.order.remove(&(before.written_at, fingerprint.clone(), key.clone()));
        }
        self.order.insert((written_at, fingerprint.clone(), key));
        let mut evicted = 0;
        while self.order.len() > self.remembered_max {
            self.evicted_at = self.forget_oldest().max(self.evicted_at);
            evicted += 1;
        }
        evicted
    }

    /// Forgets what lies before the look-back.
    pub fn expire(&mut self, now: WallTime) {
        let look_back = self.look_back;
        let is_past = |at: WallTime| now.since(at) >= look_back;
        while self.order.first().is_some_and(|(written_at, ..)| is_past(*written_at)) {
            self.forget_oldest();
        }
        self.evicted_at = self.evicted_at.filter(|at| !is_past(*at));
    }

    /// Forgets the incident with the oldest record. Returns the time of that record.
    fn forget_oldest(&mut self) -> Option<WallTime> {
        let (written_at, fingerprint, key) = self.order.pop_first()?;
        if let Some(of_fingerprint) = self.incidents.get_mut(&fingerprint) {
            of_fingerprint.remove(&key);
            if of_fingerprint.is_empty() {
                self.incidents.remove(&fingerprint);
            }
        }
        Some(written_at)
    }

    /// Returns the history of a notice's incident: the earlier incidents with its fingerprint; `None` where nothing is known of
    /// them.
    pub fn history(&self, notice: &Notice) -> Option<History> {
        let of_fingerprint = self.incidents.get(notice.fingerprint.as_ref()?)?;
        let key = (notice.detected_at(), notice.id.clone());
        let before = || of_fingerprint.range(..&key);
        let Some(((last_at, _), last)) = before().next_back() else {
            let none = History { times_before: 0, last_at: None, last_ended: None, last_status: None };
            return self.evicted_at.is_none().then_some(none);
        };
        Some(History {
            times_before: before().count() as u64,
            last_at: Some(*last_at),
            last_ended: last.ended_at,
            last_status: Some(last.status),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const LOOK_BACK: Span = Span::from_secs(1_000);

    fn wall(secs: i64) -> WallTime {
        WallTime::from_nanos(secs * 1_000_000_000)
    }

    fn event(secs: i64) -> EventTime {
        EventTime::from_nanos(secs * 1_000_000_000)
    }

    fn notice(id: &str, fingerprint: Option<&str>, detected: i64, ended: Option<i64>) -> Notice {
        let alert = json!({
            "id": id, "fingerprint": fingerprint, "revision": 1, "severity": "warning", "title": "t", "summary": "s",
            "status": if ended.is_some() { "resolved" } else { "firing" }, "starts_at": event(detected - 1),
            "detected_at": event(detected), "ends_at": ended.map(event), "emitted_at": null, "detectors": [], "symbols": [],
            "accounts": [], "p": 1e-3, "evidence": {"replay": "r"}, "trust": {"mode": "normal"},
        });
        serde_json::from_value(alert).unwrap()
    }

    #[test]
    fn an_incident_knows_those_of_its_fingerprint_before_it_in_whatever_order_they_were_read() {
        let read = [("c", 300, None), ("a", 100, Some(120)), ("b", 200, Some(220))];
        for turn in 0..read.len() {
            let mut past = Past::new(LOOK_BACK, REMEMBERED_MAX);
            let mut read = read;
            read.rotate_left(turn);
            for (id, detected, ended) in read {
                past.observe(&notice(id, Some("f"), detected, ended), wall(detected));
            }
            past.observe(&notice("x", Some("other"), 250, None), wall(250));
            let history = |id, detected| past.history(&notice(id, Some("f"), detected, None));
            let first = History { times_before: 0, last_at: None, last_ended: None, last_status: None };
            assert_eq!(history("a", 100), Some(first));
            let third = History {
                times_before: 2,
                last_at: Some(event(200)),
                last_ended: Some(event(220)),
                last_status: Some(Status::Resolved),
            };
            assert_eq!(history("c", 300), Some(third));
            assert_eq!(past.history(&notice("c", None, 300, None)), None, "an alert of an older build");
        }
    }

    #[test]
    fn what_lies_before_the_look_back_is_forgotten_as_a_process_that_starts_then_would_not_read_it() {
        let mut past = Past::new(LOOK_BACK, REMEMBERED_MAX);
        past.observe(&notice("a", Some("f"), 100, Some(120)), wall(120));
        past.observe(&notice("b", Some("f"), 300, None), wall(300));
        let times = |past: &Past| past.history(&notice("b", Some("f"), 300, None)).map(|history| history.times_before);
        past.expire(wall(1_119));
        assert_eq!(times(&past), Some(1));
        past.expire(wall(1_120));
        assert_eq!(times(&past), Some(0));
        past.expire(wall(1_300));
        assert!(past.incidents.is_empty() && past.order.is_empty());
    }

    #[test]
    fn beyond_the_limit_a_number_is_a_least_one_and_none_is_unknown() {
        let mut past = Past::new(LOOK_BACK, 2);
        let evicted: u64 =
            (1..=4).map(|n| past.observe(&notice(&format!("i{n}"), Some("f"), 100 * n, None), wall(100 * n))).sum();
        assert_eq!((evicted, past.order.len()), (2, 2));
        let history = |past: &Past, id: &str, detected| past.history(&notice(id, Some("f"), detected, None));
        assert_eq!(history(&past, "i4", 400).map(|history| history.times_before), Some(1));
        assert_eq!(history(&past, "i3", 300), None, "there were two");
        past.expire(wall(1_200));
        assert!(history(&past, "i3", 300).is_some(), "nothing within the look-back had to make room");
    }
}
