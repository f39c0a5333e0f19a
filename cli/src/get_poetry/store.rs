//! Poems as files: written aside, and given their name when they are whole.
//!
//! Everything here may block: it is run on a thread of the reactor's pool.
//! Invariant: a name in the folder is a whole poem, or was there before.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process;

use sestina_reactor::Endpoint;

/// Longer names are cut: file systems take 255 bytes, and something is added while a poem is written.
const NAME_BYTES_MAX: usize = 200;

/// One thing to do with a download's file.
#[derive(Debug)]
pub(super) enum Step {
    Write {
        task: usize,
        bytes: Vec<u8>,
    },
    /// Forgets what was written.
    Restart(usize),
    /// The poem is whole: gives it its name.
    Keep(usize),
    /// There is no whole poem.
    Discard(usize),
}

impl Step {
    fn task(&self) -> usize {
        match *self {
            Self::Write { task, .. } | Self::Restart(task) | Self::Keep(task) | Self::Discard(task) => task,
        }
    }
}

/// What became of a download's file.
pub(super) type Stored = (usize, Result<PathBuf, StoreError>);

/// A folder, and the files that are being written there.
#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    replaces: bool,
    /// The name of each download's file.
    names: Vec<String>,
    asides: BTreeMap<usize, Aside>,
    /// Downloads of which something could not be written: whatever follows would have a hole, and gets no name.
    broken: BTreeSet<usize>,
}

impl Store {
    /// Makes the folder if it is missing.
    ///
    /// # Errors
    /// If it cannot be made, or a file exists that may not be replaced.
    pub(super) fn open(folder: PathBuf, replaces: bool, poets: &[Endpoint]) -> Result<Self, StoreError> {
        fs::create_dir_all(&folder)
            .map_err(|source| StoreError::Folder { folder: folder.clone(), source })?;
        let names = names(poets.iter().map(Endpoint::peer_name));
        let store = Self { folder, replaces, names, asides: BTreeMap::new(), broken: BTreeSet::new() };
        let mut paths = (0..store.names.len()).map(|task| store.path(task));
        match paths.find(|path| !replaces && path.symlink_metadata().is_ok()) {
            Some(path) => Err(StoreError::Exists(path)),
            None => Ok(store),
        }
    }

    /// Does all of it, in this order. Tells of each file that was kept or could not be written.
    pub(super) fn run(&mut self, steps: Vec<Step>) -> Vec<Stored> {
        let mut stored = Vec::new();
        for step in steps {
            let task = step.task();
            if self.broken.contains(&task) {
                continue;
            }
            match self.take(step) {
                Ok(None) => {}
                Ok(Some(path)) => stored.push((task, Ok(path))),
                Err(error) => {
                    drop(self.asides.remove(&task));
                    self.broken.insert(task);
                    stored.push((task, Err(error)));
                }
            }
        }
        stored
    }

    /// Gives the path of a file that has its name now.
    fn take(&mut self, step: Step) -> Result<Option<PathBuf>, StoreError> {
        match step {
            Step::Write { task, bytes } => self.write(task, &bytes).map(|()| None),
            Step::Restart(task) | Step::Discard(task) => {
                drop(self.asides.remove(&task));
                Ok(None)
            }
            Step::Keep(task) => self.keep(task).map(Some),
        }
    }

    fn write(&mut self, task: usize, bytes: &[u8]) -> Result<(), StoreError> {
        if !self.asides.contains_key(&task) {
            let path = self.folder.join(format!(".{}.{}-{task}.part", self.names[task], process::id()));
            let file =
                File::create_new(&path).map_err(|source| StoreError::Os { path: path.clone(), source })?;
            self.asides.insert(task, Aside { file, path });
        }
        let aside = self.asides.get_mut(&task).expect("it was made above");
        aside.file.write_all(bytes).map_err(|source| StoreError::Os { path: self.path(task), source })
    }

    fn keep(&mut self, task: usize) -> Result<PathBuf, StoreError> {
        let path = self.path(task);
        let Some(aside) = self.asides.remove(&task) else {
            let source = ErrorKind::NotFound.into();
            return Err(StoreError::Os { path, source });
        };
        match self.give_name(&aside.path, &path) {
            Ok(()) => Ok(path),
            Err(source) if source.kind() == ErrorKind::AlreadyExists => Err(StoreError::Exists(path)),
            Err(source) => Err(StoreError::Os { path, source }),
        }
    }

