//! The life of an incident, signal by signal: the signals that open it, keep it open and end it.

use foreshock::{
    alert::{Context, render},
    correlate::{Correlator, Status, Step},
    detect::{
        Change::{self, Cleared, Opened, Raised},
        Detector, Evidence, Finding,
        Severity::{self, Critical, Info, Warning},
        Signal, Subject, Threshold, ThresholdSource, Unit, WarmUp,
    },
    event::{RecordRef, SourceId},
    time::{EventTime, Span},
    trust::Standing,
};
use proptest::prelude::*;

/// A whole second of event time. Signals of these tests are visible when they happen.
fn at(second: i64) -> EventTime {
    EventTime::from_nanos(0).plus(Span::from_secs(second))
}

fn signal(name: &str, second: i64, change: Change, severity: Severity, p: f64) -> Signal {
    let threshold = Threshold { value: 13.2, unit: Unit::Nats, source: ThresholdSource::Default };
    Signal {
        detector: Detector::CancelBurst,
        subject: Subject::Symbol(name.into()),
        change,
        severity,
        at: at(second),
        visible_at: at(second),
        origin: RecordRef { source: SourceId(0), offset: second.unsigned_abs() }.into(),
        finding: Finding {
            p,
            statistic: 20.0,
            threshold,
            starts_at: at(second - 1),
            features: Vec::new(),
            evidence: Evidence::default(),
            related: Vec::new(),
            warm_up: WarmUp::Done,
            borrowed_share: 0.0,
        },
        flow: None,
        is_shadow: false,
    }
}

/// A correlator under test.
struct Correlation {
    correlator: Correlator,
}

/// A published revision of an incident: symbol, status, revision, second.
type Published = (String, Status, u64, i64);

impl Correlation {
    fn new(pending_max: usize, incidents_max: usize) -> Self {
        Self { correlator: Correlator::new("sha256:", pending_max, incidents_max) }
    }

    fn take(&mut self, signal: Signal) {
        self.correlator.handle(std::iter::once(signal));
    }

    /// Moves the watermark to this second, and returns the revisions that are published.
    fn until(&mut self, second: i64) -> Vec<Published> {
        let mut steps = Vec::new();
        self.correlator.advance(at(second), &mut steps);
        let revisions = steps.into_iter().filter_map(|step| match step {
            Step::Revision { revision, .. } => Some(revision),
            Step::Signal(_) => None,
        });
        revisions
            .map(|revision| {
                let Subject::Symbol(name) = revision.incident.subject() else { panic!("not a symbol") };
                let second = revision.at.slot(Span::from_secs(1));
                (name.to_string(), revision.status, revision.incident.revision(), second)
            })
            .collect()
    }

    fn open(&self) -> usize {
        self.correlator.incidents().count()
    }
}

fn published(name: &str, status: Status, revision: u64, second: i64) -> Published {
    (name.to_owned(), status, revision, second)
}

/// The revisions that signals about one symbol cause; a signal is given as second, change, severity and p.
fn life(signals: &[(i64, Change, Severity, f64)]) -> Vec<Published> {
    let mut correlation = Correlation::new(100, 10);
    for &(second, change, severity, p) in signals {
        correlation.take(signal("S", second, change, severity, p));
    }
    correlation.until(80_000)
}

#[test]
fn an_info_signal_alone_opens_no_incident() {
    assert_eq!(life(&[(1, Opened, Info, 1e-4), (2, Raised, Info, 1e-6), (9, Cleared, Info, 1e-6)]), []);
}

#[test]
fn a_warning_opens_an_incident_that_is_resolved_after_sixty_seconds_of_calm() {
    let expected = [published("S", Status::Firing, 1, 1), published("S", Status::Resolved, 2, 80)];
    assert_eq!(life(&[(1, Opened, Warning, 1e-6), (20, Cleared, Warning, 1e-6)]), expected);
}

#[test]
fn an_info_signal_that_rises_to_a_warning_opens_an_incident_when_it_rises() {
    assert_eq!(life(&[(1, Opened, Info, 1e-4), (5, Raised, Warning, 1e-6)]), [published("S", Status::Firing, 1, 5)]);
}

#[test]
fn a_warning_that_comes_back_within_a_minute_keeps_its_incident_open_and_an_info_signal_does_not() {
    for (back, severity, over) in [(79, Warning, 160), (80, Warning, 160), (79, Info, 80), (80, Info, 80)] {
        let seen = life(&[
            (1, Opened, Warning, 1e-6),
            (20, Cleared, Warning, 1e-6),
            (back, Opened, severity, 1e-6),
            (100, Cleared, severity, 1e-6),
        ]);
        assert_eq!(
            seen,
            [published("S", Status::Firing, 1, 1), published("S", Status::Resolved, 2, over)],
            "back at {back}"
        );
    }
}

