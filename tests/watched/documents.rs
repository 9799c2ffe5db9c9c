//! Documents for operators: their links lead somewhere, and their examples are accepted.

use std::collections::BTreeSet;

use foreshock::{
    detect::{Counted, Unit},
    event::{DecodeLimits, EventType, Reason, decode},
    trust::Cause,
};
use regex_lite::Regex;

use super::{files, path, read};

#[test]
fn links_between_documents_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)#:]+)\)").unwrap();
    for folder in ["docs", "docs/runbooks"] {
        for file in files(folder, ".md") {
            let text = read(&format!("{folder}/{file}"));
            for (_, [to]) in link.captures_iter(&text).map(|found| found.extract()) {
                assert!(path(folder).join(to).exists(), "{folder}/{file}: {to} is not there");
            }
        }
    }
}

#[test]
fn each_type_of_event_is_named_and_each_example_is_accepted() {
    let page = read("docs/connect-your-feed.md");
    let example = Regex::new(r#"`(\{"type":"[^`]*\})`"#).unwrap();
    let examples: BTreeSet<&str> = example.captures_iter(&page).map(|found| found.extract::<1>().1[0]).collect();
    assert!(examples.len() >= 14, "{examples:#?}");
    for example in examples {
        let line = example.replacen('{', r#"{"ts":1760130000123456789,"#, 1);
        let event = decode(line.as_bytes(), DecodeLimits::default());
        assert!(event.is_ok(), "{example}: {event:?}");
    }
    for (kind, name) in EventType::ALL {
        assert!(kind == EventType::Unknown || page.contains(&format!("`{name}`")), "{name} is not named");
    }
}

/// The words in backticks of a text.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(ToOwned::to_owned).collect()
}

#[test]
fn each_number_of_an_alert_is_explained_with_its_unit_and_no_other() {
    let page = read("docs/alerts.md");
    let (_, section) = page.split_once("## The numbers in `features`").unwrap();
    let section = section.split("\n## ").next().unwrap();
    let mut explained = BTreeSet::new();
    for row in section.lines().filter(|line| line.starts_with("| `")) {
        let [names, unit, meaning] = row.trim_matches('|').split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{row}")
        };
        let [unit] = &quoted(unit)[..] else { panic!("one unit: {row}") };
        assert!(serde_json::from_value::<Unit>(unit.as_str().into()).is_ok(), "no unit: {row}");
        assert!(meaning.trim().len() > 10, "no meaning: {row}");
        for name in quoted(names) {
            assert!(explained.insert(name.clone()), "{name} is explained twice");
        }
    }
    let in_code: BTreeSet<String> = Counted::all().map(|counted| counted.name().to_owned()).collect();
    assert_eq!(explained, in_code);
}

#[test]
fn the_runbook_of_the_input_names_each_cause_and_each_reason_of_a_rejection() {
    let runbook: BTreeSet<String> = quoted(&read("docs/runbooks/feed.md")).into_iter().collect();
    let names = Cause::ALL.iter().map(|(_, name)| name).chain(Reason::ALL.iter().map(|(_, name)| name));
    for name in names {
        assert!(runbook.contains(*name), "{name} is not in docs/runbooks/feed.md");
    }
}
