//! What the services of operators have in common: each is a server in its field `server`, and has no drain, because what goes
//! on while the program drains is worth knowing.
//!
//! Tests: `tests/suite/operating.rs`.

/// Makes a service of a type with a `server: Rc<TcpServer>`.
macro_rules! serve_without_drain {
    ($service:ident) => {
        const _: () = {
            use std::{fmt, rc::Rc};

            use sestina_deferred::Deferred;
            use sestina_reactor::Port;
            use sestina_service::{Details, Service, ServiceContext};

            impl $service {
                /// Where it listens, from the privileged start on.
                #[must_use]
                pub fn port(&self) -> Option<Port> {
                    self.server.port()
                }
            }

            impl Service for $service {
                fn privileged_start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
                    Rc::clone(&self.server).privileged_start(cx)
                }

                fn start(self: Rc<Self>, cx: ServiceContext) -> Deferred<()> {
                    Rc::clone(&self.server).start(cx)
                }

                fn stop(self: Rc<Self>) -> Deferred<()> {
                    Rc::clone(&self.server).stop()
                }

                fn details(&self) -> Details {
                    self.server.details()
                }
            }

            impl fmt::Debug for $service {
                fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                    write!(out, "{}({:?})", stringify!($service), self.server)
                }
            }
        };
    };
}

pub(super) use serve_without_drain;
