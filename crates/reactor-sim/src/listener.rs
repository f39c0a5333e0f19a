//! Listening, and the queue of connections that wait to be accepted.
//!
//! Invariant: a socket in a listener's care is in its queue, or counted as half open.
//! Tests: `tests/suite/connecting.rs`, `tests/suite/unix_sockets.rs`, `tests/suite/descriptors.rs`.

use std::collections::VecDeque;
use std::io;

use sestina_reactor::{Address, Close, Key, Listen};

use crate::fault::Fault;
use crate::machine::{HostId, Transport};
use crate::packet::Cargo;
use crate::socket::{Kind, Listener, Owner, Socket, misuse};
use crate::stream::Phase;
use crate::unix;
use crate::world::World;

impl World {
    /// Listens, and says where.
    pub(crate) fn listen(&mut self, host: HostId, at: &Listen) -> io::Result<(Key, Address)> {
        if let Address::Inherited(which) = &at.address {
            return self.adopt(host, which);
        }
        if let Address::Unix(Some(path)) = &at.address {
            unix::check_path(path)?;
        }
        let backlog = usize::try_from(at.backlog).unwrap_or(usize::MAX).max(1);
        let (address, queue, owner) = (at.address.clone(), VecDeque::new(), Owner::Program);
        let listener = Listener { address, backlog, queue, half_open: 0, owner };
        let sock = self.open(host, Kind::Listener(listener))?;
        let machine = self.machine_mut(host);
        let bound = match &at.address {
            Address::Inet(address) => machine.bind(Transport::Stream, *address, sock).map(Address::from),
            Address::Unix(Some(path)) => {
                unix::make_file(&mut machine.files, path, sock).map(|()| at.address.clone())
            }
            _ => Err(misuse("a UNIX listener needs a path")),
        };
        match bound {
            Ok(address) => {
                if let Kind::Listener(listener) = &mut self.socket_mut(sock)?.kind {
                    listener.address = address.clone();
                }
                self.note(|world| format!("{} listen {address}", world.machine(host).name));
                Ok((sock, address))
            }
            Err(error) => {
                self.sockets.remove(sock);
                Err(error)
            }
        }
    }

    pub(crate) fn find_listener(&mut self, sock: Key) -> Option<&mut Listener> {
        match &mut self.sockets.get_mut(sock)?.kind {
            Kind::Listener(listener) => Some(listener),
            _ => None,
        }
    }

    /// Who listens there.
    pub(crate) fn listener_at(&self, host: HostId, address: &Address) -> Option<Key> {
        let machine = self.machine(host);
        let found = match address {
            Address::Inet(address) => machine.bound_at(Transport::Stream, *address),
            Address::Unix(Some(path)) => machine.files.get(&**path).copied().flatten(),
            _ => None,
        };
        let is_listener =
            |sock: &Key| matches!(self.sockets.get(*sock), Some(Socket { kind: Kind::Listener(_), .. }));
        found.filter(is_listener)
    }

    pub(crate) fn is_full(&mut self, listener: Key) -> bool {
        self.find_listener(listener)
            .is_some_and(|listener| listener.queue.len() + listener.half_open >= listener.backlog)
    }

    pub(crate) fn count_half_open(&mut self, listener: Key, more: usize) {
        if let Some(listener) = self.find_listener(listener) {
            listener.half_open += more;
        }
    }

    /// A connection that was being made, and whose client is gone.
    pub(crate) fn forget_half_open(&mut self, sock: Option<Key>) {
        let Some(listener) = self.find_stream(sock).and_then(|stream| stream.listener) else { return };
        if let Some(listener) = self.find_listener(listener) {
            listener.half_open -= 1;
        }
        if let Some(sock) = sock {
            self.forget_stream(sock);
        }
    }

    /// A connection shows up in the queue of its listener.
    pub(crate) fn enqueue(&mut self, sock: Key) {
        let Some(key) = self.find_stream(Some(sock)).and_then(|stream| stream.listener) else { return };
        if let Some(listener) = self.find_listener(key) {
            listener.half_open -= 1;
            listener.queue.push_back(sock);
            self.tell(key, true, false);
        }
    }

    /// Takes the connection that waits longest.
    pub(crate) fn accept(&mut self, sock: Key) -> io::Result<(Key, Address)> {
        let host = self.socket(sock)?.host;
        let Some(listener) = self.find_listener(sock) else { return Err(misuse("only a listener accepts")) };
        if listener.queue.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        if self.would_block(sock, true, false) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        // As reactor-mio does it: with a spare descriptor, the connection that waits longest is refused, by a reset: an end
        // would look like an empty answer.
        let granted = self.take_descriptor(host);
        let next = self.find_listener(sock).and_then(|listener| listener.queue.pop_front());
        let Some(next) = next else { return Err(io::ErrorKind::WouldBlock.into()) };
        if let Some(stream) = self.find_stream(Some(next)) {
            stream.listener = None;
        }
        if let Err(error) = granted {
            self.close_stream(next, Close::Reset);
            return Err(error);
        }
        if self.strikes(Fault::AbortedAccepts, host).is_some() {
            self.close_stream(next, Close::Reset);
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.note_stream(next, "--", || "accepted".to_owned());
        let peer = self.stream_mut(next)?.remote.clone();
        Ok((next, peer))
    }

    /// Closes a listener; who waits in its queue is reset. One that is the system's goes back to it, and they wait on.
    pub(crate) fn close_listener(&mut self, sock: Key) {
        if let Some(listener) = self.find_listener(sock)
            && listener.owner != Owner::Program
        {
            listener.owner = Owner::System;
            if let Some(socket) = self.sockets.get_mut(sock) {
                socket.token = None;
            }
            return;
        }
        let Some(Socket { host, kind: Kind::Listener(listener), .. }) = self.sockets.remove(sock) else {
            return;
        };
        let machine = self.machine_mut(host);
        match &listener.address {
            Address::Inet(address) => machine.unbind(Transport::Stream, *address, sock),
            Address::Unix(Some(path)) => unix::remove_file(&mut machine.files, path, sock),
            _ => {}
        }
        self.note(|world| format!("{} stops listening {}", world.machine(host).name, listener.address));
        for waiting in self.sockets_of(host) {
            match self.find_stream(Some(waiting)) {
                Some(stream) if stream.listener == Some(sock) => {
                    let open = stream.phase != Phase::Dead;
                    if open {
                        self.transmit(waiting, Cargo::Reset);
                    }
                    self.forget_stream(waiting);
                }
                _ => {}
            }
        }
    }
}
