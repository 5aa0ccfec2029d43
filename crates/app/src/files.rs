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

/// Which files of a folder are read. What is named itself is always read.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    include: Option<GlobSet>,
    exclude: Option<GlobSet>,
    /// Folders that are not entered: those that a pattern of `exclude` fits, with or without a slash behind it.
    prune: Option<GlobSet>,
    /// Links that lead out of the folder are followed.
    follow: bool,
}

/// A pattern of file names that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a pattern of file names")]
pub struct InvalidGlob(#[from] globset::Error);

impl Selection {
    /// Patterns as in a shell. One without a slash is held against the name, one with a slash against the path below
    /// the folder that was named, with and without that folder's own name. What fits `exclude` is not read, a folder
    /// not entered; one that ends in a slash means folders only.
    ///
    /// # Errors
    /// Where a pattern is none.
    pub fn new(include: &[String], exclude: &[String]) -> Result<Self, InvalidGlob> {
        let files = exclude.iter().filter(|pattern| !pattern.ends_with('/'));
        Ok(Self {
            include: set(include.iter().map(String::as_str))?,
            exclude: set(files.map(String::as_str))?,
            prune: set(exclude.iter().map(|pattern| pattern.trim_end_matches('/')))?,
            follow: false,
        })
    }

    /// Whether links that lead out of a folder are followed, too.
    #[must_use]
    pub fn follow(self, follow: bool) -> Self {
        Self { follow, ..self }
    }

    fn takes(&self, root: &Path, path: &Path) -> bool {
        self.include.as_ref().is_none_or(|set| fits(set, root, path))
            && !self.exclude.as_ref().is_some_and(|set| fits(set, root, path))
    }

    fn enters(&self, root: &Path, folder: &Path) -> bool {
        folder == root || !self.prune.as_ref().is_some_and(|set| fits(set, root, folder))
    }

    fn takes_all(&self) -> bool {
        self.include.is_none() && self.exclude.is_none() && self.prune.is_none()
    }
}

/// Whether a pattern fits a path in a folder.
fn fits(set: &GlobSet, root: &Path, path: &Path) -> bool {
    let below = path.strip_prefix(root).unwrap_or(path);
    let named = || {
        root.file_name()
            .is_some_and(|root| set.is_match(Path::new(root).join(below)))
    };
    set.is_match(below) || below.file_name().is_some_and(|name| set.is_match(name)) || named()
}

fn set<'a>(patterns: impl Iterator<Item = &'a str>) -> Result<Option<GlobSet>, InvalidGlob> {
    let mut set = GlobSetBuilder::new();
    let mut any = false;
    for pattern in patterns {
        any = true;
        set.add(GlobBuilder::new(pattern).literal_separator(true).build()?);
    }
    Ok(any.then(|| set.build()).transpose()?)
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

/// The files under some paths, in the order of their names, and how each is called; without a path for standard input.
/// What is no file, and links that lead out of a folder, are told as problems.
pub fn files_of(paths: &[PathBuf], problems: &mut Vec<Problem>) -> Vec<(Option<PathBuf>, Place)> {
    let walked = walk(paths, &Selection::default(), problems);
    let links = walked
        .links
        .into_iter()
        .map(|link| Problem::new(link, NOT_FOLLOWED));
    problems.extend(links);
    let files = walked.inputs.into_iter();
    files.map(|input| (input.path, input.place)).collect()
}

/// Why a link is not read.
pub(crate) const NOT_FOLLOWED: &str = "a link out of the folder: not followed; name it to have it read";

/// What paths lead to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Walked {
    pub(crate) inputs: Vec<Input>,
    /// Pipes, sockets and devices in folders: passed over.
    pub(crate) special: u64,
    /// Links that lead out of their folder: not followed.
    pub(crate) links: Vec<Place>,
}

