//! Programs that must not compile: what the compiler says about a mistake is a part of the interface.
//!
//! A crate of its own, because they are built with everything that their crate depends on, tests' crates included.
//! Tests: `tests/deferred.rs`.
#![forbid(unsafe_code)]
