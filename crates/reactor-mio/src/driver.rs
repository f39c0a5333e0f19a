//! The driver: everything that waits, behind the seam.
//!
//! Walk: the reactor calls [`Driver`]'s verbs; each finds its socket by key and goes on in `socket.rs`, or in
//! `pool.rs`, `signals.rs`, `process.rs`. [`MioDriver::wait`] turns what the kernel tells into events.
//! Invariants: a socket is registered with the poller at most once and never modified; only `wait` waits; answers of
//! threads are in the channel before the loop is woken for them.
//! Tests: one file in `tests/suite/` for each situation.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use mio::Poll;
use sestina_reactor::{
    Address, Close, Command, Connect, Driver, Event, Job, Listen, Process, Received, Signal, Slab, Sock,
    SocketOption, Time, Token, Wake, WriteQueue,
};
use signal_hook::consts::SIGCHLD;

use crate::accept::{self, Spare};
use crate::clock::Clock;
use crate::options::Options;
use crate::pool::Pool;
use crate::process::Processes;
use crate::resolve::Answers;
use crate::signals::{self, Signals};
use crate::socket::Socket;
use crate::token::{self, Names};
use crate::wake::Waker;
use crate::{inherit, tcp, udp, unix};

/// The driver for the operating system: give it to a reactor.
///
/// See the [crate] for what it decides where systems differ.
///
/// # Limits
/// [`Options`] has them: events taken in one wait, threads of the pool, jobs that wait for a thread.
pub struct MioDriver {
    clock: Clock,
    poll: Poll,
    polled: mio::Events,
    names: Names,
    sockets: Slab<Entry>,
    /// Readiness that no kernel will tell about; the loop has been woken for it.
    untold: Vec<Event>,
    spare: Spare,
    waker: Arc<Waker>,
    wake: Wake,
    answers: Answers,
    answered: mpsc::Receiver<Event>,
    pool: Pool,
    signals: Signals,
    processes: Processes,
    inherited: inherit::Inherited,
}

/// A socket and what the driver knows of it.
#[derive(Debug)]
struct Entry {
    socket: Socket,
    /// Set when the socket is watched.
    token: Option<Token>,
    /// Whether an event ever said that the peer finished or failed: then none may come for the end of the stream.
    hung_up: bool,
}

impl MioDriver {
    /// A driver with the usual limits.
    ///
    /// # Errors
    /// If the system has no poller or no descriptor for it.
    pub fn new() -> io::Result<Self> {
        Self::with_options(Options::default())
    }

