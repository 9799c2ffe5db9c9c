//! The board: what every receiver is to show now, as a function of the records of the alerts topic.
//!
//! The board keeps the newest revision of each open incident, and what has ended for five more minutes, so that a receiver that
//! was away for a moment gets the end. One entry stands for an incident, however many revisions it has had, so what waits for
//! a receiver that is away is bounded by the number of incidents.
//!
//! Labels identify an alert at a receiver, and the severity is one of them. So an incident whose severity rises is two alerts
//! there: the old label set ends when the new one begins. Which label sets were ever sent follows from the records, hence it needs
//! no memory of its own over a restart, and copies of the process agree.
//!
//! The times here are those of records (the broker's or the producer's wall clock, in the record), not those of the venue.
//!
//! Two alerts are the board's own: `Storm` names the incidents that do not page because too many have within the hour, and
//! `Watchdog` fires while a process is at work.

use std::{collections::BTreeMap, sync::Arc};

use super::{
    notice::Notice,
    own::{Life, OwnAlert, storm},
    pages::Pages,
    past::{Past, REMEMBERED_MAX},
};
use crate::{
    alert::History,
    detect::Severity,
    time::{EventTime, Span, WallTime},
};

/// How long an alert that has ended is posted to an Alertmanager as ended. One that is away for longer has resolved the alert by
/// itself.
pub const ENDED_FOR: Span = Span::from_secs(300);
/// How long an incident that has ended is kept: a receiver that resolves nothing by itself is posted the end if it comes back
/// within this time, also by a process that has started meanwhile.
const KEPT_FOR: Span = Span::from_secs(3_600);

/// The notice of an incident under one severity.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The newest revision.
    pub notice: Arc<Notice>,
    /// The detector that opened the incident.
    pub detector: Arc<str>,
    /// When the first revision of the incident was written: the start of an alert if the venue's clock is ahead.
    pub first_at: WallTime,
    /// When the newest revision was written.
    pub written_at: WallTime,
    /// The severity of this label set.
    pub severity: Severity,
    /// When this label set ended; `None` while it fires.
    pub ended_at: Option<WallTime>,
    /// Whether the revision was read as it came, and not from the past at a start.
    pub is_news: bool,
    /// Whether it must not page, because too many have within the hour.
    pub is_held_back: bool,
    /// The incidents before it that opened in the same way; `None` where that is not known.
    pub history: Option<History>,
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
    page: Page,
}

/// Whether an incident may page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Page {
    /// The incident was never critical.
    None,
    /// The incident became critical at this time; whether it pages is decided once all that came before was read.
    Undecided(WallTime),
    Passed,
    /// The incident became critical at this time, when too many had within the hour.
    HeldBack(WallTime),
}

/// How many incidents had to make room when a revision was taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MadeRoom {
    /// Incidents evicted from the board: receivers no longer get them.
    pub incidents: u64,
    /// Incidents evicted from the past: later histories do not count them.
    pub past: u64,
}

/// An alert that a receiver is to show.
#[derive(Clone, Debug)]
pub enum Item {
    /// An incident under one severity.
    Incident(Entry),
    /// An alert of the board itself.
    Own(OwnAlert),
}

/// The incidents that receivers are to show.
#[derive(Debug)]
pub struct Board {
    incidents: BTreeMap<String, Incident>,
    incidents_max: usize,
    look_back: Span,
    pages: Pages,
    past: Past,
    life: Life,
    /// Whether the topic was read to its end.
    is_complete: bool,
}

impl Board {
    /// An empty board. An incident without a record for longer than `look_back` is taken off, as a process that starts then would
    /// not read it either. At most `pages_per_hour` incidents page within an hour.
    #[must_use]
    pub const fn new(incidents_max: usize, look_back: Span, pages_per_hour: usize) -> Self {
        Self {
            incidents: BTreeMap::new(),
            incidents_max,
            look_back,
            pages: Pages::new(pages_per_hour),
            past: Past::new(look_back, REMEMBERED_MAX),
            life: Life::none(),
            is_complete: false,
        }
    }

    /// Takes a sign of life of a process at work, which was written at this time.
    pub fn alive(&mut self, written_at: WallTime) {
        self.life.observe(written_at);
    }

    /// Decides which incidents page, once the topic was read to its end. Partitions are read one after another, so only then can
    /// their records be ordered by time, as a process saw them that ran all the time.
    pub fn complete(&mut self) {
        self.is_complete = true;
        let undecided = self.incidents.iter().filter_map(|(id, incident)| match incident.page {
            Page::Undecided(at) => Some((at, id.clone())),
            Page::None | Page::Passed | Page::HeldBack(_) => None,
        });
        let mut undecided: Vec<_> = undecided.collect();
        undecided.sort();
        for (at, id) in undecided {
            let page = self.decide(at);
            self.incidents.get_mut(&id).expect("an incident that is on the board").page = page;
        }
    }

    fn decide(&mut self, at: WallTime) -> Page {
        if self.pages.pass(at) { Page::Passed } else { Page::HeldBack(at) }
    }

    /// Takes a revision that was written at this time. Returns how many incidents were evicted to make room.
    pub fn take(&mut self, notice: Notice, written_at: WallTime, is_news: bool) -> MadeRoom {
        let id = notice.id.clone();
        let past = self.past.observe(&notice, written_at);
        self.revise(notice, written_at, is_news);
        if self.is_complete
            && let Some(Page::Undecided(at)) = self.incidents.get(&id).map(|incident| incident.page)
        {
            let page = self.decide(at);
            self.incidents.get_mut(&id).expect("an incident that is on the board").page = page;
        }
        MadeRoom { incidents: self.make_room(), past }
    }

