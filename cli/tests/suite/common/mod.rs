//! The real programs, driven from outside: every wait has a deadline, every port is free, and nothing outlives its test.
#![allow(clippy::print_stdout, reason = "a test that skips something says so")]

pub(crate) mod daemon;
pub(crate) mod handed;
pub(crate) mod plugins;
pub(crate) mod poet;
pub(crate) mod program;
pub(crate) mod terminal;
pub(crate) mod twisted;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub(crate) use program::{Ended, Program};

/// Far more than anything here takes: a test that comes here has failed.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

pub(crate) fn sestina() -> Command {
    Command::new(env!("CARGO_BIN_EXE_sestina"))
}

pub(crate) fn get_poetry() -> Command {
    Command::new(env!("CARGO_BIN_EXE_get-poetry"))
}

/// A file of the poems that come with the house.
pub(crate) fn poem_file(name: &str) -> PathBuf {
    let poems = Path::new(env!("CARGO_MANIFEST_DIR")).join("../poetry/poems");
    poems.join(format!("{name}.txt")).canonicalize().expect("the poem is there")
}

pub(crate) fn poem(name: &str) -> Vec<u8> {
    std::fs::read(poem_file(name)).expect("the poem can be read")
}

/// A path that no other test has.
pub(crate) fn scratch(name: &str) -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("cli-{}-{number}-{name}", std::process::id()))
}

/// A port for a server that is told its port: nobody has it, no other test is given it, and it lies below those that the
/// system gives to whoever asks for any.
pub(crate) fn free_port() -> u16 {
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 20_000;
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    // Tests that run in another process begin somewhere else.
    let begin = std::process::id().wrapping_mul(101);
    let next = || FIRST + begin.wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed)) % COUNT;
    let ports = (0..COUNT).map(|_| u16::try_from(next()).expect("it is below the last port"));
    let mut free = ports.filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    free.next().expect("a port is free")
}

/// A server that listens.
pub(crate) struct Server {
    pub(crate) program: Program,
    pub(crate) at: SocketAddr,
}

impl Server {
    /// `sestina -n PLUGIN ARGUMENTS`, up to the line of the log that says that it is ready.
    #[track_caller]
    pub(crate) fn start(plugin: &str, arguments: &[&str]) -> Self {
        let mut command = sestina();
        // Some tests leave conversations open on purpose: those are cut soon.
        command.args(["-n", "--drain-timeout", "500ms", plugin]).args(arguments);
        Self::with_output(plugin, command, Stdio::piped())
    }

    /// The same with this command, and with this as its standard output.
    #[track_caller]
    pub(crate) fn with_output(plugin: &str, command: Command, output: Stdio) -> Self {
        let mut program = Program::with_output(command, output);
        let words = format!("{plugin} listening on ");
        let line = program.wait_for_line(|line| line.contains(&words));
        program.wait_for_line(|line| line.ends_with(&format!(" {plugin} is ready")));
        let at = line.rsplit(' ').next().and_then(|at| at.parse().ok());
        Self { program, at: at.unwrap_or_else(|| panic!("no address: {line}")) }
    }

    pub(crate) fn fast(poem: &str) -> Self {
        Self::start("fastpoetry", &["--poem", path(&poem_file(poem)), "--port", "0"])
    }

    pub(crate) fn slow(poem: &str, num_bytes: &str, delay: &str) -> Self {
        let file = poem_file(poem);
        Self::start(
            "slowpoetry",
            &["--poem", path(&file), "--num-bytes", num_bytes, "--delay", delay, "--port", "0"],
        )
    }

    pub(crate) fn proxy(poet: &Self) -> Self {
        Self::start("poetryproxy", &["--port", "0", &poet.port()])
    }

    pub(crate) fn port(&self) -> String {
        self.at.port().to_string()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.at)
    }

    /// See [`Program::stop`].
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        self.program.stop()
    }
}

/// A connection on which nobody waits for ever.
#[track_caller]
pub(crate) fn connect(at: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(at).expect("somebody listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a timeout is possible");
    stream
}

pub(crate) fn path(path: &Path) -> &str {
    path.to_str().expect("paths of this project are text")
}

/// All that comes until a clean end.
#[track_caller]
pub(crate) fn read_all(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the end is clean and comes in time");
    bytes
}

/// Says `bytes`, then listens.
#[track_caller]
pub(crate) fn talk_and_read(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).expect("a poet lets its clients talk");
    read_all(stream)
}

/// Whether a client of somebody else's can be used. In CI all of them must be there.
pub(crate) fn require(name: &str, mut probe: Command) -> bool {
    let found = probe.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(found || !is_ci, "{name} is missing: .ci/run installs it");
    if !found {
        println!("skipped: {name} is not installed");
    }
    found
}
