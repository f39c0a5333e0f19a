//! One thing that is wrong in an application file.

use std::ops::Range;

/// What is wrong, and where: bytes of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Problem {
    pub(super) span: Range<usize>,
    pub(super) what: String,
}

impl Problem {
    pub(super) fn new(span: Range<usize>, what: impl Into<String>) -> Self {
        Self { span, what: what.into() }
    }
}
