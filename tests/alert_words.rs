//! The words of alerts keep their limits and stay true, whatever is found about whomever.

use std::collections::BTreeMap;

use foreshock::{
    alert::{Alert, Context, Rule, TrendState, render},
    correlate::{Correlator, Status, Step},
    detect::{
        Change, Counted, Criterion, Detector, Evidence, Feature, Finding, Node, Pace,
        Severity::{self, Critical, Info, Warning},
        Shares, SideSums, Signal, Subject, Sweep, Threshold, ThresholdSource, Unit, WarmUp,
    },
    event::{RecordRange, RecordRef, Side, Source, SourceId},
    time::{EventTime, Span},
    trust::{Cause, Standing},
};
use proptest::prelude::*;

/// The longest texts that pagers and lists of alerts show (CONTRACT).
const TITLE_MAX: usize = 80;
const SUMMARY_MAX: usize = 240;
const DESCRIPTION_MAX: usize = 1_000;
/// An incident is named by its opening, and may become one of several symbols, of two detectors, of the whole market, and one that
/// pages by another finding.
const TITLES_MAX: usize = 5;

fn at(millis: i64) -> EventTime {
    EventTime::from_nanos(1_767_228_000_000_000_000).plus(Span::from_millis(millis))
}

fn threshold(value: f64) -> Threshold {
    Threshold { value, unit: Unit::Nats, source: ThresholdSource::Calibrated }
}

fn feature(name: Counted, unit: Unit, value: f64) -> Feature {
    Feature {
        name,
        window: Span::from_millis(8_000),
        value,
        expected: value / 40.5,
        low: 0.0,
        high: value / 10.0,
        unit,
        p: 1e-6,
        dispersion: None,
        is_capped: value > 1e5,
        would_not_fire_below: None,
    }
}

/// The numbers that a detector's findings have.
fn features(detector: Detector, subject: &Subject, value: f64) -> Vec<Feature> {
    let of = |names: &[(Counted, Unit)]| names.iter().map(|(name, unit)| feature(*name, *unit, value)).collect();
    match detector {
        Detector::CancelBurst => of(&[(Counted::SustainedCancels, Unit::Events), (Counted::Cancels, Unit::Events)]),
        Detector::Feed => {
            of(&[(Counted::Trouble(Cause::Rejected), Unit::Share), (Counted::Trouble(Cause::Lag), Unit::Seconds)])
        }
        Detector::TradeBurst if *subject == Subject::Market => of(&[(Counted::MarketFlow, Unit::Share)]),
        Detector::TradeBurst => of(&[(Counted::TradedNotional, Unit::MedianTrades), (Counted::Trades, Unit::Events)]),
        Detector::ThinBook => of(&[(Counted::Depth(3), Unit::Notional), (Counted::DepthChange(3), Unit::Share)]),
        Detector::OneSidedBook => of(&[(Counted::EmptySide, Unit::Seconds)]),
        Detector::StaleBook => of(&[(Counted::TradesUnseen, Unit::Events)]),
        Detector::ThinBookCluster => of(&[(Counted::ThinSymbols, Unit::Share)]),
        Detector::LeverageJump => of(&[
            (Counted::Leverage, Unit::Times),
            (Counted::LeverageByIntent, Unit::Times),
            (Counted::LeverageByMarks, Unit::Times),
        ]),
        Detector::Insolvent => of(&[(Counted::Deficit, Unit::Notional)]),
        Detector::SpreadWidening => of(&[(Counted::Spread, Unit::BasisPoints)]),
        Detector::PriceShock if *subject == Subject::Market => of(&[
            (Counted::MarketPrice, Unit::Share),
            (Counted::ShockedSymbols, Unit::Share),
            (Counted::CommonMove, Unit::Share),
        ]),
        Detector::PriceShock => of(&[(Counted::PriceMove, Unit::BasisPoints); 3]),
    }
}

