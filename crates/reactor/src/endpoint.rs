//! Endpoints: where to listen or whom to connect to, as a string that is parsed once.
//!
//! The grammar is Twisted's: `kind:argument:argument:key=value`, where `\` takes the next character as it is, and the
//! first `=` of an argument ends its key. Beyond Twisted, an argument in brackets may hold colons: `tcp:[::1]:80`.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::time::Duration;

use crate::address::Address;
use crate::connect::CONNECT_TIMEOUT;
use crate::errors::ListenError;

/// How many connections the kernel holds for a port before they are accepted, unless an endpoint's `backlog` says
/// otherwise. The kernel may hold fewer.
pub const BACKLOG: u32 = 1024;

/// Where to listen or whom to connect to.
///
/// | text | a listener | a client |
/// |---|---|---|
/// | `tcp:10000` | 127.0.0.1, port 10000 | 127.0.0.1, port 10000 |
/// | `tcp:10000:interface=0.0.0.0` | all IPv4 addresses | - |
/// | `tcp:example.org:80` | - (not an address) | all addresses of the name, until one answers |
/// | `tcp:[::1]:80`, `tcp:\:\:1:80` | the IPv6 loopback | the same |
///
/// Further keys: `timeout` (seconds, clients), `bindAddress` (clients), `backlog` (listeners). Differs from Twisted: a
/// listener without an interface takes the loopback, not all of them; `interface=` alone means all.
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
    host: Option<String>,
    port: u16,
    timeout: Duration,
    bind: Option<SocketAddr>,
    backlog: u32,
}

/// Whom an endpoint means, for a client.
pub(crate) enum Target {
    Addresses(Vec<Address>),
    Name(String, u16),
}

impl Endpoint {
    /// TCP: for a client the peer's host name or address; for a listener the address of the interface, or
    /// `localhost`, which means 127.0.0.1. Port 0 takes a free port.
    #[must_use]
    pub fn tcp(host: impl Into<String>, port: u16) -> Self {
        Self { host: Some(host.into()), ..Self::loopback(port) }
    }

    /// TCP on 127.0.0.1.
    #[must_use]
    pub fn loopback(port: u16) -> Self {
        Self { host: None, port, timeout: CONNECT_TIMEOUT, bind: None, backlog: BACKLOG }
    }

    /// Sets how long connecting may take, over all addresses.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// Sets the local address that a client comes from.
    #[must_use]
    pub fn with_bind_address(self, address: SocketAddr) -> Self {
        Self { bind: Some(address), ..self }
    }

    /// Sets how many connections the kernel holds for a listener before they are accepted.
    #[must_use]
    pub fn with_backlog(self, backlog: u32) -> Self {
        Self { backlog, ..self }
    }

    pub(crate) fn timeout(&self) -> Duration {
        self.timeout
    }

    pub(crate) fn bind_address(&self) -> Option<SocketAddr> {
        self.bind
    }

    pub(crate) fn backlog(&self) -> u32 {
        self.backlog
    }

    /// `example.org:80`, for messages.
    #[must_use]
    pub fn peer_name(&self) -> String {
        match self.host.as_deref() {
            None => format!("127.0.0.1:{}", self.port),
            Some(host) if host.contains(':') => format!("[{host}]:{}", self.port),
            Some(host) => format!("{host}:{}", self.port),
        }
    }

    pub(crate) fn to_listen(&self) -> Result<Address, ListenError> {
        let ip = match self.host.as_deref() {
            None | Some("localhost") => Ipv4Addr::LOCALHOST.into(),
            Some("") => Ipv4Addr::UNSPECIFIED.into(),
            Some(name) => name.parse().map_err(|_| ListenError::BadInterface(name.to_owned()))?,
        };
        Ok(Address::Inet(SocketAddr::new(ip, self.port)))
    }

    pub(crate) fn to_connect(&self) -> Target {
        let known = match self.host.as_deref() {
            None => vec![Ipv4Addr::LOCALHOST.into()],
            // RFC 6761: this name never needs a resolver.
            Some("localhost") => vec![IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()],
            Some(name) => match name.parse() {
                Ok(ip) => vec![ip],
                Err(_) => return Target::Name(name.to_owned(), self.port),
            },
        };
        Target::Addresses(known.into_iter().map(|ip| SocketAddr::new(ip, self.port).into()).collect())
    }
}

