//! Reading lines from many files, whatever they are compressed with, as one stream.
//!
//! A line is one record. It is handed out as a slice of one buffer that is used again, so a recording of any length is read
//! in the same memory. The ending of the name says the compression (`.gz` with any number of members, `.zst`, `.xz`); `-` is
//! standard input, plain. A last line without a newline counts; one `\r` before the newline is not part of the line. A blank
//! line is no record, because files commonly end with one, but it is counted in the line numbers. A line of more than
//! [`LINE_BYTES_MAX`] is handed out cut after that many bytes and the rest is skipped: memory stays bounded, and as the limit
//! lies above what the decoder takes, the decoder rejects it as too large.
//!
//! Some recordings lie in several files side by side: line n of each together is one record. Its bytes are then those lines
//! with a newline between them, its place is that of the first file, and files that are not equally long are unusable.

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;

use super::{Exit, Failure};

/// The longest line that is handed out whole: 16 times what a record may hold by default.
pub const LINE_BYTES_MAX: usize = 16 << 20;
/// Bytes asked of the system and of a decompressor at once; beyond 64 KiB reading gets no faster.
const CHUNK_BYTES: usize = 1 << 16;

/// One line and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Which of the files, from 0.
    pub file: usize,
    /// Which line of the file, from 1.
    pub number: u64,
    /// Without its newline.
    pub bytes: &'a [u8],
}

/// The lines of several files, one file after the other, or so many at a time side by side.
pub struct LineReader {
    files: Vec<PathBuf>,
    /// How many files are read side by side.
    abreast: usize,
    /// The (first) file that is being read, or the next to be opened.
    file: usize,
    /// Those that are being read; none between two files.
    open: Vec<Box<dyn BufRead + Send>>,
    line: Vec<u8>,
    number: u64,
    line_bytes_max: usize,
    bytes_read: Arc<AtomicU64>,
    bytes_total: Option<u64>,
}

impl LineReader {
    /// Makes sure that every file is there and can be opened, before the first is read.
    ///
    /// # Errors
    /// Exit 65 with the first file that cannot be used.
    pub fn open(files: &[PathBuf]) -> Result<Self, Failure> {
        Self::open_abreast(files, 1)
    }

    /// The same for a recording of so many files side by side; at least one.
    ///
    /// # Errors
    /// Exit 65 with the first file that cannot be used, also where one has no other beside it.
    pub fn open_abreast(files: &[PathBuf], abreast: usize) -> Result<Self, Failure> {
        if let Some(alone) = files.chunks(abreast).find(|set| set.len() < abreast).and_then(<[PathBuf]>::first) {
            let what = format!("`{}`: expected {abreast} files side by side", alone.display());
            return Err(Failure::new(Exit::Input, what));
        }
        let mut bytes_total = Some(0);
        for path in files {
            let size = if is_stdin(path) { None } else { Some(size(path).map_err(|e| unusable(path, &e))?) };
            // Of a pipe nobody knows the end.
            bytes_total = bytes_total.zip(size.filter(|&bytes| bytes > 0)).map(|(sum, bytes): (u64, u64)| sum + bytes);
        }
        Ok(Self {
            files: files.to_vec(),
            abreast,
            file: 0,
            open: Vec::new(),
            line: Vec::new(),
            number: 0,
            line_bytes_max: LINE_BYTES_MAX,
            bytes_read: Arc::default(),
            bytes_total,
        })
    }

    /// The next line that is not blank; `None` after the last.
    ///
    /// # Errors
    /// Exit 65, naming file and line, where a file cannot be read on or its compression is cut off or damaged.
    pub fn next_line(&mut self) -> Result<Option<Line<'_>>, Failure> {
        while self.file < self.files.len() {
            match self.advance() {
                Ok(true) if self.line.iter().all(|&byte| byte == b'\n') => {}
                Ok(true) => {
                    return Ok(Some(Line { file: self.file, number: self.number, bytes: &self.line }));
                }
                Ok(false) => {
                    self.open.clear();
                    self.file += self.abreast;
                    self.number = 0;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(None)
    }

    /// How a file is called in a position or in a message.
    #[must_use]
    pub fn name(&self, file: usize) -> String {
        self.files[file].display().to_string()
    }

    /// Bytes read from the files so far, as they are stored.
    #[must_use]
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// Bytes that all files hold, as they are stored; `None` where one has no known end.
    #[must_use]
    pub const fn bytes_total(&self) -> Option<u64> {
        self.bytes_total
    }

    /// Reads one line of each of the current files into the buffer; `false` at their end.
    fn advance(&mut self) -> Result<bool, Failure> {
        let files = &self.files[self.file..self.file + self.abreast];
        if self.open.is_empty() {
            for path in files {
                self.open.push(open(path, &self.bytes_read).map_err(|e| broken(path, 1, &e))?);
            }
        }
        self.line.clear();
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

/// Appends the next line, cut after so many bytes; `false` at the file's end.
fn append_line(reader: &mut dyn BufRead, line: &mut Vec<u8>, bytes_max: usize) -> io::Result<bool> {
    let start = line.len();
    // One byte more than the limit for the newline, and one for `\r`.
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

fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

fn size(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    if metadata.is_file() {
        File::open(path)?;
    }
    Ok(metadata.len())
}

fn open(path: &Path, bytes_read: &Arc<AtomicU64>) -> io::Result<Box<dyn BufRead + Send>> {
    let count = |source| BufReader::with_capacity(CHUNK_BYTES, Counted { source, bytes: Arc::clone(bytes_read) });
    if is_stdin(path) {
        return Ok(Box::new(count(Box::new(io::stdin()) as Box<dyn Read + Send>)));
    }
    let stored = count(Box::new(File::open(path)?));
    Ok(match path.extension().and_then(|ending| ending.to_str()) {
        Some("gz") => Box::new(BufReader::with_capacity(CHUNK_BYTES, MultiGzDecoder::new(stored))),
        Some("zst") => {
            let decoder = zstd::stream::read::Decoder::with_buffer(stored)?;
            Box::new(BufReader::with_capacity(CHUNK_BYTES, decoder))
        }
        Some("xz") => Box::new(BufReader::with_capacity(CHUNK_BYTES, XzDecoder::new_multi_decoder(stored))),
        Some(_) | None => Box::new(stored),
    })
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::new(Exit::Input, format!("cannot open `{}`: {error}", path.display()))
}

fn broken(path: &Path, number: u64, error: &io::Error) -> Failure {
    let path = path.display();
    let cut_off = error.kind() == io::ErrorKind::UnexpectedEof;
    let what = if cut_off { "the compressed data end too early" } else { "cannot be read" };
    Failure::new(Exit::Input, format!("`{path}`, line {number}: {what}: {error}"))
}

fn unequal(files: &[PathBuf], lines: u64) -> Failure {
    let names: Vec<String> = files.iter().map(|path| format!("`{}`", path.display())).collect();
    let names = names.join(" and ");
    Failure::new(Exit::Input, format!("{names} belong together line by line, but one ends after line {lines}"))
}

/// Counts what passes, for the progress.
struct Counted {
    source: Box<dyn Read + Send>,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.source.read(buffer)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

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
    fn a_missing_file_fails_before_anything_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let files = [file(&dir, "a", b"one\n"), dir.path().join("nowhere")];
        let failure = LineReader::open(&files).err().unwrap();
        assert_eq!(failure.exit, Exit::Input);
        assert!(failure.message.contains("nowhere"), "{failure}");
        assert!(LineReader::open(&[dir.path().to_path_buf()]).is_err());
    }
}
