use super::*;

fn once(name: &str, symbols: &[&str], from: &str, until: &str) -> MaintenanceSettings {
    MaintenanceSettings {
        name: name.to_owned(),
        symbols: symbols.iter().map(|&symbol| symbol.to_owned()).collect(),
        from: Some(from.to_owned()),
        until: Some(until.to_owned()),
        zone: None,
        hours: Vec::new(),
    }
}

fn weekly(name: &str, zone: &str, hours: &[&str]) -> MaintenanceSettings {
    let hours = hours.iter().map(|&text| text.to_owned()).collect();
    MaintenanceSettings { from: None, until: None, zone: Some(zone.to_owned()), hours, ..once(name, &["*"], "", "") }
}

fn at(text: &str) -> EventTime {
    instant("at", text).unwrap()
}

fn symbols<'a>(names: &[&'a str]) -> Reach<'a> {
    Reach::Symbols(names.iter().copied().collect())
}

#[test]
fn a_window_that_comes_once_holds_from_its_beginning_until_before_its_end() {
    let one = once("upgrade", &["*"], "2026-07-04T22:00:00Z", "2026-07-05T00:00:00+02:00");
    assert!(MaintenanceWindows::new(std::slice::from_ref(&one)).is_err(), "it ends where it begins");
    let one = MaintenanceSettings { until: Some("2026-07-05T01:00:00+02:00".to_owned()), ..one };
    let mut windows = MaintenanceWindows::new(&[one]).unwrap();
    let mut name = |text| windows.covering(&Reach::Everything, at(text));
    assert_eq!(name("2026-07-04T21:59:59.999999999Z"), None);
    assert_eq!(name("2026-07-04T22:00:00Z").as_deref(), Some("upgrade"));
    assert_eq!(name("2026-07-04T22:59:59.999999999Z").as_deref(), Some("upgrade"));
    assert_eq!(name("2026-07-04T23:00:00Z"), None);
    let mut next = |text| windows.changes_after(at(text)).map(|at| at.to_string());
    assert_eq!(next("2026-07-04T21:00:00Z"), Some(at("2026-07-04T22:00:00Z").to_string()));
    assert_eq!(next("2026-07-04T22:00:00Z"), Some(at("2026-07-04T23:00:00Z").to_string()));
    assert_eq!(next("2026-07-04T23:00:00Z"), None);
}

#[test]
fn the_hours_of_a_week_follow_the_local_clock_over_a_change_of_summer_time() {
    let mut windows =
        MaintenanceWindows::new(&[weekly("nightly", "Europe/Berlin", &["mon-sun 23:00-01:00", "sun 02:30-04:00"])])
            .unwrap();
    let mut is_open = |text| windows.covering(&Reach::Everything, at(text)).is_some();
    // Berlin is an hour ahead of UTC in winter, two in summer. Its clock goes forward on 2026-03-29 at 01:00 UTC.
    assert_eq!(["2026-03-28T21:59:59Z", "2026-03-28T22:00:00Z"].map(&mut is_open), [false, true]);
    assert_eq!(["2026-03-28T23:59:59Z", "2026-03-29T00:00:00Z"].map(&mut is_open), [true, false]);
    // 02:30 does not exist on that day: the window begins at 03:30, and ends at 04:00, which is 02:00 UTC.
    let edges = ["2026-03-29T01:29:59Z", "2026-03-29T01:30:00Z", "2026-03-29T01:59:59Z", "2026-03-29T02:00:00Z"];
    assert_eq!(edges.map(&mut is_open), [false, true, true, false]);
    assert_eq!(["2026-03-29T20:59:59Z", "2026-03-29T21:00:00Z"].map(&mut is_open), [false, true]);
    // 02:30 comes twice on 2026-10-25: from the first one on, for two and a half hours.
    let edges = ["2026-10-25T00:29:59Z", "2026-10-25T00:30:00Z", "2026-10-25T02:59:59Z", "2026-10-25T03:00:00Z"];
    assert_eq!(edges.map(&mut is_open), [false, true, true, false]);
    let next = |windows: &mut MaintenanceWindows, text| windows.changes_after(at(text)).unwrap().to_string();
    assert_eq!(next(&mut windows, "2026-03-28T23:00:00Z"), at("2026-03-29T00:00:00Z").to_string());
    assert_eq!(next(&mut windows, "2026-03-29T00:00:00Z"), at("2026-03-29T01:30:00Z").to_string());
}

