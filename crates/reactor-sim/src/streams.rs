//! Connections in the world: what their two ends send each other.
//!
//! As TCP is seen from a program: order is kept, nothing is lost in silence; a close with unread input resets; bytes for
//! a closed socket are answered by a reset; a reset may take what was not read yet with it.
//! Invariant: packets of one end never overtake one another.
//! Tests: `tests/suite/streams.rs`.

use std::io;
use std::time::Duration;

use sestina_reactor::{Address, Close, Key, Received, WriteQueue};

use crate::agenda::Happening;
use crate::fault::Fault;
use crate::link::Partition;
use crate::machine::{HostId, Transport};
use crate::packet::{Cargo, Packet};
use crate::socket::{Kind, Socket, misuse};
use crate::stream::{Output, Phase, Stream};
use crate::world::World;

impl World {
    pub(crate) fn stream_mut(&mut self, sock: Key) -> io::Result<&mut Stream> {
        match &mut self.socket_mut(sock)?.kind {
            Kind::Stream(stream) => Ok(stream),
            _ => Err(misuse("only a connection does that")),
        }
    }

    pub(crate) fn find_stream(&mut self, sock: Option<Key>) -> Option<&mut Stream> {
        match &mut self.sockets.get_mut(sock?)?.kind {
            Kind::Stream(stream) => Some(stream),
            _ => None,
        }
    }

    pub(crate) fn new_window(&mut self) -> usize {
        let small = self.dice.strikes(Fault::SmallWindows, self.now);
        small.map_or(WINDOW_BYTES, |bytes| usize::try_from(bytes).unwrap_or(WINDOW_BYTES).max(1))
    }

    pub(crate) fn send_bytes(&mut self, sock: Key, queue: &WriteQueue) -> io::Result<usize> {
        let host = self.socket(sock)?.host;
        let open = self.stream_mut(sock)?.phase == Phase::Open;
        if open && self.strikes(Fault::Resets, host).is_some() {
            self.transmit(sock, Cargo::Reset);
            self.stream_mut(sock)?.die(io::ErrorKind::ConnectionReset);
            self.tell(sock, true, true);
        }
        let room = self.stream_mut(sock)?.room_to_send()?;
        if self.would_block(sock, false, true) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = self.dice.cuts(Fault::ShortWrites, self.now, room.min(queue.len()));
        let mut bytes = Vec::with_capacity(count);
        for piece in queue.pieces() {
            let wanted = (count - bytes.len()).min(piece.len());
            bytes.extend_from_slice(&piece[..wanted]);
            if bytes.len() == count {
                break;
            }
        }
        self.stream_mut(sock)?.room -= count;
        self.transmit(sock, Cargo::Bytes(bytes));
        Ok(count)
    }

