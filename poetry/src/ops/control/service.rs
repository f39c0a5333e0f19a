//! The control socket as a service: a UNIX socket for its owner alone, and one connection's conversation.
//!
//! Tests: `tests/suite/operating.rs`.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sestina_framing::{Delimiter, LineFormat, LineOnlyDecoder};
use sestina_reactor::{
    Address, Conn, ConnectionLimits, Endpoint, EndpointError, Factory, HIGH_MARK_BYTES, Protocol,
    quote_argument,
};
use sestina_service::TcpServer;

use super::desk::{Desk, refusal};
use crate::ops::place::ProxyPlace;
use crate::ops::server::serve_without_drain;
use crate::ops::spool::Spool;

/// The first line of every conversation: what this is, and the version of the protocol.
pub const CONTROL_GREETING: &str = "sestina control 1";
/// How many operators are served at once; others wait in the kernel's queue.
pub const CONTROL_CLIENTS_MAX: usize = 16;
/// How long a request may be, in bytes.
pub const CONTROL_LINE_BYTES_MAX: usize = 16 * 1024;
/// How long an operator may say nothing, and take nothing.
pub const CONTROL_IDLE_MAX: Duration = Duration::from_secs(60);
/// How long a line may take from its first byte to its end.
pub const CONTROL_REQUEST_TIME_MAX: Duration = Duration::from_secs(10);

/// Serves operators at a UNIX socket: see the commands by `help` there, or `sestina ctl`.
///
/// The socket's file is `0600`: whoever may open it may do everything, and nobody else can. A file that a killed process
/// left behind is replaced, under a lock in the file beside it that ends in `.lock`.
///
/// # Order
/// It listens from its privileged start on, and answers from its start to its stop, also while the proxy drains.
///
/// # Limits
/// [`CONTROL_CLIENTS_MAX`], [`CONTROL_LINE_BYTES_MAX`], [`CONTROL_IDLE_MAX`], [`CONTROL_REQUEST_TIME_MAX`]. Who does not
/// read is asked nothing more, and ended when it is idle.
///
/// # Errors
/// Its privileged start fails with a [`ListenError`](sestina_reactor::ListenError).
///
/// ```
/// use sestina_poetry::ops::{ControlService, ProxyPlace};
/// use sestina_service::{Application, Child};
///
/// let place = ProxyPlace::default(); // where the proxy will be
/// let control = ControlService::new(&place, "/run/sestina/control")?;
/// # drop(control);
/// # Ok::<(), sestina_reactor::EndpointError>(())
/// ```
pub struct ControlService {
    server: Rc<TcpServer>,
    desk: Rc<Desk>,
}

impl ControlService {
    /// Listens at the socket `path`, for the proxy in this place.
    ///
    /// # Errors
    /// If that is no path.
    pub fn new(place: &ProxyPlace, path: &str) -> Result<Self, EndpointError> {
        let at: Endpoint = format!("unix:{}:mode=600:lockfile=1", quote_argument(path)).parse()?;
        let desk =
            Rc::new(Desk { place: place.clone(), spool: RefCell::default(), drain: RefCell::default() });
        let limits = ConnectionLimits { total: CONTROL_CLIENTS_MAX, ..ConnectionLimits::default() };
        let server = TcpServer::new(&at, Operators(Rc::clone(&desk))).with_connection_limits(limits);
        Ok(Self { server: Rc::new(server), desk })
    }

    /// Tells of this spool too.
    #[must_use]
    pub fn with_spool(self, spool: &Spool) -> Self {
        *self.desk.spool.borrow_mut() = Some(spool.clone());
        self
    }

    /// Sets what `drain` does: end the program in order. Otherwise the proxy alone refuses newcomers, and gives those who
    /// wait half a minute.
    #[must_use]
    pub fn with_drain(self, drain: impl Fn() + 'static) -> Self {
        *self.desk.drain.borrow_mut() = Some(Rc::new(drain));
        self
    }
}

serve_without_drain!(ControlService);

/// Makes a protocol for each operator.
struct Operators(Rc<Desk>);

impl Factory for Operators {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        let format =
            LineFormat::default().with_delimiter(Delimiter::LF).with_line_bytes_max(CONTROL_LINE_BYTES_MAX);
        let decoder = LineOnlyDecoder::new(format);
        Some(Box::new(Operator { desk: Rc::clone(&self.0), decoder, waiting: Vec::new(), in_line: false }))
    }
}

/// One operator's conversation.
struct Operator {
    desk: Rc<Desk>,
    decoder: LineOnlyDecoder,
    /// What came while too much was queued: one read at most, because reading is paused then.
    waiting: Vec<u8>,
    /// Whether a line has begun, whose time is running.
    in_line: bool,
}

impl Operator {
    fn work(&mut self, conn: &mut Conn<'_>, mut input: &[u8]) {
        while !conn.is_closing() {
            if conn.queued() > HIGH_MARK_BYTES {
                self.waiting = input.to_vec();
                conn.pause_reading();
                return conn.set_timer(CONTROL_IDLE_MAX);
            }
            match self.decoder.decode(&mut input) {
                Ok(Some(line)) => {
                    let answer = self.desk.answer(line);
                    conn.write_shared(answer.into_bytes().into());
                    self.in_line = false;
                }
                Ok(None) => return self.set_deadline(conn),
                Err(too_long) => return hang_up(conn, &too_long.to_string()),
            }
        }
    }

    fn set_deadline(&mut self, conn: &mut Conn<'_>) {
        let begun = self.decoder.buffered() > 0;
        if begun && !self.in_line {
            conn.set_timer(CONTROL_REQUEST_TIME_MAX);
        } else if !begun {
            conn.set_timer(CONTROL_IDLE_MAX);
        }
        self.in_line = begun;
    }
}

fn hang_up(conn: &mut Conn<'_>, why: &str) {
    conn.write(refusal(why).as_bytes());
    conn.lose_connection();
}

impl Protocol for Operator {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(CONTROL_GREETING.as_bytes());
        conn.write(b"\n");
        conn.set_timer(CONTROL_IDLE_MAX);
    }

    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        self.work(conn, data);
    }

    fn resume_producing(&mut self, conn: &mut Conn<'_>) {
        let waiting = std::mem::take(&mut self.waiting);
        conn.resume_reading();
        self.work(conn, &waiting);
    }

    fn timer(&mut self, conn: &mut Conn<'_>) {
        if conn.queued() > 0 {
            return conn.abort(); // it does not read
        }
        let what = if self.in_line { "the line did not end" } else { "nothing was asked" };
        let limit = if self.in_line { CONTROL_REQUEST_TIME_MAX } else { CONTROL_IDLE_MAX };
        hang_up(conn, &format!("{what} within {} seconds", limit.as_secs()));
    }
}
