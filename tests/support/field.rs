//! Inputs of real faults beside the repository, which may be absent.

use std::{
    io::{self, Write as _},
    path::Path,
    thread,
};

use foreshock::app::files::LineReader;

/// The lines of an input in `../shared/field`. Where it is absent, prints that this part of the test is skipped.
pub fn field(folder: &str, name: &str) -> Option<Vec<Vec<u8>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/field").join(folder).join(name);
    if !path.exists() {
        let thread = thread::current();
        let test = thread.name().unwrap_or("a test");
        let line = format!("skipped: {test}: there is no input `{folder}/{name}` in `../shared/field`\n");
        io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    }
    let (mut reader, mut lines) = (LineReader::open(&[path]).unwrap(), Vec::new());
    while let Some(line) = reader.next_line().unwrap() {
        lines.push(line.bytes.to_vec());
    }
    Some(lines)
}
