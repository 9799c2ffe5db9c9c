//! Rules about the source that no compiler keeps: which module may use which, how long a file may be, who reads the clock.
//!
//! `source` reads `src/` as text and tokens, `names` what each file defines and uses, `graph` which file uses which.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod graph;
mod names;
mod source;

use std::{collections::BTreeSet, path::Path};

use self::{
    graph::{Graph, Module, circle},
    names::{Names, Used},
    source::source,
};

/// Top-level modules from the foundation up: each may name those before it, and none after it.
const ORDER: [&str; 22] = [
    "nearest",
    "setting",
    "pattern",
    "time",
    "calendar",
    "stats",
    "table",
    "event",
    "trust",
    "window",
    "book",
    "detect",
    "correlate",
    "alert",
    "engine",
    "evaluate",
    "simulate",
    "adapt",
    "config",
    "app",
    "main",
    "lib",
];
/// Floors inside a folder from the foundation up: a part uses only what parts on lower floors define. Parts on the same floor
/// do not use each other. `mod` is the folder's own file.
const FLOORS: [(&str, &[&str]); 4] = [
    (
        "engine",
        &[
            "settings",
            "coverage input output plan message observe",
            "recorded",
            "inputs link watermark",
            "stage stage/market stage/account stage/correlation",
            "state stretches",
            // The wiring of the stages.
            "mod",
            // Views of the whole engine.
            "readings snapshot",
        ],
    ),
    (
        "detect",
        &[
            // `mod` is the list of detectors' names.
            "burst_facts counted market_sample mod severity subject",
            "budget coverage finding flow_facts overrides state",
            "episode trail",
            "signal",
            "burst condition slow_metric",
            "account participant market pipeline",
            // The settings of all detectors, made of theirs.
            "settings",
            "section",
            "symbol",
        ],
    ),
    (
        "simulate",
        &[
            "fault item names random scenario schedule",
            "fair_value hawkes plan population",
            "market",
            "ledger",
            "agents",
            "feed_faults plants",
            "exchange",
            "mod",
        ],
    ),
    (
        "app",
        &[
            // The process, what it reads and writes, and its telemetry.
            "build clock coverage exit liveness readiness refusals unknown_types",
            "cli files interrupt metrics output progress settings",
            "collision logging pace telemetry",
            "http kafka supervisor",
            "audit plan",
            "notifications deliver",
            "service",
            // Commands; `demo` starts others.
            "check convert notify replay schema simulate",
            "demo",
            "mod",
        ],
    ),
];
/// A file with more holds more than one idea.
const LINES_MAX: usize = 400;
/// The one file that reads the clock.
const CLOCK: &str = "app/clock.rs";

/// Every place where a word stands in code, as `path:line`.
fn places(word: &str, except: &str) -> Vec<String> {
    let lines = source().iter().filter(|file| file.path != Path::new(except)).flat_map(|file| {
        file.lines.iter().enumerate().map(move |(i, line)| (format!("src/{}:{}", file.path.display(), i + 1), line))
    });
    lines.filter(|(_, line)| line.contains(word)).map(|(place, _)| place).collect()
}

/// The part of a folder to which a module belongs: the longest name in the list that begins its path, else its first name.
/// `None` outside of the folder.
fn part(module: &Module, folder: &str, listed: &BTreeSet<&str>) -> Option<String> {
    let (first, inside) = module.split_first()?;
    if first != folder {
        return None;
    }
    let mut prefixes = (1..=inside.len()).rev().map(|length| inside[..length].join("/"));
    let found = prefixes.find(|prefix| listed.contains(prefix.as_str()));
    Some(found.or_else(|| inside.first().cloned()).unwrap_or_else(|| "mod".to_owned()))
}

#[test]
fn a_module_uses_only_those_below_it() {
    let mut wrong = Vec::new();
    for file in source() {
        let own = file.module().into_iter().next().unwrap_or_else(|| "lib".to_owned());
        let Some(rank) = ORDER.iter().position(|name| *name == own) else {
            wrong.push(format!(
                "src/{}: `{own}` has no place in the order; give it one in this test",
                file.path.display()
            ));
            continue;
        };
        let names = Names::of(&file.tokens);
        for Used { path, line } in names.imports.iter().map(|(_, used)| used).chain(&names.inline) {
            if path[0] != "crate" {
                continue;
            }
            // Itself is always allowed; a name that is no module is an item of the crate's root.
            let used = &path[1];
            let allowed = ORDER.iter().position(|name| name == used).is_some_and(|other| other <= rank);
            if !allowed {
                wrong.push(format!("src/{}:{line}: `{own}` must not use `{used}`", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn a_part_of_a_folder_uses_only_those_on_lower_floors() {
    let graph = Graph::of(source());
    let mut wrong = Vec::new();
    for (folder, floors) in FLOORS {
        let listed: BTreeSet<&str> = floors.iter().flat_map(|floor| floor.split(' ')).collect();
        let floor = |part: &str| floors.iter().position(|floor| floor.split(' ').any(|name| name == part));
        let present: BTreeSet<String> = graph.paths.keys().filter_map(|file| part(file, folder, &listed)).collect();
        for name in present.iter().map(String::as_str).filter(|name| !listed.contains(name)) {
            wrong.push(format!("src/{folder}/{name} has no floor; give it one in this test"));
        }
        for name in listed.iter().filter(|name| !present.contains(**name)) {
            wrong.push(format!("src/{folder}/{name} has a floor in this test and no file"));
        }
        for (from, to) in graph.uses.iter().flat_map(|(from, to)| to.keys().map(move |to| (from, to))) {
            let (Some(own), Some(other)) = (part(from, folder, &listed), part(to, folder, &listed)) else { continue };
            if own != other && floor(&other) >= floor(&own) {
                wrong.push(format!("{}: `{own}` must not use `{other}`", graph.shown(from, to)));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}

#[test]
fn no_files_use_each_other_in_a_circle() {
    let graph = Graph::of(source());
    assert!(graph.unknown.is_empty(), "paths that lead to nothing:\n{}\n", graph.unknown.join("\n"));
    if let Some(circle) = circle(&graph.uses) {
        let steps = circle.windows(2).map(|step| graph.shown(step[0], step[1]));
        panic!("a circle:\n{}\n", steps.collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn no_file_is_longer_than_one_idea() {
    let long: Vec<String> = source()
        .iter()
        .filter(|file| file.lines.len() > LINES_MAX)
        .map(|file| format!("src/{}: {} lines of {LINES_MAX}", file.path.display(), file.lines.len()))
        .collect();
    assert!(long.is_empty(), "\n{}\n", long.join("\n"));
}

#[test]
fn nothing_is_left_unfinished() {
    for word in ["todo!", "unimplemented!", "dbg!"] {
        assert_eq!(places(word, ""), Vec::<String>::new(), "`{word}`");
    }
}

/// Dashboards and alert rules are written against one list: whoever makes a metric elsewhere goes round it.
#[test]
fn metrics_are_made_in_one_place() {
    assert_eq!(places("Opts::new", "app/metrics.rs"), Vec::<String>::new());
}

#[test]
fn one_file_reads_the_clock() {
    for word in ["SystemTime::now", "Instant::now", "Timestamp::now", "Zoned::now", "UNIX_EPOCH.elapsed"] {
        assert_eq!(places(word, CLOCK), Vec::<String>::new(), "`{word}` outside {CLOCK}");
    }
}
