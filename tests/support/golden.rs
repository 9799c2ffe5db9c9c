//! Golden files that the product itself makes: compared line by line, or written by `make golden`.
//!
//! Not here: the golden vectors of the reference (`tests/golden/*.json`), which the product must never write.

use std::{fs, path::Path};

use super::environment;

/// Compares the lines with a file in `tests/golden`, or writes that file if the environment says so.
#[track_caller]
pub fn assert_lines(file: &str, now: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    if environment::writes_golden() {
        fs::write(&path, now).unwrap();
        return;
    }
    let expected = fs::read_to_string(&path).unwrap();
    let advice = "if the change is meant: `make golden`, read the file again, commit it";
    for (i, (now, expected)) in now.lines().zip(expected.lines()).enumerate() {
        assert_eq!(now, expected, "line {} of {file}; {advice}", i + 1);
    }
    assert_eq!(now.lines().count(), expected.lines().count(), "the lines of {file}; {advice}");
}
