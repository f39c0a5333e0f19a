//! Where a poet is, where to listen: as people write it on a command line.

use std::error::Error;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;

use sestina_reactor::Endpoint;

/// Where a host is when only a port is given.
const DEFAULT_HOST: &str = "127.0.0.1";

/// A poet on any kind of socket: `unix:/run/poetry`, or what [`PoetAddress`] says.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Poet {
    Tcp(PoetAddress),
    Unix(PathBuf),
}

impl Poet {
    pub(crate) fn endpoint(&self) -> Endpoint {
        match self {
            Self::Tcp(address) => address.endpoint(),
            Self::Unix(path) => Endpoint::unix(path),
        }
    }
}

impl FromStr for Poet {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        match text.strip_prefix("unix:") {
            Some("") => Err(AddressError::NoPath),
            Some(path) => Ok(Self::Unix(path.into())),
            None => text.parse().map(Self::Tcp),
        }
    }
}

/// A poet on TCP: `10000`, `:10000`, `example.org:10000`, `[::1]:10000`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct PoetAddress {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl PoetAddress {
    pub(crate) fn endpoint(&self) -> Endpoint {
        Endpoint::tcp(&*self.host, self.port)
    }

    /// Whether who listens at this interface and port would be reached at this address: a proxy that asks itself.
    pub(crate) fn is_at(&self, interface: &str, port: u16) -> bool {
        let address = |host: &str| if host == "localhost" { DEFAULT_HOST } else { host }.parse::<IpAddr>();
        let (Ok(poet), Ok(own)) = (address(&self.host), address(interface)) else { return false };
        let (poet, own) = (poet.to_canonical(), own.to_canonical());
        // To connect to "all addresses" is to connect to oneself, and who listens on all of them is at each loopback.
        let same = poet == own || poet.is_unspecified() || (own.is_unspecified() && poet.is_loopback());
        self.port == port && port != 0 && same
    }
}

impl FromStr for PoetAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, AddressError> {
        let (host, port) = match text.rsplit_once(':') {
            None => ("", text),
            Some((_, port)) if text.starts_with('[') && port.ends_with(']') => {
                return Err(AddressError::NoPort(text.to_owned()));
            }
            Some(parts) => parts,
        };
        let host = parse_host(host, text)?;
        match port {
            "" => Err(AddressError::NoPort(text.to_owned())),
            _ => match parse_port(port) {
                Ok(0) => Err(AddressError::PortZero),
                Ok(port) => Ok(Self { host, port }),
                Err(_) => Err(AddressError::BadPoetPort(port.to_owned())),
            },
        }
    }
}

fn parse_host(host: &str, text: &str) -> Result<String, AddressError> {
    if host.is_empty() {
        return Ok(DEFAULT_HOST.to_owned());
    }
    if let Some(inside) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        // A zone, as in fe80::1%eth0, is the resolver's business.
        let address = inside.split('%').next().unwrap_or_default();
        return match address.parse::<Ipv6Addr>() {
            Ok(_) => Ok(inside.to_owned()),
            Err(_) => Err(AddressError::BadHost(host.to_owned())),
        };
    }
    if host.contains(':') {
        return Err(AddressError::TooManyColons(text.to_owned()));
    }
    let named = host.chars().all(|character| character.is_alphanumeric() || "-._".contains(character));
    if named { Ok(host.to_owned()) } else { Err(AddressError::BadHost(host.to_owned())) }
}

/// Reads a port; 0 is one, for those who listen.
pub(crate) fn parse_port(text: &str) -> Result<u16, AddressError> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let port = text.parse().ok().filter(|_| digits);
    port.ok_or_else(|| AddressError::BadPort(text.to_owned()))
}

/// Reads the address of an interface. `localhost` means 127.0.0.1; a name or nothing is refused here, because an
/// empty variable in a script must not open a service to the world.
pub(crate) fn parse_interface(text: &str) -> Result<String, AddressError> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    match bare.parse::<IpAddr>() {
        Ok(_) => Ok(bare.to_owned()),
        Err(_) if text == "localhost" => Ok(text.to_owned()),
        Err(_) => Err(AddressError::BadInterface(text.to_owned())),
    }
}

