//! Cuts a file of Databento's binary encoding into its header and its records; `adapt::Dbn` reads what is in them.
//!
//! A file begins with `DBN`, a byte for the version, and the length of the rest of the header in four bytes. Each record
//! begins with its length in units of four bytes.

use std::io::{self, BufRead, Read as _};

/// Length of what precedes the rest of the header.
const PRELUDE_BYTES: usize = 8;
/// Length of a record's own header, the least that a record may have.
const RECORD_BYTES_MIN: usize = 16;

/// Appends the file's header, which may have `bytes_max` after its first eight; `false` if the file is empty.
pub fn append_header(reader: &mut dyn BufRead, out: &mut Vec<u8>, bytes_max: usize) -> io::Result<bool> {
    if reader.fill_buf()?.is_empty() {
        return Ok(false);
    }
    append(reader, out, PRELUDE_BYTES)?;
    let [b'D', b'B', b'N', _, length @ ..] = out.as_slice() else { return Err(wrong("expected `DBN` and a version")) };
    let length = <[u8; 4]>::try_from(length).ok().and_then(|bytes| usize::try_from(u32::from_le_bytes(bytes)).ok());
    match length {
        Some(length) if length <= bytes_max => append(reader, out, length).map(|()| true),
        Some(_) | None => Err(wrong("the header is longer than 16 MiB")),
    }
}

/// Appends the next record; `false` at the end of the file.
pub fn append_record(reader: &mut dyn BufRead, out: &mut Vec<u8>) -> io::Result<bool> {
    let Some(&units) = reader.fill_buf()?.first() else { return Ok(false) };
    let length = usize::from(units) * 4;
    if length < RECORD_BYTES_MIN {
        return Err(wrong("a record is shorter than its own header"));
    }
    append(reader, out, length).map(|()| true)
}

fn append(reader: &mut dyn BufRead, out: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let read = reader.take(length as u64).read_to_end(out)?;
    if read < length { Err(wrong("the last record is cut off")) } else { Ok(()) }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}
