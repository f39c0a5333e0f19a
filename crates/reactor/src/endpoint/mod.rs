//! Endpoints: where to listen or whom to connect to, as a string that is parsed once.
//!
//! The grammar is Twisted's: `kind:argument:argument:key=value`, where `\` takes the next character as it is, and the
//! first `=` of an argument ends its key. Beyond Twisted, an argument in brackets may hold colons: `tcp:[::1]:80`.

mod custom;
mod grammar;

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

pub use custom::CustomEndpoint;
pub(crate) use custom::ParseKind;
pub use grammar::{Argument, ArgumentError, Arguments, EndpointError, quote_argument};

use crate::address::{Address, Inherited};
use crate::connect::CONNECT_TIMEOUT;
use crate::errors::ListenError;

/// How many connections the kernel holds for a port before they are accepted, unless an endpoint's `backlog` says
/// otherwise. The kernel may hold fewer.
pub const BACKLOG: u32 = 1024;

/// The kinds that every reactor knows.
const KINDS: &str = "tcp, udp, unix, fd, systemd";

/// Where to listen or whom to connect to.
///
/// | text | a listener | a client |
/// |---|---|---|
/// | `tcp:10000` | 127.0.0.1, port 10000 | 127.0.0.1, port 10000 |
/// | `tcp:10000:interface=0.0.0.0` | all IPv4 addresses | - |
/// | `tcp:example.org:80` | - (not an address) | all addresses of the name, until one answers |
/// | `tcp:[::1]:80`, `tcp:\:\:1:80` | the IPv6 loopback | the same |
/// | `tcp:10000:interface=[::]` | all IPv6 addresses, and no IPv4 one | - |
/// | `udp:10000`, `udp:10000:interface=0.0.0.0` | datagrams on the loopback, on all IPv4 addresses | - |
/// | `unix:/run/poetry` | makes that socket file | connects to it |
/// | `fd:3` | the listening socket that is descriptor 3 | - |
/// | `systemd:index=0`, `systemd:name=web` | a socket that systemd handed over | - |
///
/// Further keys: `timeout` (clients; seconds, or a number with ms, s, m, h, d), `bindAddress` (tcp clients), `backlog`
/// (listeners), `mode` (octal, unix listeners), `lockfile` (0 or 1, unix listeners: with 1 a lock is held on `<path>.lock`,
/// and a socket file that was left behind by a killed server is replaced). Differs from Twisted: a listener without
/// an interface takes the loopback, not all addresses; `interface=` alone means all of IPv4; `lockfile` is 0 unless given.
/// Other crates may add kinds ([`Reactor::add_endpoint_kind`](crate::Reactor)).
///
/// ```
/// use sestina_reactor::Endpoint;
///
/// let endpoint: Endpoint = "tcp:example.org:80:timeout=5".parse()?;
/// assert_eq!(endpoint, Endpoint::tcp("example.org", 80).with_timeout(std::time::Duration::from_secs(5)));
/// let error = "tcp:poetry".parse::<Endpoint>().unwrap_err();
/// assert_eq!(error.to_string(), "a port is a number from 0 to 65535, not 'poetry' (at character 5 of 'tcp:poetry')");
/// # Ok::<(), sestina_reactor::EndpointError>(())
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    kind: Kind,
    timeout: Duration,
    bind: Option<SocketAddr>,
    backlog: u32,
}

#[derive(Clone, Debug)]
enum Kind {
    Tcp { host: Option<String>, port: u16 },
    Udp { host: Option<String>, port: u16 },
    Unix { path: PathBuf, mode: Option<u32>, lock: bool },
    Inherited(Inherited),
    Custom { text: String, custom: Arc<dyn CustomEndpoint> },
}

/// Custom endpoints are equal when their texts are.
impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp { host: a, port: b }, Self::Tcp { host: c, port: d }) => (a, b) == (c, d),
            (Self::Udp { host: a, port: b }, Self::Udp { host: c, port: d }) => (a, b) == (c, d),
            (Self::Unix { path: a, mode: b, lock: c }, Self::Unix { path: d, mode: e, lock: f }) => {
                (a, b, c) == (d, e, f)
            }
            (Self::Inherited(a), Self::Inherited(b)) => a == b,
            (Self::Custom { text: a, .. }, Self::Custom { text: b, .. }) => a == b,
            _ => false,
        }
    }
}

impl Eq for Kind {}

