//! Whether the end of a body can be believed.
//!
//! A clean end of stream means nothing in this protocol: a server that is killed half-way ends as cleanly as one that
//! is done. So a body is looked at before it is stored, the cheapest look first.

use super::log::{Log, count};
use super::reasons::Suspicion;
use super::settings::Checks;

impl Checks {
    /// What is wrong with `body`; `last` is the last good one of its key, if it is still known.
    pub(crate) fn suspicion(&self, body: &Log, last: Option<&Log>) -> Option<Suspicion> {
        if body.len() == 0 {
            return (!self.allow_empty).then_some(Suspicion::Empty);
        }
        if body.len() < self.bytes_min {
            return Some(Suspicion::TooShort);
        }
        if count(self.ending.len()) > 0 && !body.ends_with(&self.ending) {
            return Some(Suspicion::NoEnding);
        }
        let cut = last.is_some_and(|last| body.len() < last.len() && last.agrees_with(body));
        (self.prefix && cut).then_some(Suspicion::Prefix)
    }
}