    fn revise(&mut self, notice: Notice, written_at: WallTime, is_news: bool) {
        let notice = Arc::new(notice);
        let incident = self.incidents.entry(notice.id.clone()).or_insert_with(|| Incident {
            detector: Arc::from(notice.opening_detector()),
            notice: Arc::clone(&notice),
            first_at: written_at,
            written_at,
            is_news,
            sets: BTreeMap::new(),
            page: Page::None,
        });
        // A record that is read again, or that another process repeats.
        if notice.revision < incident.notice.revision {
            return;
        }
        if notice.severity == Severity::Critical && incident.page == Page::None {
            incident.page = Page::Undecided(written_at);
        }
        (incident.written_at, incident.is_news) = (written_at, is_news);
        let open = notice.is_open();
        let current = incident.sets.entry(notice.severity).or_default();
        if open {
            // A maintenance window lowered the severity, and is over.
            *current = None;
        }
        for (severity, ended_at) in &mut incident.sets {
            if !open || *severity != notice.severity {
                ended_at.get_or_insert(written_at);
            }
        }
        incident.notice = notice;
    }

    /// Takes off what has ended for long enough. Returns the incidents that are open and had no record for too long.
    pub fn expire(&mut self, now: WallTime) -> Vec<String> {
        let look_back = self.look_back;
        self.past.expire(now);
        let mut forgotten = Vec::new();
        self.incidents.retain(|id, incident| {
            incident.sets.retain(|_, ended_at| ended_at.is_none_or(|at| now.since(at) < KEPT_FOR));
            let stale = now.since(incident.written_at) >= look_back;
            if stale && !incident.sets.is_empty() {
                forgotten.push(id.clone());
            }
            !stale && !incident.sets.is_empty()
        });
        forgotten
    }

    /// The alerts to be shown now: incidents in the order of their ids, then those of the board itself.
    pub fn items(&self, now: WallTime) -> impl Iterator<Item = Item> + '_ {
        let own = [self.storm(), self.life.watchdog(now)].into_iter().flatten();
        let own = own.filter(move |alert| alert.ended_at.is_none_or(|at| now.since(at) < ENDED_FOR));
        self.entries().map(Item::Incident).chain(own.map(Item::Own))
    }

    /// The incidents under each of their severities, in the order of their ids.
    fn entries(&self) -> impl Iterator<Item = Entry> + '_ {
        self.incidents.values().flat_map(|incident| {
            let history = self.past.history(&incident.notice);
            incident.sets.iter().map(move |(severity, ended_at)| Entry {
                notice: Arc::clone(&incident.notice),
                detector: Arc::clone(&incident.detector),
                first_at: incident.first_at,
                written_at: incident.written_at,
                severity: *severity,
                ended_at: *ended_at,
                is_news: incident.is_news,
                is_held_back: matches!(incident.page, Page::HeldBack(_)) && *severity == Severity::Critical,
                history: history.clone(),
            })
        })
    }

    /// The one alert that stands for all that are held back.
    fn storm(&self) -> Option<OwnAlert> {
        let held = self.incidents.values().filter_map(|incident| match incident.page {
            Page::HeldBack(at) => Some((at, incident)),
            Page::None | Page::Undecided(_) | Page::Passed => None,
        });
        let held: Vec<_> = held.collect();
        let since = held.iter().map(|(at, _)| *at).min()?;
        let ends = held.iter().filter_map(|(_, incident)| incident.sets.get(&Severity::Critical).copied().flatten());
        let version = held.iter().map(|(_, incident)| incident.notice.revision).sum();
        let pages = |notice: &Arc<Notice>| notice.is_open() && notice.severity == Severity::Critical;
        let mut open: Vec<_> = held.iter().map(|(_, i)| Arc::clone(&i.notice)).filter(pages).collect();
        open.sort_by(|a, b| a.p.total_cmp(&b.p).then_with(|| a.id.cmp(&b.id)));
        let ended_at = if open.is_empty() { ends.max() } else { None };
        Some(storm(&open, self.pages.per_hour(), since, ended_at, version))
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

impl Item {
    /// The label set, as far as it differs between items.
    #[must_use]
    pub fn key(&self) -> (String, Severity) {
        match self {
            Self::Incident(entry) => (entry.notice.id.clone(), entry.severity),
            Self::Own(alert) => (alert.name.to_owned(), alert.severity),
        }
    }

    /// A number that changes with the content of the item.
    #[must_use]
    pub fn version(&self) -> u64 {
        match self {
            Self::Incident(entry) => entry.notice.revision,
            Self::Own(alert) => alert.version,
        }
    }

    /// When the label set ended; `None` while it fires.
    #[must_use]
    pub const fn ended_at(&self) -> Option<WallTime> {
        match self {
            Self::Incident(entry) => entry.ended_at,
            Self::Own(alert) => alert.ended_at,
        }
    }
}

impl Entry {
    /// When the alert began, by the venue's clock; where that is ahead of ours, when it was first written.
    #[must_use]
    pub fn starts_at(&self) -> WallTime {
        let venue = self.notice.starts_at;
        let ahead = venue.ahead_of(self.first_at) > Span::ZERO;
        if ahead { self.first_at } else { of_venue(venue) }
    }
}

/// Converts an instant of the venue's clock for receivers, which know one clock only.
const fn of_venue(at: EventTime) -> WallTime {
    WallTime::from_nanos(at.nanos())
}

#[cfg(test)]
mod tests;
