//! The beginning of a poem that comes for the second time: compared with what came the first time, and not passed on.

use sha2::{Digest, Sha256};

/// What is still to come again. Nothing of the first time is kept but its length and its hash.
#[derive(Debug)]
pub(super) struct Repeat {
    left: usize,
    seen: Sha256,
    wanted: Sha256,
}

/// What comes is not what came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Differs;

impl Repeat {
    /// Waits for `length` bytes whose hash is `wanted`.
    pub(super) fn new(length: usize, wanted: Sha256) -> Self {
        Self { left: length, seen: Sha256::new(), wanted }
    }

    /// Takes what comes. Gives what lies behind the repeated part.
    pub(super) fn take<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8], Differs> {
        if self.left == 0 {
            return Ok(bytes);
        }
        let (again, fresh) = bytes.split_at(bytes.len().min(self.left));
        self.seen.update(again);
        self.left -= again.len();
        if self.left == 0 && self.seen.clone().finalize() != self.wanted.clone().finalize() {
            return Err(Differs);
        }
        Ok(fresh)
    }

    /// Whether everything came again.
    pub(super) fn is_over(&self) -> bool {
        self.left == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Wherever the second poem is cut, only what is new passes, and another beginning is found out.
    #[test]
    fn only_what_is_new_passes() {
        for cut in 0..=8 {
            for (poem, expected) in [(b"sciencex", Ok(b"x".to_vec())), (b"sciEncex", Err(Differs))] {
                let mut repeat = Repeat::new(7, Sha256::new_with_prefix(b"science"));
                let (first, second) = poem.split_at(cut);
                let passed = repeat.take(first).map(<[u8]>::to_vec);
                let passed = passed.and_then(|first| Ok([&first, repeat.take(second)?].concat()));
                assert_eq!(passed, expected, "cut at {cut}");
                assert!(repeat.is_over());
            }
        }
        assert!(Repeat::new(0, Sha256::new()).is_over());
    }
}