/// Whom an endpoint means, for a client.
pub(crate) enum Target {
    Addresses(Vec<Address>),
    Name(String, u16),
    /// It is for listeners only.
    Nobody,
}

impl Endpoint {
    /// TCP: for a client the peer's host name or address; for a listener the address of the interface, or
    /// `localhost`, which means 127.0.0.1. Port 0 takes a free port.
    #[must_use]
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self { kind: Kind::Tcp { host: Some(host.into()), port }, ..Self::loopback(port) }
    }

    /// TCP on 127.0.0.1.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        let kind = Kind::Tcp { host: None, port };
        Self { kind, timeout: CONNECT_TIMEOUT, bind: None, backlog: BACKLOG }
    }

    /// UDP, for [`listen_datagrams`](crate::Reactor::listen_datagrams): host and port as for [`tcp`](Self::tcp).
    #[must_use]
    pub fn udp(host: impl Into<String>, port: u16) -> Self {
        Self { kind: Kind::Udp { host: Some(host.into()), port }, ..Self::loopback(port) }
    }

    /// A UNIX socket.
    #[must_use]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self { kind: Kind::Unix { path: path.into(), mode: None, lock: false }, ..Self::loopback(0) }
    }

    /// A listening socket that this process was started with.
    #[must_use]
    pub fn inherited(socket: Inherited) -> Self {
        Self { kind: Kind::Inherited(socket), ..Self::loopback(0) }
    }

    /// Sets how long connecting may take, over all addresses.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets the local address that a TCP client comes from.
    #[must_use]
    pub fn with_bind_address(self, address: SocketAddr) -> Self {
        Self { bind: Some(address), ..self }
    }

    /// Sets how many connections the kernel holds for a listener before they are accepted.
    #[must_use]
    pub fn with_backlog(self, backlog: u32) -> Self {
        Self { backlog, ..self }
    }

    /// How long connecting may take, over all addresses.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn bind_address(&self) -> Option<SocketAddr> {
        self.bind
    }

    pub(crate) fn backlog(&self) -> u32 {
        self.backlog
    }

    pub(crate) fn mode(&self) -> Option<u32> {
        match self.kind {
            Kind::Unix { mode, .. } => mode,
            _ => None,
        }
    }

    pub(crate) fn lock(&self) -> bool {
        matches!(self.kind, Kind::Unix { lock: true, .. })
    }

    pub(crate) fn custom(&self) -> Option<Arc<dyn CustomEndpoint>> {
        match &self.kind {
            Kind::Custom { custom, .. } => Some(Arc::clone(custom)),
            _ => None,
        }
    }

    /// `example.org:80`, `unix:/run/poetry`: for messages.
    #[must_use]
    pub fn peer_name(&self) -> String {
        match &self.kind {
            Kind::Tcp { host: None, port } | Kind::Udp { host: None, port } => format!("127.0.0.1:{port}"),
            Kind::Tcp { host: Some(host), port } | Kind::Udp { host: Some(host), port } => {
                if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
            }
            Kind::Unix { path, .. } => format!("unix:{}", path.display()),
            Kind::Inherited(_) | Kind::Custom { .. } => self.to_string(),
        }
    }

    /// Where to listen for connections.
    pub(crate) fn to_listen(&self) -> Result<Address, ListenError> {
        match &self.kind {
            Kind::Udp { .. } => Err(ListenError::ForDatagrams(self.to_string())),
            _ => self.to_bind(),
        }
    }

    /// Where to listen for anything.
    pub(crate) fn to_bind(&self) -> Result<Address, ListenError> {
        let (host, port) = match &self.kind {
            Kind::Tcp { host, port } | Kind::Udp { host, port } => (host.as_deref(), *port),
            Kind::Unix { path, .. } => return Ok(Address::Unix(Some(path.as_path().into()))),
            Kind::Inherited(socket) => return Ok(Address::Inherited(socket.clone())),
            Kind::Custom { text, .. } => return Err(ListenError::NotForListening(text.clone())),
        };
        let ip = match host {
            None | Some("localhost") => Ipv4Addr::LOCALHOST.into(),
            Some("") => Ipv4Addr::UNSPECIFIED.into(),
            Some(name) => name.parse().map_err(|_| ListenError::BadInterface(name.to_owned()))?,
        };
        Ok(Address::Inet(SocketAddr::new(ip, port)))
    }

    pub(crate) fn to_connect(&self) -> Target {
        let (host, port) = match &self.kind {
            Kind::Tcp { host, port } => (host.as_deref(), *port),
            Kind::Unix { path, .. } => {
                return Target::Addresses(vec![Address::Unix(Some(path.as_path().into()))]);
            }
            Kind::Inherited(_) | Kind::Custom { .. } | Kind::Udp { .. } => return Target::Nobody,
        };
        let known = match host {
            None => vec![Ipv4Addr::LOCALHOST.into()],
            // RFC 6761: this name never needs a resolver.
            Some("localhost") => vec![IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()],
            Some(name) => match name.parse() {
                Ok(ip) => vec![ip],
                Err(_) => return Target::Name(name.to_owned(), port),
            },
        };
        Target::Addresses(known.into_iter().map(|ip| SocketAddr::new(ip, port).into()).collect())
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        parse(text).map_err(|problem| EndpointError::new(text, problem))
    }
}

