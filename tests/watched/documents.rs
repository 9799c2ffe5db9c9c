//! Documents for operators: their links lead somewhere, and their examples are accepted.

use std::collections::BTreeSet;

use foreshock::event::{DecodeLimits, EventType, decode};
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
