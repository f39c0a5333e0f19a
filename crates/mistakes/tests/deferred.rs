//! What does not compile, and what the compiler says about it: its messages are a part of the interface.
//!
//! They belong to one version of rustc, [`RECORDED_ON`]. With another one this test says that it skips them; that
//! the mistakes do not compile is then shown by the doc tests alone. After a change that is meant, or for a new
//! version: `TRYBUILD=overwrite cargo test -p sestina-mistakes`, and read the diff.

#![allow(clippy::print_stderr, reason = "who runs the test is to know that it skips")]

use std::process::Command;

/// The version whose words are recorded.
const RECORDED_ON: &str = "rustc 1.95.";

#[test]
fn mistakes_do_not_compile_and_the_compiler_says_what_to_do() {
    // spec: P17-14
    // rule: 1
    let version = rustc_version();
    if !version.starts_with(RECORDED_ON) {
        eprintln!("skipped: the messages were recorded on {RECORDED_ON}x, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/deferred/*.rs");
}

/// What cargo compiles with.
#[expect(clippy::disallowed_methods, reason = "cargo says by the environment which compiler it runs")]
fn rustc_version() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("cargo has just run rustc");
    String::from_utf8(output.stdout).expect("a version is text")
}
