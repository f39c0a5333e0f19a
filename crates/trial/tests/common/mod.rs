//! A crate whose tests fail, and what it prints, with everything equal that differs from run to run.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Where the stranger's crate lies in the workspace.
const FOLDER: &str = "crates/trial/stranger";

/// The crate, and its program of tests.
pub(crate) struct Stranger {
    program: PathBuf,
}

impl Stranger {
    /// Builds the samples.
    pub(crate) fn build() -> Self {
        let mut build = Self::cargo("test", "samples");
        let built = build.args(["--no-run", "--message-format=json-render-diagnostics"]).output();
        let built = built.expect("cargo runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let messages = String::from_utf8(built.stdout).expect("cargo writes text");
        let line = messages.lines().find(|line| line.contains("\"name\":\"samples\"")).expect("it was built");
        let rest = line.split("\"executable\":\"").nth(1).expect("it is a program");
        Self { program: rest.split('"').next().expect("the path ends").into() }
    }

    /// A command for one program of its tests; the whole workspace is named, so that everything has the features with which
    /// the running test was built.
    pub(crate) fn cargo(command: &str, test: &str) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(command.split(' ')).args(["--offline", "--workspace", "--test", test]);
        cargo.current_dir(workspace()).env("CARGO_TARGET_DIR", target());
        clean(&mut cargo);
        cargo
    }

    /// Runs one test.
    pub(crate) fn run(&self, test: &str, environment: &[(&str, &str)]) -> Output {
        self.run_all(&[test, "--exact"], environment)
    }

    pub(crate) fn run_all(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut program = Command::new(&self.program);
        clean(&mut program);
        program.args(arguments).envs(environment.iter().copied()).current_dir(folder());
        program.output().expect("the tests run")
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("this crate lies in a workspace")
}

/// Where the stranger's crate lies.
pub(crate) fn folder() -> PathBuf {
    workspace().join(FOLDER)
}

/// The folder that the workspace is built in.
pub(crate) fn target() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder").to_owned()
}

/// What the outer run has in its environment must not change the inner one.
fn clean(command: &mut Command) {
    for name in
        ["SESTINA_SEED", "NEXTEST", "RUST_LOG", "RUST_TEST_THREADS", "CARGO_PKG_NAME", "RUSTC_WRAPPER"]
    {
        command.env_remove(name);
    }
    command.env("RUST_BACKTRACE", "0");
}

/// What it printed, with everything equal that differs from run to run.
pub(crate) fn normal(run: &Output) -> String {
    let (out, errors) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    let text = format!("{out}{errors}").replace(&target().display().to_string(), "TARGET");
    let text = text.replace(&folder().display().to_string(), "HERE");
    // A stranger's own workspace begins here.
    let text = text.replace(&format!("{FOLDER}/"), "");
    let text = text.replace(workspace().to_str().expect("a plain path"), "WORKSPACE");
    // Where real time plays a part, no time is the same twice.
    let is_real = text.contains("on the real reactor") || text.contains("of real time");
    let lines = text.lines().filter(|line| !line.starts_with("note: run with `RUST_BACKTRACE"));
    let lines: Vec<String> = lines.map(|line| plain(line, is_real)).collect();
    lines.join("\n").trim().to_owned() + "\n"
}

/// A line without the numbers of this run.
fn plain(line: &str, is_real: bool) -> String {
    let mut words: Vec<String> = line.split(' ').map(str::to_owned).collect();
    for at in 0..words.len() {
        let before = if at == 0 { "" } else { &words[at - 1] };
        let is_number_of = match before {
            "in" if line.contains("finished in") => true,
            "process" => words[at].starts_with(|character: char| character.is_ascii_digit()),
            // thread 'name' (1234) panicked at
            word => word.starts_with('\'') && words[at].starts_with('('),
        };
        let is_long = words[at].contains('.') && words[at].trim_end_matches(char::is_alphabetic).len() > 5;
        // A round one is as much a time as one with a fraction.
        let has_passed =
            before == "waits" || words[at + 1..].starts_with(&["of".to_owned(), "virtual".to_owned()]);
        let is_time = is_real
            && (is_long || has_passed)
            && words[at].starts_with(|character: char| character.is_ascii_digit());
        if is_number_of || is_time {
            words[at] = "NUMBER".to_owned();
        }
    }
    words.join(" ")
}

/// What is wrong with a report, if anything.
pub(crate) fn compare(name: &str, text: &str) -> Option<String> {
    let file =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reports").join(name.replace("::", ".") + ".txt");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(file, text).expect("the report is written");
        return None;
    }
    let expected = std::fs::read_to_string(&file).unwrap_or_default();
    (expected != text).then(|| format!("== {name}: expected\n{expected}== but it is\n{text}"))
}
