//! Poems over sockets.
#![forbid(unsafe_code)]
