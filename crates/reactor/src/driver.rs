//! The seam below the reactor: sockets, clock and waiting.
//!
//! The reactor holds one `Box<dyn Driver>` and is the only caller. A driver never calls back: the reactor *tries*
//! an operation, and [`io::ErrorKind::WouldBlock`] promises that an [`Event`] will come once it can be tried again.
//! Drivers: `reactor-mio` (the operating system), `reactor-sim` (a simulated network and clock), and the small fake
//! in `tests/suite/fake/`, which shows how little one needs.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::address::Address;
use crate::queue::WriteQueue;
use crate::slab::Key;
use crate::time::Time;

/// The reactor's name for a connection, a port or an attempt to connect; comes back with events.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Token(pub Key);

/// The driver's name for a socket. After [`Driver::close`] it names nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Sock(pub Key);

/// Wakes a sleeping [`Driver::wait`] from any thread.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

/// Work to be done off the loop; it reports for itself, through [`Remote`](crate::Remote).
pub type Job = Box<dyn FnOnce() + Send>;

/// What [`Driver::wait`] tells.
#[derive(Debug)]
pub enum Event {
    /// Operations that answered `WouldBlock` may be tried again. May be spurious.
    Ready {
        /// The token the socket was watched with.
        token: Token,
        /// Receiving or accepting may go on; also when the peer finished or reset.
        readable: bool,
        /// Sending or connecting may go on.
        writable: bool,
    },
    /// The answer to [`Driver::resolve`].
    Resolved {
        /// The token of the question.
        token: Token,
        /// All addresses in the order of preference, or why there are none.
        addresses: io::Result<Vec<IpAddr>>,
    },
    /// A signal that was asked for with [`Driver::watch_signal`].
    Signal(Signal),
    /// A process that [`Driver::spawn_process`] started has ended.
    Exited {
        /// The token it was started with.
        token: Token,
        /// How it ended.
        status: ExitStatus,
    },
}

/// What [`Driver::recv`] got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Received {
    /// Bytes received; 0 means that the peer has finished sending.
    pub count: usize,
    /// Whether to try again without waiting for an event.
    pub more: bool,
}

/// Where and how to listen.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Listen {
    /// The address to bind. Port 0 takes a free port.
    pub address: Address,
    /// How many connections the kernel holds before they are accepted.
    pub backlog: u32,
    /// The permissions of a UNIX socket's file; the process's umask decides if there are none.
    pub mode: Option<u32>,
    /// Whether to hold a lock file beside a UNIX socket's file. Whoever has the lock may remove a file that was left
    /// behind.
    pub lock: bool,
}

impl Listen {
    /// At this address, as usual.
    #[must_use]
    pub fn at(address: Address) -> Self {
        Self { address, backlog: crate::BACKLOG, mode: None, lock: false }
    }
}

/// Whom to connect to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Connect {
    /// The peer.
    pub peer: Address,
    /// The local address to come from, if it matters.
    pub bind: Option<SocketAddr>,
}

/// How a socket ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Close {
    /// As the kernel does it: what was sent is delivered, unless input was left unread.
    Polite,
    /// With a reset: the peer gets an error and may lose what it has not read yet.
    Reset,
}

/// A setting of a connected socket.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum SocketOption {
    /// Send small writes at once instead of gathering them (TCP_NODELAY).
    NoDelay(bool),
    /// Probe a silent peer after this time; `None` turns probing off.
    KeepAlive(Option<Duration>),
}

/// The signals that a program may ask for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[non_exhaustive]
pub enum Signal {
    /// SIGHUP: reload.
    Hangup,
    /// SIGINT: Ctrl-C.
    Interrupt,
    /// SIGQUIT: Ctrl-\.
    Quit,
    /// SIGTERM: please end.
    Terminate,
    /// SIGUSR1.
    User1,
    /// SIGUSR2.
    User2,
}

/// `SIGINT`, `SIGTERM` ...
impl fmt::Display for Signal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Hangup => "SIGHUP",
            Self::Interrupt => "SIGINT",
            Self::Quit => "SIGQUIT",
            Self::Terminate => "SIGTERM",
            Self::User1 => "SIGUSR1",
            Self::User2 => "SIGUSR2",
        })
    }
}

/// A program to start: see [`Reactor::spawn_process`](crate::Reactor::spawn_process).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Command {
    /// The program's file or name.
    pub program: PathBuf,
    /// Its arguments, without the program's name.
    pub arguments: Vec<std::ffi::OsString>,
    /// Its whole environment; nothing else is passed on.
    pub environment: Vec<(std::ffi::OsString, std::ffi::OsString)>,
    /// Where it runs; the reactor's own directory if there is none.
    pub directory: Option<PathBuf>,
}

/// A started program: its pid and the three pipes, each a socket of the driver's.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Process {
    /// The process id.
    pub pid: u32,
    /// What is sent here is its standard input.
    pub stdin: Sock,
    /// Its standard output is received here.
    pub stdout: Sock,
    /// Its standard error is received here.
    pub stderr: Sock,
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ExitStatus {
    /// It exited with this number.
    Code(i32),
    /// This signal killed it.
    Signal(i32),
}

/// The world below a reactor; see the module.
///
/// A new driver needs what has no default here. Operations with a default answer
/// [`io::ErrorKind::Unsupported`]: the reactor passes that on as the operation's error.
pub trait Driver {
    /// The clock. Never goes back; virtual in a simulation.
    fn now(&self) -> Time;

