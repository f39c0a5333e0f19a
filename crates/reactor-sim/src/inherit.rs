//! Listening sockets that the system holds and hands to a program: socket activation.
//!
//! They outlive the program: while it is down, and until it listens, clients are connected and wait in the queue.
//! Tests: `tests/suite/inherit.rs`.

use std::io;

use sestina_reactor::{Address, Inherited, Key, Listen};

use crate::machine::HostId;
use crate::socket::Owner;
use crate::world::World;

/// The first descriptor that is handed over, as systemd counts (sd_listen_fds(3)).
const FIRST: i32 = 3;

impl World {
    /// The system listens somewhere for a program to come.
    pub(crate) fn hand_over(&mut self, host: HostId, name: &str, at: Address) -> io::Result<Address> {
        let (sock, address) = self.listen(host, &Listen::at(at))?;
        if let Some(listener) = self.find_listener(sock) {
            listener.owner = Owner::System;
        }
        self.machine_mut(host).handed_over.push((name.to_owned(), sock));
        Ok(address)
    }

    /// A program takes what was handed over.
    pub(crate) fn adopt(&mut self, host: HostId, which: &Inherited) -> io::Result<(Key, Address)> {
        let known = &self.machine(host).handed_over;
        let found = match which {
            Inherited::Descriptor(number) => {
                let at = number.checked_sub(FIRST).and_then(|at| usize::try_from(at).ok());
                at.and_then(|at| known.get(at))
            }
            Inherited::Index(index) => usize::try_from(*index).ok().and_then(|at| known.get(at)),
            Inherited::Name(name) => known.iter().find(|(known, _)| **known == **name),
        };
        let Some(sock) = found.map(|(_, sock)| *sock) else {
            let names: Vec<&str> = known.iter().map(|(name, _)| name.as_str()).collect();
            let text = format!("the system handed over [{}]", names.join(", "));
            return Err(io::Error::new(io::ErrorKind::NotFound, text));
        };
        let Some(listener) = self.find_listener(sock) else { return Err(io::ErrorKind::NotFound.into()) };
        if listener.owner == Owner::Lent {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        listener.owner = Owner::Lent;
        let address = listener.address.clone();
        self.note(|world| format!("{} takes over {address}", world.machine(host).name));
        Ok((sock, address))
    }
}
