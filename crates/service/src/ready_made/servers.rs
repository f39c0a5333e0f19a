//! Servers: a listening socket with a life.
//!
//! Bound in the privileged start, with its clients in the kernel's backlog; accepting from its start on, when all services
//! before it run; closed first when it drains.
//! Tests: `tests/suite/servers.rs`.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::Future;
use std::rc::Rc;

use sestina_deferred::{Deferred, Failure, succeed};
use sestina_reactor::{ConnectionLimits, Endpoint, Factory, ListenError, Port, Reactor, Stream};

use crate::context::ServiceContext;
use crate::service::{Details, Service};

type Open = Box<dyn FnOnce(&Reactor) -> Result<Port, ListenError>>;

/// A server at any endpoint (TCP, UNIX, inherited ...), whose connections get a protocol each.
///
/// # Order
/// Its privileged start listens, but accepts nobody: who connects meanwhile waits in the kernel's backlog. Its start begins
/// to accept. Its drain closes the port and waits for the open conversations; when its time is over they are aborted. A
/// start that fails or is not wanted any more closes the port.
///
/// # Errors
/// A privileged start fails with [`ListenError`].
///
/// ```
/// use sestina_reactor::{Address, Conn, Endpoint, Protocol};
/// use sestina_reactor_sim::Simulation;
/// use sestina_service::{Application, Child, TcpServer};
///
/// struct Greeter;
/// impl Protocol for Greeter {
///     fn connection_made(&mut self, conn: &mut Conn<'_>) {
///         conn.write(b"good day\n");
///         conn.lose_connection();
///     }
/// }
///
/// let mut application = Application::new("greeter");
/// application.add(Child::new("tcp", || TcpServer::new(&Endpoint::loopback(0), |_: &Address| Greeter)))?;
/// let reactor = Simulation::seeded(7).reactor();
/// let tree = application.attach(&reactor)?;
/// let started = {
///     let tree = tree.clone();
///     async move {
///         tree.start().await?;
///         Ok(tree.status().find("tcp").map(|tcp| tcp.addresses.clone()))
///     }
/// };
/// let addresses = reactor.run_until(reactor.spawn(started)).expect("a free port");
/// assert_eq!(addresses.map(|addresses| addresses.len()), Some(1));
/// # Ok::<(), sestina_service::AddError>(())
/// ```
pub struct TcpServer {
    endpoint: String,
    open: RefCell<Option<Open>>,
    limits: Option<ConnectionLimits>,
    port: RefCell<Option<Port>>,
    /// Whether it was told to close: a drain does, and a stop again.
    closed: Cell<bool>,
}

impl TcpServer {
    /// Listens at this endpoint; each connection gets a protocol from the factory.
    #[must_use]
    pub fn new(endpoint: &Endpoint, factory: impl Factory) -> Self {
        let at = endpoint.clone();
        Self::opened_by(endpoint, Box::new(move |reactor| reactor.listen(&at, factory)))
    }

    /// The same with a factory that is made when it listens, and is given the reactor: for one that fetches, say.
    #[must_use]
    pub fn making<F: Factory>(endpoint: &Endpoint, make: impl FnOnce(&Reactor) -> F + 'static) -> Self {
        let at = endpoint.clone();
        Self::opened_by(endpoint, Box::new(move |reactor| reactor.listen(&at, make(reactor))))
    }

    fn opened_by(endpoint: &Endpoint, open: Open) -> Self {
        let endpoint = endpoint.to_string();
        let (open, port) = (RefCell::new(Some(open)), RefCell::new(None));
        Self { endpoint, open, limits: None, port, closed: Cell::new(false) }
    }

    /// Sets how many connections it takes.
    #[must_use]
    pub fn with_connection_limits(self, limits: ConnectionLimits) -> Self {
        Self { limits: Some(limits), ..self }
    }

    /// The port, from the privileged start on.
    #[must_use]
    pub fn port(&self) -> Option<Port> {
        self.port.borrow().clone()
    }

