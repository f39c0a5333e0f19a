//! A driver without a kernel: clients that always connect, messages that are always there, sockets that always take
//! everything, and a clock that jumps to the end of each wait.

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use sestina_reactor::{
    Address, Close, Connect, Driver, Event, Job, Listen, Received, Signal, Slab, Sock, SocketOption, Time,
    Token, Wake, WriteQueue,
};

/// How many clients come at once.
const ACCEPTS_PER_WAIT: u32 = 64;
/// How long a message is, in bytes.
const MESSAGE_BYTES: usize = 64;

/// What the clients do after they have connected.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Clients {
    /// They read, and have finished when somebody looks.
    Read,
    /// Each says something in each turn.
    Speak,
}

/// How much has happened; shared with whoever measures.
#[derive(Clone, Default, Debug)]
pub(crate) struct Count(Rc<Cell<u64>>);

impl Count {
    pub(crate) fn get(&self) -> u64 {
        self.0.get()
    }

    fn add(&self, more: u64) {
        self.0.set(self.0.get() + more);
    }
}

#[derive(Debug)]
pub(crate) struct NullDriver {
    now: Time,
    clients: Clients,
    /// How many still come.
    left: u64,
    /// How many may be accepted before the next wait.
    waiting: u32,
    listener: Option<Token>,
    sockets: Slab<Option<Token>>,
    watched: Vec<(Sock, Token)>,
    done: Count,
}

impl NullDriver {
    /// So many clients come. The count is of connections that were closed, or of messages that were sent.
    pub(crate) fn new(clients: Clients, count: u64) -> (Self, Count) {
        let done = Count::default();
        let driver = Self {
            now: Time::ZERO,
            clients,
            left: count,
            waiting: 0,
            listener: None,
            sockets: Slab::default(),
            watched: Vec::new(),
            done: done.clone(),
        };
        (driver, done)
    }
}

impl Driver for NullDriver {
    fn now(&self) -> Time {
        self.now
    }

    fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        if self.left > 0 {
            self.waiting = ACCEPTS_PER_WAIT;
            events.extend(self.listener.map(|token| Event::Ready { token, readable: true, writable: false }));
        } else {
            self.now += timeout.unwrap_or_default();
        }
        if self.clients == Clients::Speak {
            let ready = |&(_, token): &(Sock, Token)| Event::Ready { token, readable: true, writable: false };
            events.extend(self.watched.iter().map(ready));
        }
        Ok(())
    }

    fn waker(&self) -> Wake {
        Arc::new(|| ())
    }

    fn listen(&mut self, at: &Listen) -> io::Result<(Sock, Address)> {
        Ok((Sock(self.sockets.insert(None)), at.address.clone()))
    }

    fn accept(&mut self, _: Sock) -> io::Result<(Sock, Address)> {
        if self.left == 0 || self.waiting == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.left -= 1;
        self.waiting -= 1;
        Ok((Sock(self.sockets.insert(None)), Address::Inet(([127, 0, 0, 1], 4000).into())))
    }

    fn connect(&mut self, _: &Connect) -> io::Result<Sock> {
        Err(io::ErrorKind::Unsupported.into())
    }

    fn connected(&mut self, _: Sock) -> io::Result<()> {
        Ok(())
    }

    fn watch(&mut self, sock: Sock, token: Token) -> io::Result<()> {
        if self.listener.is_none() {
            self.listener = Some(token);
        } else {
            self.watched.push((sock, token));
        }
        Ok(())
    }

    /// The end for those who read; a message for those who speak.
    fn recv(&mut self, _: Sock, buffer: &mut [u8]) -> io::Result<Received> {
        match self.clients {
            Clients::Read => Ok(Received { count: 0, more: false }),
            Clients::Speak => {
                buffer[..MESSAGE_BYTES].fill(b'?');
                Ok(Received { count: MESSAGE_BYTES, more: false })
            }
        }
    }

    fn send(&mut self, _: Sock, queue: &WriteQueue) -> io::Result<usize> {
        if self.clients == Clients::Speak {
            self.done.add(1);
        }
        Ok(queue.len())
    }

    fn finish(&mut self, _: Sock) -> io::Result<()> {
        Ok(())
    }

    fn close(&mut self, sock: Sock, _: Close) {
        self.sockets.remove(sock.0);
        self.done.add(1);
    }

    fn local_address(&self, _: Sock) -> io::Result<Address> {
        Ok(Address::Inet(([127, 0, 0, 1], 1).into()))
    }

    fn set_option(&mut self, _: Sock, _: SocketOption) -> io::Result<()> {
        Ok(())
    }

    fn resolve(&mut self, _: &str, _: Token) {}

    fn offload(&mut self, job: Job) -> Result<(), Job> {
        job();
        Ok(())
    }

    fn watch_signal(&mut self, _: Signal) -> io::Result<()> {
        Ok(())
    }
}
