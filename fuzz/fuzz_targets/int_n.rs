//! Strings with a length of 8, 16 or 32 bits before them, cut anywhere: see `crates/framing/tests/fuzzing/mod.rs`.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| sestina_fuzz::framing("int_n", data));