/// Why a text is no endpoint, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointError {
    text: String,
    /// Counted in characters, from 1.
    position: usize,
    problem: Problem,
}

#[derive(Clone, PartialEq, Eq, Debug)]
enum Problem {
    UnknownKind(String),
    UnknownKey(String),
    BadPort(String),
    BadNumber { key: &'static str, value: String },
    BadAddress(String),
    NoPort,
    TooMany(String),
    Twice(&'static str),
    Unfinished(char),
}

impl EndpointError {
    /// The character that the error is about, counted from 1.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            Problem::UnknownKind(kind) => write!(out, "'{kind}' is no kind of endpoint: there is tcp")?,
            Problem::UnknownKey(key) => write!(
                out,
                "a tcp endpoint has no '{key}': there are host, port, interface, timeout, bindAddress, backlog"
            )?,
            Problem::BadPort(value) => write!(out, "a port is a number from 0 to 65535, not '{value}'")?,
            Problem::BadNumber { key, value } => write!(out, "'{key}' is a number, not '{value}'")?,
            Problem::BadAddress(value) => write!(out, "'{value}' is not an IP address")?,
            Problem::NoPort => out.write_str("the port is missing")?,
            Problem::TooMany(value) => write!(out, "'{value}' is one argument too many")?,
            Problem::Twice(key) => write!(out, "'{key}' is given twice")?,
            Problem::Unfinished('\\') => out.write_str("the text ends after a backslash")?,
            Problem::Unfinished(_) => out.write_str("this bracket is not closed")?,
        }
        write!(out, " (at character {} of '{}')", self.position, self.text)
    }
}

impl Error for EndpointError {}

/// One argument: its key, if it has one, its value, and where it begins.
#[derive(Debug, Default)]
struct Field {
    key: Option<String>,
    value: String,
    position: usize,
}

