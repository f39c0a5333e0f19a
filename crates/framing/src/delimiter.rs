//! What ends a line, and how to find it in bytes that are cut anywhere.
//!
//! Between two pieces only one number is kept: how many bytes at the end of what was seen could be the beginning of a
//! delimiter. With it the search goes on byte by byte until that is decided, and then with `memchr` or `memmem`.
//! Invariant: after a piece without a delimiter at most `len - 1` of its bytes have been looked at twice.
//! Tests: `tests/suite/lines.rs`, `tests/suite/laws.rs`, `tests/suite/work.rs`.

use std::fmt;
use std::sync::Arc;

use memchr::{memchr, memmem};

use crate::errors::EmptyDelimiter;

/// What ends a line. Cheap to clone.
///
/// ```
/// use sestina_framing::Delimiter;
///
/// assert_eq!(Delimiter::CRLF.as_bytes(), b"\r\n");
/// assert_eq!(Delimiter::new(b"\r\n--boundary")?.as_bytes().len(), 12);
/// assert!(Delimiter::new(b"").is_err());
/// # Ok::<(), sestina_framing::EmptyDelimiter>(())
/// ```
#[derive(Clone)]
pub struct Delimiter(Needle);

#[derive(Clone)]
enum Needle {
    Byte([u8; 1]),
    Pair([u8; 2]),
    Long(Arc<Long>),
}

struct Long {
    finder: memmem::Finder<'static>,
    /// For each beginning of the needle: how long the longest shorter beginning is that it ends with.
    fallback: Vec<usize>,
}

impl Delimiter {
    /// Carriage return, line feed: the default, as on most of the internet.
    pub const CRLF: Self = Self(Needle::Pair(*b"\r\n"));
    /// Line feed.
    pub const LF: Self = Self(Needle::Byte(*b"\n"));
    /// A zero byte.
    pub const NUL: Self = Self(Needle::Byte([0]));

    /// A delimiter of these bytes.
    ///
    /// # Errors
    /// If there are none.
    pub fn new(bytes: &[u8]) -> Result<Self, EmptyDelimiter> {
        match *bytes {
            [] => Err(EmptyDelimiter),
            [byte] => Ok(Self(Needle::Byte([byte]))),
            [first, second] => Ok(Self(Needle::Pair([first, second]))),
            _ => Ok(Self(Needle::Long(Arc::new(Long::new(bytes))))),
        }
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Needle::Byte(bytes) => bytes,
            Needle::Pair(bytes) => bytes,
            Needle::Long(long) => long.finder.needle(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Where the first delimiter ends in `input`, which continues what left `begun` bytes of one. If there is none,
    /// `begun` tells how many bytes of one are at the end now.
    pub(crate) fn end_in(&self, begun: &mut usize, input: &[u8]) -> Option<usize> {
        let from = if *begun == 0 { 0 } else { self.go_on(begun, input)? };
        if from > 0 && *begun == self.len() {
            *begun = 0;
            return Some(from);
        }
        let fresh = &input[from..];
        if let Some(end) = self.find(fresh) {
            return Some(from + end);
        }
        let tail = fresh.len().saturating_sub(self.len() - 1);
        *begun = fresh[tail..].iter().fold(0, |begun, byte| self.step(begun, *byte));
        None
    }

    /// Looks byte by byte until the begun delimiter is whole or none is begun: where that is. `None` at the end.
    #[cold]
    fn go_on(&self, begun: &mut usize, input: &[u8]) -> Option<usize> {
        for (at, byte) in input.iter().enumerate() {
            *begun = self.step(*begun, *byte);
            if *begun == 0 || *begun == self.len() {
                return Some(at + 1);
            }
        }
        None
    }

    /// How many bytes of a delimiter are at the end, when `begun` were and this byte follows.
    fn step(&self, mut begun: usize, byte: u8) -> usize {
        let needle = self.as_bytes();
        while begun > 0 && needle[begun] != byte {
            begun = match &self.0 {
                Needle::Byte(_) | Needle::Pair(_) => 0,
                Needle::Long(long) => long.fallback[begun - 1],
            };
        }
        begun + usize::from(needle[begun] == byte)
    }

    /// Where the first delimiter ends that lies whole in `input`.
    #[inline]
    pub(crate) fn find(&self, input: &[u8]) -> Option<usize> {
        match &self.0 {
            Needle::Byte([byte]) => memchr(*byte, input).map(|at| at + 1),
            Needle::Pair([first, second]) => {
                let mut from = 0;
                while let Some(found) = memchr(*second, &input[from..]) {
                    let at = from + found;
                    if at > 0 && input[at - 1] == *first {
                        return Some(at + 1);
                    }
                    from = at + 1;
                }
                None
            }
            Needle::Long(long) => long.finder.find(input).map(|at| at + long.fallback.len()),
        }
    }
}

impl Long {
    fn new(bytes: &[u8]) -> Self {
        let mut fallback = vec![0; bytes.len()];
        let mut length = 0;
        for at in 1..bytes.len() {
            while length > 0 && bytes[at] != bytes[length] {
                length = fallback[length - 1];
            }
            length += usize::from(bytes[at] == bytes[length]);
            fallback[at] = length;
        }
        Self { finder: memmem::Finder::new(bytes).into_owned(), fallback }
    }
}

impl Default for Delimiter {
    fn default() -> Self {
        Self::CRLF
    }
}

impl PartialEq for Delimiter {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Delimiter {}

impl fmt::Debug for Delimiter {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Delimiter({})", self.as_bytes().escape_ascii())
    }
}
