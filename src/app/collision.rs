//! Refuses a command that names an output file also as an input or as another output, before anything is opened for writing.
//!
//! Files are compared by identity (device and inode), because one file has many spellings: a relative path, a symbolic link, a
//! hard link, or standard input redirected from it. A file that does not exist yet is known by its folder and its name.
//! Devices and sockets hold nothing that could be lost, so they may be named any number of times.
//!
//! [`files`] lists what each command reads and writes; a new command must decide there what belongs on the list.

use std::{
    fmt,
    fs::{self, File, Metadata},
    io,
    os::{
        fd::{AsFd, BorrowedFd},
        unix::fs::{FileTypeExt as _, MetadataExt as _},
    },
    path::{Path, PathBuf},
};

use super::{Failure, cli::Command};

/// A file that the command line names.
#[derive(Clone, Copy, Debug)]
struct Named<'a> {
    /// The flag, or the placeholder of a positional argument.
    flag: &'static str,
    path: &'a Path,
}

/// The files of one command.
#[derive(Default)]
struct Files<'a> {
    inputs: Vec<Named<'a>>,
    outputs: Vec<Named<'a>>,
}

/// The identity of a file: paths with the same identity lead to the same file.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Identity {
    /// A file or a named pipe that exists.
    Existing { device: u64, inode: u64 },
    /// A file to be created, with its folder's own path.
    New(PathBuf),
    /// Standard output, where it is neither a file nor a pipe.
    StandardOutput,
}

/// Refuses outputs that would overwrite an input or each other.
///
/// # Errors
/// Exit 64 with the two arguments that name one file.
pub fn check(command: &Command) -> Result<(), Failure> {
    let Files { inputs, outputs } = files(command);
    let inputs: Vec<_> = inputs.into_iter().filter_map(|input| Some((input, of_input(input.path)?))).collect();
    let mut seen: Vec<(Named<'_>, Identity)> = Vec::new();
    for output in outputs {
        let Some(identity) = of_output(output.path) else { continue };
        let same = |(_, other): &&(Named<'_>, Identity)| *other == identity;
        if let Some((input, _)) = inputs.iter().find(same) {
            return Err(refused(output, *input, "the input would be overwritten"));
        }
        if let Some((other, _)) = seen.iter().find(same) {
            if [output, *other].iter().all(|named| is_standard(named.path)) {
                let what = format!("{output} and {other} are both standard output: their lines would be mixed");
                return Err(Failure::usage(format!("{what}; name a file for one of them")));
            }
            return Err(refused(output, *other, "one would overwrite the other"));
        }
        seen.push((output, identity));
    }
    Ok(())
}

/// The files that a command reads and writes.
fn files(command: &Command) -> Files<'_> {
    let mut files = Files::default();
    match command {
        Command::Replay(args) => {
            files.read_all("FILE", &args.files);
            files.read("--config", args.config.as_deref());
            files.read("--diff", args.diff.as_deref());
            // With --kafka the name may be that of a topic.
            let inputs = args.inputs.as_deref().map(Path::new);
            files.read("--inputs", inputs.filter(|path| args.kafka.is_none() || path.exists()));
            files.write("--alerts", args.alerts.as_deref());
            files.write("--signals", args.signals.as_deref());
            files.write("--metrics", args.metrics.as_deref());
            files.write("--dead-letters", args.dead_letters.as_deref());
        }
        Command::Simulate(args) => {
            files.write("--events", args.events.as_deref());
            files.write("--labels", args.labels.as_deref());
        }
        Command::Convert(args) => {
            files.read_all("FILE", &args.files);
            files.write("--out", Some(&args.out));
        }
        // These write no files.
        Command::Demo(_) | Command::Run(_) | Command::Notify(_) | Command::Check(_) | Command::Schema(_) => {}
    }
    files
}

impl<'a> Files<'a> {
    fn read(&mut self, flag: &'static str, path: Option<&'a Path>) {
        self.inputs.extend(path.map(|path| Named { flag, path }));
    }

    fn read_all(&mut self, flag: &'static str, paths: &'a [PathBuf]) {
        self.inputs.extend(paths.iter().map(|path| Named { flag, path }));
    }

    fn write(&mut self, flag: &'static str, path: Option<&'a Path>) {
        self.outputs.extend(path.map(|path| Named { flag, path }));
    }
}

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{} {}`", self.flag, self.path.display())
    }
}

fn refused(output: Named<'_>, other: Named<'_>, loss: &str) -> Failure {
    Failure::usage(format!("{output} and {other} name the same file: {loss}; name another one for `{}`", output.flag))
}

fn of_input(path: &Path) -> Option<Identity> {
    if is_standard(path) { redirected(io::stdin().as_fd()) } else { of_path(path) }
}

fn of_output(path: &Path) -> Option<Identity> {
    if is_standard(path) {
        Some(redirected(io::stdout().as_fd()).unwrap_or(Identity::StandardOutput))
    } else {
        of_path(path)
    }
}

fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The file or pipe behind a standard stream, if it is one.
fn redirected(stream: BorrowedFd<'_>) -> Option<Identity> {
    let metadata = File::from(stream.try_clone_to_owned().ok()?).metadata().ok()?;
    of_metadata(&metadata)
}

fn of_path(path: &Path) -> Option<Identity> {
    if let Ok(metadata) = fs::metadata(path) {
        return of_metadata(&metadata);
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    Some(Identity::New(folder.join(path.file_name()?)))
}

fn of_metadata(metadata: &Metadata) -> Option<Identity> {
    let holds = metadata.is_file() || metadata.file_type().is_fifo();
    holds.then(|| Identity::Existing { device: metadata.dev(), inode: metadata.ino() })
}