fn signal(detector: Detector, subject: &Subject, millis: i64, severity: Severity, p: f64) -> Signal {
    let symbols: Vec<_> = (0..9).map(|n| format!("{}{n}", "Σ".repeat(60)).into()).collect();
    let value = p.to_bits() as f64 / 1e14;
    let evidence = Evidence {
        accounts: vec!["m".repeat(128).into()],
        symbols,
        records: vec![RecordRange { source: SourceId(0), from: 3, to: 1 << 40 }; 2],
        streams: vec![Some("stream".repeat(20).into()); 2],
        critical: vec![Criterion { name: Counted::Cancels, value: 30.0, level: threshold(24.0), at: at(millis) }],
        shares: Shares { of: 176, by: vec![("a".repeat(128).into(), 173)] },
        withdrawn: SideSums { orders: [90, 3], notional: [value, 12_300.0] },
        pace: Some(Pace { at: at(millis), late: Span::from_secs(2), late_per_s: value, before_per_s: 40.0 }),
        thin_side: Some(Side::Sell),
        sweep: Some(Sweep {
            at: at(millis),
            side: Some(Side::Buy),
            from: 100.125,
            to: 100.5,
            levels: 8,
            quantity: 12.5,
            notional: 1_250.0,
            taker: None,
        }),
        ..Evidence::default()
    };
    Signal {
        detector,
        subject: subject.clone(),
        change: Change::Opened,
        severity,
        at: at(millis),
        visible_at: at(millis),
        origin: RecordRef { source: SourceId(0), offset: millis.unsigned_abs() }.into(),
        finding: Finding {
            p,
            statistic: 20.0,
            threshold: threshold(13.2),
            starts_at: at(millis - 1_234),
            features: features(detector, subject, value),
            evidence,
            related: Vec::new(),
            warm_up: WarmUp::Done,
            borrowed_share: 0.0,
        },
        flow: None,
        is_shadow: false,
    }
}

/// The alerts of signals that are all cleared in the end.
fn alerts(signals: Vec<Signal>) -> Vec<Alert> {
    let path = format!("/srv/recordings/{}/day.jsonl.zst", "deep/".repeat(30));
    let context = Context {
        config: String::new(),
        sources: vec![Source { name: path, partition: Some(7), feed: 0 }],
        replay: String::new(),
        currency: None,
    };
    let mut correlator = Correlator::new("sha256:", 10_000, 100);
    let ends: Vec<Signal> = signals
        .iter()
        .map(|signal| Signal { change: Change::Cleared, at: at(900_000), visible_at: at(900_000), ..signal.clone() })
        .collect();
    correlator.handle(signals.into_iter().chain(ends));
    let mut steps = Vec::new();
    correlator.advance(at(2_000_000), &mut steps);
    let revisions = steps.iter().filter_map(|step| match step {
        Step::Revision { revision, .. } => Some(render(revision, &context, &Standing::default(), None)),
        Step::Signal(_) => None,
    });
    revisions.collect()
}

fn check(alert: &Alert) {
    let length = |text: &str| text.chars().count();
    assert!((1..=TITLE_MAX).contains(&length(&alert.title)), "{}: {}", length(&alert.title), alert.title);
    assert!((1..=SUMMARY_MAX).contains(&length(&alert.summary)), "{}: {}", length(&alert.summary), alert.summary);
    assert!((1..=DESCRIPTION_MAX).contains(&length(&alert.description)), "{}", alert.description);
    assert_eq!(alert.news.is_none(), alert.revision == 1, "{alert:?}");
    assert!(alert.news.as_deref().is_none_or(|news| (1..=DESCRIPTION_MAX).contains(&length(news))), "{:?}", alert.news);
    let sentences = [&alert.title, &alert.summary, &alert.description].into_iter().chain(&alert.news);
    for sentence in sentences {
        let is_plain = |word: &str| !["nats", "deviations", "NaN", "inf"].contains(&word);
        assert!(sentence.split([' ', ',', ';', ':']).all(is_plain), "{sentence}");
        assert!(!sentence.contains("  ") && !sentence.contains(";;"), "{sentence}");
    }
    assert_eq!(alert.pages_because.is_some(), alert.severity == Critical);
}

/// Names of a venue: as short as those that people know, or as long as the contract lets them be.
fn name() -> impl Strategy<Value = String> {
    let long = (b'a'..=b'z').prop_map(|first| format!("{}{}", char::from(first), "é".repeat(63)));
    prop_oneof!["[A-Z]{1,8}(-PERP)?", "[a-z0-9-]{100,128}", long]
}

