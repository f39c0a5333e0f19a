//! The driver: a program's calls on its simulated kernel.
//!
//! Thin on purpose: each verb finds the world and goes on there. A driver belongs to one life of one host; after a crash
//! everything it is asked is an error.
//! Tests: the contract (`tests/contract.rs`), and one file in `tests/suite/` for each noun.

use std::cell::{RefCell, RefMut};
use std::fmt;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{
    Address, Close, Command, Connect, Driver, Event, Job, Listen, Process, Received, Signal, Sock,
    SocketOption, Time, Token, Wake, WriteQueue,
};

use crate::advance;
use crate::machine::Life;
use crate::socket::Kind;
use crate::waiting::gone;
use crate::world::World;

/// A host's view of the simulated world: what a [`Reactor`](sestina_reactor::Reactor) is built over.
///
/// Most tests never see one: [`Host::reactor`](crate::Host::reactor) has made it. Tests of drivers and of other loops
/// take it from [`Simulation::driver`](crate::Simulation::driver).
pub struct SimDriver {
    world: Rc<RefCell<World>>,
    life: Life,
    wake: Wake,
    /// Sockets that were told that their end comes right after what they have sent.
    owe_their_end: Vec<Sock>,
}

impl SimDriver {
    pub(crate) fn new(world: &Rc<RefCell<World>>, life: Life) -> Self {
        let wake = world.borrow().machine(life.host).waker();
        Self { world: Rc::clone(world), life, wake, owe_their_end: Vec::new() }
    }

    fn world(&self) -> io::Result<RefMut<'_, World>> {
        let world = self.world.borrow_mut();
        if !world.is_alive(self.life) {
            return Err(gone(&world.machine(self.life.host).name));
        }
        Ok(world)
    }
}

impl Driver for SimDriver {
    fn now(&self) -> Time {
        self.world.borrow().host_time(self.life.host)
    }

    fn random(&mut self) -> u64 {
        self.world.borrow_mut().dice.random()
    }

    fn wait(&mut self, timeout: Option<Duration>, events: &mut Vec<Event>) -> io::Result<()> {
        drop(self.world()?);
        let owe = &self.owe_their_end;
        assert!(
            owe.is_empty(),
            "{owe:?} have sent their last bytes, and the loop waits before it sends their ends"
        );
        advance::wait(&self.world, self.life, timeout, events)
    }

    fn waker(&self) -> Wake {
        Wake::clone(&self.wake)
    }

    fn listen(&mut self, at: &Listen) -> io::Result<(Sock, Address)> {
        let (sock, address) = self.world()?.listen(self.life.host, at)?;
        Ok((Sock(sock), address))
    }

    fn accept(&mut self, listener: Sock) -> io::Result<(Sock, Address)> {
        let (sock, peer) = self.world()?.accept(listener.0)?;
        Ok((Sock(sock), peer))
    }

    fn connect(&mut self, to: &Connect) -> io::Result<Sock> {
        self.world()?.connect(self.life.host, to).map(Sock)
    }

    fn connected(&mut self, sock: Sock) -> io::Result<()> {
        self.world()?.connected(sock.0)
    }

    fn watch(&mut self, sock: Sock, token: Token) -> io::Result<()> {
        let mut world = self.world()?;
        let socket = world.socket_mut(sock.0)?;
        if socket.token.is_some() {
            return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the socket is watched already"));
        }
        socket.token = Some(token);
        let (readable, writable) = socket.readiness();
        if readable || writable {
            world.tell(sock.0, readable, writable);
        }
        Ok(())
    }

    fn recv(&mut self, sock: Sock, buffer: &mut [u8]) -> io::Result<Received> {
        let mut world = self.world()?;
        match world.socket(sock.0)?.kind {
            Kind::ToProcess(_) | Kind::FromProcess(_) => world.receive_from_process(sock.0, buffer),
            _ => world.receive_bytes(sock.0, buffer),
        }
    }