/// Cuts the text at its colons and takes escapes and brackets away.
fn split(text: &str) -> Result<Vec<Field>, (usize, Problem)> {
    let mut fields = vec![Field { position: 1, ..Field::default() }];
    let mut characters = text.chars().zip(1..);
    let mut bracket = None;
    while let Some((character, position)) = characters.next() {
        let field = fields.last_mut().expect("there is always a field");
        match character {
            '\\' => match characters.next() {
                Some((escaped, _)) => field.value.push(escaped),
                None => return Err((position, Problem::Unfinished('\\'))),
            },
            '[' if field.value.is_empty() && bracket.is_none() => bracket = Some(position),
            ']' if bracket.is_some() => bracket = None,
            ':' if bracket.is_none() => fields.push(Field { position: position + 1, ..Field::default() }),
            '=' if field.key.is_none() && bracket.is_none() => {
                field.key = Some(std::mem::take(&mut field.value))
            }
            other => field.value.push(other),
        }
    }
    match bracket {
        Some(position) => Err((position, Problem::Unfinished('['))),
        None => Ok(fields),
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Self, EndpointError> {
        let parsed = split(text).and_then(|fields| parse(&fields, text));
        parsed.map_err(|(position, problem)| EndpointError { text: text.to_owned(), position, problem })
    }
}

fn parse(fields: &[Field], text: &str) -> Result<Endpoint, (usize, Problem)> {
    let (kind, arguments) = fields.split_first().expect("there is always a field");
    if kind.key.is_some() || !kind.value.eq_ignore_ascii_case("tcp") {
        let name = text.split(':').next().unwrap_or_default();
        return Err((1, Problem::UnknownKind(name.to_owned())));
    }
    let mut endpoint = Endpoint::loopback(0);
    let mut port = None;
    let plain: Vec<&Field> = arguments.iter().filter(|field| field.key.is_none()).collect();
    match plain.as_slice() {
        [] => {}
        [only] => port = Some(parse_port(only)?),
        [host, second, rest @ ..] => {
            endpoint.host = Some(host.value.clone());
            port = Some(parse_port(second)?);
            if let Some(extra) = rest.first() {
                return Err((extra.position, Problem::TooMany(extra.value.clone())));
            }
        }
    }
    for field in arguments {
        let Some(key) = field.key.as_deref() else { continue };
        match key {
            "host" | "interface" if endpoint.host.is_some() => {
                return Err((field.position, Problem::Twice("host")));
            }
            "host" | "interface" => endpoint.host = Some(field.value.clone()),
            "port" if port.is_some() => return Err((field.position, Problem::Twice("port"))),
            "port" => port = Some(parse_port(field)?),
            "timeout" => endpoint.timeout = Duration::from_secs(number(field, "timeout")?.into()),
            "backlog" => endpoint.backlog = number(field, "backlog")?,
            "bindAddress" => endpoint.bind = Some(SocketAddr::new(address(field)?, 0)),
            unknown => return Err((field.position, Problem::UnknownKey(unknown.to_owned()))),
        }
    }
    endpoint.port = port.ok_or_else(|| (text.chars().count() + 1, Problem::NoPort))?;
    Ok(endpoint)
}

fn parse_port(field: &Field) -> Result<u16, (usize, Problem)> {
    let digits = !field.value.is_empty() && field.value.bytes().all(|byte| byte.is_ascii_digit());
    let port = field.value.parse().ok().filter(|_| digits);
    port.ok_or_else(|| (field.position, Problem::BadPort(field.value.clone())))
}

fn number(field: &Field, key: &'static str) -> Result<u32, (usize, Problem)> {
    let bad = |_| (field.position, Problem::BadNumber { key, value: field.value.clone() });
    field.value.parse().map_err(bad)
}

fn address(field: &Field) -> Result<IpAddr, (usize, Problem)> {
    field.value.parse().map_err(|_| (field.position, Problem::BadAddress(field.value.clone())))
}

/// The shortest text that parses to the same endpoint.
impl fmt::Display for Endpoint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("tcp:")?;
        if let Some(host) = &self.host {
            let escaped =
                host.replace('\\', r"\\").replace(':', r"\:").replace('=', r"\=").replace('[', r"\[");
            write!(out, "{escaped}:")?;
        }
        write!(out, "{}", self.port)?;
        if self.timeout != CONNECT_TIMEOUT {
            write!(out, ":timeout={}", self.timeout.as_secs())?;
        }
        if let Some(bind) = self.bind {
            write!(out, ":bindAddress={}", bind.ip().to_string().replace(':', r"\:"))?;
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
    fn both_forms_and_every_key_are_understood_and_printed_back() {
        assert_eq!(ok("tcp:10000"), Endpoint::loopback(10000));
        assert_eq!(ok("TCP:port=10000"), Endpoint::loopback(10000));
        assert_eq!(ok("tcp:10000:interface=0.0.0.0"), Endpoint::tcp("0.0.0.0", 10000));
        assert_eq!(ok("tcp:host=a=b:port=1"), Endpoint::tcp("a=b", 1));
        assert_eq!(ok(r"tcp:\:\:1:1"), Endpoint::tcp("::1", 1));
        let all = "tcp:[::1]:1:timeout=5:backlog=7:bindAddress=[fe80::1]";
        assert_eq!(ok(all).to_string(), r"tcp:\:\:1:1:timeout=5:bindAddress=fe80\:\:1:backlog=7");
        for text in [all, "tcp:1", r"tcp:a\=b:1", r"tcp:a\\b:1", r"tcp:\[x:1", "tcp:0:interface="] {
            assert_eq!(ok(&ok(text).to_string()), ok(text));
        }
    }

    #[test]
    fn errors_point_at_the_character() {
        let cases = [
            ("udp:1", 1, "kind"),
            ("", 1, "kind"),
            ("tcp", 4, "missing"),
            ("tcp:host=x", 11, "missing"),
            ("tcp:70000", 5, "from 0 to 65535"),
            ("tcp:+1", 5, "from 0 to 65535"),
            ("tcp:a:b", 7, "from 0 to 65535"),
            ("tcp:a:1:c", 9, "too many"),
            ("tcp:1:color=red", 7, "no 'color'"),
            ("tcp:1:timeout=soon", 7, "a number"),
            ("tcp:1:bindAddress=me", 7, "IP address"),
            ("tcp:1:port=2", 7, "twice"),
            ("tcp:[::1:2", 5, "not closed"),
            ("tcp:1\\", 6, "backslash"),
        ];
        for (text, position, words) in cases {
            let error = text.parse::<Endpoint>().expect_err(text);
            assert_eq!(error.position(), position, "{error}");
            assert!(error.to_string().contains(words), "{error}");
        }
    }
}
