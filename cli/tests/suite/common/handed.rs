//! A fast poet whose port the test has opened before, so that nobody has to wait for a line of its log.

use std::net::{SocketAddr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use super::program::{Ended, Program};
use super::{connect, path, poem_file, read_all, scratch, sestina};

/// How often a test asks again for what a signal makes the poet do: it is one of the next turns of its loop.
const ASKED_MAX: usize = 10_000;

pub(crate) struct Handed {
    pub(crate) program: Program,
    pub(crate) at: SocketAddr,
    length: usize,
}

impl Handed {
    /// `sestina -n OPTIONS fastpoetry`.
    pub(crate) fn start(options: &[&str]) -> Self {
        let poem = poem_file("fascination");
        let mut command = sestina();
        command.arg("-n").args(options).args(Self::rest(path(&poem)));
        Self::of(command, Stdio::piped())
    }

    /// The end of a command line that uses the port.
    pub(crate) fn rest(poem: &str) -> [&str; 5] {
        ["--listen", "fastpoetry=fd:0", "fastpoetry", "--poem", poem]
    }

    pub(crate) fn of(mut command: Command, stderr: Stdio) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let at = listener.local_addr().expect("it is bound");
        command.stdin(Stdio::from(OwnedFd::from(listener))).stdout(Stdio::piped()).stderr(stderr);
        let length = super::poem("fascination").len();
        Self { program: Program::of(command.spawn().expect("it starts")), at, length }
    }

    /// Fetches the poem, and gives the address of the client. When this returns, the poet has logged it.
    #[track_caller]
    pub(crate) fn fetch(&self) -> SocketAddr {
        fetch(self.at, self.length)
    }

    #[track_caller]
    pub(crate) fn fetch_many(&self, count: usize) {
        for _ in 0..count {
            self.fetch();
        }
    }

    /// Fetches the poem until something has happened.
    #[track_caller]
    pub(crate) fn fetch_until(&self, what: &str, mut has_happened: impl FnMut() -> bool) -> usize {
        for fetched in 0..ASKED_MAX {
            if has_happened() {
                return fetched;
            }
            self.fetch();
        }
        panic!("{what} has not happened");
    }

    #[track_caller]
    pub(crate) fn stop(self) -> Ended {
        self.program.signal(Signal::TERM);
        let ended = self.program.wait();
        assert_eq!(ended.code, Some(0), "{}", ended.stderr);
        ended
    }
}

#[track_caller]
pub(crate) fn fetch(at: SocketAddr, length: usize) -> SocketAddr {
    let stream = connect(at);
    let peer = stream.local_addr().expect("it is connected");
    assert_eq!(read_all(stream).len(), length);
    peer
}

/// A directory of one test, removed at its end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = scratch(name);
        std::fs::remove_dir_all(&path).ok();
        std::fs::create_dir_all(&path).expect("it can be made");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> String {
        path(&self.0.join(name)).to_owned()
    }

    /// What is in the file; nothing if there is none.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}
