//! Rhymes for the asking: the service of the book's guides, from its protocol to its tree.
#![forbid(unsafe_code)]

mod dictionary;
mod protocol;
mod service;

pub use crate::dictionary::{Closed, Dictionary, Shelf};
pub use crate::protocol::{QUESTION_BYTES_MAX, Rhymes, SILENCE_MAX};
pub use crate::service::rhymes;
