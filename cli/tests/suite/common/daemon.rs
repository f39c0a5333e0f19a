//! Daemons of the test: started by the real command, found by their pid files, and never left behind.
#![expect(
    clippy::disallowed_methods,
    reason = "a test that waits for another process has a clock and pauses"
)]

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, test_kill_process};

use super::{DEADLINE, Ended, Program, connect, poem_file, sestina};

/// How long between two looks at another process.
const LOOK: Duration = Duration::from_millis(5);

/// A folder of its own for each test, that every user may enter.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("sestina-test-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).expect("the system has a folder for temporary files");
        let path = path.canonicalize().expect("it is there");
        open_to_all(&path);
        fs::copy(poem_file("ecstasy"), path.join("ecstasy.txt")).expect("it can be written");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The content of a file in it; empty if there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.join(name)).unwrap_or_default()
    }

    /// `sestina OPTIONS`, to be run here.
    pub(crate) fn sestina(&self, arguments: &[&str]) -> Command {
        let mut command = sestina();
        command.current_dir(&self.0).args(arguments).env_remove("NOTIFY_SOCKET").env_remove("INVOCATION_ID");
        command
    }

    /// A shell that runs this script here.
    pub(crate) fn shell(&self, shell: &str, script: &str) -> Command {
        let mut command = Command::new(shell);
        command.current_dir(&self.0).args(["-c", script]);
        command.env_remove("NOTIFY_SOCKET").env_remove("INVOCATION_ID");
        command
    }

    /// `obstinate OPTIONS`: the program whose service does what it is told not to.
    pub(crate) fn obstinate(&self, arguments: &[&str]) -> Command {
        let here = std::env::current_exe().expect("a test has a file");
        let program = here
            .parent()
            .and_then(Path::parent)
            .expect("it is in target/debug/deps")
            .join("examples/obstinate");
        assert!(program.exists(), "`cargo build -p sestina-cli --examples` makes {}", program.display());
        let mut command = Command::new(program);
        command.current_dir(&self.0).args(arguments).env_remove("NOTIFY_SOCKET").env_remove("INVOCATION_ID");
        command
    }

    /// Starts a daemon, which must succeed without a word.
    #[track_caller]
    pub(crate) fn start(&self, command: Command, name: &str) -> Daemon<'_> {
        let ended = Program::run(command);
        assert_eq!(
            (ended.code, ended.stderr.as_str()),
            (Some(0), ""),
            "{}",
            self.read(&format!("{name}.log"))
        );
        assert!(ended.stdout.is_empty());
        Daemon::of(self, name)
    }

    /// `sestina OPTIONS fastpoetry`, detached, at a free port.
    #[track_caller]
    pub(crate) fn fastpoetry(&self, options: &[&str]) -> Daemon<'_> {
        let arguments = [options, &["fastpoetry", "--poem", "ecstasy.txt", "--port", "0"]].concat();
        self.start(self.sestina(&arguments), "sestina")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

pub(crate) fn open_to_all(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("it is ours");
}

/// A daemon that runs. It is killed when this is dropped.
pub(crate) struct Daemon<'a> {
    folder: &'a Folder,
    name: String,
    pub(crate) pid: u32,
}

impl<'a> Daemon<'a> {
    /// The one that the pid file of this name knows.
    #[track_caller]
    pub(crate) fn of(folder: &'a Folder, name: &str) -> Self {
        let text = folder.read(&format!("{name}.pid"));
        let pid = text.trim().parse().unwrap_or_else(|_| panic!("no number in the pid file: {text:?}"));
        Self { folder, name: name.to_owned(), pid }
    }

    pub(crate) fn log(&self) -> String {
        self.folder.read(&format!("{}.log", self.name))
    }

    /// Where it listens.
    #[track_caller]
    pub(crate) fn at(&self) -> SocketAddr {
        let log = self.log();
        let line =
            log.lines().rfind(|line| line.contains(" listening on ")).unwrap_or_else(|| panic!("{log}"));
        line.rsplit(' ').next().and_then(|at| at.parse().ok()).unwrap_or_else(|| panic!("no address: {line}"))
    }

    #[track_caller]
    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.at())
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(number(self.pid), signal).expect("it runs");
    }

    pub(crate) fn is_alive(&self) -> bool {
        is_alive(self.pid)
    }

    #[track_caller]
    pub(crate) fn wait_for_log(&self, words: &str) {
        until(|| self.log().contains(words), || format!("{words:?} does not come: {}", self.log()));
    }

    #[track_caller]
    pub(crate) fn wait_for_end(&self) {
        until(|| !self.is_alive(), || format!("it does not end: {}", self.log()));
    }

    /// A file of the process in /proc.
    pub(crate) fn proc(&self, name: &str) -> String {
        fs::read(format!("/proc/{}/{name}", self.pid))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// A field of its /proc status.
    pub(crate) fn status(&self, field: &str) -> String {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
        line.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// What its descriptors are, by number.
    pub(crate) fn descriptors(&self) -> Vec<(i32, String)> {
        let mut all: Vec<(i32, String)> = fs::read_dir(format!("/proc/{}/fd", self.pid))
            .expect("it runs")
            .flatten()
            .filter_map(|entry| {
                let number = entry.file_name().to_str()?.parse().ok()?;
                Some((number, fs::read_link(entry.path()).ok()?.to_string_lossy().into_owned()))
            })
            .collect();
        all.sort_unstable();
        all
    }

    /// Ends it as an operator would.
    #[track_caller]
    pub(crate) fn stop(self) -> String {
        self.signal(Signal::TERM);
        self.wait_for_end();
        self.log()
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if self.is_alive() {
            kill_process(number(self.pid), Signal::KILL).ok();
        }
    }
}

pub(crate) fn number(pid: u32) -> Pid {
    i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a number of a process")
}

/// Whether it runs. One that has ended and that nobody has waited for does not.
pub(crate) fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().next());
    match state {
        Some(state) => state != "Z" && state != "X",
        None => !Path::new("/proc/self/stat").exists() && test_kill_process(number(pid)).is_ok(),
    }
}

/// Looks until it is so.
#[track_caller]
pub(crate) fn until(mut is_so: impl FnMut() -> bool, why: impl Fn() -> String) {
    let deadline = Instant::now() + DEADLINE;
    while !is_so() {
        assert!(Instant::now() < deadline, "{}", why());
        thread::park_timeout(LOOK);
    }
}

/// Runs a command, and checks exit status and words.
#[track_caller]
pub(crate) fn fails(command: Command, code: i32, words: &str) -> Ended {
    let ended = Program::run(command);
    assert_eq!(ended.code, Some(code), "{ended:?}");
    assert!(ended.stderr.contains(words), "{words:?} is not in {}", ended.stderr);
    ended
}

/// Whether the tests run as root. Else they say that they skip, and why that is all right: CI runs as root.
pub(crate) fn is_root(what: &str) -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: {what} needs root");
    }
    root
}

/// How often something is repeated: seldom, but in CI.
pub(crate) fn rounds(small: u32, full: u32) -> u32 {
    if std::env::var_os("CI").is_some_and(|value| value == "true") { full } else { small }
}
