//! The rules of netstrings: `5:hello,`.

use crate::decoder::{Format, Framed};
use crate::errors::StringTooLong;

/// How long a string may be, in bytes, unless [`NetstringFormat::with_string_bytes_max`] said otherwise: Twisted's number, for netstrings
/// and for strings with a length prefix.
pub const STRING_BYTES_MAX: usize = 99_999;

/// The rules of netstrings. The limit is for both directions: a string that is too long ends the connection at the other
/// end, so it is refused at this one.
///
/// ```
/// use sestina_framing::{Format, NetstringFormat};
///
/// let format = NetstringFormat::default().with_string_bytes_max(5);
/// let mut out = Vec::new();
/// format.encode(b"hello", &mut out)?;
/// format.encode(b"", &mut out)?;
/// assert_eq!(out, b"5:hello,0:,");
/// assert!(format.encode(b"world!", &mut out).is_err());
/// # Ok::<(), sestina_framing::StringTooLong>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NetstringFormat {
    string_bytes_max: usize,
}

impl NetstringFormat {
    /// Another limit than [`STRING_BYTES_MAX`].
    #[must_use]
    pub fn with_string_bytes_max(self, string_bytes_max: usize) -> Self {
        Self { string_bytes_max }
    }

    /// How long a string may be, in bytes.
    #[must_use]
    pub fn string_bytes_max(&self) -> usize {
        self.string_bytes_max
    }
}

impl Default for NetstringFormat {
    fn default() -> Self {
        Self { string_bytes_max: STRING_BYTES_MAX }
    }
}

impl Format for NetstringFormat {
    type Error = StringTooLong;

    fn frame<'a>(&'a self, string: &'a [u8]) -> Result<Framed<'a>, StringTooLong> {
        let (bytes, string_bytes_max) = (string.len(), self.string_bytes_max);
        if bytes > string_bytes_max {
            return Err(StringTooLong { bytes, string_bytes_max });
        }
        let mut framed = Framed::new(string, b",").after(b":");
        let mut left = bytes;
        loop {
            let digit = u8::try_from(left % 10).expect("a digit is below 10");
            framed = framed.after(&[b'0' + digit]);
            left /= 10;
            if left == 0 {
                return Ok(framed);
            }
        }
    }
}