    fn listen(&self, cx: &ServiceContext) -> Result<(), Failure> {
        let open = self.open.borrow_mut().take();
        let Some(open) = open else { return Err(Failure::msg("this server has listened before")) };
        let port = open(cx.reactor())?;
        port.pause_accepting();
        if let Some(limits) = self.limits {
            port.set_connection_limits(limits);
        }
        tracing::debug!("listening on {}", port.local_addr());
        *self.port.borrow_mut() = Some(port);
        Ok(())
    }

    fn close(&self) -> Deferred<()> {
        let Some(port) = self.port() else { return succeed(()) };
        let address = port.local_addr().clone();
        let already = self.closed.replace(true);
        port.stop_listening().map(move |()| {
            if !already {
                tracing::info!("{address} is closed");
            }
        })
    }
}

/// Cuts what is open.
fn abort_all(port: &Port) {
    for conversation in port.conversations() {
        conversation.abort();
    }
}

impl Service for TcpServer {
    fn privileged_start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        sestina_deferred::maybe_deferred(|| self.listen(&cx))
    }

    fn start(self: Rc<Self>, _: ServiceContext) -> Deferred<()> {
        if let Some(port) = self.port() {
            port.resume_accepting();
        }
        succeed(())
    }

    fn drain(self: Rc<Self>) -> Deferred<()> {
        let Some(port) = self.port() else { return succeed(()) };
        let (waits, cuts) = (port.clone(), port);
        let idle = self.close().add_callback(move |()| {
            let open = waits.conversations().len();
            if open > 0 {
                tracing::info!("waiting for {open} open connections");
            }
            waits.idle()
        });
        idle.on_cancel(move || abort_all(&cuts))
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        let Some(port) = self.port() else { return succeed(()) };
        self.close().add_callback(move |()| {
            abort_all(&port);
            port.idle()
        })
    }

    fn details(&self) -> Details {
        match &*self.port.borrow() {
            Some(port) => Details::default()
                .with_address(port.local_addr().clone())
                .with_connections(port.conversations().len()),
            None => Details::default().with_note(self.endpoint.clone()),
        }
    }
}

impl fmt::Debug for TcpServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "TcpServer({}, {:?})", self.endpoint, self.port.borrow())
    }
}

/// A server at any endpoint, with an async function for each connection. In everything else a [`TcpServer`].
///
/// ```
/// use sestina_reactor::Endpoint;
/// use sestina_service::{Child, StreamServer};
///
/// let echo = Child::new("echo", || {
///     StreamServer::new(&Endpoint::loopback(0), |stream| async move {
///         let line = stream.read_until(b'\n', 1024).await?;
///         stream.write_all(line).await
///     })
/// });
/// # drop(echo);
/// ```
///
/// # Cancelling
/// As [`Reactor::serve`]: a function that waits for something else is cancelled when its peer is gone.
#[derive(Debug)]
pub struct StreamServer(Rc<TcpServer>);

impl StreamServer {
    /// Listens at this endpoint; `f` has a conversation with each connection.
    #[must_use]
    pub fn new<F, A>(endpoint: &Endpoint, f: F) -> Self
    where
        F: Fn(Stream) -> A + 'static,
        A: Future<Output = Result<(), Failure>> + 'static,
    {
        let at = endpoint.clone();
        Self(Rc::new(TcpServer::opened_by(endpoint, Box::new(move |reactor| reactor.serve(&at, f)))))
    }

    /// Sets how many connections it takes.
    #[must_use]
    pub fn with_connection_limits(self, limits: ConnectionLimits) -> Self {
        match Rc::try_unwrap(self.0) {
            Ok(server) => Self(Rc::new(server.with_connection_limits(limits))),
            Err(shared) => Self(shared),
        }
    }

    /// The port, from the privileged start on.
    #[must_use]
    pub fn port(&self) -> Option<Port> {
        self.0.port()
    }
}

impl Service for StreamServer {
    fn privileged_start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        Rc::clone(&self.0).privileged_start(cx)
    }

    fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
        Rc::clone(&self.0).start(cx)
    }

    fn drain(self: Rc<Self>) -> Deferred<()> {
        Rc::clone(&self.0).drain()
    }

    fn stop(self: Rc<Self>) -> Deferred<()> {
        Rc::clone(&self.0).stop()
    }

    fn details(&self) -> Details {
        self.0.details()
    }
}
