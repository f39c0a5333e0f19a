//! Values of the proxy's options, as people write them.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use sestina_daemon::duration::{parse_duration, parse_time_limit};
use sestina_poetry::Like;
use sestina_poetry::cache::{OnAbandon, OnSuspect, OnTooLarge};

use crate::address::{Poet, parse_interface, parse_port};

/// `NAME=POET[@[IFACE:]PORT]`: a poet, what it is called, and where its clients come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Upstream {
    pub(super) name: String,
    pub(super) poet: Poet,
    pub(super) at: Option<(Option<String>, u16)>,
}

impl FromStr for Upstream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, rest)) = text.split_once('=') else {
            return Err(format!("'{text}' has no name: write NAME=HOST:PORT"));
        };
        let legal = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if name.is_empty() || !name.chars().all(legal) {
            return Err(format!(
                "'{name}' is no name of an upstream: give letters, digits, '-', '_' and '.'"
            ));
        }
        let (poet, at) = match rest.rsplit_once('@') {
            Some((poet, at)) => (poet, Some(listening(at)?)),
            None => (rest, None),
        };
        let poet = poet.parse::<Poet>().map_err(|error| error.to_string())?;
        Ok(Self { name: name.to_owned(), poet, at })
    }
}

fn listening(text: &str) -> Result<(Option<String>, u16), String> {
    let (interface, port) = match text.rsplit_once(':') {
        Some((interface, port)) => {
            (Some(parse_interface(interface).map_err(|error| error.to_string())?), port)
        }
        None => (None, text),
    };
    Ok((interface, parse_port(port).map_err(|error| error.to_string())?))
}

/// How long a poem is fresh: a duration, or `forever`.
pub(super) fn parse_ttl(text: &str) -> Result<Ttl, String> {
    match text {
        "forever" => Ok(Ttl(None)),
        text => {
            parse_duration(text).map(|ttl| Ttl(Some(ttl))).map_err(|error| format!("{error}, or forever"))
        }
    }
}

/// See [`parse_ttl`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Ttl(pub(super) Option<Duration>);

/// A pause after a failure: a duration, or `none`.
pub(super) fn parse_back_off(text: &str) -> Result<BackOff, String> {
    match text {
        "none" => Ok(BackOff(None)),
        text => {
            let pause = parse_time_limit(text).map_err(|error| format!("{error}, or none"))?;
            Ok(BackOff(Some(pause)))
        }
    }
}

/// See [`parse_back_off`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BackOff(pub(super) Option<Duration>);

pub(super) fn parse_on_abandon(text: &str) -> Result<OnAbandon, String> {
    match text {
        "cancel" => Ok(OnAbandon::Cancel),
        "finish" => Ok(OnAbandon::Finish),
        "adaptive" => Ok(OnAbandon::Adaptive),
        _ => match text.strip_prefix("linger=").map(parse_time_limit) {
            Some(Ok(time)) => Ok(OnAbandon::Linger(time)),
            Some(Err(error)) => Err(error.to_string()),
            None => Err(format!("'{text}' is not one of cancel, linger=DURATION, finish, adaptive")),
        },
    }
}

pub(super) fn parse_on_suspect(text: &str) -> Result<OnSuspect, String> {
    match text {
        "abort" => Ok(OnSuspect::Abort),
        "finish" => Ok(OnSuspect::Finish),
        _ => Err(format!("'{text}' is not one of abort, finish")),
    }
}

pub(super) fn parse_on_too_large(text: &str) -> Result<OnTooLarge, String> {
    match text {
        "window" => Ok(OnTooLarge::Window),
        "fail" => Ok(OnTooLarge::Fail),
        _ => Err(format!("'{text}' is not one of window, fail")),
    }
}

pub(super) fn parse_like(text: &str) -> Result<Like, String> {
    match text {
        "1.0" => Ok(Like::One),
        "2.0" => Ok(Like::Two),
        "3.0" => Ok(Like::Three),
        _ => Err(format!("'{text}' is not one of 1.0, 2.0, 3.0")),
    }
}

