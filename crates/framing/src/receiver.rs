//! Decoders as protocols on the reactor.
//!
//! Walk: the reactor calls [`Protocol`]; each message becomes a call of the handler (`Deliver`, handler.rs), which is
//! lent a [`FrameConn`] (conn.rs). What is not delivered at once is kept (core.rs) for a later upcall.
//! Invariant: nothing is delivered once the connection is on its way out.
//! Invariant: messages come in the order of their bytes, and no message inside an upcall of another kind.
//! Tests: `tests/suite/receivers.rs`, `tests/suite/pausing.rs`, `tests/suite/modes.rs`.

use std::any::{Any, TypeId};
use std::cell::Cell;
use std::rc::Rc;

use sestina_deferred::deferred;
use sestina_reactor::{Conn, Lost, Protocol};

use crate::conn::{Delivery, FrameConn};
use crate::core::{Core, Wake};
use crate::decoder::{Decoder, Found};
use crate::handler::{Deliver, Handler};
use crate::int_n_decoder::IntNDecoder;
use crate::line_decoder::LineDecoder;
use crate::line_only_decoder::LineOnlyDecoder;
use crate::netstring_decoder::NetstringDecoder;

/// A protocol that splits what comes into messages and hands them to a handler.
///
/// The four framings have names of their own: [`LineReceiver`], [`LineOnlyReceiver`], [`NetstringReceiver`],
/// [`IntNReceiver`].
///
/// ```
/// use sestina_framing::{Handler, NetstringConn, NetstringDecoder, NetstringHandler, NetstringReceiver};
/// use sestina_reactor::{Address, Endpoint};
///
/// struct Shout;
/// impl Handler<NetstringDecoder> for Shout {}
/// impl NetstringHandler for Shout {
///     fn string_received(&mut self, conn: &mut NetstringConn<'_, '_>, string: &[u8]) {
///         if conn.send_string(&string.to_ascii_uppercase()).is_err() {
///             conn.abort(); // longer than the limit
///         }
///     }
/// }
///
/// let reactor = sestina_reactor_mio::reactor()?;
/// let port = reactor.listen(&Endpoint::loopback(0), |_: &Address| NetstringReceiver::new(Shout))?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Receiver<D: Decoder, H> {
    handler: H,
    core: Rc<Core<D>>,
}

/// Lines, and raw data between them.
pub type LineReceiver<H> = Receiver<LineDecoder, H>;
/// Lines and nothing else.
pub type LineOnlyReceiver<H> = Receiver<LineOnlyDecoder, H>;
/// Netstrings.
pub type NetstringReceiver<H> = Receiver<NetstringDecoder, H>;
/// Strings with a length before them.
pub type IntNReceiver<P, H> = Receiver<IntNDecoder<P>, H>;
/// Strings with a length of 8 bits before them.
pub type Int8Receiver<H> = Receiver<IntNDecoder<u8>, H>;
/// Strings with a length of 16 bits before them.
pub type Int16Receiver<H> = Receiver<IntNDecoder<u16>, H>;
/// Strings with a length of 32 bits before them.
pub type Int32Receiver<H> = Receiver<IntNDecoder<u32>, H>;

impl<D: Deliver<H>, H: Handler<D>> Receiver<D, H> {
    /// A protocol with the default format.
    #[must_use]
    pub fn new(handler: H) -> Self {
        Self::with_format(D::Format::default(), handler)
    }

    /// A protocol with limits or a delimiter of its own.
    #[must_use]
    pub fn with_format(format: D::Format, handler: H) -> Self {
        Self { handler, core: Rc::new(Core::new(D::with_format(format))) }
    }

    /// Calls the handler outside delivery.
    fn tell(&mut self, conn: &mut Conn<'_>, f: impl FnOnce(&mut H, &mut FrameConn<'_, '_, D>)) {
        f(&mut self.handler, &mut FrameConn::new(conn, &self.core, None));
        settle(&self.core, &self.handler, conn);
    }
}

