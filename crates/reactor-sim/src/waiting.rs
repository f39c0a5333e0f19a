//! Who waits for what: the message of a simulation in which nothing will ever happen again.

use std::fmt::Write;
use std::io;

use crate::machine::{HostId, Life};
use crate::socket::Kind;
use crate::stream::Phase;
use crate::world::World;

/// So many connections are named one by one.
const NAMED_MAX: usize = 20;

impl World {
    /// Only a reactor that is alone may move the clock.
    pub(crate) fn check_alone(&self, life: Life) -> io::Result<()> {
        if !self.is_alive(life) {
            return Err(gone(&self.machine(life.host).name));
        }
        let others =
            self.machines.iter().enumerate().filter(|(number, machine)| {
                machine.is_up && machine.has_reactor && HostId(*number) != life.host
            });
        let mut names: Vec<&str> = others.map(|(_, machine)| machine.name.as_str()).collect();
        if self.calls_waiting > 0 {
            names.push("a call of the simulation");
        }
        if names.is_empty() {
            return Ok(());
        }
        let name = &self.machine(life.host).name;
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            format!(
                "{name} is not alone, there is also {}: call Simulation::run_until or Simulation::run_for, which give \
                 every host its turn, instead of waiting with the reactor of one",
                names.join(", ")
            ),
        ))
    }

    /// The error of a wait that nothing can end. `more` says what only the reactors know.
    pub(crate) fn deadlock(&self, more: &[String]) -> io::Error {
        let mut text = String::from("nothing will ever happen again: no timer, no packet is under way");
        let mut lines: Vec<String> = Vec::new();
        for (number, machine) in self.machines.iter().enumerate() {
            let state = if machine.is_up { "" } else { " (down)" };
            let mut own = Vec::new();
            self.describe_sockets(HostId(number), &mut own);
            if !own.is_empty() || !machine.is_up {
                lines.push(format!("{}{state}: {}", machine.name, own.join(", ")));
            }
        }
        for (one, other) in self.links.partitions() {
            let held = self.links.held.iter().filter(|packet| {
                (packet.from, packet.to) == (one, other) || (packet.to, packet.from) == (one, other)
            });
            let (one, other) = (&self.machine(one).name, &self.machine(other).name);
            lines.push(format!(
                "{one} and {other} do not reach each other, {} packets are held",
                held.count()
            ));
        }
        if self.processes.running() > 0 {
            lines.push(format!("{} processes run", self.processes.running()));
        }
        lines.extend_from_slice(more);
        if lines.is_empty() {
            lines.push("nobody listens, and there is no connection".to_owned());
        }
        for line in lines {
            write!(text, "\n  {line}").expect("a string takes every line");
        }
        io::Error::new(io::ErrorKind::Deadlock, text)
    }

    fn describe_sockets(&self, host: HostId, lines: &mut Vec<String>) {
        let mut unnamed = 0;
        for socket in self.sockets.iter().filter(|socket| socket.host == host) {
            let line = match &socket.kind {
                Kind::Listener(listener) => {
                    format!("listens on {} ({} wait)", listener.address, listener.queue.len())
                }
                Kind::Stream(stream) => {
                    let phase = match stream.phase {
                        Phase::Connecting => "connecting to",
                        Phase::Open => "connected to",
                        Phase::Dead => "lost its connection to",
                    };
                    let end = if stream.ended { ", which has ended" } else { "" };
                    let watched = if socket.token.is_none() { ", not watched" } else { "" };
                    let far = self.place(stream.far_host, &stream.remote);
                    format!("{phase} {far}{end} ({} unread{watched})", stream.input.len())
                }
                Kind::Datagram(datagrams) => format!("takes datagrams at {}", datagrams.local),
                Kind::ToProcess(_) | Kind::FromProcess(_) => continue,
            };
            if lines.len() < NAMED_MAX {
                lines.push(line);
            } else {
                unnamed += 1;
            }
        }
        if unnamed > 0 {
            lines.push(format!("and {unnamed} more"));
        }
    }
}

/// What calls of an earlier life are answered.
pub(crate) fn gone(name: &str) -> io::Error {
    io::Error::new(
        io::ErrorKind::NotConnected,
        format!("{name} has crashed or was stopped: this is a reactor of before"),
    )
}
