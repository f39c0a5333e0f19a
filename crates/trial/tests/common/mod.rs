//! A crate in a folder of its own that depends on this workspace by paths.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The manifest. The profile is the workspace's, and so are the features of what its other members use too: what it has
/// built is used again. A feature that is missing here costs a build of all that lies upon it, nothing else.
const MANIFEST: &str = r#"[package]
name = "NAME"
version = "0.1.0"
edition = "2024"

[dev-dependencies]
sestina = { path = "WORKSPACE/crates/sestina", features = ["trial"] }
tracing = { version = "0.1", default-features = false, features = ["std"] }

libc = { version = "0.2", features = ["extra_traits"] }
rustix = { version = "1.1", features = ["event", "fs", "net", "pipe", "process", "pty", "stdio", "system", "termios", "thread", "time"] }
sestina-reactor = { path = "WORKSPACE/crates/reactor", features = ["futures-io"] }

[workspace]

[profile.dev]
debug = "line-tables-only"

[profile.dev.package.sestina-reactor]
codegen-units = 1
opt-level = 2

[profile.dev.package.sestina-reactor-sim]
codegen-units = 1
opt-level = 2
"#;

pub(crate) struct Stranger {
    folder: PathBuf,
    program: PathBuf,
}

impl Stranger {
    /// Writes the crate with its test files.
    pub(crate) fn write(name: &str, tests: &[(&str, &str)]) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let workspace = workspace();
        let write = |path: &str, text: &str| {
            let path = folder.join(path);
            std::fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("a folder");
            // Only what has changed: what is built already stays.
            if std::fs::read_to_string(&path).ok().as_deref() != Some(text) {
                std::fs::write(path, text).expect("a file");
            }
        };
        let workspace_text = workspace.to_str().expect("a plain path");
        write("Cargo.toml", &MANIFEST.replace("WORKSPACE", workspace_text).replace("NAME", name));
        write("src/lib.rs", "//! A stranger's crate.\n");
        for (test, text) in tests {
            write(&format!("tests/{test}.rs"), text);
        }
        std::fs::copy(workspace.join("Cargo.lock"), folder.join("Cargo.lock")).expect("the same versions");
        Self { folder, program: PathBuf::new() }
    }

    /// Writes the crate of samples and builds it.
    pub(crate) fn build() -> Self {
        let mut stranger = Self::write("stranger", &[("samples", include_str!("../stranger/samples.rs"))]);
        stranger.program = stranger.build_tests();
        stranger
    }

    fn build_tests(&self) -> PathBuf {
        let mut build = self.cargo("test");
        let built = build
            .args(["--offline", "--no-run", "--test", "samples", "--message-format=json-render-diagnostics"])
            .output()
            .expect("cargo runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let messages = String::from_utf8(built.stdout).expect("cargo writes text");
        let line = messages.lines().find(|line| line.contains("\"name\":\"samples\"")).expect("it was built");
        let rest = line.split("\"executable\":\"").nth(1).expect("it is a program");
        rest.split('"').next().expect("the path ends").into()
    }

    pub(crate) fn cargo(&self, command: &str) -> Command {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.arg(command).current_dir(&self.folder).env("CARGO_TARGET_DIR", self.target());
        clean(&mut cargo);
        cargo
    }

    /// The folder that the workspace is built in.
    pub(crate) fn target(&self) -> PathBuf {
        Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("it lies in the target folder").to_owned()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Runs one test.
    pub(crate) fn run(&self, test: &str, environment: &[(&str, &str)]) -> Output {
        self.run_all(&[test, "--exact"], environment)
    }

    pub(crate) fn run_all(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        let mut program = Command::new(&self.program);
        clean(&mut program);
        program.args(arguments).envs(environment.iter().copied()).current_dir(&self.folder);
        program.output().expect("the tests run")
    }
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("this crate lies in a workspace")
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
pub(crate) fn normal(run: &Output, stranger: &Stranger) -> String {
    let (out, errors) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    let text = format!("{out}{errors}").replace(&stranger.target().display().to_string(), "TARGET");
    let text = text.replace(&stranger.folder().display().to_string(), "HERE");
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
        let is_time =
            is_real && is_long && words[at].starts_with(|character: char| character.is_ascii_digit());
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