impl<D: Deliver<H>, H: Handler<D>> Protocol for Receiver<D, H> {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.tell(conn, |handler, conn| handler.connection_made(conn));
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        let core = &self.core;
        if core.is_paused.get() || core.has_kept() {
            core.kept.borrow_mut().push(data);
        } else {
            let taken = run(core, &mut self.handler, conn, data);
            core.kept.borrow_mut().push(&data[taken..]);
        }
        deliver_kept(core, &mut self.handler, conn);
    }

    fn read_closed(&mut self, conn: &mut Conn<'_>) {
        self.tell(conn, |handler, conn| handler.read_closed(conn));
    }

    fn pause_producing(&mut self, conn: &mut Conn<'_>) {
        self.tell(conn, |handler, conn| handler.pause_producing(conn));
    }

    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        self.tell(conn, |handler, conn| handler.resume_producing(conn));
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        self.tell(conn, |handler, conn| handler.timer(conn));
    }

    fn connection_lost(&mut self, conn: &mut Conn<'_>, why: Lost) {
        drop(self.core.kept.take());
        self.handler.connection_lost(&mut FrameConn::new(conn, &self.core, None), why);
    }

    fn part(&mut self, wanted: TypeId) -> Option<&mut dyn Any> {
        if wanted == TypeId::of::<H>() { Some(&mut self.handler) } else { self.handler.part(wanted) }
    }
}

/// Delivers until the input is used up, delivery is paused, the connection is on its way out, or the handler has put
/// other bytes before the rest. Gives back how much of the input is done with.
fn run<D: Deliver<H>, H>(core: &Rc<Core<D>>, handler: &mut H, conn: &mut Conn<'_>, whole: &[u8]) -> usize {
    let at = Cell::new(0);
    while !core.is_paused.get() && !core.has_kept() {
        if conn.is_closing() {
            return whole.len();
        }
        let mut input = &whole[at.get()..];
        let found = core.decoder.borrow_mut().advance(&mut input);
        at.set(whole.len() - input.len());
        let conn = &mut FrameConn::new(conn, core, Some(Delivery { whole, at: &at }));
        match found {
            Ok(None) => break,
            Ok(Some(Found { lent: Some(bytes), is_raw })) => D::deliver(handler, conn, bytes, is_raw),
            Ok(Some(Found { lent: None, is_raw })) => {
                let built = core.decoder.borrow_mut().partial().take();
                D::deliver(handler, conn, &built, is_raw);
                core.decoder.borrow_mut().partial().give_back(built);
            }
            Err(error) => {
                at.set(whole.len());
                if !core.has_refused.replace(true) {
                    let mut begun = core.decoder.borrow_mut().partial().take();
                    let rest = if begun.is_empty() {
                        input
                    } else {
                        begun.extend_from_slice(input);
                        &begun
                    };
                    D::refuse(handler, conn, rest, error);
                }
            }
        }
        if at.get() == whole.len() {
            break;
        }
    }
    at.get()
}

/// The end of an upcall that may deliver.
fn deliver_kept<D: Deliver<H>, H: Handler<D>>(core: &Rc<Core<D>>, handler: &mut H, conn: &mut Conn<'_>) {
    while core.has_kept() && !core.is_paused.get() {
        let mut kept = core.kept.take();
        let taken = run(core, handler, conn, kept.bytes());
        kept.advance(taken);
        let before = core.kept.replace(kept);
        core.kept.borrow_mut().put_before(before.bytes());
    }
    settle(core, handler, conn);
}

/// The end of every upcall of the receiver: what must happen later is asked for.
fn settle<D: Deliver<H>, H: Handler<D>>(core: &Rc<Core<D>>, handler: &H, conn: &mut Conn<'_>) {
    if conn.is_closing() {
        drop(core.kept.take());
        return;
    }
    if core.must_be_armed() {
        let (wake, woken) = deferred();
        core.wake.replace(Wake::Armed(wake));
        let weak = Rc::downgrade(core);
        conn.then(handler, woken, move |handler: &mut H, conn: &mut Conn<'_>, woken| {
            if let (Some(core), Ok(())) = (weak.upgrade(), woken) {
                core.wake.replace(Wake::Unarmed);
                deliver_kept(&core, handler, conn);
            }
        });
    }
    if core.is_paused.get() {
        if core.stopped_reading.get() {
            conn.pause_reading(); // also if somebody has resumed it behind our back: what is kept stays bounded
        }
    } else if core.has_kept() {
        core.wake();
    } else {
        core.go_on_reading(|| conn.resume_reading());
    }
}
