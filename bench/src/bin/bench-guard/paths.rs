//! The five hot paths, driven without a kernel.

use std::hint::black_box;
use std::rc::Rc;
use std::time::Duration;

use sestina_deferred::deferred;
use sestina_framing::{Decoder, Format, NetstringDecoder, NetstringFormat};
use sestina_reactor::{Address, Conn, Endpoint, Protocol, Reactor};

use super::null_driver::{Clients, NullDriver};

/// A path: its name, and what does it so many times.
pub(crate) type HotPath = (&'static str, fn(u64));

pub(crate) const PATHS: [HotPath; 5] = [
    ("accept-write-close", accept_write_close),
    ("echo-turn", echo_turn),
    ("deferred-chain", deferred_chain),
    ("timer-schedule-cancel", timer_schedule_cancel),
    ("netstring-decode", netstring_decode),
];

/// The poem's length, in bytes.
const POEM_BYTES: usize = 3003;
/// Held connections of the echo.
const SPEAKERS: u64 = 64;
/// Callbacks of a chain.
const CALLBACKS: u64 = 10;
/// Timers that are alive while others are set and cancelled.
const TIMERS_ALIVE: u64 = 1_000;
/// Netstrings: how long each is, and how many come in one read.
const MESSAGE_BYTES: usize = 80;
const MESSAGES_PER_READ: u64 = 100;

struct Poet(Rc<[u8]>);

impl Protocol for Poet {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write_shared(Rc::clone(&self.0));
        conn.lose_connection();
    }
}

/// One operation: a client is accepted, gets its poem, and is closed politely.
fn accept_write_close(count: u64) {
    let (driver, closed) = NullDriver::new(Clients::Read, count);
    let reactor = Reactor::new(Box::new(driver));
    let poem: Rc<[u8]> = [b'p'; POEM_BYTES].into();
    let factory = move |_: &Address| Poet(Rc::clone(&poem));
    reactor.listen(&Endpoint::loopback(0), factory).expect("it takes every address");
    while closed.get() < count {
        reactor.turn(None).expect("it can wait");
    }
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.write(data);
    }
}

/// One operation: a message is received and sent back, in a turn with 63 others.
fn echo_turn(count: u64) {
    let (driver, sent) = NullDriver::new(Clients::Speak, SPEAKERS);
    let reactor = Reactor::new(Box::new(driver));
    reactor.listen(&Endpoint::loopback(0), |_: &Address| Echo).expect("it takes every address");
    while sent.get() < count {
        reactor.turn(Some(Duration::ZERO)).expect("it can wait");
    }
}

/// One operation: a deferred is made, gets ten callbacks, fires and is dropped.
fn deferred_chain(count: u64) {
    for _ in 0..count {
        let (resolver, d) = deferred::<u64>();
        drop((0..CALLBACKS).fold(d, |d, _| d.add_callback(|n| Ok(black_box(n + 1)))));
        resolver.callback(black_box(1));
    }
}

/// One operation: a timer is set and cancelled, while a thousand others wait.
fn timer_schedule_cancel(count: u64) {
    let (driver, _) = NullDriver::new(Clients::Read, 0);
    let reactor = Reactor::new(Box::new(driver));
    for number in 0..TIMERS_ALIVE {
        reactor.call_later(Duration::from_millis(1_000 + number * 7 % 1_000), || ());
    }
    for number in 0..count {
        let call = reactor.call_later(Duration::from_millis(500 + number * 7 % 1_000), || ());
        black_box(call.cancel());
    }
}

/// One operation: a netstring of 80 bytes is taken apart.
fn netstring_decode(count: u64) {
    let format = NetstringFormat::default();
    let mut read = Vec::new();
    for _ in 0..MESSAGES_PER_READ {
        format.encode(&[b'n'; MESSAGE_BYTES], &mut read).expect("it is within the limit");
    }
    let mut decoder = NetstringDecoder::with_format(format);
    for _ in 0..count / MESSAGES_PER_READ {
        let mut bytes = black_box(read.as_slice());
        while let Some(found) = decoder.advance(&mut bytes).expect("netstrings within the limit") {
            black_box(found.lent);
        }
    }
}