fn subject() -> impl Strategy<Value = Subject> {
    let names = || (name(), name());
    prop_oneof![
        4 => name().prop_map(|name| Subject::Symbol(name.into())),
        1 => name().prop_map(|name| Subject::Account(name.into())),
        1 => name().prop_map(|name| Subject::Owner(name.into())),
        1 => names().prop_map(|(one, other)| Subject::AccountSymbol(one.into(), other.into())),
        1 => names().prop_map(|(one, other)| Subject::OwnerSymbol(one.into(), other.into())),
        1 => Just(Subject::Market),
        1 => Just(Subject::Records),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// Whatever is found: texts keep their limits, have no numbers of the statistics, and the title changes only with the kind of
    /// the incident.
    #[test]
    fn words_keep_their_limits_and_titles_last(
        subjects in prop::collection::vec(subject(), 1..6),
        found in prop::collection::vec((0_usize..11, 0_usize..6, 0_i64..30_000, 0_usize..3, 1_i32..14), 1..20)
    ) {
        let mut signals = Vec::new();
        for (detector, about, millis, severity, digits) in found {
            let (detector, subject) = (Detector::ALL[detector].0, &subjects[about % subjects.len()]);
            let p = libm::pow(10.0, -f64::from(digits));
            signals.push(signal(detector, subject, millis, [Info, Warning, Critical][severity], p));
        }
        let mut titles: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for alert in alerts(signals) {
            check(&alert);
            let of_incident = titles.entry(alert.id.clone()).or_default();
            if of_incident.last() != Some(&alert.title) {
                of_incident.push(alert.title.clone());
            }
        }
        for titles in titles.values() {
            prop_assert!(titles.len() <= TITLES_MAX, "{titles:?}");
        }
    }
}

fn symbol(name: &str) -> Subject {
    Subject::Symbol(name.into())
}

#[test]
fn a_burst_is_told_in_one_system_of_numbers_with_who_did_it_and_why_it_pages() {
    let mut burst = signal(Detector::TradeBurst, &symbol("S1"), 2_000, Warning, 1e-6);
    burst.finding.features[0] =
        Feature { expected: 16.0, ..feature(Counted::TradedNotional, Unit::MedianTrades, 655.0) };
    burst.finding.features[1] = feature(Counted::Trades, Unit::Events, 12.0);
    burst.finding.evidence.shares = Shares { of: 12, by: vec![("a109".into(), 9)] };
    (burst.finding.evidence.withdrawn, burst.finding.evidence.pace) = (SideSums::default(), None);
    let alert = &alerts(vec![burst])[0];
    assert_eq!(alert.title, "Trade burst on S1");
    assert_eq!(
        alert.summary,
        "655 median trades on S1 in 8 s, normally 16: 41 times, since 2026-01-01T00:40:00.766Z; 9 of the last 12 orders by a109; \
         by 12 orders that took; the largest bought 12.5 from 100.125 to 100.5, 8 levels; just begun: 1.2 s"
    );
    assert_eq!(alert.starts_at_text, "2026-01-01T00:40:00.766Z");
    let sweep = alert.evidence.sweep.as_ref().unwrap();
    assert_eq!((sweep.symbol.as_str(), sweep.levels, sweep.side), ("S1", 8, Some(Side::Buy)));
    let party = &alert.evidence.parties[0];
    assert_eq!((party.subject.as_str(), party.account.as_str(), party.count, party.of), ("symbol:S1", "a109", 9, 12));
}

#[test]
fn news_say_what_joined_how_severe_it_became_and_how_it_ended() {
    let first = signal(Detector::ThinBook, &symbol("S1"), 2_000, Warning, 1e-5);
    let second = signal(Detector::CancelBurst, &symbol("S1"), 4_000, Critical, 1e-4);
    let told = alerts(vec![first, second]);
    let news: Vec<Option<&str>> = told.iter().map(|alert| alert.news.as_deref()).collect();
    let [None, Some(joins), Some(over)] = news.as_slice() else { panic!("{news:?}") };
    assert!(joins.starts_with("critical, was warning; it pages because the short and the sustained"), "{joins}");
    assert!(joins.contains("now also cancel burst: "), "{joins}");
    assert_eq!(*over, "over since 2026-01-01T00:55:00Z after 15 min");
    let titles: Vec<&str> = told.iter().map(|alert| alert.title.as_str()).collect();
    assert_eq!(titles, ["Thin book on S1", "Thin book and cancel burst on S1", "Thin book and cancel burst on S1"]);
    assert_eq!(told[2].status, Status::Resolved);
    assert_eq!((told[2].ends_at_text.as_deref(), &told[1].ends_at_text), (Some("2026-01-01T00:55:00Z"), &None));
}

#[test]
fn each_statistic_that_made_it_critical_stands_beside_its_own_level() {
    let burst = signal(Detector::CancelBurst, &symbol("S1"), 2_000, Critical, 1e-6);
    let alert = &alerts(vec![burst])[0];
    let pages = alert.pages_because.as_ref().unwrap();
    let [criterion] = pages.criteria.as_slice() else { panic!("{pages:?}") };
    assert_eq!(
        (pages.rule, criterion.name.as_str(), criterion.value, criterion.level),
        (Rule::Finding, "cancels", 30.0, 24.0)
    );
    assert_eq!((criterion.unit.as_str(), criterion.source.as_str(), pages.joint_p), ("nats", "calibrated", None));
}

#[test]
fn two_findings_that_agree_are_named_with_their_joint_chance() {
    let one = signal(Detector::ThinBook, &symbol("S1"), 2_000, Warning, 1e-8);
    let other = signal(Detector::CancelBurst, &symbol("S1"), 4_000, Warning, 1e-7);
    let told = alerts(vec![one, other]);
    assert_eq!(told[0].pages_because, None);
    let pages = told[1].pages_because.as_ref().unwrap();
    let detectors: Vec<Detector> = pages.criteria.iter().map(|criterion| criterion.detector).collect();
    assert_eq!((pages.rule, detectors.len()), (Rule::Agreement, 2));
    assert!(pages.joint_p.unwrap() <= pages.joint_p_max.unwrap(), "{pages:?}");
}

#[test]
fn why_a_finding_was_critical_is_kept_when_a_stronger_one_takes_its_place() {
    let critical = signal(Detector::CancelBurst, &symbol("S1"), 2_000, Critical, 1e-6);
    let mut stronger = signal(Detector::CancelBurst, &symbol("S1"), 4_000, Warning, 1e-12);
    stronger.change = Change::Raised;
    stronger.finding.evidence.critical.clear();
    let told = alerts(vec![critical, stronger]);
    assert!(told[1].p < 1e-11);
    assert_eq!(told[1].pages_because.as_ref().unwrap().criteria.len(), 1);
}

#[test]
fn the_title_of_untrusted_input_is_about_its_worst_and_stays_when_it_is_over() {
    let mut blind = signal(Detector::Feed, &Subject::Records, 2_000, Critical, 1e-9);
    blind.finding.features[0].name = Counted::Trouble(Cause::NothingUsable);
    blind.finding.evidence.is_blind = true;
    let doubled = signal(Detector::Feed, &Subject::Pipeline, 2_000, Warning, 1e-6);
    for (signal, title) in
        [(blind, "Blind: nothing that arrives can be used"), (doubled, "Order flow cannot be trusted")]
    {
        let titles: Vec<String> = alerts(vec![signal]).into_iter().map(|alert| alert.title).collect();
        assert!(titles.len() >= 2 && titles.iter().all(|told| told == title), "{titles:?}");
    }
}

/// An account's burst of cancels that is less likely than all else, and its symbol's, which pages.
fn ticket_and_page() -> Vec<Alert> {
    let ticket = signal(Detector::CancelBurst, &Subject::Account("a195".into()), 2_000, Warning, 1e-12);
    let mut page = signal(Detector::CancelBurst, &symbol("S2"), 3_000, Critical, 1e-6);
    page.finding.related = vec![Node::Account("a195".into())];
    alerts(vec![ticket, page])
}

#[test]
fn title_summary_and_threshold_are_about_the_finding_that_pages() {
    let told = ticket_and_page();
    assert_eq!(
        (told[0].title.as_str(), told[0].headline.subject.as_str()),
        ("Cancel burst by account a195", "account:a195")
    );
    let alert = &told[1];
    assert_eq!((alert.severity, alert.title.as_str()), (Critical, "Cancel burst on S2"));
    assert_eq!((alert.headline.detector, alert.headline.subject.as_str()), (Detector::CancelBurst, "symbol:S2"));
    assert!(alert.summary.contains(" cancels on S2 in 8 s"), "{}", alert.summary);
    assert!(alert.p < 1e-11, "the incident is as unlikely as its strongest finding: {}", alert.p);
    let pages = alert.pages_because.as_ref().unwrap();
    assert!(pages.criteria.iter().all(|criterion| criterion.subject == "symbol:S2"), "{pages:?}");
    assert!(pages.explanation.contains("sustained"), "{pages:?}");
    // The level of a warning stands apart from the level of a page.
    assert_eq!((alert.threshold.threshold.value, alert.threshold.severity), (13.2, Warning));
    assert_eq!((alert.threshold.times, pages.criteria[0].times), (Some(20.0 / 13.2), Some(30.0 / 24.0)));
}

#[test]
fn a_title_is_led_by_what_pages_where_it_names_neither_that_nor_its_companion() {
    let opening = signal(Detector::ThinBook, &symbol("S1"), 2_000, Warning, 1e-5);
    let companion = signal(Detector::SpreadWidening, &symbol("S1"), 3_000, Warning, 1e-4);
    let page = signal(Detector::CancelBurst, &symbol("S1"), 4_000, Critical, 1e-3);
    let other = signal(Detector::CancelBurst, &Subject::AccountSymbol("a1".into(), "S1".into()), 5_000, Critical, 1e-9);
    let told = alerts(vec![opening, companion, page, other]);
    let subject = told.last().unwrap().headline.subject.clone();
    let mut titles: Vec<String> = told.into_iter().map(|alert| alert.title).collect();
    titles.dedup();
    let expected = ["Thin book on S1", "Thin book and wide spread on S1", "Cancel burst and wide spread on S1"];
    assert_eq!(titles, expected);
    assert_eq!(subject, "symbol:S1", "a later finding that pages is news, though it is less likely");
}

#[test]
fn a_burst_of_cancels_tells_its_side_its_worth_and_its_course() {
    let mut burst = signal(Detector::CancelBurst, &symbol("S1"), 2_000, Warning, 1e-6);
    burst.finding.evidence.withdrawn = SideSums { orders: [90, 10], notional: [9_300.0, 700.0] };
    burst.finding.evidence.shares = Shares { of: 100, by: vec![("a1".into(), 100)] };
    burst.finding.evidence.sweep = None;
    burst.finding.evidence.pace =
        Some(Pace { at: at(2_000), late: Span::from_secs(2), late_per_s: 75.0, before_per_s: 50.0 });
    let alert = &alerts(vec![burst])[0];
    let summary = &alert.summary;
    assert!(summary.contains("; worth 10000 in quote currency, 93 % bids"), "{summary}");
    assert!(summary.contains("; all by a1; ") && summary.contains("; getting faster"), "{summary}");
    let course = "; getting faster: 75 a second in the last 2 s, 50 before";
    assert!(alert.description.contains(course), "{}", alert.description);
    let [sides] = alert.evidence.withdrawn.as_slice() else { panic!("{:?}", alert.evidence.withdrawn) };
    assert_eq!(
        (sides.bids.orders, sides.asks.notional, sides.bids_share, sides.notional),
        (90, 700.0, Some(0.93), 10_000.0)
    );
    assert_eq!((alert.trend.state, alert.trend.late_ms), (TrendState::Rising, Some(2_000)));
}

#[test]
fn what_is_null_or_empty_says_what_that_means() {
    let told = ticket_and_page();
    for path in ["history", "impact", "owners", "pages_because"] {
        assert!(told[0].nulls.contains_key(path), "{path}: {:?}", told[0].nulls);
    }
    assert!(told[0].nulls["pages_because"].contains("a warning is a ticket"), "{:?}", told[0].nulls);
    assert!(!told[0].nulls.contains_key("accounts") && !told[1].nulls.contains_key("pages_because"));
    let blind = signal(Detector::Feed, &Subject::Records, 2_000, Critical, 1e-9);
    let blind = &alerts(vec![blind])[0];
    assert!(blind.nulls["owners"].starts_with("does not apply"), "{:?}", blind.nulls);
    assert!(blind.summary.contains(", since 20") && blind.summary.contains("it pages because"), "{}", blind.summary);
    for description in [&told[0].description, &blind.description] {
        assert!(description.contains("whether it happened before is not known here"), "{description}");
        assert!(description.contains("see docs/runbooks/"), "{description}");
    }
}
