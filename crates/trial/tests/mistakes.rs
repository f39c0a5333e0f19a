//! What the compiler says about a wrong attribute or signature, and where it points: compared with `tests/reports`.
//!
//! The words belong to one version of rustc, [`RECORDED_ON`]; with another one the comparison is skipped, and only that
//! nothing of this compiles is tested. After a change that is meant: `BLESS=1 cargo test -p sestina-trial --test
//! mistakes`, and read the diff.
#![allow(clippy::print_stderr, reason = "who runs the test is to know what it skips")]

mod common;

use std::collections::BTreeSet;
use std::process::Command;

use common::{Stranger, compare, normal};

/// The version whose words are recorded.
const RECORDED_ON: &str = "rustc 1.95.";

#[test]
fn a_wrong_test_does_not_compile_and_the_compiler_says_why() {
    // spec: P15-24
    let is_recorded = rustc_version().starts_with(RECORDED_ON);
    if !is_recorded {
        eprintln!(
            "the words are not compared: they were recorded on {RECORDED_ON}x, this is {}",
            rustc_version()
        );
    }
    let mut wrong = Vec::new();
    for file in ["wrong_attributes", "wrong_types", "wrong_driver"] {
        let mut cargo = Stranger::cargo("test", file);
        let built = cargo.args(["--no-run", "--color=never", "--quiet"]).output();
        let built = built.expect("cargo runs");
        assert!(!built.status.success(), "{file} must not compile");
        if is_recorded {
            wrong.extend(compare(&format!("mistakes.{file}"), &errors(&normal(&built))));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong, and where in the stranger's file, each once: how often rustc says it depends on whether it compiles
/// incrementally. The notes quote our own lines, which move.
fn errors(text: &str) -> String {
    let mut errors: Vec<String> = Vec::new();
    for line in text.lines() {
        if line.starts_with("error") && !line.starts_with("error: could not compile") {
            errors.push(line.to_owned() + "\n");
        } else if line.trim_start().starts_with("--> tests/")
            && let Some(error) = errors.last_mut()
        {
            error.push_str(&format!("{line}\n"));
        }
    }
    let mut seen = BTreeSet::new();
    errors.retain(|error| seen.insert(error.clone()));
    errors.concat()
}

fn rustc_version() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output().expect("cargo has just run rustc");
    String::from_utf8(output.stdout).expect("a version is text")
}
