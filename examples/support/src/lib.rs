//! Runs an example program and compares what it prints with its file in `expected/`; and what the examples share.
//!
//! Such a file holds what the program writes to standard output; then, if it writes to standard error, a line
//! `--- standard error` and that; then, if it does not end well, a line `--- exit` with its status. Places in
//! source files are written without folder and line (`at defer-3.rs`), so that an edit further up changes nothing.
//!
//! `UPDATE_EXPECT=1 cargo test` writes the files anew. Read the difference before you commit it.
//!
//! Tests: `tests` in every folder of `examples/`, and the one below for the places.

#![forbid(unsafe_code)]

mod places;
mod stack;

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

pub use crate::stack::stack;

/// The program of this name in the package under test.
#[macro_export]
macro_rules! program {
    ($name:literal) => {
        $crate::Program::new(
            $name,
            env!(concat!("CARGO_BIN_EXE_", $name)),
            concat!(env!("CARGO_MANIFEST_DIR"), "/expected"),
        )
    };
}

/// An example that is about to be run: see [`program!`].
#[derive(Debug)]
pub struct Program {
    command: Command,
    input: String,
    expected: PathBuf,
    is_interrupted: bool,
}

impl Program {
    /// The built program, and the folder with what it should print.
    #[must_use]
    pub fn new(name: &str, executable: &str, folder: &str) -> Self {
        let mut command = Command::new(executable);
        command.env("RUST_BACKTRACE", "0").env_remove("RUST_LOG").env("NO_COLOR", "1");
        let expected = Path::new(folder).join(format!("{name}.txt"));
        Self { command, input: String::new(), expected, is_interrupted: false }
    }

    /// With these arguments.
    #[must_use]
    pub fn args(mut self, arguments: &[&str]) -> Self {
        self.command.args(arguments);
        self
    }

    /// With this on its standard input; nothing if this is not called.
    #[must_use]
    pub fn input(self, input: &str) -> Self {
        Self { input: input.to_owned(), ..self }
    }

    /// Interrupted as with Ctrl-C when it has said its first line. Needs the command `kill`.
    #[must_use]
    pub fn interrupted(self) -> Self {
        Self { is_interrupted: true, ..self }
    }

    /// Compared with another file of the same folder, for programs that are run in several ways.
    #[must_use]
    pub fn case(self, case: &str) -> Self {
        Self { expected: self.expected.with_file_name(format!("{case}.txt")), ..self }
    }

    /// Runs it, and compares what it says with the file.
    ///
    /// # Panics
    /// If they differ, and if the program has not ended after [`DEADLINE`].
    pub fn check(self) {
        let expected = self.expected.clone();
        let said = self.transcript();
        if is_update() {
            fs::write(&expected, &said).expect("the folder `expected` can be written");
            return;
        }
        let wanted = fs::read_to_string(&expected).unwrap_or_else(|error| {
            panic!("cannot read {}: {error}; `UPDATE_EXPECT=1 cargo test` makes it", expected.display())
        });
        assert!(said == wanted, "{}: it should say\n{wanted}\nbut it says\n{said}", expected.display());
    }

    /// Runs it, and gives what it said in the form of the files.
    ///
    /// # Panics
    /// If it has not ended after [`DEADLINE`].
    #[must_use]
    pub fn transcript(self) -> String {
        let (out, err, status) = self.run();
        let mut said = places::shorten(&out);
        if !err.is_empty() {
            said.push_str("--- standard error\n");
            said.push_str(&places::shorten(&err));
        }
        match status.code() {
            Some(0) => {}
            Some(code) => said.push_str(&format!("--- exit {code}\n")),
            None => said.push_str("--- ended by a signal\n"),
        }
        said
    }

    fn run(mut self) -> (String, String, ExitStatus) {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("cargo has built the program");
        let mut stdin = child.stdin.take().expect("it is piped");
        let stdout = child.stdout.take().expect("it is piped");
        let stderr = child.stderr.take().expect("it is piped");
        let interrupt = self.is_interrupted.then_some(child.id());
        let (done, both_done) = mpsc::channel();
        let also_done = done.clone();
        thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(self.input.as_bytes()).ok()); // it may not want to read it
            let out = scope.spawn(move || read_all(stdout, interrupt, &done));
            let err = scope.spawn(move || read_all(stderr, None, &also_done));
            let in_time = (0..2).all(|_| both_done.recv_timeout(DEADLINE).is_ok());
            if !in_time {
                child.kill().ok(); // it may just have ended
            }
            let out = out.join().expect("the reader does not panic");
            let err = err.join().expect("the reader does not panic");
            let status = child.wait().expect("it is our child");
            assert!(in_time, "the program did not end within {DEADLINE:?}; it said\n{out}{err}");
            (out, err, status)
        })
    }
}

fn read_all(from: impl Read, interrupt: Option<u32>, done: &mpsc::Sender<()>) -> String {
    let mut from = BufReader::new(from);
    let mut bytes = Vec::new();
    if let Some(process) = interrupt {
        from.read_until(b'\n', &mut bytes).ok();
        let status = Command::new("kill").args(["-INT", &process.to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "`kill` cannot reach the program");
    }
    from.read_to_end(&mut bytes).ok(); // what was read so far is what the test shows
    done.send(()).ok(); // nobody listens after the deadline
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Checks that every program of a package has a file in `expected/`, so that none is forgotten.
///
/// # Panics
/// If one has none.
pub fn every_program_has_its_file(package: &str) {
    if is_update() {
        return; // they are being written now
    }
    let package = Path::new(package);
    let programs = fs::read_dir(package.join("src/bin")).expect("a package of examples has programs");
    for program in programs {
        let name = program.expect("the folder can be read").path().with_extension("txt");
        let expected = package.join("expected").join(name.file_name().expect("programs have names"));
        assert!(expected.is_file(), "{} is missing", expected.display());
    }
}

/// How long a program may take. They take milliseconds; a loaded machine is slow.
pub const DEADLINE: Duration = Duration::from_secs(60);

#[expect(clippy::disallowed_methods, reason = "the developer asks for it by this variable")]
fn is_update() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some_and(|value| !value.is_empty())
}
