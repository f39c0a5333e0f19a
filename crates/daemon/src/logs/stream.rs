//! The log on the standard output or error. It never waits: a reader that sleeps must not make the service sleep.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags};
use rustix::net::SendFlags;

/// What a pipe that can take anything takes at once, in bytes: POSIX's least, and Linux's.
const PIPE_BYTES: usize = if cfg!(target_os = "linux") { 4_096 } else { 512 };

/// Which of the standard streams.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standard {
    /// What a program says.
    Output,
    /// What it says about itself.
    Error,
}

impl Standard {
    fn descriptor(self) -> BorrowedFd<'static> {
        match self {
            Self::Output => rustix::stdio::stdout(),
            Self::Error => rustix::stdio::stderr(),
        }
    }

    /// Whether journald reads it: `journal_stream` is what systemd has put into the environment as JOURNAL_STREAM.
    pub(crate) fn is_journal(self, journal_stream: &str) -> bool {
        let Ok(status) = rustix::fs::fstat(self.descriptor()) else { return false };
        journal_stream == format!("{}:{}", status.st_dev, status.st_ino)
    }
}

/// A stream, and how to write there without waiting.
#[derive(Debug)]
pub(crate) struct Stream {
    descriptor: BorrowedFd<'static>,
    way: Way,
}

/// The descriptor may be shared with other programs (a shell, a pipeline), so it is not ours to change.
#[derive(Debug)]
enum Way {
    /// A socket has a flag for it in each call.
    Socket,
    /// The same pipe or terminal, opened again for us alone.
    OpenedAgain(OwnedFd),
    /// What could not be opened again is asked first, and given no more than it takes at once.
    AskedFirst,
    /// Files do not make one wait for people.
    Direct,
}

impl Stream {
    pub(crate) fn new(standard: Standard) -> Self {
        let descriptor = standard.descriptor();
        Self { descriptor, way: way(descriptor) }
    }

    /// Writes, once: a part, if there is no room for more.
    pub(crate) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(match &self.way {
            Way::Socket => {
                rustix::net::send(self.descriptor, bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?
            }
            Way::OpenedAgain(own) => rustix::io::write(own, bytes)?,
            Way::AskedFirst if self.waits(Timespec::default()) => {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Way::AskedFirst => rustix::io::write(self.descriptor, &bytes[..bytes.len().min(PIPE_BYTES)])?,
            Way::Direct => rustix::io::write(self.descriptor, bytes)?,
        })
    }

    /// Waits at most so long for room. Says whether there is still none.
    pub(crate) fn waits(&self, at_most: Timespec) -> bool {
        let mut asked = [PollFd::new(&self.descriptor, PollFlags::OUT)];
        matches!(poll(&mut asked, Some(&at_most)), Ok(0))
    }
}

fn way(descriptor: BorrowedFd<'_>) -> Way {
    let Ok(status) = rustix::fs::fstat(descriptor) else { return Way::Direct };
    match FileType::from_raw_mode(status.st_mode) {
        FileType::Socket => Way::Socket,
        FileType::Fifo => open_again(descriptor),
        FileType::CharacterDevice if rustix::termios::isatty(descriptor) => open_again(descriptor),
        _ => Way::Direct,
    }
}

/// Somebody else's pipe or terminal may refuse.
fn open_again(descriptor: BorrowedFd<'_>) -> Way {
    use std::os::fd::AsRawFd;
    let number = descriptor.as_fd().as_raw_fd();
    let folder = if cfg!(target_os = "linux") { "/proc/self/fd" } else { "/dev/fd" };
    let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
    rustix::fs::open(format!("{folder}/{number}"), flags, Mode::empty())
        .map_or(Way::AskedFirst, Way::OpenedAgain)
}
