//! Writes files that appear whole or not at all, and standard output, which may close early.
//!
//! An [`AtomicFile`] is written under another name in the same folder and renamed when it is finished; dropped before that, it
//! leaves nothing behind. It does not wait for the disk, because it protects a reader from half a file and not from a power
//! cut. Names that end in `.gz` and `.zst` are compressed; `-` is standard output. A pipe or a device such as `/dev/null` is
//! written to and not replaced, and a link is followed.

use std::{
    fs::{self, File, Permissions},
    io::{self, BufWriter, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use flate2::{Compression, write::GzEncoder};
use tempfile::NamedTempFile;

use super::Failure;

/// Zstandard's own default. A higher level costs time that a recording of the flow does not have.
const ZSTD_LEVEL: i32 = 3;

/// An output file that appears whole when [`AtomicFile::finish`] returns.
pub struct AtomicFile {
    path: PathBuf,
    writer: Writer,
}

/// The writer, with or without compression.
enum Writer {
    Plain(BufWriter<Target>),
    Gz(GzEncoder<BufWriter<Target>>),
    Zst(zstd::Encoder<'static, BufWriter<Target>>),
}

/// The destination of the bytes.
enum Target {
    /// A temporary file, and the path to which it is renamed.
    Temporary(NamedTempFile, PathBuf),
    /// A device or a pipe.
    Device(File),
    Stdout(io::Stdout),
}

impl AtomicFile {
    /// Begins an output file.
    ///
    /// # Errors
    /// Exit 64 for a compression that can only be read, exit 1 where the file cannot be created.
    pub fn create(path: &Path) -> Result<Self, Failure> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        if ending == Some("xz") {
            return Err(Failure::usage(format!("cannot write `{}`: .xz is only read, use .zst", path.display())));
        }
        let fail = |e| Failure::writing(&path.display(), &e);
        let target = BufWriter::with_capacity(1 << 16, Target::open(path).map_err(fail)?);
        let writer = match ending {
            Some("gz") => Writer::Gz(GzEncoder::new(target, Compression::default())),
            Some("zst") => Writer::Zst(zstd::Encoder::new(target, ZSTD_LEVEL).map_err(fail)?),
            Some(_) | None => Writer::Plain(target),
        };
        Ok(Self { path: path.to_path_buf(), writer })
    }

    /// The path at which the file appears.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Ends the compression and renames the file to its path. A reader of standard output that has closed it is no failure.
    ///
    /// # Errors
    /// Exit 1 where the last bytes cannot be written or the file cannot be renamed; nothing is left behind then.
    pub fn finish(self) -> Result<(), Failure> {
        let Self { path, writer } = self;
        let outcome = match writer {
            Writer::Plain(target) => Ok(target),
            Writer::Gz(encoder) => encoder.finish(),
            Writer::Zst(encoder) => encoder.finish(),
        }
        .and_then(|target| target.into_inner().map_err(io::IntoInnerError::into_error))
        .and_then(Target::close);
        outcome.map_err(|e| Failure::writing(&path.display(), &e))
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Writer::Plain(writer) => writer.write(bytes),
            Writer::Gz(writer) => writer.write(bytes),
            Writer::Zst(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.writer {
            Writer::Plain(writer) => writer.flush(),
            Writer::Gz(writer) => writer.flush(),
            Writer::Zst(writer) => writer.flush(),
        }
    }
}

impl Target {
    fn open(path: &Path) -> io::Result<Self> {
        if path.as_os_str() == "-" {
            return Ok(Self::Stdout(io::stdout()));
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a directory"));
            }
            Ok(metadata) if !metadata.is_file() => return Ok(Self::Device(File::options().write(true).open(path)?)),
            Ok(_) | Err(_) => {}
        }
        let destination = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let folder = destination.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            let what = format!("the folder `{}` is not there: create it", folder.display());
            return Err(io::Error::new(io::ErrorKind::NotFound, what));
        }
        // The mode that an ordinary new file asks for; the system applies the umask.
        let permissions = Permissions::from_mode(0o666);
        let file = tempfile::Builder::new().prefix(".foreshock-").permissions(permissions).tempfile_in(folder)?;
        Ok(Self::Temporary(file, destination))
    }

    fn close(self) -> io::Result<()> {
        match self {
            Self::Temporary(file, destination) => file.persist(destination).map(drop).map_err(|e| e.error),
            Self::Device(mut file) => file.flush(),
            Self::Stdout(mut stdout) => unless_closed(stdout.flush()),
        }
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Temporary(file, _) => file.write(bytes),
            Self::Device(file) => file.write(bytes),
            // The reader has closed its end: the rest is discarded.
            Self::Stdout(stdout) => match stdout.write(bytes) {
                Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(bytes.len()),
                outcome => outcome,
            },
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Temporary(file, _) => file.flush(),
            Self::Device(file) => file.flush(),
            Self::Stdout(stdout) => unless_closed(stdout.flush()),
        }
    }
}

fn unless_closed(outcome: io::Result<()>) -> io::Result<()> {
    match outcome {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// Prints a command's result on standard output. A reader that has closed it (`| head -1`) is no failure.
///
/// # Errors
/// Exit 1 where standard output cannot be written.
pub fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    unless_closed(stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()))
        .map_err(|e| Failure::writing(&"standard output", &e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(dir: &Path) -> Vec<String> {
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_whole_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out");
        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"half").unwrap();
        assert!(!path.exists());
        drop(file);
        assert!(names(dir.path()).is_empty());

        let mut file = AtomicFile::create(&path).unwrap();
        file.write_all(b"whole").unwrap();
        file.finish().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(dir.path()), ["out"]);
    }

    #[test]
    fn its_permissions_are_those_of_any_new_file() {
        let dir = tempfile::tempdir().unwrap();
        let (ours, ordinary) = (dir.path().join("ours"), dir.path().join("ordinary"));
        AtomicFile::create(&ours).unwrap().finish().unwrap();
        fs::write(&ordinary, b"").unwrap();
        let mode = |path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&ordinary));
    }

    #[test]
    fn what_is_compressed_by_its_ending_reads_back() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["a.gz", "a.zst", "a"] {
            let path = dir.path().join(name);
            let mut file = AtomicFile::create(&path).unwrap();
            file.write_all(b"one\ntwo\n").unwrap();
            file.finish().unwrap();
            let mut reader = super::super::files::LineReader::open(&[path]).unwrap();
            assert_eq!(reader.next_line().unwrap().unwrap().bytes, b"one", "{name}");
        }
        assert!(AtomicFile::create(&dir.path().join("a.xz")).is_err());
    }

    #[test]
    fn a_link_is_followed_and_a_device_is_not_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let (real, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&real, b"old").unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        let mut file = AtomicFile::create(&link).unwrap();
        file.write_all(b"new").unwrap();
        file.finish().unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read(&real).unwrap(), b"new");

        AtomicFile::create(Path::new("/dev/null")).unwrap().finish().unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