/// A text with `\n`, `\r`, `\t`, `\\` and `\xNN`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ending(pub(super) Vec<u8>);

impl FromStr for Ending {
    type Err = BadEnding;

    fn from_str(text: &str) -> Result<Self, BadEnding> {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let Some((first, more)) = rest.split_first() {
            rest = more;
            if *first != b'\\' {
                bytes.push(*first);
                continue;
            }
            let (kind, more) = rest.split_first().ok_or(BadEnding)?;
            rest = more;
            bytes.push(match kind {
                b'n' => b'\n',
                b'r' => b'\r',
                b't' => b'\t',
                b'\\' => b'\\',
                b'x' => {
                    let (digits, more) = rest.split_at_checked(2).ok_or(BadEnding)?;
                    rest = more;
                    let digits = std::str::from_utf8(digits).map_err(|_| BadEnding)?;
                    u8::from_str_radix(digits, 16).map_err(|_| BadEnding)?
                }
                _ => return Err(BadEnding),
            });
        }
        if bytes.is_empty() { Err(BadEnding) } else { Ok(Self(bytes)) }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct BadEnding;

impl fmt::Display for BadEnding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(
            r"this is no end of a poem: give at least one byte, as text with \n, \r, \t, \\ and \xNN",
        )
    }
}

impl std::error::Error for BadEnding {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upstream_is_a_name_a_poet_and_perhaps_a_place_to_listen() {
        let cases = [
            ("a=10001", "a", "127.0.0.1", 10001, None),
            ("ecstasy=poets.example.org:1@10000", "ecstasy", "poets.example.org", 1, Some((None, 10000))),
            ("b.2=[::1]:7@[::1]:0", "b.2", "::1", 7, Some((Some("::1"), 0))),
            ("c=:7@localhost:8", "c", "127.0.0.1", 7, Some((Some("localhost"), 8))),
        ];
        for (text, name, host, port, at) in cases {
            let upstream: Upstream = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            let at = at.map(|(interface, port)| (interface.map(str::to_owned), port));
            assert_eq!((&*upstream.name, upstream.at), (name, at), "{text}");
            let Poet::Tcp(poet) = upstream.poet else { panic!("{text}") };
            assert_eq!((&*poet.host, poet.port), (host, port), "{text}");
        }
        let unix: Upstream = "d=unix:/run/poet@10000".parse().unwrap();
        assert_eq!(unix.poet, Poet::Unix("/run/poet".into()));
    }

    #[test]
    fn what_is_no_upstream_is_refused_with_a_reason() {
        for (text, words) in [
            ("10001", "has no name"),
            ("=10001", "is no name of an upstream"),
            ("a b=10001", "is no name of an upstream"),
            ("a=", "has no port"),
            ("a=10001@", "a port is a number"),
            ("a=10001@eth0:1", "no address of an interface"),
            ("a=10001@70000", "a port is a number"),
        ] {
            let error = text.parse::<Upstream>().unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }

    #[test]
    fn endings_have_the_usual_escapes() {
        assert_eq!(r"\n".parse(), Ok(Ending(b"\n".to_vec())));
        assert_eq!(r"-- fin\r\n\x00\\".parse(), Ok(Ending(b"-- fin\r\n\0\\".to_vec())));
        for text in ["", r"\", r"\q", r"\x1", r"\xzz"] {
            assert_eq!(text.parse::<Ending>(), Err(BadEnding), "{text}");
        }
    }

    #[test]
    fn policies_have_names() {
        assert_eq!(parse_on_abandon("linger=500ms"), Ok(OnAbandon::Linger(Duration::from_millis(500))));
        assert!(parse_on_abandon("linger=0").is_err() && parse_on_abandon("stay").is_err());
        assert_eq!(parse_ttl("2h"), Ok(Ttl(Some(Duration::from_secs(7200)))));
        assert_eq!((parse_ttl("forever"), parse_back_off("none")), (Ok(Ttl(None)), Ok(BackOff(None))));
        assert!(parse_ttl("soon").is_err() && parse_back_off("0").is_err());
    }
}
