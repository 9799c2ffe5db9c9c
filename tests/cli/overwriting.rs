//! Outputs that would overwrite an input or another output are refused.

use std::{collections::BTreeMap, os::unix::fs::symlink};

use super::*;

/// Every file of a folder with its bytes, links not followed.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let bytes = if path.is_dir() { Vec::new() } else { fs::read(&path).unwrap_or_default() };
        all.insert(path.file_name().unwrap().to_str().unwrap().to_owned(), bytes);
    }
    all
}

/// A folder with small files of each kind, and other ways to the recording.
pub fn recording(dir: &Path) {
    for file in ["e.jsonl", "f.jsonl"] {
        fs::write(dir.join(file), "{\"type\":\"heartbeat\",\"ts\":1760130000623456789}\n").unwrap();
    }
    fs::write(dir.join("a.jsonl"), "").unwrap();
    fs::write(dir.join("i.jsonl"), "").unwrap();
    fs::write(dir.join("f.toml"), "[kafka]\n").unwrap();
    fs::create_dir(dir.join("folder")).unwrap();
    symlink("e.jsonl", dir.join("link.jsonl")).unwrap();
    symlink("folder", dir.join("folder-link")).unwrap();
    fs::hard_link(dir.join("e.jsonl"), dir.join("hard.jsonl")).unwrap();
}

#[test]
fn an_output_that_is_an_input_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    recording(dir.path());
    let whole = dir.path().join("e.jsonl");
    let whole = whole.to_str().unwrap();
    let before = contents(dir.path());
    let spellings = ["e.jsonl", "./e.jsonl", "folder/../e.jsonl", "link.jsonl", "hard.jsonl", whole];
    let outputs = ["--alerts", "--signals", "--metrics", "--dead-letters"];
    for spelling in spellings {
        for output in outputs {
            let (_, stderr) = exits(dir.path(), &["replay", "f.jsonl", "e.jsonl", output, spelling], 64);
            assert!(
                stderr.contains(&format!("`{output} {spelling}` and `FILE e.jsonl` name the same file")),
                "{stderr}"
            );
        }
        let (_, stderr) = exits(dir.path(), &["convert", "events", "f.jsonl", "e.jsonl", "--out", spelling], 64);
        assert!(stderr.contains(&format!("`--out {spelling}` and `FILE e.jsonl` name the same file")), "{stderr}");
    }
    for (flag, input) in [("--config", "f.toml"), ("--diff", "a.jsonl"), ("--inputs", "i.jsonl")] {
        for output in outputs {
            let (_, stderr) = exits(dir.path(), &["replay", "e.jsonl", flag, input, output, input], 64);
            assert!(stderr.contains(&format!("and `{flag} {input}` name the same file")), "{stderr}");
        }
    }
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn an_output_that_is_another_output_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    recording(dir.path());
    let before = contents(dir.path());
    // The last two are not there yet.
    for (one, other) in [("a.jsonl", "./a.jsonl"), ("new", "./new"), ("folder/new", "folder-link/new"), ("-", "-")] {
        let refused = |args: &[&str]| {
            let (_, stderr) = exits(dir.path(), args, 64);
            let words = if one == "-" { "are both standard output" } else { "name the same file" };
            assert!(stderr.contains(words), "{args:?}: {stderr}");
        };
        refused(&["replay", "e.jsonl", "--alerts", one, "--signals", other]);
        refused(&["replay", "e.jsonl", "--metrics", one, "--dead-letters", other]);
        refused(&["simulate", "--seed", "1", "--minutes", "1", "--events", one, "--labels", other]);
    }
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn a_standard_stream_that_is_a_file_is_that_file() {
    let dir = tempfile::tempdir().unwrap();
    recording(dir.path());
    let before = contents(dir.path());
    let run = |args: &[&str], stdout: Stdio| {
        let input = fs::File::open(dir.path().join("e.jsonl")).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_foreshock"));
        command.args(args).current_dir(dir.path()).stdin(input).stdout(stdout).status().unwrap().code()
    };
    assert_eq!(run(&["replay", "-", "--alerts", "e.jsonl"], Stdio::null()), Some(64));
    let appended = || fs::File::options().append(true).open(dir.path().join("e.jsonl")).unwrap().into();
    assert_eq!(run(&["convert", "events", "e.jsonl", "--out", "-"], appended()), Some(64));
    assert_eq!(run(&["convert", "events", "-", "--out", "-"], appended()), Some(64));
    assert_eq!(contents(dir.path()), before);
    assert_eq!(run(&["convert", "events", "-", "--out", "-"], Stdio::null()), Some(0));
}

#[test]
fn files_that_differ_and_devices_are_not_refused() {
    let dir = tempfile::tempdir().unwrap();
    recording(dir.path());
    fs::write(dir.path().join("copy.jsonl"), fs::read(dir.path().join("e.jsonl")).unwrap()).unwrap();
    exits(dir.path(), &["replay", "e.jsonl", "e.jsonl", "--alerts", "copy.jsonl", "--signals", "folder/copy.jsonl"], 0);
    let nowhere = ["--alerts", "/dev/null", "--signals", "/dev/null", "--metrics", "/dev/null"];
    exits(dir.path(), &[&["replay", "e.jsonl"], &nowhere[..]].concat(), 0);
    exits(
        dir.path(),
        &["simulate", "--seed", "1", "--minutes", "1", "--events", "/dev/null", "--labels", "/dev/null"],
        0,
    );
    exits(dir.path(), &["replay", "/dev/null", "--alerts", "/dev/null"], 0);
    exits(dir.path(), &["replay", "-", "--alerts", "-"], 0);
}
