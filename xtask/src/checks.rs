//! The checks, in the order of `ci`: quick ones first, the tests last, so that their summary ends the output.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::cargo;

/// What went wrong, for a person.
pub(crate) type Outcome = Result<(), String>;

/// One check: its name and what it does in the repository's folder.
type Check = (&'static str, fn(&Path) -> Outcome);

const CHECKS: &[Check] = &[
    ("fmt", |root| cargo::succeeds(root, &["fmt", "--all", "--check"], &[])),
    ("tidy", crate::tidy::check),
    ("links", crate::links::check),
    ("book", crate::book::check),
    ("spec", crate::spec::check),
    ("lint", |root| {
        cargo::succeeds(root, &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"], &[])
    }),
    ("doc", |root| {
        let strict = [("RUSTDOCFLAGS", "-D warnings")];
        cargo::succeeds(root, &["doc", "--workspace", "--no-deps", "--document-private-items"], &strict)
    }),
    ("reference", crate::reference::check),
    ("guard", guarded),
    ("test", |root| cargo::succeeds(root, &["test", "--workspace"], &[])),
];

pub(crate) fn find(name: &str) -> Option<&'static Check> {
    CHECKS.iter().find(|check| check.0 == name)
}

pub(crate) fn one(name: &str) -> Outcome {
    let (_, check) = find(name).ok_or_else(|| format!("there is no check '{name}'"))?;
    check(&root())
}

/// All checks; stops at the first that fails.
pub(crate) fn ci() -> Outcome {
    let root = root();
    for (name, check) in CHECKS {
        println!("== {name}");
        let begun = Instant::now();
        check(&root).map_err(|error| format!("{name}: {error}"))?;
        if *name != "test" {
            println!("== {name}: fine ({:.1} s)", begun.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

/// Instruction counts need valgrind; who has none is told so, and CI has one.
fn guarded(root: &Path) -> Outcome {
    let found = Command::new("valgrind").arg("--version").stdout(std::process::Stdio::null()).status();
    if found.is_err() && std::env::var_os("CI").is_none() {
        println!("guard: skipped, there is no valgrind");
        return Ok(());
    }
    match guard(root, &[])? {
        0 => Ok(()),
        code => Err(format!("cargo xtask bench guard ended with status {code}")),
    }
}

/// The swarm lies with the simulation; here it only gets its name and an optimized build.
/// The answer is its exit code.
pub(crate) fn sim(options: &[&str]) -> Result<u8, String> {
    let swarm =
        ["run", "--quiet", "--release", "--package", "sestina-reactor-sim", "--example", "swarm", "--"];
    let begun = Instant::now();
    let code = answer(&root(), &swarm, options)?;
    if !options.is_empty() && code == 0 {
        eprintln!("({:.1} s)", begun.elapsed().as_secs_f64());
    }
    Ok(code)
}

/// Benches of crates that the benchmarks run: compiled before anything is measured.
const CRATE_BENCHES: [(&str, &str); 3] =
    [("sestina-reactor", "timers"), ("sestina-deferred", "deferred"), ("sestina-framing", "throughput")];

/// The benchmarks lie in a crate of their own; here they only get their name and optimized builds of all that they
/// measure. The answer is their exit code.
pub(crate) fn bench(options: &[&str]) -> Result<u8, String> {
    let root = root();
    if let ["guard", options @ ..] = options {
        return guard(&root, options);
    }
    let asks = options.iter().any(|word| ["-h", "--help"].contains(word));
    let reads = options.first().is_some_and(|word| ["help", "compare", "report", "quote"].contains(word));
    if !asks && !reads {
        cargo::succeeds(&root, &["build", "--release", "--package", "sestina-cli", "--bins"], &[])?;
        cargo::succeeds(&root, &["build", "--release", "--package", "sestina-bench", "--bins"], &[])?;
        for (package, name) in CRATE_BENCHES {
            cargo::succeeds(&root, &["bench", "--no-run", "--package", package, "--bench", name], &[])?;
        }
    }
    let bench = ["run", "--quiet", "--release", "--package", "sestina-bench", "--bin", "sestina-bench", "--"];
    answer(&root, &bench, options)
}

/// Without what only the report needs: CI compiles little for it.
fn guard(root: &Path, options: &[&str]) -> Result<u8, String> {
    let package = ["run", "--quiet", "--release", "--package", "sestina-bench", "--no-default-features"];
    let program = ["--bin", "bench-guard", "--"];
    answer(root, &[&package[..], &program[..]].concat(), options)
}

/// Runs a program of the workspace's with these options, and gives its exit code.
fn answer(root: &Path, program: &[&str], options: &[&str]) -> Result<u8, String> {
    let code = cargo::status(root, &[program, options].concat(), &[])?;
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

/// They come from the definition of the command line, which lies with the programs.
pub(crate) fn docs() -> Outcome {
    let root = root();
    let target = std::env::var("CARGO_TARGET_DIR").map_or_else(|_| root.join("target"), PathBuf::from);
    let folder = target.join("docs").display().to_string();
    cargo::succeeds(
        &root,
        &["run", "--quiet", "--package", "sestina-cli", "--example", "docs", "--", &folder],
        &[],
    )?;
    println!("see {folder}");
    Ok(())
}

/// The repository's folder: above this crate's. Cargo says where that is now: what was compiled in may be another checkout,
/// if both have the same target folder.
pub(crate) fn root() -> PathBuf {
    let now = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let here = now.unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    here.parent().unwrap_or(&here).to_owned()
}
