//! Reads the lines of several files, compressed or not, as one stream.
//!
//! A line is one record. The reader returns each line as a slice of one reused buffer, so a recording of any length is read in
//! the same memory. The name's ending selects the compression (`.gz` with any number of members, `.zst`, `.xz`); `-` is standard
//! input, which is read as plain text. A last line without a newline counts; one `\r` before the newline is not part of the
//! line. A blank line is no record, because files commonly end with one, but it counts in the line numbers. A line longer than
//! [`LINE_BYTES_MAX`] is cut there and its rest skipped, so memory stays bounded; the limit lies above the decoder's own, so the
//! decoder rejects such a line as too large.
//!
//! A file of a binary format has records instead of lines, cut out by `binary`; a record's number takes the place of the line's.
//! Where a format has a header, the reader marks it.
//!
//! Some formats spread a record over several files: line n of each file together is one record. The record's bytes are those
//! lines with a newline between them, its position is that in the first file, and the files must have equally many lines.

mod binary;
mod stored;

use std::{
    io::{self, BufRead, Read as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use self::stored::{is_stdin, open, size};
pub use self::stored::{recognised, unusable};
use super::{Exit, Failure};
use crate::adapt::Format;

/// The longest line that is returned whole: 16 times the default limit of a record.
pub const LINE_BYTES_MAX: usize = 16 << 20;

/// One line with its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Index of the file, from 0.
    pub file: usize,
    /// Number of the line in its file, from 1; of a binary file, the number of the record, and 0 for the header.
    pub number: u64,
    /// Whether this is the header of its file and no record.
    pub is_header: bool,
    /// The line without its newline.
    pub bytes: &'a [u8],
}

/// Reads the lines of several files, one file after the other, or of a group of files side by side.
pub struct LineReader {
    files: Vec<PathBuf>,
    /// How many files are read side by side.
    abreast: usize,
    /// Whether the files have binary records.
    is_binary: bool,
    /// Whether each file begins with a header.
    has_header: bool,
    /// Whether the header of the current file is still to be returned.
    at_header: bool,
    /// Index of the current file, or of the first file of the current group.
    file: usize,
    /// Readers of the current group; empty until it is opened.
    open: Vec<Box<dyn BufRead + Send>>,
    line: Vec<u8>,
    number: u64,
    line_bytes_max: usize,
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
}

impl LineReader {
    /// Checks that every file exists and can be opened, before the first one is read.
    ///
    /// # Errors
    /// Exit 65 with the first file that cannot be used.
    pub fn open(files: &[PathBuf]) -> Result<Self, Failure> {
        Self::open_abreast(files, 1)
    }

    /// Like [`LineReader::open`], for files of this format.
    ///
    /// # Errors
    /// Exit 65 with the first file that cannot be used, that lacks its counterpart, or that is certainly of another format.
    pub fn open_as(files: &[PathBuf], format: Format) -> Result<Self, Failure> {
        let reader = Self::open_abreast(files, format.files_abreast())?;
        stored::check(files, format)?;
        let has_header = format.has_header();
        Ok(Self { is_binary: format.is_binary(), has_header, at_header: has_header, ..reader })
    }

    /// Like [`LineReader::open`], for a recording of which `abreast` files, at least one, are read side by side.
    ///
    /// # Errors
    /// Exit 65 with the first file that cannot be used, or that lacks its counterpart.
    pub fn open_abreast(files: &[PathBuf], abreast: usize) -> Result<Self, Failure> {
        if let Some(alone) = files.chunks(abreast).find(|set| set.len() < abreast).and_then(<[PathBuf]>::first) {
            let what = format!("`{}`: expected {abreast} files side by side", alone.display());
            return Err(Failure::new(Exit::Input, what));
        }
        let mut bytes_total = Some(0);
        for path in files {
            let size = if is_stdin(path) { None } else { Some(size(path).map_err(|e| unopened(path, &e))?) };
            // The length of a pipe is unknown.
            bytes_total = bytes_total.zip(size.filter(|&bytes| bytes > 0)).map(|(sum, bytes): (u64, u64)| sum + bytes);
        }
        Ok(Self {
            files: files.to_vec(),
            abreast,
            is_binary: false,
            has_header: false,
            at_header: false,
            file: 0,
            open: Vec::new(),
            line: Vec::new(),
            number: 0,
            line_bytes_max: LINE_BYTES_MAX,
            bytes_read: Arc::default(),
            bytes_total,
        })
    }

    /// Returns the next line that is not blank, or `None` after the last.
    ///
    /// # Errors
    /// Exit 65 with file and line where a read fails, or where the compressed data are cut off or damaged.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, Failure> {
        while self.file < self.files.len() {
            match self.advance() {
                Ok(true) if !self.is_binary && self.line.iter().all(|&byte| byte == b'\n') => {}
                Ok(true) => {
                    let is_header = std::mem::take(&mut self.at_header);
                    return Ok(Some(Line { file: self.file, number: self.number, is_header, bytes: &self.line }));
                }
                Ok(false) => {
                    self.open.clear();
                    self.file += self.abreast;
                    self.number = 0;
                    self.at_header = self.has_header;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }

    /// The name of a file in positions and messages.
    #[must_use]
    pub fn name(&self, file: usize) -> String {
        self.files[file].display().to_string()
    }

    /// Bytes read from the files so far, before decompression.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Size of all files together, before decompression; `None` where the size of one is unknown.
    #[must_use]
    pub const fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    /// Reads one line of each current file into the buffer; `false` at the end of the files.
    fn advance(&mut self) -> Result<bool, Failure> {
        let files = &self.files[self.file..self.file + self.abreast];
        if self.open.is_empty() {
            for path in files {
                self.open.push(open(path, &self.bytes_read).map_err(|e| broken(path, 1, &e))?);
            }
        }
        self.line.clear();
        if self.is_binary {
            let (path, reader, line) = (&files[0], &mut self.open[0], &mut self.line);
            let found = if self.at_header {
                binary::append_header(reader, line, self.line_bytes_max)
            } else {
                self.number += 1;
                binary::append_record(reader, line)
            };
            return found.map_err(|e| damaged(path, self.number, &e));
        }
        let mut there = 0;
        for (i, (path, reader)) in files.iter().zip(&mut self.open).enumerate() {
            if i > 0 {
                self.line.push(b'\n');
            }
            let found = append_line(reader, &mut self.line, self.line_bytes_max);
            there += usize::from(found.map_err(|e| broken(path, self.number + 1, &e))?);
        }
        if there > 0 && there < files.len() {
            return Err(unequal(files, self.number));
        }
        self.number += 1;
        Ok(there > 0)
    }
}

/// Appends the next line, cut after `bytes_max`; `false` at the end of the file.
fn append_line(reader: &mut dyn BufRead, line: &mut Vec<u8>, bytes_max: usize) -> io::Result<bool> {
    let start = line.len();
    // One byte beyond the limit for the newline, and one for `\r`.
    let room = bytes_max as u64 + 2;
    reader.take(room).read_until(b'\n', line)?;
    if line.len() == start {
        return Ok(false);
    }
    if line.pop_if(|last| *last == b'\n').is_some() {
        if line.len() > start {
            line.pop_if(|last| *last == b'\r');
        }
    } else if (line.len() - start) as u64 == room {
        reader.skip_until(b'\n')?;
    }
    line.truncate(start + bytes_max);
    Ok(true)
}

fn unopened(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Input, format!("cannot open `{}`: {error}", path.display()))
}

fn broken(path: &Path, number: u64, error: &io::Error) -> Failure {
    let path = path.display();
    let cut_off = error.kind() == io::ErrorKind::UnexpectedEof;
    let what = if cut_off { "the compressed data are cut off" } else { "cannot be read" };
    Failure::new(Exit::Input, format!("`{path}`, line {number}: {what}: {error}"))
}

fn damaged(path: &Path, number: u64, error: &io::Error) -> Failure {
    Failure::new(Exit::Input, format!("`{}`, record {number}: cannot be read: {error}", path.display()))
}

fn unequal(files: &[PathBuf], lines: u64) -> Failure {
    let names: Vec<String> = files.iter().map(|path| format!("`{}`", path.display())).collect();
    let names = names.join(" and ");
    Failure::new(Exit::Input, format!("{names} belong together line by line, but one ends after line {lines}"))
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write as _};

    use super::*;

    fn lines(reader: &mut LineReader) -> Vec<(usize, u64, String)> {
        let mut all = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            all.push((line.file, line.number, String::from_utf8(line.bytes.to_vec()).unwrap()));
        }
        all
    }

    fn file(dir: &tempfile::TempDir, name: &str, bytes: &[u8]) -> PathBuf {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    }

    fn gz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn xz(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = liblzma::write::XzEncoder::new(Vec::new(), 1);
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn files_follow_each_other_and_every_one_counts_its_own_lines() {
        let dir = tempfile::tempdir().unwrap();
        let files = [file(&dir, "a", b"one\r\n\ntwo\n\n"), file(&dir, "b", b""), file(&dir, "c", b"three")];
        let mut reader = LineReader::open(&files).unwrap();
        assert_eq!(lines(&mut reader), [(0, 1, "one".into()), (0, 3, "two".into()), (2, 1, "three".into())]);
        assert_eq!(reader.bytes_read(), 16);
    }

    #[test]
    fn every_compression_reads_on_past_its_first_member() {
        let dir = tempfile::tempdir().unwrap();
        let zst = |bytes: &[u8]| zstd::encode_all(bytes, 1).unwrap();
        let stored: [(&str, Vec<u8>); 3] = [
            ("a.gz", [gz(b"one\n"), gz(b"two")].concat()),
            ("a.zst", [zst(b"one\n"), zst(b"two")].concat()),
            ("a.xz", [xz(b"one\n"), xz(b"two")].concat()),
        ];
        for (name, bytes) in stored {
            let mut reader = LineReader::open(&[file(&dir, name, &bytes)]).unwrap();
            assert_eq!(lines(&mut reader), [(0, 1, "one".into()), (0, 2, "two".into())], "{name}");
            assert_eq!(Some(reader.bytes_read()), reader.bytes_total(), "{name}");
        }
    }

    #[test]
    fn a_cut_off_or_damaged_file_fails_with_its_name_and_line() {
        let dir = tempfile::tempdir().unwrap();
        let text = "a line of text\n".repeat(10_000);
        for (name, whole) in [
            ("a.gz", gz(text.as_bytes())),
            ("a.zst", zstd::encode_all(text.as_bytes(), 1).unwrap()),
            ("a.xz", xz(text.as_bytes())),
        ] {
            let mut damaged = whole.clone();
            damaged[0] ^= 0xff;
            for bytes in [&whole[..whole.len() / 2], &whole[..whole.len() - 4], &damaged] {
                let mut reader = LineReader::open(&[file(&dir, name, bytes)]).unwrap();
                let failure = loop {
                    match reader.next_line() {
                        Ok(Some(_)) => {}
                        Ok(None) => panic!("{name}: the end came without an error"),
                        Err(failure) => break failure,
                    }
                };
                assert_eq!(failure.exit, Exit::Input, "{name}");
                assert!(failure.message.contains(name) && failure.message.contains("line "), "{failure}");
            }
        }
    }

    #[test]
    fn an_endless_line_is_cut_and_the_next_one_is_whole() {
        let dir = tempfile::tempdir().unwrap();
        let mut reader =
            LineReader::open(&[file(&dir, "a", b"12345678\r\n1234567890\n12345678901234\nabc\n")]).unwrap();
        reader.line_bytes_max = 8;
        let found: Vec<String> = lines(&mut reader).into_iter().map(|(_, _, line)| line).collect();
        assert_eq!(found, ["12345678", "12345678", "12345678", "abc"]);
    }

    #[test]
    fn files_side_by_side_are_one_record_per_line_and_equally_long() {
        let dir = tempfile::tempdir().unwrap();
        let pair = |name: &str, left: &[u8], right: &[u8]| {
            [file(&dir, &format!("{name}.l"), left), file(&dir, &format!("{name}.r.gz"), &gz(right))]
        };
        let files = [pair("a", b"1\r\n\n3", b"one\n\nthree\n"), pair("b", b"4\n", b"four")].concat();
        let mut reader = LineReader::open_abreast(&files, 2).unwrap();
        let expected = [(0, 1, "1\none"), (0, 3, "3\nthree"), (2, 1, "4\nfour")];
        assert_eq!(lines(&mut reader), expected.map(|(file, number, line)| (file, number, line.to_owned())));
        for files in [pair("c", b"1\n2\n", b"one\n"), pair("d", b"1\n", b"one\ntwo\n")] {
            let mut reader = LineReader::open_abreast(&files, 2).unwrap();
            assert!(reader.next_line().unwrap().is_some());
            let failure = reader.next_line().unwrap_err();
            assert_eq!(failure.exit, Exit::Input);
            assert!(failure.message.contains("one ends after line 1"), "{failure}");
        }
        assert!(LineReader::open_abreast(&files[..3], 2).is_err());
    }

    #[test]
    fn a_binary_file_is_cut_into_its_header_and_its_records() {
        let dir = tempfile::tempdir().unwrap();
        let record = |fill: u8| [vec![4], vec![fill; 15]].concat();
        let whole = [b"DBN\x03\x02\0\0\0ab".to_vec(), record(b'\n'), record(7)].concat();
        let files = [file(&dir, "a.dbn", &whole), file(&dir, "b.dbn.zst", &zstd::encode_all(&*whole, 1).unwrap())];
        let mut reader = LineReader::open_as(&files, Format::Dbn).unwrap();
        let mut found = Vec::new();
        while let Some(line) = reader.next_line().unwrap() {
            found.push((line.file, line.number, line.is_header, line.bytes.len()));
        }
        let of = |file| [(file, 0, true, 10), (file, 1, false, 16), (file, 2, false, 16)];
        assert_eq!(found, [of(0), of(1)].concat());
        for (bytes, words) in [(&whole[..9], "record 0"), (&whole[..40], "record 2: cannot be read: the last record")] {
            let mut reader = LineReader::open_as(&[file(&dir, "c.dbn", bytes)], Format::Dbn).unwrap();
            let failure =
                std::iter::repeat_with(|| reader.next_line().map(|line| line.is_some())).find_map(Result::err);
            let failure = failure.unwrap();
            assert!(failure.exit == Exit::Input && failure.message.contains(words), "{failure}");
        }
    }

    #[test]
    fn a_file_of_another_format_is_named_before_it_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let packed = file(&dir, "a", &gz(b"{}\n"));
        let dbn = file(&dir, "b.jsonl.gz", &gz(b"DBN\x03\0\0\0\0"));
        for (path, format, words) in [
            (&packed, Format::Events, "looks like gzip data whose name does not end with `.gz`: rename it"),
            (&dbn, Format::Binance, "looks like databento dbn: its format is `dbn`"),
        ] {
            let failure = LineReader::open_as(std::slice::from_ref(path), format).err().unwrap();
            assert!(failure.exit == Exit::Input && failure.message.contains(words), "{failure}");
        }
        assert!(LineReader::open_as(&[dbn], Format::Dbn).is_ok());
    }

    #[test]
    fn a_missing_file_fails_before_anything_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let files = [file(&dir, "a", b"one\n"), dir.path().join("nowhere")];
        let failure = LineReader::open(&files).err().unwrap();
        assert_eq!(failure.exit, Exit::Input);
        assert!(failure.message.contains("nowhere"), "{failure}");
        assert!(LineReader::open(&[dir.path().to_path_buf()]).is_err());
    }
}