/// Why a text is no address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum AddressError {
    BadPort(String),
    /// Nobody listens on port 0.
    BadPoetPort(String),
    NoPath,
    NoPort(String),
    PortZero,
    BadHost(String),
    TooManyColons(String),
    BadInterface(String),
}

impl fmt::Display for AddressError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadPort(text) => write!(out, "a port is a number from 0 to 65535, not '{text}'"),
            Self::BadPoetPort(text) => write!(out, "a port is a number from 1 to 65535, not '{text}'"),
            Self::NoPath => out.write_str("'unix:' has no path: write unix:PATH"),
            Self::NoPort(text) => write!(out, "'{text}' has no port: write HOST:PORT"),
            Self::PortZero => out.write_str("nobody can be reached at port 0: give one from 1 to 65535"),
            Self::BadHost(text) => {
                write!(
                    out,
                    "'{text}' is no host: give a name, an IPv4 address, or an IPv6 address in brackets"
                )
            }
            Self::TooManyColons(text) => write!(
                out,
                "'{text}' has too many colons: write HOST:PORT, and an IPv6 address in brackets, like [::1]:10000"
            ),
            Self::BadInterface(text) => write!(
                out,
                "'{text}' is no address of an interface: give localhost, an IP address of this machine, or 0.0.0.0 \
                 for all of them"
            ),
        }
    }
}

impl Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    // spec: P14-16
    #[test]
    fn hosts_and_ports_are_taken_apart() {
        let cases = [
            ("10000", "127.0.0.1", 10000),
            (":10005", "127.0.0.1", 10005),
            ("localhost:1", "localhost", 1),
            ("192.0.2.1:65535", "192.0.2.1", 65535),
            ("poets.example.org:80", "poets.example.org", 80),
            ("[::1]:10000", "::1", 10000),
            ("[fe80::1%eth0]:10000", "fe80::1%eth0", 10000),
            ("007:7", "007", 7),
        ];
        for (text, host, port) in cases {
            let address: PoetAddress = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((&*address.host, address.port), (host, port), "{text}");
        }
    }

    #[test]
    fn a_poet_may_have_a_unix_socket() {
        assert_eq!("unix:a:b".parse(), Ok(Poet::Unix("a:b".into())));
        assert_eq!("unix:".parse::<Poet>(), Err(AddressError::NoPath));
        assert_eq!(
            "unix:/run/poetry".parse::<Poet>().map(|poet| poet.endpoint().peer_name()).as_deref(),
            Ok("unix:/run/poetry")
        );
        assert!(matches!("[::1]:7".parse(), Ok(Poet::Tcp(address)) if address.port == 7));
    }

    // spec: REF-06
    #[test]
    fn what_is_no_address_is_told_why() {
        let cases = [
            ("", "has no port"),
            (":", "has no port"),
            ("host:", "has no port"),
            ("[::1]", "has no port"),
            ("host", "a port is a number"),
            ("x:y", "a port is a number"),
            ("70000", "a port is a number"),
            ("+1", "a port is a number"),
            ("-1", "a port is a number"),
            ("a: 1", "a port is a number"),
            ("0", "port 0"),
            ("localhost:0", "port 0"),
            ("a:b:c", "too many colons"),
            ("::1:10000", "too many colons"),
            ("http://host:80", "too many colons"),
            ("[poet]:1", "no host"),
            ("[]:1", "no host"),
            ("two words:1", "no host"),
            ("\u{1b}[2J:1", "no host"),
        ];
        for (text, words) in cases {
            let error = text.parse::<PoetAddress>().expect_err(text).to_string();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn an_interface_is_an_address_or_localhost() {
        for (text, host) in
            [("localhost", "localhost"), ("0.0.0.0", "0.0.0.0"), ("::1", "::1"), ("[::]", "::")]
        {
            assert_eq!(parse_interface(text).as_deref(), Ok(host));
        }
        for text in ["", "eth0", "example.org", "127.0.0.1:80", "1.2.3"] {
            assert!(parse_interface(text).is_err(), "{text}");
        }
    }
}