/// Walks the paths. The files of a folder come in the order of their names; each file comes once, however often it is
/// named or linked to. A folder that gives nothing to read is told.
pub(crate) fn walk(paths: &[PathBuf], selection: &Selection, problems: &mut Vec<Problem>) -> Walked {
    let mut walk = Walk {
        selection,
        problems,
        walked: Walked::default(),
        folders: HashSet::new(),
        files: HashSet::new(),
        links: Vec::new(),
    };
    for path in paths {
        if path.as_os_str() == STDIN {
            let place = Place::file(STDIN);
            walk.walked.inputs.push(Input {
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
            Ok(metadata) if metadata.is_dir() => walk.root(path),
            Ok(metadata) => walk.file(path, &metadata, false),
            Err(error) => walk.problem(path, &error_text(&error)),
        }
    }
    // What was read by another way was not passed over.
    let (links, folders, files) = (walk.links, walk.folders, walk.files);
    let unread = links
        .into_iter()
        .filter(|(_, real)| !folders.contains(real) && !files.contains(real));
    walk.walked
        .links
        .extend(unread.map(|(path, _)| Place::file(path.to_string_lossy())));
    walk.walked
}

struct Walk<'a> {
    selection: &'a Selection,
    problems: &'a mut Vec<Problem>,
    walked: Walked,
    folders: HashSet<PathBuf>,
    files: HashSet<PathBuf>,
    /// Links that lead out of their folder, and where to.
    links: Vec<(PathBuf, PathBuf)>,
}

impl Walk<'_> {
    /// A folder that was named. That nothing is in it must not look as if nothing were found in it.
    fn root(&mut self, root: &Path) {
        let known = self.files.len() + self.folders.len();
        let before = (self.walked.inputs.len(), self.problems.len());
        let passed_over = self.passed_over();
        self.folder(root);
        let was_read = self.walked.inputs.len() > before.0 || self.problems.len() > before.1;
        // One that stands in another, or is named twice, was read there.
        if was_read || known > 0 && self.folders.len() + self.files.len() == known {
            return;
        }
        let why = match (self.passed_over() > passed_over, self.selection.takes_all()) {
            (true, _) => {
                "nothing but pipes, sockets, devices or links out of it in this folder: nothing was read"
            }
            (false, true) => "no file in this folder: nothing was read",
            (false, false) => "no file in this folder fits --include and --exclude: nothing was read",
        };
        self.problem(root, why);
    }

    fn passed_over(&self) -> u64 {
        self.walked.special + self.links.len() as u64
    }

    /// Goes through a folder and those below it, without recursion, so that no depth of folders matters.
    fn folder(&mut self, root: &Path) {
        let mut waiting = vec![root.to_owned()];
        let real_root = fs::canonicalize(root).unwrap_or_else(|_| root.to_owned());
        while let Some(path) = waiting.pop() {
            // What is left out is not looked at either: it may be unreadable.
            if !self.selection.enters(root, &path) && path.is_dir() {
                continue;
            }
            let (metadata, real) = match fs::metadata(&path).and_then(|it| Ok((it, fs::canonicalize(&path)?)))
            {
                Ok(known) => known,
                Err(error) => {
                    self.problem(&path, &error_text(&error));
                    continue;
                }
            };
            if !metadata.is_dir() && !self.selection.takes(root, &path) {
                continue;
            }
            if !self.selection.follow && !real.starts_with(&real_root) {
                // The folder may come from a machine that an attacker had.
                self.links.push((path, real));
            } else if metadata.is_dir() {
                self.enter(&path, real, &mut waiting);
            } else if metadata.is_file() {
                self.file(&path, &metadata, true);
            } else {
                // To read from what is neither file nor folder may wait for ever, or do something.
                self.walked.special += 1;
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
        self.walked.inputs.push(Input {
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
    /// A file that is called otherwise than its path says.
    pub(crate) fn named(path: PathBuf, name: &str) -> Self {
        let metadata = fs::metadata(&path).ok();
        Self {
            place: Place::file(name),
            size: metadata.as_ref().map(Metadata::len),
            modified: Some(Timestamp::now()),
            path: Some(path),
            found: false,
        }
    }

    /// Whether the first bytes of a file are such; false where it cannot be read, which is told when it is searched.
    pub(crate) fn starts_as(&self, such: fn(&[u8]) -> bool) -> bool {
        const HEAD: u64 = 4096;
        let mut head = Vec::new();
        let path = self.path.as_ref().filter(|_| self.size.is_some());
        path.and_then(|path| File::open(path).ok())
            .is_some_and(|file| file.take(HEAD).read_to_end(&mut head).is_ok() && such(&head))
    }

    /// Opens the input and reads all that is packed in it, until `ends` says that it is to end. `seen` is shown each
    /// portion of bytes as it is read.
    pub(crate) fn read(
        &self,
        options: &ReadOptions,
        seen: &dyn Fn(&[u8]),
        ends: &dyn Fn() -> bool,
        sink: &mut dyn Sink,
    ) {
        let outcome = match &self.path {
            Some(path) if self.size.is_some() => File::open(path).map(|inner| {
                let mut shown = Shown::new(inner, self.size, seen, ends);
                self.unpack(perisai_events::Input::Seekable(&mut shown), options, sink);
            }),
            None if fs::metadata(STDIN_FILE).is_ok_and(|metadata| metadata.is_file()) => {
                let mut shown = Shown::new(io::stdin().lock(), None, seen, ends);
                self.unpack(perisai_events::Input::Stream(&mut shown), options, sink);
                Ok(())
            }
            path => Pipe::open(path.clone(), ends).map(|pipe| {
                let mut shown = Shown::new(&pipe, None, seen, ends);
                let quiet = || pipe.is_quiet();
                self.unpack(perisai_events::Input::Live(&mut shown, &quiet), options, sink);
            }),
        };
        if let Err(error) = outcome {
            sink.problem(Problem::new(self.place.clone(), error_text(&error)));
        }
    }

    /// Reads what was kept of the input.
    #[cfg(feature = "yara")]
    pub(crate) fn read_again(&self, mut kept: impl Read, options: &ReadOptions, sink: &mut dyn Sink) {
        self.unpack(perisai_events::Input::Stream(&mut kept), options, sink);
    }

    fn unpack(&self, opened: perisai_events::Input<'_>, options: &ReadOptions, sink: &mut dyn Sink) {
        perisai_events::read(self.place.clone(), self.modified, opened, options, sink);
    }
}

/// A reader that shows what was read, and fails once its reading is to end.
struct Shown<'a, R> {
    inner: R,
    seen: &'a dyn Fn(&[u8]),
    ends: &'a dyn Fn() -> bool,
    /// How much there is to be read: what is read again, as the end of a file that may be an archive, is not shown
    /// again.
    left: u64,
}

impl<'a, R> Shown<'a, R> {
    fn new(inner: R, size: Option<u64>, seen: &'a dyn Fn(&[u8]), ends: &'a dyn Fn() -> bool) -> Self {
        Self {
            inner,
            seen,
            ends,
            left: size.unwrap_or(u64::MAX),
        }
    }
}

impl<R: Read> Read for Shown<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if (self.ends)() {
            return Err(pipe::ended());
        }
        let read = self.inner.read(buf)?;
        let shown = usize::try_from(self.left).map_or(read, |left| left.min(read));
        self.left -= shown as u64;
        (self.seen)(&buf[..shown]);
        Ok(read)
    }
}

impl<R: Seek> Seek for Shown<'_, R> {
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

    fn names(dir: &Path, selection: &Selection) -> Vec<String> {
        let mut problems = Vec::new();
        let inputs = walk(&[dir.to_owned()], selection, &mut problems).inputs;
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
            names(dir.path(), &Selection::default()),
            ["a.log", "b/1.gz", "b/2.log", "c.txt"]
        );
        let selection = Selection::new(&["*.log".into(), "b/*".into()], &["2.*".into()]).unwrap();
        assert_eq!(names(dir.path(), &selection), ["a.log", "b/1.gz"]);
    }

    #[test]
    fn excluded_folders_are_not_entered() {
        let dir = tree(&["a.log", "old/b.log", "x/old/c.log", "x/old/deep/d.log", "x/y.log"]);
        let check = |exclude: &str, expected: &[&str]| {
            let selection = Selection::new(&[], &[exclude.to_owned()]).unwrap();
            assert_eq!(names(dir.path(), &selection), expected, "{exclude}");
        };
        check("old", &["a.log", "x/y.log"]);
        check("old/", &["a.log", "x/y.log"]);
        check("*/old/*", &["a.log", "x/y.log"]);
        check("x/old", &["a.log", "old/b.log", "x/y.log"]);
        check("**/deep", &["a.log", "old/b.log", "x/old/c.log", "x/y.log"]);
        check(
            "y.log/",
            &["a.log", "old/b.log", "x/old/c.log", "x/old/deep/d.log", "x/y.log"],
        );
        check("x", &["a.log", "old/b.log"]);
    }

    #[test]
    #[cfg(unix)]
    fn a_folder_without_anything_to_read_is_told() {
        let dir = tree(&["logs/a.log"]);
        let empty = dir.path().join("empty");
        let sockets = dir.path().join("sockets");
        fs::create_dir_all(empty.join("deep")).unwrap();
        fs::create_dir(&sockets).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(sockets.join("s")).unwrap();
        let check = |paths: &[&Path], selection: &Selection, special: u64, expected: &[&str]| {
            let mut problems = Vec::new();
            let paths: Vec<_> = paths.iter().map(|path| path.to_path_buf()).collect();
            assert_eq!(walk(&paths, selection, &mut problems).special, special);
            let told: Vec<_> = problems
                .iter()
                .map(|problem| problem.why.split(':').next().unwrap())
                .collect();
            assert_eq!(told, expected, "{paths:?}");
        };
        let all = Selection::default();
        let (logs, only) = (
            dir.path().join("logs"),
            Selection::new(&["*.evtx".into()], &[]).unwrap(),
        );
        check(&[&logs, &logs], &all, 0, &[]);
        check(&[dir.path(), &logs, &empty], &all, 1, &[]);
        check(&[&logs, &empty], &all, 0, &["no file in this folder"]);
        check(
            &[&logs],
            &only,
            0,
            &["no file in this folder fits --include and --exclude"],
        );
        check(
            &[&sockets],
            &all,
            1,
            &["nothing but pipes, sockets, devices or links out of it in this folder"],
        );
    }

    #[test]
    #[cfg(unix)]
    fn a_loop_of_folders_ends_and_a_file_comes_once() {
        let (dir, out) = (tree(&["a/x.log"]), tree(&["z.log"]));
        std::os::unix::fs::symlink(dir.path(), dir.path().join("a/up")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("a/x.log"), dir.path().join("a/y.log")).unwrap();
        std::os::unix::fs::symlink(out.path().join("z.log"), dir.path().join("out.log")).unwrap();
        let mut problems = Vec::new();
        let mut walked = |follow| {
            let selection = Selection::default().follow(follow);
            walk(&[dir.path().to_owned()], &selection, &mut problems)
        };
        let within = walked(false);
        assert_eq!(within.inputs.len(), 1, "{:?}", within.inputs);
        let link = Place::file(dir.path().join("out.log").to_string_lossy());
        assert_eq!(within.links, std::slice::from_ref(&link));
        let beyond = walked(true);
        assert_eq!(beyond.inputs.len(), 2, "{:?}", beyond.inputs);
        assert_eq!(beyond.inputs[1].place, link);
        let told: Vec<_> = problems
            .iter()
            .map(|problem| problem.why.split(':').next().unwrap())
            .collect();
        assert_eq!(told, ["a link to a folder above it, a loop"; 2]);
    }

    #[test]
    fn what_is_not_there_is_told() {
        let mut problems = Vec::new();
        assert_eq!(
            walk(&["/no/such".into()], &Selection::default(), &mut problems).inputs,
            []
        );
        assert_eq!(problems[0].to_string(), "/no/such: No such file or directory");
        assert!(Selection::new(&["[".into()], &[]).is_err());
    }
}