#[test]
fn the_news_name_the_new_or_raised_finding_and_the_summary_the_strongest() {
    let facts =
        |detector, second, change, severity, p| Signal { detector, ..signal("S1", second, change, severity, p) };
    let (stale, one_sided) = (Detector::StaleBook, Detector::OneSidedBook);
    let mut correlation = Correlation::new(10, 10);
    let mut told = |signal: Option<Signal>, until: i64| {
        if let Some(signal) = signal {
            correlation.take(signal);
        }
        let mut steps = Vec::new();
        correlation.correlator.advance(at(until), &mut steps);
        let revisions = steps.into_iter().filter_map(|step| match step {
            Step::Revision { revision, .. } => Some(*revision),
            Step::Signal(_) => None,
        });
        let context = Context { config: String::new(), sources: Vec::new(), replay: String::new(), currency: None };
        let alerts: Vec<_> =
            revisions.map(|revision| render(&revision, &context, &Standing::default(), None)).collect();
        assert!(alerts.len() <= 1, "{alerts:?}");
        alerts.into_iter().next().map(|alert| (alert.summary, alert.news.unwrap_or_default()))
    };
    let (opens, news) = told(Some(facts(stale, 1, Opened, Warning, 1e-5)), 2).unwrap();
    assert!(opens.starts_with("20 trades on S1") && news.is_empty(), "{opens}, {news}");
    let (joins, news) = told(Some(facts(one_sided, 2, Opened, Warning, 1e-3)), 3).unwrap();
    assert!(joins.starts_with("20 trades on S1"), "the strongest finding: {joins}");
    assert!(joins.contains("one-sided book of S1, stale book of S1"), "{joins}");
    assert!(
        news.starts_with("now also one-sided book: one side of the book of S1 has been empty"),
        "the new finding although it is weaker: {news}"
    );
    let (_, news) = told(Some(facts(stale, 4, Raised, Critical, 1e-5)), 5).unwrap();
    assert!(news.starts_with("critical, was warning; now stale book: 20 trades on S1"), "{news}");
    assert_eq!(told(Some(facts(one_sided, 6, Raised, Warning, 1e-3)), 7), None, "no revision without something new");
    told(Some(facts(stale, 8, Cleared, Critical, 1e-5)), 9);
    let (ends, news) = told(Some(facts(one_sided, 9, Cleared, Warning, 1e-3)), 100).unwrap();
    assert!(ends.starts_with("over; at its strongest: 20 trades on S1"), "{ends}");
    assert!(news.starts_with("over since ") && news.ends_with(" after 9 s"), "{news}");
}

