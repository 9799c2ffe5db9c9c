use super::*;
use crate::{
    detect::{Evidence, Finding, Threshold, ThresholdSource, Unit, WarmUp},
    event::{RecordRef, SourceId},
};

/// No maintenance.
fn none() -> MaintenanceWindows {
    MaintenanceWindows::default()
}

fn warning(symbol: usize, change: Change, p: f64) -> Signal {
    let at = EventTime::from_nanos(0);
    let threshold = Threshold { value: 0.0, unit: Unit::Nats, source: ThresholdSource::Default };
    Signal {
        detector: Detector::ThinBook,
        subject: Subject::Symbol(CompactString::new(format!("S{symbol}"))),
        change,
        severity: Severity::Warning,
        at,
        visible_at: at,
        origin: RecordRef { source: SourceId(0), offset: 0 }.into(),
        finding: Finding {
            p,
            statistic: 0.0,
            threshold,
            starts_at: at,
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

#[test]
fn a_full_incident_omits_and_counts_new_findings_until_a_cleared_one_can_be_removed() {
    let (mut incident, _) = Incident::open(&warning(0, Change::Opened, 1e-5), "sha256:", &mut none()).unwrap();
    for symbol in 1..=FINDINGS_MAX {
        incident.add(&warning(symbol, Change::Opened, 1e-5), None, &mut none());
    }
    let has = |incident: &Incident, symbol| incident.parts.contains_key(&finding_key(&symbol));
    assert_eq!((incident.parts.len(), incident.findings_omitted), (FINDINGS_MAX, 1));
    assert!(!has(&incident, warning(FINDINGS_MAX, Change::Opened, 1e-5)), "every finding fires");
    incident.add(&warning(3, Change::Cleared, 1e-5), None, &mut none());
    incident.add(&warning(100, Change::Opened, 1e-5), None, &mut none());
    assert_eq!((incident.parts.len(), incident.findings_omitted), (FINDINGS_MAX, 2));
    assert!(has(&incident, warning(100, Change::Opened, 1e-5)));
    assert!(!has(&incident, warning(3, Change::Opened, 1e-5)), "the cleared finding makes room");
}
