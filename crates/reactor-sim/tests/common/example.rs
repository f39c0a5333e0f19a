//! The examples of this crate, as programs.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Runs an example to its end.
pub(crate) fn run(name: &str, arguments: &[&str]) -> Output {
    let program = built(name);
    let output = Command::new(&program).args(arguments).output();
    output.unwrap_or_else(|error| panic!("{} does not run: {error}", program.display()))
}

/// `cargo test` builds examples too, but `cargo test --test NAME` does not: then an old one would be tested.
#[expect(clippy::disallowed_methods, reason = "cargo says where it is")]
fn built(name: &str) -> PathBuf {
    let this = std::env::current_exe().expect("a test has a file");
    let folder = this.parent().and_then(Path::parent).expect("tests are built into target/PROFILE/deps");
    let mut build = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    // Of the whole workspace: its features are those that `cargo test --workspace` has just built with.
    build.args(["build", "--quiet", "--workspace", "--example", name]);
    if folder.ends_with("release") {
        build.arg("--release");
    }
    assert!(build.status().expect("cargo runs its tests").success(), "the example {name} does not build");
    folder.join("examples").join(name)
}

pub(crate) fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("it prints text")
}