    /// The clock as cheaply as the system can tell it: never ahead of [`now`](Self::now), and behind it by 10 ms at most, as long as
    /// the system is not late itself. It tells long from short, after each piece of user code.
    fn now_roughly(&self) -> Time {
        self.now()
    }

    /// Waits until something happens, `timeout` has passed (`None`: for ever) or somebody wakes it, and appends
    /// what happened.
    ///
    /// # Errors
    /// Only if waiting itself is impossible: the reactor's `run` ends with this error.
    fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()>;

    /// A number that nobody can foresee; in a simulation one that its seed decides. A driver that has none may leave it at
    /// its clock.
    fn random(&mut self) -> u64 {
        self.now().as_nanos()
    }

    /// What wakes a sleeping `wait`. A wake that comes while nobody waits ends the next `wait` at once.
    fn waker(&self) -> Wake;

    /// A descriptor that becomes readable when `wait(0)` would find something, for loops that host this one.
    fn pollable(&self) -> Option<i32> {
        None
    }

    /// Listens; the second half of the answer is the address that was really taken.
    ///
    /// # Errors
    /// As the operating system says. For UNIX sockets `StaleNetworkFileHandle` is a file that was left behind by a listener
    /// that is gone, `AddrInUse` any other file in the way, and `ResourceBusy` a lock that somebody else holds.
    fn listen(&mut self, at: &Listen) -> io::Result<(Sock, Address)>;

    /// Takes one connection that waits.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; others as the operating system says.
    fn accept(&mut self, listener: Sock) -> io::Result<(Sock, Address)>;

    /// Begins to connect.
    ///
    /// # Errors
    /// If it could not even begin.
    fn connect(&mut self, to: &Connect) -> io::Result<Sock>;

    /// How the attempt stands.
    ///
    /// # Errors
    /// `WouldBlock` while it goes on; else why it failed.
    fn connected(&mut self, sock: Sock) -> io::Result<()>;

    /// Begins to report events of this socket, once and for all, both directions, each change once
    /// (edge-triggered). What is ready already is reported too.
    ///
    /// # Errors
    /// As the operating system says.
    fn watch(&mut self, sock: Sock, token: Token) -> io::Result<()>;

    /// Receives.
    ///
    /// # Errors
    /// `WouldBlock` if there is nothing; `ConnectionReset` if the peer reset; others as the operating system says.
    fn recv(&mut self, sock: Sock, buffer: &mut [u8]) -> io::Result<Received>;

    /// Sends the beginning of the queue, as much as the socket takes, and says how many bytes that was.
    ///
    /// # Errors
    /// `WouldBlock` if it takes nothing now; others as the operating system says.
    fn send(&mut self, sock: Sock, queue: &WriteQueue) -> io::Result<usize>;

    /// As [`send`](Self::send), where our end is to follow: if this call takes all of the queue, [`finish`](Self::finish) or
    /// [`close`](Self::close) comes before the next `wait`. A driver may hold the last bytes back until then, so that they and
    /// the end leave in one packet.
    ///
    /// # Errors
    /// As of `send`.
    fn send_last(&mut self, sock: Sock, queue: &WriteQueue) -> io::Result<usize> {
        self.send(sock, queue)
    }

    /// Says that no more will be sent; receiving goes on.
    ///
    /// # Errors
    /// As the operating system says.
    fn finish(&mut self, sock: Sock) -> io::Result<()>;

    /// Closes a socket of any kind and forgets it.
    fn close(&mut self, sock: Sock, how: Close);

    /// The address on our side.
    ///
    /// # Errors
    /// As the operating system says.
    fn local_address(&self, sock: Sock) -> io::Result<Address>;

    /// Changes a setting.
    ///
    /// # Errors
    /// As the operating system says.
    fn set_option(&mut self, sock: Sock, option: SocketOption) -> io::Result<()>;

    /// Opens a datagram socket, connected to `peer` if there is one.
    ///
    /// # Errors
    /// As the operating system says.
    fn bind_datagram(&mut self, at: &Address, peer: Option<&Address>) -> io::Result<(Sock, Address)> {
        let _ = (at, peer);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sends one datagram; `to` is `None` on a connected socket.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room; others as the operating system says.
    fn send_to(&mut self, sock: Sock, datagram: &[u8], to: Option<&Address>) -> io::Result<()> {
        let _ = (sock, datagram, to);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Receives one datagram; what does not fit into the buffer is lost.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; others as the operating system says.
    fn recv_from(&mut self, sock: Sock, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
        let _ = (sock, buffer);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Starts a program; its end is told by [`Event::Exited`] with this token.
    ///
    /// # Errors
    /// As the operating system says; `NotFound` is the program, `NotADirectory` the folder that it should run in.
    fn spawn_process(&mut self, command: &Command, token: Token) -> io::Result<Process> {
        let _ = (command, token);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Sends a signal, by its number, to a process that this driver started.
    ///
    /// # Errors
    /// If it has ended already, or as the operating system says.
    fn signal_process(&mut self, token: Token, signal: i32) -> io::Result<()> {
        let _ = (token, signal);
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Looks a host name up, off the loop; answered by [`Event::Resolved`].
    fn resolve(&mut self, host: &str, token: Token);

    /// Runs a job off the loop: on a thread of a bounded pool, or inline in seeded order in a simulation.
    ///
    /// # Errors
    /// Hands the job back if the pool's queue is full.
    fn offload(&mut self, job: Job) -> Result<(), Job>;

    /// Begins to report a signal instead of letting it end the process.
    ///
    /// # Errors
    /// As the operating system says.
    fn watch_signal(&mut self, signal: Signal) -> io::Result<()>;
}
