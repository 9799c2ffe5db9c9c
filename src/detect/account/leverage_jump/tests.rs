use super::*;
use crate::{detect::Change, event::SourceId};

/// The changes that some minutes at a leverage bring, with the minute of each.
fn changes(jump: &mut LeverageJump, from: i64, minutes: i64, log_leverage: f64) -> Vec<(i64, Change)> {
    let mut seen = Vec::new();
    for minute in from..from + minutes {
        let at = EventTime::from_nanos(0).plus(Span::from_secs(60 * minute));
        while let Some(deadline) = jump.deadline().filter(|deadline| *deadline <= at) {
            seen.extend(jump.expire(deadline, Settings::default()).map(|verdict| (minute, verdict.change)));
        }
        jump.learn(at, log_leverage);
        let record = RecordRef { source: SourceId(0), offset: 0 };
        let sample = Sample {
            at,
            record,
            log_leverage,
            intent: 0.0,
            peers_q99: Some(0.0),
            mode: Mode::Normal,
            settings: Settings::default(),
        };
        seen.extend(jump.handle(&sample, Vec::new).map(|verdict| (minute, verdict.change)));
    }
    seen
}

#[test]
fn a_jump_reported_for_ten_minutes_is_accepted_until_the_account_is_back() {
    let mut jump = LeverageJump::with_habit(0.0, 0.04);
    assert_eq!(changes(&mut jump, 0, 60, 1.5), [(0, Change::Opened), (10, Change::Cleared)]);
    assert_eq!(changes(&mut jump, 60, 5, 3.0), [(60, Change::Opened)], "more is news");
    assert_eq!(changes(&mut jump, 65, 5, 0.0), [(66, Change::Cleared)], "and it is over");
    assert_eq!(changes(&mut jump, 70, 20, 1.5), [(70, Change::Opened), (80, Change::Cleared)], "again");
}