fn parse(text: &str) -> Result<Endpoint, ArgumentError> {
    let mut arguments = Arguments::parse(text)?;
    match built_in(&mut arguments) {
        Some(endpoint) => finish(endpoint?, arguments),
        None => Err(arguments.unknown_kind(KINDS)),
    }
}

/// An endpoint of a kind that every reactor knows; `None` for other kinds.
fn built_in(arguments: &mut Arguments) -> Option<Result<Endpoint, ArgumentError>> {
    Some(match arguments.kind() {
        "tcp" => parse_tcp(arguments),
        "udp" => parse_udp(arguments),
        "unix" => parse_unix(arguments),
        "fd" => parse_fd(arguments),
        "systemd" => parse_systemd(arguments),
        _ => return None,
    })
}

/// What all kinds have, and nothing else may be left.
fn finish(mut endpoint: Endpoint, mut arguments: Arguments) -> Result<Endpoint, ArgumentError> {
    if !matches!(endpoint.kind, Kind::Udp { .. }) {
        if let Some(timeout) = arguments.named("timeout")? {
            endpoint.timeout = timeout.seconds()?;
        }
        if let Some(backlog) = arguments.named("backlog")? {
            endpoint.backlog = backlog.number()?;
        }
    }
    let keys = match endpoint.kind {
        Kind::Tcp { .. } => "host, port, interface, timeout, bindAddress, backlog",
        Kind::Udp { .. } => "host, port, interface",
        Kind::Unix { .. } => "path, mode, lockfile, timeout, backlog",
        Kind::Inherited(_) | Kind::Custom { .. } => "index and name",
    };
    arguments.finish(keys)?;
    Ok(endpoint)
}

fn parse_tcp(arguments: &mut Arguments) -> Result<Endpoint, ArgumentError> {
    let (host, port) = host_and_port(arguments)?;
    let bind = match arguments.named("bindAddress")? {
        Some(address) => Some(SocketAddr::new(address.ip()?, 0)),
        None => None,
    };
    Ok(Endpoint { kind: Kind::Tcp { host, port }, bind, ..Endpoint::loopback(port) })
}

fn parse_udp(arguments: &mut Arguments) -> Result<Endpoint, ArgumentError> {
    let (host, port) = host_and_port(arguments)?;
    Ok(Endpoint { kind: Kind::Udp { host, port }, ..Endpoint::loopback(port) })
}

fn host_and_port(arguments: &mut Arguments) -> Result<(Option<String>, u16), ArgumentError> {
    let (first, second) = (arguments.next_plain(), arguments.next_plain());
    let named_host = match (arguments.named("host")?, arguments.named("interface")?) {
        (Some(_), Some(interface)) => {
            return Err(interface.error("'host' and 'interface' are the same thing"));
        }
        (host, interface) => host.or(interface),
    };
    let named_port = arguments.named("port")?;
    // One plain argument is the port, two are host and port; beside `port=` one that is no number is the host.
    let is_host = |plain: &Argument| named_port.is_some() && named_host.is_none() && plain.port().is_err();
    let one_host = second.is_none() && first.as_ref().is_some_and(is_host);
    let (plain_host, plain_port) = if second.is_some() || one_host { (first, second) } else { (None, first) };
    if let (Some(_), Some(again)) = (&plain_host, &named_host) {
        return Err(again.error("'host' is given twice"));
    }
    if let (Some(_), Some(again)) = (&plain_port, &named_port) {
        return Err(again.error("'port' is given twice"));
    }
    let host = plain_host.or(named_host).map(|host| host.value().to_owned());
    let port = plain_port.or(named_port).ok_or_else(|| arguments.missing("the port"))?.port()?;
    Ok((host, port))
}