    /// A driver with limits of your own.
    ///
    /// # Errors
    /// If the system has no poller or no descriptor for it.
    pub fn with_options(options: Options) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry())?);
        let (answers, answered) = Answers::new(Arc::clone(&waker));
        let mut spare = Spare::default();
        spare.keep();
        Ok(Self {
            clock: Clock::start(),
            poll,
            polled: mio::Events::with_capacity(options.events_per_wait_max),
            names: Names::default(),
            sockets: Slab::default(),
            untold: Vec::new(),
            spare,
            wake: Arc::new({
                let waker = Arc::clone(&waker);
                move || waker.wake()
            }),
            waker,
            answers,
            answered,
            pool: Pool::new(&options),
            signals: Signals::default(),
            processes: Processes::default(),
            inherited: inherit::Inherited::default(),
        })
    }

    /// Tells the names of the listening sockets that this process was started with, as descriptors 3, 4 ... in this
    /// order: what systemd says in `LISTEN_FDS` and `LISTEN_FDNAMES`. Whoever reads the environment
    /// calls this, with what [`handed_over`](crate::handed_over) makes of the variables.
    ///
    /// # Errors
    /// If one of them is not open.
    pub fn inherit(&mut self, names: &[String]) -> io::Result<()> {
        self.inherited = inherit::Inherited::take(names)?;
        Ok(())
    }

    /// The same for a program that took the sockets before: those that systemd handed over, by name and in order, and those that are
    /// known by a number (`fd:5`), which need not be open under it any more.
    ///
    /// ```
    /// use sestina_reactor::{Address, Driver, Inherited, Listen};
    /// use sestina_reactor_mio::MioDriver;
    ///
    /// let theirs = std::net::TcpListener::bind("127.0.0.1:0")?;
    /// let mut driver = MioDriver::new()?;
    /// driver.inherit_sockets(vec![("web".to_owned(), theirs.into())], std::collections::BTreeMap::new());
    /// driver.listen(&Listen::at(Address::Inherited(Inherited::Name("web".into()))))?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn inherit_sockets(&mut self, named: Vec<(String, OwnedFd)>, numbered: BTreeMap<i32, OwnedFd>) {
        self.inherited = inherit::Inherited::given(named, numbered);
    }

    fn add(&mut self, socket: Socket) -> Sock {
        Sock(self.sockets.insert(Entry { socket, token: None, hung_up: false }))
    }

    fn entry(&self, sock: Sock) -> io::Result<&Entry> {
        self.sockets.get(sock.0).ok_or_else(closed)
    }

    /// A child's standard input has only one direction: when we finish it, nothing can come back any more.
    fn tell_if_finished(&mut self, sock: Sock) {
        if let Some(Entry { socket: Socket::ToChild(None), token: Some(token), .. }) =
            self.sockets.get(sock.0)
        {
            self.untold.push(Event::Ready { token: *token, readable: true, writable: false });
            self.waker.wake();
        }
    }

    /// Turns what the last poll found into events.
    fn tell(&mut self, events: &mut Vec<Event>) {
        for event in &self.polled {
            match event.token() {
                token::WAKE => {
                    self.waker.arrived();
                    events.append(&mut self.untold);
                    events.extend(self.answered.try_iter());
                }
                token::SIGNALS => {
                    for number in self.signals.pending() {
                        match signals::signal_of(number) {
                            Some(signal) => events.push(Event::Signal(signal)),
                            None => self.processes.reap(events),
                        }
                    }
                }
                number => {
                    let entry = self.names.key(number).and_then(|key| self.sockets.get_mut(key));
                    events.extend(entry.and_then(|entry| entry.told(event)));
                }
            }
        }
    }
}

impl Entry {
    fn told(&mut self, event: &mio::event::Event) -> Option<Event> {
        let token = self.token?;
        let failed = event.is_error();
        let finished = match self.socket {
            // The reader's end of the only direction is the end of the connection.
            Socket::ToChild(_) => event.is_write_closed(),
            _ => event.is_read_closed(),
        };
        self.hung_up |= finished || failed;
        Some(Event::Ready {
            token,
            readable: event.is_readable() || finished || failed,
            writable: event.is_writable() || event.is_write_closed() || failed,
        })
    }
}

impl Driver for MioDriver {
    fn now(&self) -> Time {
        self.clock.now()
    }

    fn now_roughly(&self) -> Time {
        self.clock.now_roughly()
    }

    /// Each hasher of the standard library has keys of its own, made from what the system calls random.
    fn random(&mut self) -> u64 {
        RandomState::new().build_hasher().finish()
    }

