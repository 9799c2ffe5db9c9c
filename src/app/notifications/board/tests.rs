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
    Board::new(3, Span::from_secs(7_200), 20)
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
    board.expire(at(20 + 3_600));
    assert_eq!(shown(&board), [("a".to_owned(), "critical", None)]);
}

#[test]
fn a_severity_that_comes_back_after_maintenance_fires_again() {
    let mut board = board();
    board.take(notice("a", 1, "firing", "critical"), at(10), true);
    board.take(notice("a", 2, "amended", "info"), at(20), true);
    assert_eq!(shown(&board), [("a".to_owned(), "info", None), ("a".to_owned(), "critical", Some(20))]);
    board.take(notice("a", 3, "amended", "critical"), at(30), true);
    assert_eq!(shown(&board), [("a".to_owned(), "info", Some(30)), ("a".to_owned(), "critical", None)]);
    board.take(notice("a", 4, "resolved", "critical"), at(40), true);
    assert_eq!(shown(&board), [("a".to_owned(), "info", Some(30)), ("a".to_owned(), "critical", Some(40))]);
}

#[test]
fn the_end_of_an_incident_ends_every_label_set_and_is_kept_for_an_hour() {
    for end in ["resolved", "withdrawn"] {
        let mut board = board();
        board.take(notice("a", 1, "firing", "warning"), at(10), true);
        board.take(notice("a", 2, "amended", "critical"), at(20), true);
        board.take(notice("a", 3, end, "critical"), at(30), true);
        let ended = [("a".to_owned(), "warning", Some(20)), ("a".to_owned(), "critical", Some(30))];
        assert_eq!(shown(&board), ended);
        assert_eq!(board.expire(at(3_629)), Vec::<String>::new());
        assert_eq!(shown(&board), [("a".to_owned(), "critical", Some(30))]);
        assert_eq!(board.expire(at(3_630)), Vec::<String>::new());
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
    assert_eq!(board.take(notice("d", 1, "firing", "warning"), at(4), true).incidents, 1);
    assert_eq!(board.take(notice("e", 1, "firing", "warning"), at(5), true).incidents, 1);
    let ids: Vec<String> = shown(&board).into_iter().map(|(id, ..)| id).collect();
    assert_eq!(ids, ["b", "d", "e"]);
}

#[test]
fn an_open_incident_without_a_record_for_the_whole_look_back_is_named_and_taken_off() {
    let mut board = board();
    board.take(notice("a", 1, "firing", "warning"), at(10), true);
    assert_eq!(board.expire(at(7_209)), Vec::<String>::new());
    assert_eq!(board.expire(at(7_210)), ["a"]);
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
    let mut late = Board::new(3, Span::from_secs(7_200), 20);
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

fn own(board: &Board, now: i64) -> Vec<(&'static str, Option<i64>)> {
    let own = board.items(at(now)).filter_map(|item| match item {
        Item::Own(alert) => Some((alert.name, alert.ended_at.map(|at| at.nanos() / 1_000_000_000))),
        Item::Incident(_) => None,
    });
    own.collect()
}

fn held_back(board: &Board) -> Vec<String> {
    board.entries().filter(|entry| entry.is_held_back).map(|entry| entry.notice.id.clone()).collect()
}

#[test]
fn more_pages_than_an_hour_may_have_are_held_back_and_named_in_one_alert() {
    let mut board = Board::new(9, Span::from_secs(7_200), 2);
    board.complete();
    for (n, id) in (0..).zip(["a", "b", "c", "d"]) {
        board.take(notice(id, 1, "firing", "critical"), at(n), true);
    }
    assert_eq!(held_back(&board), ["c", "d"]);
    assert_eq!(own(&board, 5), [("Storm", None)]);
    // An hour after the first one another passes; those that were held back stay so.
    board.take(notice("e", 1, "firing", "critical"), at(3_600), true);
    assert_eq!(held_back(&board), ["c", "d"]);
    board.take(notice("c", 2, "resolved", "critical"), at(3_700), true);
    assert_eq!(own(&board, 3_800), [("Storm", None)]);
    board.take(notice("d", 2, "resolved", "critical"), at(3_900), true);
    assert_eq!(own(&board, 4_000), [("Storm", Some(3_900))]);
    assert_eq!(own(&board, 4_200), []);
}

#[test]
fn which_incidents_page_does_not_depend_on_when_a_process_started_nor_on_the_order_of_partitions() {
    let moments: Vec<(String, i64)> = (0..9).map(|n| (format!("i{n}"), n * 1_000)).collect();
    let filled = |order: &[usize], live_from: usize| {
        let mut board = Board::new(20, Span::from_secs(20_000), 2);
        for (n, i) in order.iter().enumerate() {
            if n == live_from {
                board.complete();
            }
            let (id, secs) = &moments[*i];
            board.take(notice(id, 1, "firing", "critical"), at(*secs), true);
        }
        board.complete();
        held_back(&board)
    };
    let watched = filled(&[0, 1, 2, 3, 4, 5, 6, 7, 8], 0);
    assert_eq!(watched, ["i2", "i3", "i6", "i7"]);
    assert_eq!(filled(&[4, 5, 6, 0, 1, 2, 3, 7, 8], 7), watched);
    assert_eq!(filled(&[8, 7, 6, 5, 4, 3, 2, 1, 0], 9), watched);
}

#[test]
fn the_watchdog_fires_while_signs_of_life_are_young_and_then_ends() {
    let mut board = board();
    assert_eq!(own(&board, 0), []);
    board.alive(at(100));
    assert_eq!(own(&board, 129), [("Watchdog", None)]);
    assert_eq!(own(&board, 130), [("Watchdog", Some(130))]);
    assert_eq!(own(&board, 430), []);
    board.alive(at(500));
    assert_eq!(own(&board, 510), [("Watchdog", None)]);
}
