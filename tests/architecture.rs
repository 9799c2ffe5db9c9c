//! Rules about the source that no compiler keeps: which module may use which, how long a file may be, who reads the clock.
//!
//! It reads `src/` as text: comments are left out, and of paths only those that start at `crate::` are followed, because those
//! are the ones that cross modules in this code.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Top-level modules from the foundation up: each may use those before it, and none after it.
const ORDER: [&str; 19] = [
    "nearest",
    "time",
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
/// A file with more holds more than one idea.
const LINES_MAX: usize = 400;
/// The one file that reads the clock.
const CLOCK: &str = "app/clock.rs";

/// One file of the crate.
struct File {
    /// Below `src/`.
    path: PathBuf,
    /// Its lines without comments, in their places.
    lines: Vec<String>,
}

impl File {
    /// The top-level module that it belongs to.
    fn module(&self) -> String {
        let first = self.path.components().next().unwrap().as_os_str().to_str().unwrap();
        first.trim_end_matches(".rs").to_owned()
    }
}

fn source() -> Vec<File> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let lines = text.lines().map(without_comment).collect();
                files.push(File { path: path.strip_prefix(&root).unwrap().to_owned(), lines });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(files.len() > 30, "the source is where it is looked for");
    files
}

fn without_comment(line: &str) -> String {
    let code = if line.trim_start().starts_with("//") { "" } else { line };
    code.split(" // ").next().unwrap_or_default().to_owned()
}

/// The modules that a text names by `crate::name` or `crate::{name::…, name}`, with the line of each.
fn uses(lines: &[String]) -> Vec<(usize, String)> {
    let text = lines.join("\n");
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        // `$crate::` and `foreshock_crate::` alike: only a whole word counts.
        if text[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let start = at + "crate::".len();
        for (offset, name) in heads(&text[start..]) {
            found.push((text[..start + offset].matches('\n').count() + 1, name.to_owned()));
        }
    }
    found
}

/// The first names of a path, or of every path in a group, with their places.
fn heads(text: &str) -> Vec<(usize, &str)> {
    let word = |at: usize| {
        let rest = &text[at..];
        &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())]
    };
    if !text.starts_with('{') {
        return vec![(0, word(0))];
    }
    let (mut depth, mut fresh, mut found) = (0, true, Vec::new());
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => fresh = true,
            _ if depth == 1 && fresh && !c.is_whitespace() => {
                found.push((at, word(at)));
                fresh = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// Every place where a word stands in code, as `path:line`.
fn places(word: &str, except: &str) -> Vec<String> {
    let files = source();
    let lines = files.iter().filter(|file| file.path != Path::new(except)).flat_map(|file| {
        file.lines.iter().enumerate().map(move |(i, line)| (format!("src/{}:{}", file.path.display(), i + 1), line))
    });
    lines.filter(|(_, line)| line.contains(word)).map(|(place, _)| place).collect()
}

#[test]
fn a_group_of_paths_is_read_to_its_end_and_no_deeper() {
    let lines =
        ["use crate::{", "    book::{Fault, table::X},", "    time::EventTime,", "};", "let x = crate::event::Y;"];
    let lines: Vec<String> = lines.map(str::to_owned).to_vec();
    let expected = [(2, "book"), (3, "time"), (5, "event")].map(|(line, name)| (line, name.to_owned()));
    assert_eq!(uses(&lines), expected);
}

#[test]
fn a_module_uses_only_those_below_it() {
    let mut wrong = Vec::new();
    for file in source() {
        let own = file.module();
        let Some(rank) = ORDER.iter().position(|name| *name == own) else {
            wrong.push(format!(
                "src/{}: `{own}` has no place in the order; give it one in this test",
                file.path.display()
            ));
            continue;
        };
        for (line, used) in uses(&file.lines) {
            // Itself is always allowed; what is no module is a name of the crate's root.
            let allowed = ORDER.iter().position(|name| *name == used).is_some_and(|other| other <= rank);
            if !allowed {
                wrong.push(format!("src/{}:{line}: `{own}` must not use `{used}`", file.path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
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
