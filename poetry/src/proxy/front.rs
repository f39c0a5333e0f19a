//! A proxy's clients: each a place in a log, and what the kernel has not taken yet.
//!
//! Pull: a client is given more only when what it was given before has gone, so that nothing piles up for one that is
//! slow, and a body that is read by ten thousand is held once. Its end is said when all bytes have gone; until then its
//! reader stays, and the memory that it pins stays counted.

use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, Conn, ConnHandle, Factory, Lost, Protocol};

use super::shell::Shell;
use super::sinks::Sink;
use super::told;
use crate::cache::{Admission, Body, Cache, Piece, Prospect, ReaderId, Reading};
use crate::input::DroppedInput;

/// How much of a complete body is queued for one client, by reference, before the kernel must take it, in bytes.
const PULL_BYTES: usize = 4 * 1024 * 1024;
/// How much of a body that still comes, in bytes: the last piece of it is a copy.
const PULL_BYTES_LIVE: usize = 64 * 1024;

/// Makes a protocol for each client of one upstream. Clones serve the same.
#[derive(Clone)]
pub struct Front {
    pub(crate) shell: Rc<Shell>,
    pub(crate) key: Rc<str>,
}

impl std::fmt::Debug for Front {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Front({})", self.key)
    }
}

impl Factory for Front {
    fn build(&mut self, peer: &Address) -> Option<Box<dyn Protocol>> {
        let limit = self.shell.settings.clients_max;
        if self.shell.clients.get() >= limit {
            tracing::warn!(%peer, limit, "too many clients: this one is refused");
            return None;
        }
        let input = DroppedInput::new(self.shell.settings.input_bytes_max);
        let (shell, key) = (Rc::clone(&self.shell), Rc::clone(&self.key));
        Some(Box::new(Client { shell, key, reader: None, input, taken_before: 0 }))
    }
}

/// One client's connection.
struct Client {
    shell: Rc<Shell>,
    key: Rc<str>,
    reader: Option<ReaderId>,
    input: DroppedInput,
    /// How much the kernel had taken when the measured time began.
    taken_before: u64,
}

/// What a pump did.
enum Pumped {
    GoesOn,
    /// Everything has gone, and that was so much.
    Ended(u64),
    Failed,
}

impl Shell {
    /// Gives a client what there is for it, as far as its connection takes it. Says whether it is done with.
    pub(crate) fn pump(self: &Rc<Self>, reader: ReaderId, conn: &ConnHandle) -> bool {
        let before = conn.queued();
        let admission = if self.is_observed() { self.cache.borrow().admission(reader) } else { None };
        let pumped = self.give(reader, conn); // one that is given all of it at once is gone then
        if let Some(admission) = admission.filter(|_| conn.queued() > before) {
            self.tell_first_byte(reader, admission);
        }
        let over = match pumped {
            Pumped::GoesOn => false,
            Pumped::Ended(bytes) => {
                self.sinks.borrow_mut().remove(reader);
                told::sent(bytes, conn);
                conn.lose_connection();
                true
            }
            Pumped::Failed => {
                self.sinks.borrow_mut().remove(reader);
                self.refuse(conn);
                true
            }
        };
        self.carry_out();
        over
    }

    /// Gives a fresh poem of one block at once: nothing is left to do for this client then. Says whether there was one.
    fn give_at_once(self: &Rc<Self>, key: &str, conn: &mut Conn<'_>) -> bool {
        let block = self.cache.borrow_mut().give_at_once(self.reactor.now(), key);
        let Some(block) = block else { return false };
        told::hit(self, block.len(), conn);
        conn.write_shared(block);
        conn.lose_connection();
        self.tell_observers(|observer| observer.first_byte(Admission::Hit, Duration::ZERO));
        self.carry_out();
        true
    }

    fn give(&self, reader: ReaderId, conn: &ConnHandle) -> Pumped {
        let now = self.reactor.now();
        let mut cache = self.cache.borrow_mut();
        loop {
            let (queued, cursor) = (conn.queued(), cache.cursor(reader));
            let full = match cache.prospect(reader) {
                Some(Prospect::More { complete: true }) if queued < PULL_BYTES => {
                    let given = give_rest(&cache, reader, conn, PULL_BYTES - queued);
                    cache.advance(now, reader, given);
                    if given > 0 {
                        continue;
                    }
                    false // it is wanted whole
                }
                Some(Prospect::More { complete: true }) => true,
                Some(Prospect::More { complete: false }) => queued >= PULL_BYTES_LIVE,
                Some(Prospect::End) => queued > 0,
                _ => false,
            };
            if full {
                return Pumped::GoesOn;
            }
            let given = match cache.read(now, reader) {
                Reading::Bytes(Piece::Shared(block, range)) => {
                    let length = range.len();
                    conn.write_shared_range(block, range);
                    length
                }
                Reading::Bytes(Piece::Open(bytes)) => {
                    conn.write(bytes);
                    bytes.len()
                }
                Reading::Wait => return Pumped::GoesOn,
                Reading::Whole(body) => {
                    write_body(conn, &body);
                    return Pumped::Ended(u64::try_from(body.len()).unwrap_or(u64::MAX));
                }
                Reading::End => return Pumped::Ended(cursor.unwrap_or(0)),
                Reading::Failed(_) => return Pumped::Failed,
            };
            cache.advance(now, reader, given);
        }
    }

