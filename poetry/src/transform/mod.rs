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
pub mod list;
mod proxy;
mod refusal;
mod server;
mod service;

pub use client::{TRANSFORM_BYTES_MAX, TRANSFORM_TIME_MAX, TransformClient, transform};
pub use error::TransformError;
pub use proxy::{TRANSFORM_UPSTREAM_MAX, TransformProxy};
pub use refusal::Refusal;
pub use server::{
    TRANSFORM_GRACE, TRANSFORM_REQUEST_TIME_MAX, TRANSFORM_REQUESTS_MAX, TRANSFORM_WAITING_BYTES_MAX,
    TransformServer,
};
pub use service::{BadTransformName, TransformService, Transformer};