    /// Epoll counts milliseconds, and mio rounds up to them, so no timer is early.
    fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        match self.poll.poll(&mut self.polled, timeout) {
            Ok(()) => self.tell(events),
            // A signal's handler ran; if anybody watches that signal the next wait finds it in the pipe.
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn waker(&self) -> Wake {
        Arc::clone(&self.wake)
    }

    fn pollable(&self) -> Option<i32> {
        Some(self.poll.as_raw_fd())
    }

    fn listen(&mut self, at: &Listen) -> io::Result<(Sock, Address)> {
        let socket = match &at.address {
            Address::Inet(address) => Socket::TcpListener(tcp::listen(*address, at.backlog)?),
            Address::Unix(Some(path)) => Socket::UnixListener(Box::new(unix::listen(path, at)?)),
            Address::Inherited(which) => self.inherited.adopt(which)?,
            _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "a UNIX listener needs a path")),
        };
        let taken = socket.local_address()?;
        Ok((self.add(socket), taken))
    }

    fn accept(&mut self, listener: Sock) -> io::Result<(Sock, Address)> {
        let entry = self.sockets.get(listener.0).ok_or_else(closed)?;
        let (socket, peer) = accept::accept(&entry.socket, &mut self.spare)?;
        Ok((self.add(socket), peer))
    }

    fn connect(&mut self, to: &Connect) -> io::Result<Sock> {
        let socket = match &to.peer {
            Address::Inet(peer) => Socket::Tcp(tcp::connect(*peer, to.bind)?),
            Address::Unix(Some(path)) => Socket::Unix(unix::connect(path)?),
            _ => return Err(io::Error::new(io::ErrorKind::InvalidInput, "a UNIX peer needs a path")),
        };
        Ok(self.add(socket))
    }

    fn connected(&mut self, sock: Sock) -> io::Result<()> {
        self.entry(sock)?.socket.connected()
    }

    fn watch(&mut self, sock: Sock, token: Token) -> io::Result<()> {
        let entry = self.sockets.get_mut(sock.0).ok_or_else(closed)?;
        if entry.token.is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the socket is watched already"));
        }
        entry.socket.register(self.poll.registry(), self.names.token(sock.0))?;
        entry.token = Some(token);
        self.tell_if_finished(sock);
        Ok(())
    }

    fn recv(&mut self, sock: Sock, buffer: &mut [u8]) -> io::Result<Received> {
        let entry = self.entry(sock)?;
        entry.socket.recv(buffer, entry.hung_up)
    }

    fn send(&mut self, sock: Sock, queue: &WriteQueue) -> io::Result<usize> {
        self.entry(sock)?.socket.send(queue)
    }

    fn send_last(&mut self, sock: Sock, queue: &WriteQueue) -> io::Result<usize> {
        self.entry(sock)?.socket.send_last(queue)
    }

    fn finish(&mut self, sock: Sock) -> io::Result<()> {
        self.sockets.get_mut(sock.0).ok_or_else(closed)?.socket.finish()?;
        self.tell_if_finished(sock);
        Ok(())
    }

    fn close(&mut self, sock: Sock, how: Close) {
        if let Some(entry) = self.sockets.remove(sock.0) {
            entry.socket.close(how);
            self.spare.keep();
        }
    }

    fn local_address(&self, sock: Sock) -> io::Result<Address> {
        self.entry(sock)?.socket.local_address()
    }

    fn set_option(&mut self, sock: Sock, option: SocketOption) -> io::Result<()> {
        self.entry(sock)?.socket.set_option(option)
    }

    fn bind_datagram(&mut self, at: &Address, peer: Option<&Address>) -> io::Result<(Sock, Address)> {
        let socket = Socket::Udp(udp::bind(at, peer)?);
        let taken = socket.local_address()?;
        Ok((self.add(socket), taken))
    }

    fn send_to(&mut self, sock: Sock, datagram: &[u8], to: Option<&Address>) -> io::Result<()> {
        self.entry(sock)?.socket.send_to(datagram, to)
    }

    fn recv_from(&mut self, sock: Sock, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
        self.entry(sock)?.socket.recv_from(buffer)
    }

    fn spawn_process(&mut self, command: &Command, token: Token) -> io::Result<Process> {
        self.signals.watch(self.poll.registry(), SIGCHLD)?;
        let started = self.processes.start(command, token)?;
        Ok(Process {
            pid: started.pid,
            stdin: self.add(started.stdin),
            stdout: self.add(started.stdout),
            stderr: self.add(started.stderr),
        })
    }

    fn signal_process(&mut self, token: Token, signal: i32) -> io::Result<()> {
        self.processes.signal(token, signal)
    }

    fn resolve(&mut self, host: &str, token: Token) {
        if self.pool.submit(self.answers.lookup(host, token)).is_err() {
            self.answers.refuse(token);
        }
    }

    fn offload(&mut self, job: Job) -> Result<(), Job> {
        // What the job logs goes where the loop's own log goes, also if that is for this thread only.
        let log = tracing::dispatcher::get_default(Clone::clone);
        self.pool.submit(Box::new(move || tracing::dispatcher::with_default(&log, job)))
    }

    fn watch_signal(&mut self, signal: Signal) -> io::Result<()> {
        self.signals.watch(self.poll.registry(), signals::number_of(signal)?)
    }
}

impl std::fmt::Debug for MioDriver {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("MioDriver")
            .field("sockets", &self.sockets.len())
            .field("pool", &self.pool)
            .field("signals", &self.signals)
            .field("processes", &self.processes)
            .finish_non_exhaustive()
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::NotConnected, "the socket was closed")
}
