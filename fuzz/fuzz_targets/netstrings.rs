//! Netstrings, cut anywhere: see `crates/framing/tests/fuzzing/mod.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sestina_fuzz::framing("netstrings", data));
