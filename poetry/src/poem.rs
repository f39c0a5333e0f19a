//! A poem: bytes that many connections send at once and nobody copies.
//!
//! Walk: loaded by the programs, or brought by [`Fetch`](crate::Fetch) and [`PoetryProxy`](crate::PoetryProxy); `fast.rs` and
//! `slow.rs` write it with `write_shared`.
//! Tests: `tests/suite/poem_files.rs`.

use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// The longest poem that is read from a file, and the default for one that is fetched: a poem is kept in memory.
pub const POEM_BYTES_MAX: usize = 64 * 1024 * 1024;

/// A poem, as shared bytes: cloning counts and does not copy. A poem is bytes, not text: what came is what is sent.
///
/// ```
/// use sestina_poetry::Poem;
///
/// let poem = Poem::from_bytes("Forse perché della fatal quïete");
/// assert_eq!(poem.len(), 33); // bytes; it has 31 characters
/// assert_eq!(poem.clone(), poem);
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Poem {
    bytes: Rc<[u8]>,
}

impl Poem {
    /// A poem made of these bytes.
    #[must_use]
    pub fn from_bytes(bytes: impl AsRef<[u8]>) -> Self {
        Self { bytes: bytes.as_ref().into() }
    }

    /// A poem made of a body's blocks: one block is shared, several are joined, which copies them.
    pub(crate) fn from_blocks(blocks: &[Rc<[u8]>]) -> Self {
        match blocks {
            [block] => Self { bytes: Rc::clone(block) },
            blocks => Self { bytes: blocks.concat().into() },
        }
    }

    /// Reads a poem from a file. Blocks, so it is called before the reactor runs.
    ///
    /// # Errors
    /// If there is no such file, if it cannot be read, is empty, or is longer than [`POEM_BYTES_MAX`]. Each error
    /// names the file and what to do.
    ///
    /// ```
    /// use sestina_poetry::Poem;
    ///
    /// let error = Poem::load("no/such/poem.txt").unwrap_err();
    /// assert_eq!(error.to_string(), "there is no poem 'no/such/poem.txt': check the path");
    /// ```
    pub fn load(path: impl AsRef<Path>) -> Result<Self, PoemError> {
        Self::load_bytes(path.as_ref()).map(Self::from_bytes)
    }

    /// The same for other threads: a poem belongs to one.
    pub(crate) fn load_bytes(path: &Path) -> Result<Vec<u8>, PoemError> {
        let bytes = read(path).map_err(|error| PoemError::from_io(path, error))?;
        match bytes.len() {
            0 => Err(PoemError::Empty(path.to_owned())),
            1..=POEM_BYTES_MAX => Ok(bytes),
            _ => Err(PoemError::TooLarge { path: path.to_owned(), limit: POEM_BYTES_MAX }),
        }
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The counted bytes, for `write_shared`.
    #[must_use]
    pub fn share(&self) -> Rc<[u8]> {
        Rc::clone(&self.bytes)
    }

    /// How many bytes it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether it has no bytes. Such a poem is never loaded and never fetched.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// Reads one byte more than allowed at most: what a file says about its size is not believed (pipes, /proc).
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(POEM_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

impl AsRef<[u8]> for Poem {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// Says how long it is; nobody wants the whole poem in a log.
impl fmt::Debug for Poem {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Poem({} bytes)", self.len())
    }
}

/// Why a file gave no poem.
#[derive(Debug)]
#[non_exhaustive]
pub enum PoemError {
    /// There is no such file.
    Missing(PathBuf),
    /// This is a directory.
    Directory(PathBuf),
    /// We may not read it.
    NotPermitted(PathBuf),
    /// There is nothing in it.
    Empty(PathBuf),
    /// It is too long to be kept in memory.
    TooLarge {
        /// The file.
        path: PathBuf,
        /// How many bytes a poem may have.
        limit: usize,
    },
    /// The operating system failed in another way.
    Os {
        /// The file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl PoemError {
    fn from_io(path: &Path, error: io::Error) -> Self {
        use io::ErrorKind as Kind;
        let path = path.to_owned();
        match error.kind() {
            Kind::NotFound => Self::Missing(path),
            Kind::IsADirectory => Self::Directory(path),
            Kind::PermissionDenied => Self::NotPermitted(path),
            _ => Self::Os { path, source: error },
        }
    }
}

impl fmt::Display for PoemError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(out, "there is no poem '{}': check the path", path.display()),
            Self::Directory(path) => {
                write!(out, "'{}' is a directory: give a file with one poem in it", path.display())
            }
            Self::NotPermitted(path) => {
                write!(
                    out,
                    "no permission to read the poem '{}': change its mode or its owner",
                    path.display()
                )
            }
            Self::Empty(path) => {
                write!(out, "the poem '{}' is empty: give a file with at least one byte", path.display())
            }
            Self::TooLarge { path, limit } => {
                write!(out, "the poem '{}' is longer than {limit} bytes: give a shorter one", path.display())
            }
            Self::Os { path, .. } => write!(out, "cannot read the poem '{}'", path.display()),
        }
    }
}

impl Error for PoemError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Os { source, .. } => Some(source),
            _ => None,
        }
    }
}
