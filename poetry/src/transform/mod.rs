//! The transform service: a poem goes out with the name of a transform, and comes back changed.
//!
//! A request is one netstring, `name.poem`; the answer is one netstring, and then the service closes. No answer is the
//! service's only way to say no, so whoever asks must tell "no" from an accident: a clean end without a byte is a no,
//! everything else is an accident.
//!
//! ```text
//! 27:cummingsify.HERE IS MY POEM,   ->
//!                                   <-   15:here is my poem,   and the end
//! ```

mod client;
mod error;

pub use client::{TRANSFORM_BYTES_MAX, TRANSFORM_TIME_MAX, TransformClient, transform};
pub use error::TransformError;
