//! A stranger's crate: the harness is tested with the tests of this one, `tests/samples.rs`.
//!
//! A member of the workspace, so that what is built for the workspace's tests is used again: in a workspace of its own cargo
//! would build all of it a second time.
#![forbid(unsafe_code)]
