//! Files and folders as they were named on the command line, to a sorted list of inputs.

use std::collections::HashSet;
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::Timestamp;
use perisai_events::{ReadOptions, Sink};
use perisai_model::{Place, Problem};

use crate::pipe::{self, Pipe};

/// Which files of a folder are read. A file that is named itself is always read.
#[derive(Debug, Clone, Default)]
pub struct Globs {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
}

/// A pattern of file names that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a pattern of file names: {0}")]
pub struct InvalidGlob(#[from] globset::Error);

impl Globs {
    /// Patterns as in a shell. One without a slash is held against the name, one with a slash against the path below
    /// the folder that was named.
    ///
    /// # Errors
    /// Where a pattern is none.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, InvalidGlob> {
        Ok(Self {
            include: set(include)?,
            exclude: set(exclude)?,
        })
    }

    fn takes(&self, below: &Path) -> bool {
        let held =
            |set: &GlobSet| set.is_match(below) || below.file_name().is_some_and(|name| set.is_match(name));
        self.include.as_ref().is_none_or(held) && !self.exclude.as_ref().is_some_and(held)
    }
}

fn set(patterns: &[String]) -> Result<Option<GlobSet>, InvalidGlob> {
    if patterns.is_empty() {
        return Ok(None);
    }
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        set.add(GlobBuilder::new(pattern).literal_separator(true).build()?);
    }
    Ok(Some(set.build()?))
}

/// Something to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Input {
    /// What it is called in findings and problems.
    pub(crate) place: Place,
    /// Where it is; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    /// Its size; `None` for what cannot be sought in: standard input, a pipe, a device.
    pub(crate) size: Option<u64>,
    /// When it was last written; for standard input, now.
    pub(crate) modified: Option<Timestamp>,
    /// Found in a folder rather than named.
    pub(crate) found: bool,
}

/// Standard input.
pub(crate) const STDIN: &str = "-";
/// By which the system tells what standard input is, where it does.
const STDIN_FILE: &str = "/dev/stdin";

/// Walks the paths. The files of a folder come in the order of their names; each file comes once, however often it is
/// named or linked to.
pub(crate) fn walk(paths: &[PathBuf], globs: &Globs, problems: &mut Vec<Problem>) -> Vec<Input> {
    let mut walk = Walk {
        globs,
        problems,
        inputs: Vec::new(),
        folders: HashSet::new(),
        files: HashSet::new(),
    };
    for path in paths {
        if path.as_os_str() == STDIN {
            let place = Place::file(STDIN);
            walk.inputs.push(Input {
                place,
                path: None,
                size: None,
                // It is being written now: this gives a year to dates without one.
                modified: Some(Timestamp::now()),
                found: false,
            });
            continue;
        }
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => walk.folder(path, path),
            Ok(metadata) => walk.file(path, &metadata, false),
            Err(error) => walk.problem(path, &error_text(&error)),
        }
    }
    walk.inputs
}

struct Walk<'a> {
    globs: &'a Globs,
    problems: &'a mut Vec<Problem>,
    inputs: Vec<Input>,
    folders: HashSet<PathBuf>,
    files: HashSet<PathBuf>,
}

