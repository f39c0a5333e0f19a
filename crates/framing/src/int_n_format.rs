//! The rules of strings with a length before them: 8, 16 or 32 bits, big endian.

use std::fmt;
use std::marker::PhantomData;

use crate::decoder::{Format, Framed};
use crate::errors::StringTooLong;
use crate::netstring_format::STRING_BYTES_MAX;

/// An unsigned integer that can be the length before a string: `u8`, `u16` or `u32`.
pub trait Prefix: TryFrom<usize> + Into<u32> + Copy + fmt::Debug + 'static {
    /// How many bytes it has; 4 at most.
    const BYTES: usize;
}

impl Prefix for u8 {
    const BYTES: usize = 1;
}

impl Prefix for u16 {
    const BYTES: usize = 2;
}

impl Prefix for u32 {
    const BYTES: usize = 4;
}

/// The rules of strings with a length before them. The limit is for both directions: a string that is too long ends the
/// connection at the other end, so it is refused at this one.
///
/// ```
/// use sestina_framing::{Format, Int16Format, Int8Format};
///
/// let mut out = Vec::new();
/// Int16Format::default().encode(b"hello", &mut out)?;
/// assert_eq!(out, b"\x00\x05hello");
/// assert!(Int8Format::default().encode(&[0; 256], &mut out).is_err()); // one byte counts to 255
/// # Ok::<(), sestina_framing::StringTooLong>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct IntNFormat<P> {
    string_bytes_max: usize,
    prefix: PhantomData<P>,
}

/// The rules of strings with a length of 8 bits before them.
pub type Int8Format = IntNFormat<u8>;
/// The rules of strings with a length of 16 bits before them.
pub type Int16Format = IntNFormat<u16>;
/// The rules of strings with a length of 32 bits before them.
pub type Int32Format = IntNFormat<u32>;

impl<P: Prefix> IntNFormat<P> {
    /// Another limit than [`STRING_BYTES_MAX`]. What the prefix cannot count cannot be sent in any case.
    #[must_use]
    pub fn with_string_bytes_max(self, string_bytes_max: usize) -> Self {
        Self { string_bytes_max, ..self }
    }

    /// How long a string may be, in bytes.
    #[must_use]
    pub fn string_bytes_max(&self) -> usize {
        self.string_bytes_max
    }
}

impl<P: Prefix> Default for IntNFormat<P> {
    fn default() -> Self {
        Self { string_bytes_max: STRING_BYTES_MAX, prefix: PhantomData }
    }
}

impl<P: Prefix> Format for IntNFormat<P> {
    type Error = StringTooLong;

    fn frame<'a>(&'a self, string: &'a [u8]) -> Result<Framed<'a>, StringTooLong> {
        let (bytes, limit) = (string.len(), self.string_bytes_max);
        match P::try_from(bytes) {
            Ok(length) if bytes <= limit => {
                let length: u32 = length.into();
                Ok(Framed::new(string, b"").after(&length.to_be_bytes()[4 - P::BYTES..]))
            }
            _ => {
                let countable = (1_u64 << (8 * P::BYTES)) - 1;
                let string_bytes_max = usize::try_from(countable).map_or(limit, |max| max.min(limit));
                Err(StringTooLong { bytes, string_bytes_max })
            }
        }
    }
}
