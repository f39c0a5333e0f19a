//! The words of single options, as values.

use std::path::PathBuf;

use clap::builder::{OsStringValueParser, TypedValueParser};
use sestina_reactor::{Endpoint, Inherited};

/// Permissions have nine bits.
const UMASK_MAX: u32 = 0o777;
/// More connections than this nobody has.
const CONNECTIONS_MAX: usize = 1_000_000_000;

/// `--listen NAME=ADDR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listen {
    /// The service, or `SERVICE/SOCKET` where it has several.
    pub(crate) name: String,
    /// Where it is to listen.
    pub(crate) at: Endpoint,
}

/// A path, also the empty one.
pub(super) fn path_or_nothing() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

pub(super) fn umask(text: &str) -> Result<u32, String> {
    let octal = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let mask = u32::from_str_radix(text, 8).ok().filter(|mask| octal && *mask <= UMASK_MAX);
    mask.ok_or_else(|| format!("'{text}' is no mask: give up to three octal digits, such as 027"))
}

pub(super) fn count(text: &str) -> Result<u64, String> {
    number(text)
        .filter(|count| *count > 0)
        .ok_or_else(|| format!("'{text}' is no number of descriptors: the smallest is 1"))
}

pub(super) fn limit_or_none(text: &str) -> Result<u64, String> {
    number(text).ok_or_else(|| format!("'{text}' is no number of bytes"))
}

pub(super) fn connections(text: &str) -> Result<usize, String> {
    let limit = number(text).and_then(|limit| usize::try_from(limit).ok());
    limit
        .filter(|limit| (1..=CONNECTIONS_MAX).contains(limit))
        .ok_or_else(|| format!("'{text}' is no limit: give a number from 1 to {CONNECTIONS_MAX}"))
}

pub(super) fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" | "true" | "on" => Ok(true),
        "no" | "false" | "off" => Ok(false),
        _ => Err(format!("'{text}' is neither yes nor no")),
    }
}

pub(super) fn listen(text: &str) -> Result<Listen, String> {
    let (name, at) =
        text.split_once('=').ok_or_else(|| format!("'{text}' is not NAME=ADDR, such as web=8080"))?;
    if name.is_empty() {
        return Err(format!("'{text}' does not begin with the name of a service"));
    }
    Ok(Listen { name: name.to_owned(), at: address(at)? })
}

/// An endpoint, or the short forms of people: a port, `HOST:PORT`, `systemd:NAME`.
fn address(text: &str) -> Result<Endpoint, String> {
    if let Ok(port) = text.parse::<u16>() {
        return Ok(Endpoint::loopback(port));
    }
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Ok(Endpoint::tcp(address.ip().to_string(), address.port()));
    }
    if let Some(name) = text.strip_prefix("systemd:").filter(|name| !name.contains('=') && !name.is_empty()) {
        return Ok(Endpoint::inherited(Inherited::Name(name.into())));
    }
    if let Some(("localhost", port)) = text.rsplit_once(':')
        && let Ok(port) = port.parse::<u16>()
    {
        return Ok(Endpoint::tcp("localhost", port));
    }
    text.parse::<Endpoint>().map_err(|error| error.to_string())
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_octal() {
        assert_eq!(umask("027"), Ok(0o27));
        assert_eq!(umask("0"), Ok(0));
        for wrong in ["", "8", "-1", "+7", "1000", "rwx"] {
            assert!(umask(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn addresses_have_short_forms() {
        let at = |text: &str| listen(&format!("web={text}")).expect("an address").at;
        assert_eq!(at("8080"), Endpoint::loopback(8080));
        assert_eq!(at("0.0.0.0:80"), Endpoint::tcp("0.0.0.0", 80));
        assert_eq!(at("[::1]:80"), Endpoint::tcp("::1", 80));
        assert_eq!(at("localhost:80"), Endpoint::tcp("localhost", 80));
        assert_eq!(at("fd:3"), Endpoint::inherited(Inherited::Descriptor(3)));
        assert_eq!(at("systemd:web"), Endpoint::inherited(Inherited::Name("web".into())));
        assert_eq!(at("systemd:index=1"), Endpoint::inherited(Inherited::Index(1)));
        assert_eq!(at("unix:/run/x"), Endpoint::unix("/run/x"));
        for wrong in ["web", "=80", "web=", "web=nowhere", "web=70000"] {
            assert!(listen(wrong).is_err(), "{wrong}");
        }
    }
}