impl Walk<'_> {
    /// Goes through a folder and those below it, without recursion, so that no depth of folders matters.
    fn folder(&mut self, root: &Path, folder: &Path) {
        let mut waiting = vec![folder.to_owned()];
        let real_root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        while let Some(path) = waiting.pop() {
            let (metadata, real) = match fs::metadata(&path).and_then(|it| Ok((it, fs::canonicalize(&path)?)))
            {
                Ok(known) => known,
                Err(error) => {
                    self.problem(&path, &error_text(&error));
                    continue;
                }
            };
            if !real.starts_with(&real_root) {
                // The folder may come from a machine that an attacker had.
                self.problem(
                    &path,
                    "a link out of the folder: not followed; name it to have it read",
                );
            } else if metadata.is_dir() {
                self.enter(&path, real, &mut waiting);
            } else if metadata.is_file() && self.globs.takes(path.strip_prefix(root).unwrap_or(&path)) {
                // What is neither file nor folder (a socket, a device) is passed over where nobody named it.
                self.file(&path, &metadata, true);
            }
        }
    }

    /// Puts what is in a folder on the list; each folder once.
    fn enter(&mut self, path: &Path, real: PathBuf, waiting: &mut Vec<PathBuf>) {
        let parent = path.parent().and_then(|parent| fs::canonicalize(parent).ok());
        if !self.folders.insert(real.clone()) {
            if parent.is_some_and(|parent| parent.starts_with(&real)) {
                self.problem(path, "a link to a folder above it, a loop: not followed");
            }
            return;
        }
        match entries(path) {
            Ok(entries) => waiting.extend(entries.into_iter().rev()),
            Err(error) => self.problem(path, &error_text(&error)),
        }
    }

    fn file(&mut self, path: &Path, metadata: &Metadata, found: bool) {
        if metadata.is_file() && fs::canonicalize(path).is_ok_and(|real| !self.files.insert(real)) {
            return;
        }
        let modified = metadata
            .modified()
            .ok()
            .and_then(|time| Timestamp::try_from(time).ok());
        let place = Place::file(path.to_string_lossy());
        let size = metadata.is_file().then_some(metadata.len());
        self.inputs.push(Input {
            place,
            path: Some(path.to_owned()),
            size,
            modified,
            found,
        });
    }

    fn problem(&mut self, path: &Path, why: &str) {
        self.problems
            .push(Problem::new(Place::file(path.to_string_lossy()), why));
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut entries: Vec<_> = fs::read_dir(folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    entries.sort_unstable();
    Ok(entries)
}

/// True where the path leads to one of the files, however it is written.
pub(crate) fn is_one_of(path: &Path, files: &[PathBuf]) -> bool {
    let real = fs::canonicalize(path);
    files.iter().any(|file| {
        real.as_ref()
            .is_ok_and(|real| fs::canonicalize(file).is_ok_and(|file| file == *real))
    })
}

/// What an error of the system means, without its number.
pub(crate) fn error_text(error: &io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or_default().to_owned()
}

impl Input {
    /// Opens the input and reads all that is packed in it, until `ends` says that it is to end. `count` is told
    /// of each portion of bytes as it is read.
    pub(crate) fn read(
        &self,
        options: &ReadOptions,
        count: &dyn Fn(u64),
        ends: &dyn Fn() -> bool,
        sink: &mut dyn Sink,
    ) {
        let outcome = match &self.path {
            Some(path) if self.size.is_some() => File::open(path).map(|inner| {
                let mut counted = Counted { inner, count, ends };
                self.unpack(perisai_events::Input::Seekable(&mut counted), options, sink);
            }),
            None if fs::metadata(STDIN_FILE).is_ok_and(|metadata| metadata.is_file()) => {
                let inner = io::stdin().lock();
                let mut counted = Counted { inner, count, ends };
                self.unpack(perisai_events::Input::Stream(&mut counted), options, sink);
                Ok(())
            }
            path => Pipe::open(path.clone(), ends).map(|pipe| {
                let inner = &pipe;
                let mut counted = Counted { inner, count, ends };
                let quiet = || pipe.is_quiet();
                self.unpack(perisai_events::Input::Live(&mut counted, &quiet), options, sink);
            }),
        };
        if let Err(error) = outcome {
            sink.problem(Problem::new(self.place.clone(), error_text(&error)));
        }
    }

    fn unpack(&self, opened: perisai_events::Input<'_>, options: &ReadOptions, sink: &mut dyn Sink) {
        perisai_events::read(self.place.clone(), self.modified, opened, options, sink);
    }
}

/// A reader that tells how much was read, and fails once its reading is to end.
struct Counted<'a, R> {
    inner: R,
    count: &'a dyn Fn(u64),
    ends: &'a dyn Fn() -> bool,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if (self.ends)() {
            return Err(pipe::ended());
        }
        let read = self.inner.read(buf)?;
        (self.count)(read as u64);
        Ok(read)
    }
}

impl<R: Seek> Seek for Counted<'_, R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(files: &[&str]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for file in files {
            let path = dir.path().join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, file).unwrap();
        }
        dir
    }

    fn names(dir: &Path, globs: &Globs) -> Vec<String> {
        let mut problems = Vec::new();
        let inputs = walk(&[dir.to_owned()], globs, &mut problems);
        assert_eq!(problems, []);
        let below = |input: &Input| {
            input
                .path
                .as_ref()
                .unwrap()
                .strip_prefix(dir)
                .unwrap()
                .display()
                .to_string()
        };
        inputs.iter().map(below).collect()
    }

    #[test]
    fn folders_are_walked_in_order() {
        let dir = tree(&["b/2.log", "a.log", "b/1.gz", "c.txt"]);
        assert_eq!(
            names(dir.path(), &Globs::default()),
            ["a.log", "b/1.gz", "b/2.log", "c.txt"]
        );
        let globs = Globs::new(&["*.log".into(), "b/*".into()], &["2.*".into()]).unwrap();
        assert_eq!(names(dir.path(), &globs), ["a.log", "b/1.gz"]);
    }

    #[test]
    #[cfg(unix)]
    fn a_loop_of_folders_ends_and_a_file_comes_once() {
        let dir = tree(&["a/x.log"]);
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("a/x.log"), dir.path().join("a/y.log")).unwrap();
        std::os::unix::fs::symlink("/etc/hostname", dir.path().join("out.log")).unwrap();
        let mut problems = Vec::new();
        let inputs = walk(&[dir.path().to_owned()], &Globs::default(), &mut problems);
        assert_eq!(inputs.len(), 1, "{inputs:?}");
        let told: Vec<_> = problems
            .iter()
            .map(|problem| problem.why.split(':').next().unwrap())
            .collect();
        assert_eq!(
            told,
            ["a link to a folder above it, a loop", "a link out of the folder"]
        );
    }

    #[test]
    fn what_is_not_there_is_told() {
        let mut problems = Vec::new();
        assert_eq!(walk(&["/no/such".into()], &Globs::default(), &mut problems), []);
        assert_eq!(problems[0].to_string(), "/no/such: No such file or directory");
        assert!(Globs::new(&["[".into()], &[]).is_err());
    }
}