    pub(crate) fn receive_bytes(&mut self, sock: Key, buffer: &mut [u8]) -> io::Result<Received> {
        let (readable, _) = self.stream_mut(sock)?.readiness();
        if readable && self.would_block(sock, true, false) {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let unread = self.stream_mut(sock)?.input.len();
        if unread == 0 {
            self.stream_mut(sock)?.read_nothing()?;
            self.note_stream(sock, "<-", || "read the end".to_owned());
            return Ok(Received { count: 0, more: false });
        }
        let count = self.dice.cuts(Fault::ShortReads, self.now, unread.min(buffer.len()));
        let stream = self.stream_mut(sock)?;
        stream.input.read(&mut buffer[..count]);
        let credit = stream.settle_credit(count);
        let more = count == buffer.len() || stream.readiness().0;
        if let Some(credit) = credit {
            self.transmit(sock, Cargo::Credit(credit));
        }
        self.note_stream(sock, "<-", || format!("read {count}"));
        Ok(Received { count, more })
    }

    pub(crate) fn finish_stream(&mut self, sock: Key) -> io::Result<()> {
        let stream = self.stream_mut(sock)?;
        match (stream.phase, stream.output) {
            (Phase::Dead | Phase::Connecting, _) => Err(io::ErrorKind::NotConnected.into()),
            (Phase::Open, Output::Finished) => Ok(()),
            (Phase::Open, _) => {
                stream.output = Output::Finished;
                self.transmit(sock, Cargo::End);
                Ok(())
            }
        }
    }

    /// As the kernel closes: the end is sent, or a reset if input was left unread. Over UNIX sockets there is no other reset.
    pub(crate) fn close_stream(&mut self, sock: Key, how: Close) {
        let Some(stream) = self.find_stream(Some(sock)) else { return };
        let unix = matches!(stream.local, Address::Unix(_));
        let resets = !stream.input.is_empty() || (how == Close::Reset && !unix);
        match (stream.phase, stream.output) {
            (Phase::Open, _) if resets => self.transmit(sock, Cargo::Reset),
            (Phase::Open, Output::Open | Output::Blocked) => self.transmit(sock, Cargo::End),
            (Phase::Open, Output::Finished) => self.note_stream(sock, "--", || "close".to_owned()),
            (Phase::Connecting | Phase::Dead, _) => {}
        }
        self.forget_stream(sock);
    }

    /// Takes a connection's socket away, and its port if it has one of its own.
    pub(crate) fn forget_stream(&mut self, sock: Key) {
        let Some(Socket { host, kind: Kind::Stream(stream), .. }) = self.sockets.remove(sock) else { return };
        if let Address::Inet(local) = stream.local {
            self.machine_mut(host).unbind(Transport::Stream, local, sock);
        }
    }

    /// Sends something to the other end, behind everything that was sent before.
    pub(crate) fn transmit(&mut self, sock: Key, cargo: Cargo) {
        let Ok(from) = self.socket(sock).map(|socket| socket.host) else { return };
        let Some(stream) = self.find_stream(Some(sock)) else { return };
        let (to, receiver, floor) = (stream.far_host, stream.far, stream.last_arrival);
        self.note_cargo(sock, &cargo);
        let at = self.travel(from, to, cargo.bytes()).max(floor);
        if let Some(stream) = self.find_stream(Some(sock)) {
            stream.last_arrival = at;
        }
        self.agenda.add(at, Happening::Arrival(Packet { from, to, sender: Some(sock), receiver, cargo }));
    }

    /// A host's own answer to a packet for which it has no socket.
    pub(crate) fn answer(&mut self, packet: &Packet, cargo: Cargo) {
        let at = self.travel(packet.to, packet.from, cargo.bytes());
        let (from, to, receiver) = (packet.to, packet.from, packet.sender);
        self.agenda.add(at, Happening::Arrival(Packet { from, to, sender: None, receiver, cargo }));
    }

    /// A packet gets to its host, or into a partition.
    pub(crate) fn arrive(&mut self, packet: Packet) {
        match self.links.partition(packet.from, packet.to) {
            Some(how) => self.lose_packet(packet, how),
            None => self.take_packet(packet),
        }
    }

    fn take_packet(&mut self, mut packet: Packet) {
        let receiver = packet.receiver;
        match &mut packet.cargo {
            Cargo::Ask { .. } => self.asked(&packet),
            Cargo::Yes { window } => {
                let window = *window;
                self.agreed(&packet, window);
            }
            Cargo::Made => self.made(&packet),
            Cargo::Bytes(bytes) => {
                let bytes = std::mem::take(bytes);
                match self.find_stream(receiver) {
                    Some(stream) if stream.phase != Phase::Dead => {
                        stream.input.push(bytes);
                        self.tell_if(receiver, true, false);
                    }
                    _ => self.answer(&packet, Cargo::Reset),
                }
            }
            Cargo::Credit(bytes) => {
                let bytes = *bytes;
                if self.find_stream(receiver).is_some_and(|stream| stream.credit(bytes)) {
                    self.tell_if(receiver, false, true);
                }
            }
            Cargo::End => {
                if let Some(stream) = self.find_stream(receiver) {
                    stream.ended = true;
                    self.tell_if(receiver, true, false);
                }
            }
            Cargo::Reset => self.was_reset(receiver),
            Cargo::Refused => self.was_refused(receiver, io::ErrorKind::ConnectionRefused),
            Cargo::Unreachable => self.was_refused(receiver, io::ErrorKind::HostUnreachable),
            Cargo::Datagram { .. } => self.take_datagram(packet),
            Cargo::Unwanted(address) => {
                let address = *address;
                self.datagram_unwanted(receiver, address);
            }
        }
    }

    pub(crate) fn tell_if(&mut self, sock: Option<Key>, readable: bool, writable: bool) {
        if let Some(sock) = sock {
            self.tell(sock, readable, writable);
        }
    }

    fn was_reset(&mut self, sock: Option<Key>) {
        let discards = self.dice.discards();
        let Some(stream) = self.find_stream(sock) else { return };
        match (stream.phase, stream.listener) {
            (Phase::Dead, _) => {}
            (Phase::Connecting, Some(_)) => self.forget_half_open(sock),
            (Phase::Connecting, None) => self.was_refused(sock, io::ErrorKind::ConnectionRefused),
            (Phase::Open, _) => {
                if discards {
                    stream.input.clear();
                }
                stream.die(io::ErrorKind::ConnectionReset);
                if let Some(sock) = sock {
                    self.note_stream(sock, "<-", || "was reset".to_owned());
                }
                self.tell_if(sock, true, true);
            }
        }
    }

    /// A connection that was being made comes to nothing.
    pub(crate) fn was_refused(&mut self, sock: Option<Key>, why: io::ErrorKind) {
        if let Some(stream) = self.find_stream(sock)
            && stream.phase == Phase::Connecting
        {
            stream.die(why);
            if let Some(sock) = sock {
                self.note_stream(sock, "<-", || format!("{why}"));
            }
            self.tell_if(sock, true, true);
        }
    }

    fn lose_packet(&mut self, packet: Packet, how: Partition) {
        let again = match (&packet.cargo, how) {
            (cargo, Partition::Held) if !cargo.is_sent_once() => {
                self.links.held.push(packet);
                return;
            }
            (Cargo::Ask { tries, .. }, _) => packet.sender.map(|sock| (sock, *tries + 1)),
            (Cargo::Refused | Cargo::Unreachable, _) => packet.receiver.map(|sock| (sock, 1)),
            (Cargo::Yes { .. }, _) => {
                self.forget_half_open(packet.sender);
                packet.receiver.map(|sock| (sock, 1))
            }
            (cargo, Partition::Dropped) if cargo.is_repeated() => {
                let give_up = packet.sender.filter(|sock| !self.has_held(*sock));
                if let Some(sock) = give_up {
                    self.agenda.add(self.now + GIVE_UP_AFTER, Happening::GiveUp { sock });
                }
                self.links.held.push(packet);
                return;
            }
            _ => None,
        };
        if let Some((sock, tries)) = again {
            self.agenda.add(self.now + ask_again_after(tries), Happening::AskAgain { sock, tries });
        }
    }

    /// Whether something that this socket sent is held by a partition.
    pub(crate) fn has_held(&self, sock: Key) -> bool {
        self.links.held.iter().any(|packet| packet.sender == Some(sock))
    }

    pub(crate) fn give_up(&mut self, sock: Key) {
        if let Some(stream) = self.find_stream(Some(sock)) {
            stream.die(io::ErrorKind::TimedOut);
            self.note_stream(sock, "->", || "gave up".to_owned());
            self.tell(sock, true, true);
        }
    }

    /// Ends a partition. What was held arrives at once: later than anything of the same sender that is under way, and it
    /// would be out of order.
    pub(crate) fn heal(&mut self, one: HostId, other: HostId) {
        if self.links.partition(one, other).is_none() {
            return;
        }
        self.note(|world| format!("{} | {} healed", world.machine(one).name, world.machine(other).name));
        for packet in self.links.heal(one, other) {
            self.arrive(packet);
        }
    }

    fn note_cargo(&mut self, sock: Key, cargo: &Cargo) {
        let text = match cargo {
            Cargo::Ask { to, tries: 0 } => format!("connect {to}"),
            Cargo::Ask { to, .. } => format!("connect {to} again"),
            Cargo::Bytes(bytes) => format!("bytes {}", bytes.len()),
            Cargo::End => "end".to_owned(),
            Cargo::Reset => "reset".to_owned(),
            _ => return,
        };
        self.note_stream(sock, "->", || text);
    }

    /// `alice:49152 -> bob:80 what`.
    pub(crate) fn note_stream(&mut self, sock: Key, arrow: &str, what: impl FnOnce() -> String) {
        self.note(|world| {
            let Some(Socket { host, kind: Kind::Stream(stream), .. }) = world.sockets.get(sock) else {
                return format!("closed {arrow} {}", what());
            };
            let (here, there) =
                (world.place(*host, &stream.local), world.place(stream.far_host, &stream.remote));
            format!("{here} {arrow} {there} {}", what())
        });
    }
}

/// How long a kernel waits before it asks once more.
pub(crate) fn ask_again_after(tries: u32) -> Duration {
    Duration::from_secs(1 << tries.min(TRIES_MAX).saturating_sub(1))
}

/// What a connection buffers on each side.
const WINDOW_BYTES: usize = 64 * 1024;
/// A kernel asks six times in all, for 63 seconds, and waits for the last answer as long again.
pub(crate) const TRIES_MAX: u32 = 7;
/// How long Linux sends the same bytes again before it gives a connection up (tcp_retries2).
const GIVE_UP_AFTER: Duration = Duration::from_secs(924);
