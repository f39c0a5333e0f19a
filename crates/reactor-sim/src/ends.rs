//! How hosts end, as the world sees it: stopped, crashed, or killed by a signal.
//!
//! Tests: `tests/suite/crashes.rs`, `tests/suite/signals.rs`, `tests/suite/inherit.rs`.

use sestina_reactor::{Close, Event, Key, Signal};

use crate::machine::HostId;
use crate::packet::Cargo;
use crate::socket::{Kind, Owner};
use crate::unix;
use crate::world::World;

impl World {
    /// The program has ended: the kernel closes what is left.
    pub(crate) fn shut_down(&mut self, host: HostId) {
        for sock in self.sockets_that_end(host) {
            self.close(sock, Close::Polite);
        }
        self.kill_processes(host);
        self.machine_mut(host).end_life();
    }

    /// The program is killed. Peers are reset, as far as a packet that is sent once reaches them; files stay.
    pub(crate) fn crash(&mut self, host: HostId) {
        self.note(|world| format!("{} crashes", world.machine(host).name));
        unix::leave_files(&mut self.machine_mut(host).files);
        let sockets = self.sockets_that_end(host);
        for sock in &sockets {
            self.reset_peer(*sock);
        }
        for sock in sockets {
            match self.sockets.get(sock).map(|socket| &socket.kind) {
                Some(Kind::Stream(_)) => self.forget_stream(sock),
                Some(_) => self.close(sock, Close::Polite),
                None => {}
            }
        }
        self.kill_processes(host);
        self.machine_mut(host).end_life();
    }

    /// The sockets that end with the program: all but connections that wait at a listener of the system's.
    fn sockets_that_end(&mut self, host: HostId) -> Vec<Key> {
        let mut sockets = self.sockets_of(host);
        sockets.retain(|sock| {
            let listener = self.find_stream(Some(*sock)).and_then(|stream| stream.listener);
            let listener = listener.and_then(|listener| self.find_listener(listener));
            listener.is_none_or(|listener| listener.owner == Owner::Program)
        });
        sockets
    }

    fn reset_peer(&mut self, sock: Key) {
        let is_open = self.find_stream(Some(sock)).is_some_and(|stream| stream.is_open());
        if is_open {
            self.transmit(sock, Cargo::Reset);
        }
    }

    /// Tells a program of a signal; true if it does not watch for it and is to be killed.
    pub(crate) fn signal(&mut self, host: HostId, signal: Signal) -> bool {
        self.note(|world| format!("{} gets {signal}", world.machine(host).name));
        let machine = self.machine_mut(host);
        let is_watched = machine.signals.contains(&signal);
        if is_watched {
            machine.tell_event(Event::Signal(signal));
        }
        !is_watched && machine.is_up
    }
}
