//! Files as they are stored: compressed or not, of a known size or not, and what their first bytes look like.

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

use crate::{
    adapt::{Format, HEAD_BYTES, Likeness},
    app::{Exit, Failure},
};

/// Bytes read at once from the system and from a decompressor; reading gets no faster beyond 64 KiB.
const CHUNK_BYTES: usize = 1 << 16;

/// Opens a file, and decompresses it by its ending.
pub fn open(path: &Path, bytes_read: &Arc<AtomicU64>) -> io::Result<Box<dyn BufRead + Send>> {
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

/// Whether the name stands for standard input.
pub fn is_stdin(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The size of a file, which must be one that can be opened.
pub fn size(path: &Path) -> io::Result<u64> {
    let metadata = fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
    }
    if metadata.is_file() {
        File::open(path)?;
    }
    Ok(metadata.len())
}

/// Judges a file by its first bytes. `None` if they say nothing, cannot be read, or can be read only once.
fn likeness(path: &Path) -> Option<Likeness> {
    if is_stdin(path) || !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut head = Vec::new();
    // A damaged file is reported with the line at which it is damaged, when it is read.
    let _ = open(path, &Arc::default()).ok()?.take(HEAD_BYTES as u64).read_to_end(&mut head);
    Likeness::of(&head)
}

/// Returns the format of the first file, if its first bytes say so for certain, and what it looks like.
#[must_use]
pub fn recognised(files: &[PathBuf]) -> Option<(Format, String)> {
    match likeness(files.first()?)? {
        Likeness::Format(format, name) if format.has_header() => Some((format, name)),
        Likeness::Format(..) | Likeness::Packed(..) | Likeness::Other(_) => None,
    }
}

/// Refuses files that cannot be read in a format, whatever is in their lines.
pub fn check(files: &[PathBuf], format: Format) -> Result<(), Failure> {
    let excluded =
        |path: &PathBuf| likeness(path).filter(|likeness| likeness.excludes(format)).map(|l| (path.clone(), l));
    let Some((path, likeness)) = files.iter().find_map(excluded) else { return Ok(()) };
    let (path, name) = (path.display(), format.name());
    let advice = match &likeness {
        Likeness::Format(own, _) => format!(": its format is `{}`", own.name()),
        Likeness::Packed(..) => ": rename it".to_owned(),
        Likeness::Other(_) => String::new(),
    };
    Err(Failure::new(Exit::Input, format!("`{path}` cannot be read as `{name}`: it looks like {likeness}{advice}")))
}

/// The failure of a command whose files are not in the format that they were taken for. `verdict` says how that shows, and
/// `flag` names the argument that takes a format.
#[must_use]
pub fn unusable(files: &[PathBuf], format: Format, verdict: &str, flag: &str) -> Failure {
    let name = format.name();
    let other = |path: &PathBuf| {
        let likeness =
            likeness(path).filter(|likeness| !matches!(likeness, Likeness::Format(own, _) if *own == format));
        likeness.map(|likeness| format!(" `{}` looks like {likeness};", path.display()))
    };
    let looks = files.iter().find_map(other).unwrap_or_default();
    let formats = Format::ALL.map(|(_, name)| name).join(", ");
    let what = format!("{verdict}: are the files in the format `{name}`?{looks} `{flag}` takes {formats}");
    Failure::new(Exit::Input, what)
}

/// Counts the bytes that are read, for the progress.
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