    fn send(&mut self, sock: Sock, queue: &WriteQueue) -> io::Result<usize> {
        let mut world = self.world()?;
        match world.socket(sock.0)?.kind {
            Kind::ToProcess(_) => world.send_to_process(sock.0, queue),
            _ => world.send_bytes(sock.0, queue),
        }
    }

    /// Nothing is held back here; what must follow is watched.
    fn send_last(&mut self, sock: Sock, queue: &WriteQueue) -> io::Result<usize> {
        let count = self.send(sock, queue)?;
        if count == queue.len() {
            self.owe_their_end.push(sock);
        }
        Ok(count)
    }

    fn finish(&mut self, sock: Sock) -> io::Result<()> {
        self.owe_their_end.retain(|owes| *owes != sock);
        let mut world = self.world()?;
        match world.socket(sock.0)?.kind {
            Kind::ToProcess(_) => world.finish_input(sock.0),
            Kind::FromProcess(_) => {}
            _ => world.finish_stream(sock.0)?,
        }
        Ok(())
    }

    fn close(&mut self, sock: Sock, how: Close) {
        self.owe_their_end.retain(|owes| *owes != sock);
        let Ok(mut world) = self.world() else { return };
        world.close(sock.0, how);
    }

    fn local_address(&self, sock: Sock) -> io::Result<Address> {
        self.world()?.socket(sock.0)?.local()
    }

    /// Taken and without effect: packets are never gathered here, and a silent peer is told by partitions.
    fn set_option(&mut self, sock: Sock, option: SocketOption) -> io::Result<()> {
        let mut world = self.world()?;
        match (&world.stream_mut(sock.0)?.local, option) {
            (Address::Inet(_), SocketOption::NoDelay(_) | SocketOption::KeepAlive(_)) => Ok(()),
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "only a TCP connection has these settings")),
        }
    }

    fn bind_datagram(&mut self, at: &Address, peer: Option<&Address>) -> io::Result<(Sock, Address)> {
        let (sock, address) = self.world()?.bind_datagram(self.life.host, at, peer)?;
        Ok((Sock(sock), address))
    }

    fn send_to(&mut self, sock: Sock, datagram: &[u8], to: Option<&Address>) -> io::Result<()> {
        self.world()?.send_datagram(sock.0, datagram, to)
    }

    fn recv_from(&mut self, sock: Sock, buffer: &mut [u8]) -> io::Result<(usize, Address)> {
        self.world()?.receive_datagram(sock.0, buffer)
    }

    fn spawn_process(&mut self, command: &Command, token: Token) -> io::Result<Process> {
        self.world()?.spawn_process(self.life, command, token)
    }

    fn signal_process(&mut self, token: Token, signal: i32) -> io::Result<()> {
        self.world()?.signal_process(self.life, token, signal)
    }

    fn resolve(&mut self, host: &str, token: Token) {
        if let Ok(mut world) = self.world() {
            world.resolve(self.life, host, token);
        }
    }

    fn offload(&mut self, job: Job) -> Result<(), Job> {
        match self.world() {
            Ok(mut world) => world.offload(self.life, job),
            Err(_) => Err(job),
        }
    }

    fn watch_signal(&mut self, signal: Signal) -> io::Result<()> {
        self.world()?.machine_mut(self.life.host).signals.insert(signal);
        Ok(())
    }
}

impl fmt::Debug for SimDriver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SimDriver({:?}, {:?})", self.life, self.world.borrow())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_of_another_kind_of_socket_is_a_misuse() {
        let kind = io::ErrorKind::InvalidInput;
        let simulation = crate::Simulation::seeded(1);
        let mut driver = simulation.driver("alice");
        let at = Listen::at(std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into());
        let (listener, _) = driver.listen(&at).expect("a free port");
        assert_eq!(driver.recv(listener, &mut [0]).expect_err("no connection").kind(), kind);
        assert_eq!(driver.recv_from(listener, &mut [0]).expect_err("no datagrams").kind(), kind);
        driver.close(listener, Close::Polite);
        assert_eq!(driver.accept(listener).expect_err("closed").kind(), io::ErrorKind::NotConnected);
        assert_eq!(simulation.sockets(), 0);
    }
}
