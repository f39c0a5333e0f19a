//! What should arrive: the poem, again and again.

use std::path::Path;

/// The most that is compared at once, in bytes.
pub(super) const READ_BYTES: usize = 256 * 1024;

/// A poem that is repeated for as long as one likes.
#[derive(Debug)]
pub(super) struct Text {
    length: usize,
    /// The poem once, and then as much of it again as one read may have.
    repeated: Vec<u8>,
}

impl Text {
    pub(super) fn load(path: &Path) -> Result<Self, String> {
        let text = std::fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Self::new(&text).ok_or_else(|| format!("{} is empty", path.display()))
    }

    fn new(text: &[u8]) -> Option<Self> {
        let times = READ_BYTES.checked_div(text.len())? + 2;
        Some(Self { length: text.len(), repeated: text.repeat(times) })
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }

    /// Whether these bytes, at most [`READ_BYTES`], are what stands there.
    pub(super) fn has(&self, at: usize, bytes: &[u8]) -> bool {
        let begin = at % self.length;
        self.repeated.get(begin..begin + bytes.len()) == Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_looked_at() {
        let text = Text::new(b"abc").expect("not empty");
        assert!(text.has(0, b"abcabca") && text.has(4, b"bc") && text.has(300_001, b"bcab"));
        assert!(!text.has(0, b"abcabcb") && !text.has(1, b"a"));
        assert!(text.has(2, &b"cab".repeat(READ_BYTES / 3)));
        assert!(Text::new(b"").is_none());
    }
}