#[test]
fn a_warning_that_comes_back_after_a_minute_opens_another_incident() {
    let seen = life(&[(1, Opened, Warning, 1e-6), (20, Cleared, Warning, 1e-6), (81, Opened, Warning, 1e-6)]);
    let expected = [
        published("S", Status::Firing, 1, 1),
        published("S", Status::Resolved, 2, 80),
        published("S", Status::Firing, 1, 81),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn only_a_higher_severity_or_a_tenth_of_the_p_value_makes_a_revision() {
    let seen = life(&[
        (1, Opened, Warning, 1e-6),
        (2, Raised, Warning, 0.2e-6),
        (3, Raised, Warning, 1e-7),
        (4, Raised, Warning, 0.5e-7),
        (5, Raised, Critical, 0.5e-7),
        (6, Raised, Warning, 0.5e-7),
    ]);
    let expected = [
        published("S", Status::Firing, 1, 1),
        published("S", Status::Amended, 2, 3),
        published("S", Status::Amended, 3, 5),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn further_symbols_make_a_revision_when_there_are_twice_as_many() {
    let mut correlation = Correlation::new(100, 10);
    for n in 0..9 {
        let mut signal = signal(&format!("S{n}"), 1 + n, Opened, Warning, 1e-6);
        // All are of one account, so of one incident.
        signal.finding.related.push(foreshock::detect::Node::Account("a".into()));
        correlation.take(signal);
    }
    let seen: Vec<_> =
        correlation.until(100).into_iter().map(|(_, status, revision, at)| (status, revision, at)).collect();
    let amended = |revision, at| (Status::Amended, revision, at);
    // With the 2nd, the 4th and the 8th symbol.
    assert_eq!(seen, [(Status::Firing, 1, 1), amended(2, 2), amended(3, 4), amended(4, 8)]);
}

#[test]
fn an_incident_that_stays_open_is_published_again_every_day() {
    let mut correlation = Correlation::new(100, 10);
    correlation.take(signal("S", 1, Opened, Warning, 1e-6));
    let day = 86_400;
    assert_eq!(correlation.until(1 + day), [published("S", Status::Firing, 1, 1)]);
    assert_eq!(correlation.until(2 + day), [published("S", Status::Amended, 2, 1 + day)]);
    correlation.take(signal("S", day + 100, Raised, Critical, 1e-6));
    assert_eq!(correlation.until(2 * day), [published("S", Status::Amended, 3, day + 100)]);
    assert_eq!(correlation.until(2 * day + 101), [published("S", Status::Amended, 4, 2 * day + 100)]);
    correlation.take(signal("S", 2 * day + 200, Cleared, Critical, 1e-6));
    assert_eq!(correlation.until(9 * day), [published("S", Status::Resolved, 5, 2 * day + 260)]);
}

#[test]
fn a_signal_and_the_end_of_an_incident_wait_until_the_watermark_is_strictly_above_them() {
    let mut correlation = Correlation::new(100, 10);
    correlation.take(signal("S", 10, Opened, Warning, 1e-6));
    correlation.take(signal("S", 20, Cleared, Warning, 1e-6));
    assert_eq!(correlation.until(10), []);
    assert_eq!(correlation.until(11), [published("S", Status::Firing, 1, 10)]);
    assert_eq!(correlation.until(80), []);
    assert_eq!(correlation.open(), 1);
    assert_eq!(correlation.until(81), [published("S", Status::Resolved, 2, 80)]);
    assert_eq!(correlation.open(), 0);
}

#[test]
fn when_the_table_is_full_the_oldest_incident_is_withdrawn_by_a_published_revision() {
    let mut correlation = Correlation::new(100, 2);
    for (second, name) in [(1, "B"), (2, "A"), (3, "C")] {
        correlation.take(signal(name, second, Opened, Warning, 1e-6));
    }
    let expected = [
        published("B", Status::Firing, 1, 1),
        published("A", Status::Firing, 1, 2),
        published("B", Status::Withdrawn, 2, 3),
        published("C", Status::Firing, 1, 3),
    ];
    assert_eq!(correlation.until(4), expected);
    assert_eq!((correlation.open(), correlation.correlator.incidents_evicted()), (2, 1));
    correlation.take(signal("B", 5, Cleared, Warning, 1e-6));
    assert_eq!(correlation.until(1_000), [], "a withdrawn incident does not end a second time");
}

#[test]
fn evicted_signals_are_counted_and_timers_are_never_evicted() {
    let mut correlation = Correlation::new(3, 10);
    correlation.take(signal("S", 1, Opened, Warning, 1e-6));
    correlation.take(signal("S", 2, Cleared, Warning, 1e-6));
    assert_eq!(correlation.until(3), [published("S", Status::Firing, 1, 1)]);
    // The end of the incident is due at 62; a flood of later signals fills the queue behind it.
    (100..110).for_each(|second| correlation.take(signal("T", second, Opened, Warning, 1e-6)));
    assert_eq!(correlation.correlator.pending().1, 7, "three of ten signals fit");
    assert_eq!(correlation.until(99), [published("S", Status::Resolved, 2, 62)]);
}

fn thin_book(name: &str, second: i64, change: Change) -> Signal {
    Signal { detector: Detector::ThinBook, ..signal(name, second, change, Warning, 1e-5) }
}

#[test]
fn books_that_become_thin_one_after_the_other_are_one_incident() {
    let mut correlation = Correlation::new(10, 10);
    correlation.take(thin_book("S1", 10, Opened));
    assert_eq!(correlation.until(20), [("S1".into(), Status::Firing, 1, 10)]);
    // A stronger finding of the same book stays in the same incident.
    correlation.take(Signal {
        finding: Finding { p: 1e-9, ..thin_book("S1", 30, Raised).finding },
        ..thin_book("S1", 30, Raised)
    });
    correlation.take(thin_book("S2", 40, Opened));
    let revisions = correlation.until(50);
    assert!(revisions.iter().all(|(name, status, ..)| name == "S1" && *status == Status::Amended), "{revisions:?}");
    assert_eq!(correlation.open(), 1);
    assert_eq!(correlation.correlator.incidents().next().unwrap().parts().len(), 2);
    // A book that becomes thin long after the others are over opens another incident.
    correlation.take(thin_book("S1", 60, Cleared));
    correlation.take(thin_book("S2", 60, Cleared));
    correlation.take(thin_book("S3", 130, Opened));
    let revisions = correlation.until(200);
    assert_eq!(
        revisions,
        [("S1".into(), Status::Resolved, revisions[0].2, 120), ("S3".into(), Status::Firing, 1, 130)]
    );
}

#[test]
fn a_title_names_where_the_incident_began_and_what_joined_first_whatever_comes_later() {
    let mut correlation = Correlation::new(10, 10);
    for (name, second) in [("S10", 10), ("S9", 20), ("S1", 30), ("S2", 40)] {
        correlation.take(thin_book(name, second, Opened));
    }
    correlation.take(signal("S9", 41, Opened, Warning, 1e-5));
    // A finding that is found later but reaches further back does not change where the incident began.
    let raised = thin_book("S1", 45, Raised);
    correlation.take(Signal { finding: Finding { p: 1e-9, starts_at: at(0), ..raised.finding }, ..raised });
    correlation.take(Signal { detector: Detector::SpreadWidening, ..signal("S1", 46, Opened, Warning, 1e-9) });
    let mut steps = Vec::new();
    correlation.correlator.advance(at(60), &mut steps);
    let context = Context { config: String::new(), sources: Vec::new(), replay: String::new(), currency: None };
    let alerts: Vec<_> = steps
        .into_iter()
        .filter_map(|step| match step {
            Step::Revision { revision, .. } => Some(render(&revision, &context, &Standing::default(), None)),
            Step::Signal(_) => None,
        })
        .collect();
    let mut titles: Vec<&str> = alerts.iter().map(|alert| alert.title.as_str()).collect();
    titles.dedup();
    let expected = ["Thin book on S10", "Thin book on S10 and other symbols", "Thin book on S10, cancel burst on S9"];
    assert_eq!(titles, expected);
    let why = "it pages because detectors that warn each by itself agree";
    let last = &alerts.last().unwrap().summary;
    assert!(last.contains("cancel burst of S9, thin book of S10, S9, S1, S2, wide spread of S1"), "{last}");
    assert!(last.contains(why), "{last}");
}

#[test]
fn where_books_become_thin_all_day_long_two_thin_books_are_two_incidents() {
    let mut correlation = Correlation::new(10, 10_000);
    for n in 0..200 {
        correlation.take(thin_book(&format!("S{n}"), 400 * n, Opened));
        correlation.take(thin_book(&format!("S{n}"), 400 * n + 10, Cleared));
        correlation.until(400 * n + 399);
    }
    correlation.take(thin_book("A", 90_000, Opened));
    correlation.take(thin_book("B", 90_010, Opened));
    let revisions = correlation.until(90_020);
    assert_eq!(revisions, [("A".into(), Status::Firing, 1, 90_000), ("B".into(), Status::Firing, 1, 90_010)]);
}

proptest! {
    /// For any signals: revisions count from 1 without a gap, an incident begins with firing and ends once, no two
    /// incidents of a subject are open at once, and the tables keep their limits.
    #[test]
    fn every_incident_has_one_life(
        incidents_max in 1_usize..4,
        ops in prop::collection::vec((0_i64..40, 0_usize..4, 0_usize..3, 0_usize..3, 1_i32..12), 0..150)
    ) {
        let mut correlation = Correlation::new(1_000, incidents_max);
        let (mut second, mut seen) = (0, Vec::new());
        for (step, name, change, severity, digits) in ops {
            second += step;
            let p = libm::pow(10.0, -f64::from(digits));
            correlation.take(signal(["A", "B", "C", "D"][name], second, [Opened, Raised, Cleared][change], [Info, Warning, Critical][severity], p));
            seen.extend(correlation.until(second));
            prop_assert!(correlation.open() <= incidents_max);
        }
        seen.extend(correlation.until(second + 1_000));
        let mut open = std::collections::BTreeMap::new();
        let mut last = i64::MIN;
        for (name, status, revision, second) in seen {
            prop_assert!(second >= last, "in order of time");
            last = second;
            match status {
                Status::Firing => {
                    prop_assert_eq!(revision, 1);
                    prop_assert_eq!(open.insert(name, 1), None, "opened while open");
                }
                Status::Amended => {
                    let known = open.get_mut(&name).unwrap();
                    *known += 1;
                    prop_assert_eq!(revision, *known);
                }
                Status::Resolved | Status::Withdrawn => prop_assert_eq!(open.remove(&name), Some(revision - 1)),
            }
        }
        prop_assert_eq!(open.len(), correlation.open());
    }
}