#[test]
fn an_incident_is_covered_where_all_its_symbols_are_and_what_is_about_all_of_them_by_a_window_for_all() {
    let (from, until) = ("2026-07-04T22:00:00Z", "2026-07-04T23:00:00Z");
    let two = [once("spot", &["BTC*", "ETH?"], from, until), once("futures", &["ES*", "BTC-PERP"], from, until)];
    let mut windows = MaintenanceWindows::new(&two).unwrap();
    let mut name = |reach: Reach<'_>| windows.covering(&reach, at(from));
    assert_eq!(name(symbols(&["BTC", "ETH2"])).as_deref(), Some("spot"));
    assert_eq!(name(symbols(&["ESZ6"])).as_deref(), Some("futures"));
    assert_eq!(name(symbols(&["BTC-PERP"])).as_deref(), Some("spot"), "the first that matches");
    assert_eq!(name(symbols(&["ESZ6", "BTC"])).as_deref(), Some("spot, futures"));
    assert_eq!(name(symbols(&["BTC", "ETH"])), None, "one symbol is in none");
    assert_eq!(name(Reach::Everything), None);
    let all = [two[0].clone(), once("all", &["X", "**"], from, until)];
    let mut windows = MaintenanceWindows::new(&all).unwrap();
    assert_eq!(windows.covering(&Reach::Everything, at(from)).as_deref(), Some("all"));
}

#[test]
fn a_mistake_is_named_with_its_place_and_what_was_expected() {
    let (from, until) = ("2026-07-04T22:00:00Z", "2026-07-04T23:00:00Z");
    let good = || once("upgrade", &["*"], from, until);
    let mistake = |settings: MaintenanceSettings| {
        let Invalid { path, message } = MaintenanceWindows::new(&[good(), settings]).unwrap_err();
        format!("{}: {message}", path.join("."))
    };
    let changed = |change: fn(&mut MaintenanceSettings)| {
        let mut settings = good();
        change(&mut settings);
        mistake(settings)
    };
    assert_eq!(changed(|s| s.name = " ".to_owned()), "1.name: expected a text of 1 to 64 characters");
    assert_eq!(changed(|s| s.name = "a\nb".to_owned()), "1.name: expected a text of 1 to 64 characters");
    assert!(changed(|s| s.symbols.clear()).starts_with("1.symbols: expected the names or patterns"));
    assert_eq!(changed(|s| s.until = None), "1.from: expected `until` too");
    assert_eq!(changed(|s| s.from = None), "1.until: expected `from` too");
    assert_eq!(changed(|s| s.until = s.from.clone()), "1.until: expected an instant after `from`");
    let instant = "expected an instant with its offset, like `2026-07-04T22:00:00Z`";
    for text in ["2026-07-04", "2026-07-04T22:00:00", "22:00", "9999-01-01T00:00:00Z"] {
        let settings = MaintenanceSettings { until: Some(text.to_owned()), ..good() };
        assert_eq!(mistake(settings), format!("1.until: `{text}`: {instant}"));
    }
    let both =
        MaintenanceSettings { from: good().from, until: good().until, ..weekly("w", "UTC", &["mon 01:00-02:00"]) };
    assert_eq!(mistake(both), "1.from: expected either `from` and `until`, or `zone` and `hours`");
    let neither = MaintenanceSettings { from: None, until: None, ..good() };
    assert_eq!(mistake(neither), "1.name: expected `from` and `until`, or `zone` and `hours` beside it");
    assert_eq!(mistake(weekly("w", "UTC", &[])), "1.zone: expected `hours` too, like `sun 02:00-04:00`");
    let no_zone = MaintenanceSettings { zone: None, ..weekly("w", "UTC", &["mon 01:00-02:00"]) };
    assert_eq!(mistake(no_zone), "1.hours: expected a `zone` too, like `America/New_York`");
    assert!(mistake(weekly("w", "UTC", &["monday"])).starts_with("1.hours.0: `monday`: expected days and times"));
    assert!(mistake(weekly("w", "Mars", &["mon 01:00-02:00"])).starts_with("1.zone: `Mars`: expected a time zone"));
}
