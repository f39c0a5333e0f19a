//! Kinds of endpoints from other crates.

use std::fmt;
use std::sync::Arc;

use crate::accept::Port;
use crate::connect::Connector;
use crate::endpoint::grammar::{ArgumentError, Arguments};
use crate::endpoint::{Endpoint, EndpointError, Kind};
use crate::errors::ListenError;
use crate::inner::Reactor;
use crate::protocol::Factory;

/// A kind of endpoint that another crate brings: it understands the arguments behind `kind:`.
///
/// ```
/// # let reactor = sestina_reactor_mio::reactor()?;
/// use sestina_reactor::*;
/// use std::sync::Arc;
///
/// /// `local:PORT`: TCP on the loopback, for example.
/// #[derive(Debug)]
/// struct Local(Endpoint);
/// impl CustomEndpoint for Local {
///     fn listen(&self, reactor: &Reactor, factory: Box<dyn Factory>) -> Result<Port, ListenError> {
///         reactor.listen(&self.0, factory)
///     }
///     fn connect(&self, reactor: &Reactor, factory: Box<dyn Factory>) -> Connector {
///         reactor.connect(&self.0, factory)
///     }
/// }
/// reactor.add_endpoint_kind("local", |arguments: &mut Arguments| {
///     let port = arguments.next_plain().ok_or_else(|| arguments.missing("the port"))?;
///     Ok(Arc::new(Local(Endpoint::loopback(port.port()?))) as Arc<dyn CustomEndpoint>)
/// });
/// let endpoint = reactor.endpoint("local:0")?;
/// struct Silent;
/// impl Protocol for Silent {}
/// reactor.listen(&endpoint, |_: &Address| Silent)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait CustomEndpoint: fmt::Debug + Send + Sync {
    /// Listens there.
    ///
    /// # Errors
    /// As [`Reactor::listen`] says; [`ListenError::NotForListening`] if this kind is for clients only.
    fn listen(&self, reactor: &Reactor, factory: Box<dyn Factory>) -> Result<Port, ListenError>;

    /// Connects there.
    fn connect(&self, reactor: &Reactor, factory: Box<dyn Factory>) -> Connector;
}

/// What makes a custom endpoint from its arguments. Arguments that it does not take are an error.
pub(crate) type ParseKind = dyn Fn(&mut Arguments) -> Result<Arc<dyn CustomEndpoint>, ArgumentError>;

impl Factory for Box<dyn Factory> {
    fn build(&mut self, peer: &crate::Address) -> Option<Box<dyn crate::Protocol>> {
        (**self).build(peer)
    }

    fn connection_failed(&mut self, error: crate::ConnectError) {
        (**self).connection_failed(error);
    }
}

impl Reactor {
    /// Adds a kind of endpoint, or replaces one that was added before. Built-in kinds come first. `parse` takes its
    /// arguments one by one; the reactor complains about what is left.
    pub fn add_endpoint_kind(
        &self,
        kind: &str,
        parse: impl Fn(&mut Arguments) -> Result<Arc<dyn CustomEndpoint>, ArgumentError> + 'static,
    ) {
        let before = self
            .inner()
            .endpoint_kinds
            .borrow_mut()
            .insert(kind.to_ascii_lowercase(), std::rc::Rc::new(parse));
        drop(before);
    }

    /// Parses an endpoint of a built-in kind, or of one that was added to this reactor.
    ///
    /// # Errors
    /// If it is none; the error points at the character.
    pub fn endpoint(&self, text: &str) -> Result<Endpoint, EndpointError> {
        self.parse_endpoint(text).map_err(|problem| EndpointError::new(text, problem))
    }

    fn parse_endpoint(&self, text: &str) -> Result<Endpoint, ArgumentError> {
        let mut arguments = Arguments::parse(text)?;
        if let Some(endpoint) = super::built_in(&mut arguments) {
            return super::finish(endpoint?, arguments);
        }
        let parse = self.inner().endpoint_kinds.borrow().get(arguments.kind()).cloned();
        let Some(parse) = parse else {
            let mut known = super::KINDS.to_owned();
            for kind in self.inner().endpoint_kinds.borrow().keys() {
                known.push_str(", ");
                known.push_str(kind);
            }
            return Err(arguments.unknown_kind(&known));
        };
        let custom = parse(&mut arguments)?;
        arguments.finish("none of that name")?;
        Ok(Endpoint { kind: Kind::Custom { text: text.to_owned(), custom }, ..Endpoint::loopback(0) })
    }
}