fn parse_unix(arguments: &mut Arguments) -> Result<Endpoint, ArgumentError> {
    let path = match (arguments.next_plain(), arguments.named("path")?) {
        (Some(_), Some(again)) => return Err(again.error("'path' is given twice")),
        (plain, named) => plain.or(named).ok_or_else(|| arguments.missing("the path"))?,
    };
    if path.value().is_empty() {
        return Err(path.value_error("the path is empty"));
    }
    let mode = match arguments.named("mode")? {
        None => None,
        Some(mode) => {
            let parsed = u32::from_str_radix(mode.value(), 8).ok().filter(|mode| *mode <= 0o777);
            Some(parsed.ok_or_else(|| {
                mode.value_error(format!("a mode is octal, up to 777, not '{}'", mode.value()))
            })?)
        }
    };
    let lock = match arguments.named("lockfile")? {
        None => false,
        Some(lock) => match lock.value() {
            "0" => false,
            "1" => true,
            other => return Err(lock.value_error(format!("'lockfile' is 0 or 1, not '{other}'"))),
        },
    };
    Ok(Endpoint { kind: Kind::Unix { path: path.value().into(), mode, lock }, ..Endpoint::loopback(0) })
}

fn parse_fd(arguments: &mut Arguments) -> Result<Endpoint, ArgumentError> {
    let number = arguments.next_plain().ok_or_else(|| arguments.missing("the descriptor's number"))?;
    let descriptor =
        i32::try_from(number.number()?).map_err(|_| number.error("no descriptor has that number"))?;
    Ok(Endpoint::inherited(Inherited::Descriptor(descriptor)))
}

fn parse_systemd(arguments: &mut Arguments) -> Result<Endpoint, ArgumentError> {
    // Twisted wants the domain; the socket knows it.
    drop(arguments.named("domain")?);
    match (arguments.named("index")?, arguments.named("name")?) {
        (Some(_), Some(name)) => Err(name.error("give either 'index' or 'name'")),
        (None, Some(name)) if name.value().is_empty() => Err(name.value_error("the name is empty")),
        (Some(index), None) => Ok(Endpoint::inherited(Inherited::Index(index.number()?))),
        (None, Some(name)) => Ok(Endpoint::inherited(Inherited::Name(name.value().into()))),
        (None, None) => Err(arguments.missing("'index' or 'name'")),
    }
}