    /// A link, unlike a new name, never replaces a file. The first name goes with its `Aside`.
    fn give_name(&self, aside: &Path, path: &Path) -> io::Result<()> {
        if self.replaces {
            return fs::rename(aside, path);
        }
        match fs::hard_link(aside, path) {
            // A file system without links.
            Err(error) if matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::Unsupported) => {
                match path.symlink_metadata() {
                    Ok(_) => Err(ErrorKind::AlreadyExists.into()),
                    Err(_) => fs::rename(aside, path),
                }
            }
            result => result,
        }
    }

    fn path(&self, task: usize) -> PathBuf {
        self.folder.join(&self.names[task])
    }
}

/// A file under another name, which is removed with this.
#[derive(Debug)]
struct Aside {
    file: File,
    path: PathBuf,
}

impl Drop for Aside {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok(); // it may have its real name
    }
}

/// A name for each poet, made of the harmless characters of its address; the same address twice gets a number.
fn names(poets: impl Iterator<Item = String>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let mut next = |poet: String| {
        let stem = stem(&poet);
        let mut name = format!("{stem}.txt");
        for number in 2_u64.. {
            if taken.insert(name.to_ascii_lowercase()) {
                break;
            }
            name = format!("{stem}-{number}.txt");
        }
        name
    };
    poets.map(&mut next).collect()
}

fn stem(poet: &str) -> String {
    let mut stem = String::new();
    for character in poet.chars().filter(|character| !matches!(character, '[' | ']')) {
        stem.push(match character {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '_' => character,
            '.' | '-' if !stem.is_empty() => character,
            ':' if !stem.is_empty() => '-',
            _ => '_',
        });
    }
    stem.truncate(NAME_BYTES_MAX);
    stem
}

/// Why a poem could not be saved.
#[derive(Debug)]
pub(super) enum StoreError {
    Folder { folder: PathBuf, source: io::Error },
    Exists(PathBuf),
    Os { path: PathBuf, source: io::Error },
}

impl fmt::Display for StoreError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder { folder, .. } => {
                write!(out, "cannot make the folder '{}': name another one", folder.display())
            }
            Self::Exists(path) => {
                write!(out, "'{}' exists: take another folder, or --force to replace it", path.display())
            }
            Self::Os { path, .. } => write!(out, "cannot write '{}'", path.display()),
        }
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Folder { source, .. } | Self::Os { source, .. } => Some(source),
            Self::Exists(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As on a full disk, here with a file that is open for reading only.
    #[test]
    fn a_poem_that_could_not_be_written_gets_no_name() {
        let folder = std::env::temp_dir().join(format!("sestina-store-{}", process::id()));
        let mut store =
            Store::open(folder.clone(), false, &[Endpoint::tcp("a", 1)]).expect("a folder can be made");
        let path = folder.join(".aside");
        fs::write(&path, "half").expect("it can be written");
        let file = File::open(&path).expect("it can be read");
        store.asides.insert(0, Aside { file, path });
        let write = || Step::Write { task: 0, bytes: b" a poem".to_vec() };
        let stored = store.run(vec![write(), Step::Keep(0)]);
        assert!(matches!(&stored[..], [(0, Err(StoreError::Os { .. }))]), "{stored:?}");
        // What comes later has a hole before it, and was told already.
        let stored = store.run(vec![write(), Step::Keep(0)]);
        assert!(stored.is_empty(), "{stored:?}");
        let left = fs::read_dir(&folder).expect("it is there").count();
        fs::remove_dir_all(&folder).expect("it can be removed");
        assert_eq!(left, 0);
    }

    #[test]
    fn names_are_safe_and_differ() {
        let cases = [
            ("127.0.0.1:10000", "127.0.0.1-10000"),
            ("[::1]:10000", "_-1-10000"),
            ("unix:/run/../x", "unix-_run_.._x"),
            ("..:1", "_.-1"),
            ("-rf:1", "_rf-1"),
            ("dichter.example:80", "dichter.example-80"),
            ("größe\u{1b}/x:1", "gr__e__x-1"),
        ];
        for (poet, expected) in cases {
            assert_eq!(stem(poet), expected, "{poet}");
        }
        assert_eq!(stem(&"x".repeat(1_000)).len(), NAME_BYTES_MAX);
        let poets = ["a:1", "a:1", "A:1", "a:1-2", "a:1"];
        let names = names(poets.iter().map(|&poet| poet.to_owned()));
        assert_eq!(names, ["a-1.txt", "a-1-2.txt", "A-1-3.txt", "a-1-2-2.txt", "a-1-4.txt"]);
    }
}
