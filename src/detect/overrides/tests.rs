use std::borrow::Cow;

use super::*;
use crate::detect::Detection;

fn names(names: &[&str]) -> Option<Vec<String>> {
    Some(names.iter().map(|&name| name.to_owned()).collect())
}

fn burst(warnings_per_day: f64) -> DetectChanges {
    let cancel_burst = BurstChanges { warnings_per_day: Some(warnings_per_day), ..BurstChanges::default() };
    DetectChanges { cancel_burst, ..DetectChanges::default() }
}

fn of_symbols(symbols: &[&str], detect: DetectChanges) -> OverrideSettings {
    OverrideSettings { symbols: names(symbols), detect, ..OverrideSettings::default() }
}

fn detection(overrides: &[OverrideSettings]) -> Detection {
    Detection { overrides: Overrides::new(overrides).unwrap(), ..Detection::default() }
}

#[test]
fn all_overrides_that_match_apply_and_of_two_for_one_key_the_last_counts() {
    let thin_book = SlowMetricChanges { warnings_per_day: Some(0.5) };
    let one = DetectChanges { thin_book, ..burst(0.25) };
    let detection = detection(&[of_symbols(&["ES*", "NQ?"], one), of_symbols(&["ESZ6"], burst(2.0))]);
    let of = |symbol: &str| {
        let found = detection.of(&Subject::Symbol(symbol.into()));
        [found.cancel_burst.warnings_per_day, found.thin_book.warnings_per_day].map(|rate| rate.to_string())
    };
    assert_eq!(of("ESU6"), ["0.25", "0.5"]);
    assert_eq!(of("ESZ6"), ["2", "0.5"]);
    assert_eq!(of("BTC"), ["1", "1"]);
    assert_eq!(detection.of(&Subject::Symbol("NQZ".into())).cancel_burst.a_min, 5, "other keys stay");
    assert!(matches!(detection.of(&Subject::Symbol("BTC".into())), Cow::Borrowed(_)));
}

#[test]
fn a_party_on_a_symbol_follows_the_overrides_of_both() {
    let accounts = OverrideSettings { accounts: names(&["mm*"]), detect: burst(0.1), ..OverrideSettings::default() };
    let owners = OverrideSettings { owners: names(&["fund"]), detect: burst(0.2), ..OverrideSettings::default() };
    let detection = detection(&[accounts, owners, of_symbols(&["S1"], burst(3.0))]);
    let of = |subject: Subject| detection.of(&subject).cancel_burst.warnings_per_day.to_string();
    let name = |text: &str| compact_str::CompactString::new(text);
    assert_eq!(of(Subject::Account(name("mm1"))), "0.1");
    assert_eq!(of(Subject::AccountSymbol(name("mm1"), name("S2"))), "0.1");
    assert_eq!(of(Subject::AccountSymbol(name("mm1"), name("S1"))), "3");
    assert_eq!(of(Subject::OwnerSymbol(name("fund"), name("S2"))), "0.2");
    assert_eq!(of(Subject::Owner(name("mm1"))), "1", "an owner is no account");
    assert_eq!(of(Subject::Market), "1");
}

#[test]
fn a_mistake_is_named_with_its_place_and_what_was_expected() {
    let mistake = |settings: OverrideSettings| {
        let Invalid { path, message } = Overrides::new(&[settings]).unwrap_err();
        format!("{}: {message}", path.join("."))
    };
    let one_kind = "0: expected exactly one of `symbols`, `accounts` and `owners`";
    assert_eq!(mistake(OverrideSettings { detect: burst(1.0), ..OverrideSettings::default() }), one_kind);
    let both = OverrideSettings { owners: names(&["o"]), ..of_symbols(&["S"], burst(1.0)) };
    assert_eq!(mistake(both), one_kind);
    assert!(mistake(of_symbols(&[], burst(1.0))).starts_with("0.symbols: expected the names or patterns"));
    let nothing = mistake(of_symbols(&["S"], DetectChanges::default()));
    assert_eq!(nothing, "0.detect: expected a key of `[detect]` that is other");
    let range = detection(&[of_symbols(&["S"], burst(2.0)), of_symbols(&["S"], burst(1_000.0))]).check_overrides();
    let Invalid { path, message } = range.unwrap_err();
    let expected = ("1.detect.cancel_burst.warnings_per_day".to_owned(), "expected 0.001 to 72".to_owned());
    assert_eq!((path.join("."), message), expected);
    let jump = LeverageJumpChanges { deviations_min: Some(6.0) };
    let misplaced = mistake(of_symbols(&["S"], DetectChanges { leverage_jump: jump, ..DetectChanges::default() }));
    assert_eq!(misplaced, "0.detect.leverage_jump: expected in an override of `accounts`");
    let accounts = OverrideSettings {
        accounts: names(&["a"]),
        detect: DetectChanges { thin_book: SlowMetricChanges { warnings_per_day: Some(1.0) }, ..burst(1.0) },
        ..OverrideSettings::default()
    };
    assert_eq!(mistake(accounts), "0.detect.thin_book: expected in an override of `symbols`");
}