/// The shortest text that parses to the same endpoint.
impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Tcp { host: Some(host), port } => write!(out, "tcp:{}:{port}", quote_argument(host))?,
            Kind::Tcp { host: None, port } => write!(out, "tcp:{port}")?,
            Kind::Udp { host: Some(host), port } => write!(out, "udp:{}:{port}", quote_argument(host))?,
            Kind::Udp { host: None, port } => write!(out, "udp:{port}")?,
            Kind::Unix { path, mode, lock } => {
                write!(out, "unix:{}", quote_argument(&path.to_string_lossy()))?;
                if let Some(mode) = mode {
                    write!(out, ":mode={mode:o}")?;
                }
                if *lock {
                    out.write_str(":lockfile=1")?;
                }
            }
            Kind::Inherited(socket) => socket.fmt(out)?,
            Kind::Custom { text, .. } => return out.write_str(text),
        }
        if self.timeout != CONNECT_TIMEOUT {
            write!(out, ":timeout={}", self.timeout.as_secs_f64())?;
        }
        if let Some(bind) = self.bind {
            write!(out, ":bindAddress={}", quote_argument(&bind.ip().to_string()))?;
        }
        if self.backlog != BACKLOG {
            write!(out, ":backlog={}", self.backlog)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ok(text: &str) -> Endpoint {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn every_form_and_every_key_is_understood_and_printed_back() {
        assert_eq!(ok("tcp:10000"), Endpoint::loopback(10000));
        assert_eq!(ok("TCP:port=10000"), Endpoint::loopback(10000));
        assert_eq!(ok("tcp:example.org:port=80"), Endpoint::tcp("example.org", 80));
        assert_eq!(ok("tcp:10000:interface=0.0.0.0"), Endpoint::tcp("0.0.0.0", 10000));
        assert_eq!(ok("tcp:host=a=b:port=1"), Endpoint::tcp("a=b", 1));
        assert_eq!(ok(r"tcp:\:\:1:1"), Endpoint::tcp("::1", 1));
        assert_eq!(ok("unix:/run/poetry"), Endpoint::unix("/run/poetry"));
        assert_eq!(ok("unix:path=x:mode=600").mode(), Some(0o600));
        assert_eq!(
            ok("unix:x:mode=666:backlog=50:lockfile=1").to_string(),
            "unix:x:mode=666:lockfile=1:backlog=50"
        );
        assert_eq!(ok("unix:x:lockfile=0"), ok("unix:x"));
        assert_eq!(ok("udp:53:interface=0.0.0.0"), Endpoint::udp("0.0.0.0", 53));
        assert_eq!(
            (ok("udp:53").to_string(), ok(r"udp:\:\:1:53").to_string()),
            ("udp:53".into(), r"udp:\:\:1:53".into())
        );
        for (text, time) in [("0.5", 500), ("250ms", 250), ("2s", 2_000), ("1.5m", 90_000), ("1h", 3_600_000)]
        {
            let endpoint = ok(&format!("tcp:1:timeout={text}"));
            assert_eq!(endpoint.timeout(), Duration::from_millis(time), "{text}");
            assert_eq!(ok(&endpoint.to_string()), endpoint);
        }
        assert_eq!(ok("fd:3"), Endpoint::inherited(Inherited::Descriptor(3)));
        assert_eq!(ok("systemd:domain=INET:index=1"), Endpoint::inherited(Inherited::Index(1)));
        let all = "tcp:[::1]:1:timeout=0.5:backlog=7:bindAddress=[fe80::1]";
        assert_eq!(ok(all).to_string(), r"tcp:\:\:1:1:timeout=0.5:bindAddress=fe80\:\:1:backlog=7");
        let more =
            [r"tcp:a\=b:1", r"tcp:a\\b:1", r"tcp:\[x:1", "tcp:0:interface=", r"unix:a\:b:mode=1:backlog=2"];
        for text in [all, "tcp:1", "fd:7:backlog=3", "systemd:name=web"].into_iter().chain(more) {
            assert_eq!(ok(&ok(text).to_string()), ok(text));
        }
    }

    #[test]
    fn errors_point_at_the_character() {
        let cases = [
            ("ssl:1", 1, "kind"),
            ("udp:1:timeout=1", 7, "no 'timeout'"),
            ("udp:x", 5, "from 0 to 65535"),
            ("unix:x:lockfile=yes", 17, "0 or 1"),
            ("tcp:1:timeout=1w", 15, "ms, s, m, h or d"),
            ("tcp:1:timeout=inf", 15, "ms, s, m, h or d"),
            ("tcp:1:timeout=1e300d", 15, "ms, s, m, h or d"),
            ("", 1, "kind"),
            ("tcp", 4, "missing"),
            ("tcp:host=x", 11, "missing"),
            ("tcp:70000", 5, "from 0 to 65535"),
            ("tcp:+1", 5, "from 0 to 65535"),
            ("tcp:a:b", 7, "from 0 to 65535"),
            ("tcp:a:1:c", 9, "too many"),
            ("tcp:1:color=red", 7, "no 'color'"),
            ("tcp:1:timeout=soon", 15, "seconds"),
            ("tcp:1:timeout=-1", 15, "seconds"),
            ("tcp:1:backlog=x", 15, "a number"),
            ("tcp:1:bindAddress=me", 19, "IP address"),
            ("tcp:1:port=2", 7, "twice"),
            ("tcp:1:backlog=2:backlog=3", 17, "twice"),
            ("tcp:[::1:2", 5, "not closed"),
            ("tcp:[::1]x:2", 10, "bracket ends"),
            ("tcp:host=[::1]:port=x", 21, "from 0 to 65535"),
            ("systemd:name=", 14, "name is empty"),
            ("tcp:1\\", 6, "backslash"),
            ("unix", 5, "missing"),
            ("unix:", 6, "empty"),
            ("unix:x:mode=9", 13, "octal"),
            ("unix:x:port=1", 8, "no 'port'"),
            ("fd:x", 4, "a number"),
            ("systemd", 8, "'index' or 'name'"),
            ("systemd:index=1:name=x", 17, "either"),
        ];
        for (text, position, words) in cases {
            let error = text.parse::<Endpoint>().expect_err(text);
            assert_eq!(error.position(), position, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