    /// There is no poem for this client: a reset, because an empty poem would be a lie. The introduction's proxies end
    /// cleanly.
    fn refuse(&self, conn: &ConnHandle) {
        if self.settings.like.is_some() { conn.lose_connection() } else { conn.abort() }
    }

    fn tell_first_byte(&self, reader: ReaderId, admission: Admission) {
        let since = self.sinks.borrow_mut().take_since(reader);
        if let Some(since) = since {
            let after = self.reactor.now() - since;
            self.tell_observers(|observer| observer.first_byte(admission, after));
        }
    }
}

/// Queues what is left of a complete body, by reference: the blocks that begin within `room`.
fn give_rest(cache: &Cache, reader: ReaderId, conn: &ConnHandle, room: usize) -> usize {
    let mut given = 0;
    for (block, range) in cache.rest(reader) {
        if given >= room {
            break;
        }
        given += range.len();
        conn.write_shared_range(Rc::clone(block), range);
    }
    given
}

fn write_body(conn: &ConnHandle, body: &Body) {
    body.blocks().iter().for_each(|block| conn.write_shared(Rc::clone(block)));
}

impl Client {
    /// How much of what it was given the kernel has taken.
    fn taken(&self, conn: &Conn<'_>) -> u64 {
        let cursor = self.reader.and_then(|reader| self.shell.cache.borrow().cursor(reader));
        cursor.unwrap_or(0).saturating_sub(u64::try_from(conn.queued()).unwrap_or(u64::MAX))
    }

    fn leave(&mut self) {
        if let Some(reader) = self.reader.take() {
            self.shell.leave(reader);
        }
    }
}

impl Protocol for Client {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.shell.clients.set(self.shell.clients.get() + 1);
        if self.shell.give_at_once(&self.key, conn) {
            return;
        }
        conn.set_marks(0, 0); // it is asked for more when all has gone, and told when the kernel is full
        let (shell, handle) = (Rc::clone(&self.shell), conn.handle());
        let admitted = {
            let mut cache = shell.cache.borrow_mut();
            let reader = cache.subscribe(shell.reactor.now(), &self.key, shell.mode());
            reader.map(|reader| (reader, cache.admission(reader)))
        };
        let (reader, admission) = match admitted {
            Ok(admitted) => admitted,
            Err(refusal) => {
                tracing::info!("no poem for {}: {refusal}", conn.peer());
                shell.refuse(&handle);
                return shell.carry_out();
            }
        };
        self.reader = Some(reader);
        let since = Some(shell.reactor.now());
        shell.sinks.borrow_mut().insert(reader, Sink::Client { conn: handle.clone(), since });
        told::admitted(&shell, reader, admission, Some(conn));
        if shell.pump(reader, &handle) {
            self.reader = None;
        }
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.input.drop_bytes(conn, data);
    }

    /// A client that hung up and one that only promised to send no more look alike, and a fetch that nobody waits for
    /// must end. So one that needs the upstream is told that this is no poem: a reset, not an empty one or a half. One
    /// whose poem is complete gets the rest of it.
    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        let prospect = self.reader.and_then(|reader| self.shell.cache.borrow().prospect(reader));
        let complete = matches!(prospect, Some(Prospect::More { complete: true } | Prospect::End));
        if !complete {
            self.leave();
            self.shell.refuse(&conn.handle());
        }
    }

    /// The kernel takes no more for now: from here on the client's speed counts.
    fn pause_producing(&mut self, conn: &mut Conn<'_>) {
        let window = self.shell.settings.send_rate_window;
        if !window.is_zero() && self.shell.settings.send_rate_min > 0 {
            self.taken_before = self.taken(conn);
            conn.set_timer(window);
        }
    }

    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        conn.cancel_timer();
        if let Some(reader) = self.reader {
            let over = self.shell.pump(reader, &conn.handle());
            self.reader = Some(reader).filter(|_| !over);
        }
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        let settings = &self.shell.settings;
        let (window, least, taken) = (settings.send_rate_window, settings.least_taken(), self.taken(conn));
        let got = taken.saturating_sub(self.taken_before);
        if got >= least {
            self.taken_before = taken;
            return conn.set_timer(window);
        }
        self.shell.slow_clients.set(self.shell.slow_clients.get() + 1);
        tracing::warn!(peer = %conn.peer(), "client cut: it took {got} bytes in {window:?}, {least} are the least");
        conn.abort();
    }

    fn connection_lost(&mut self, _conn: &mut Conn<'_>, _why: Lost) {
        self.shell.clients.set(self.shell.clients.get() - 1);
        self.leave();
    }
}
