//! One request and its answer, over a control socket, within a time.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use sestina_deferred::{Deferred, Failure, TimedOut};
use sestina_poetry::ops::CONTROL_GREETING;
use sestina_reactor::{ConnectError, Endpoint, Reactor, Stream, StreamError};

/// How long the first line of an answer may be: an error may say a key back.
const STATUS_BYTES_MAX: usize = 64 * 1024;
/// How long one line of an answer may be: JSON is one line.
const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How much memory all of it may take; a line costs its bytes and [`LINE_COST`].
const ANSWER_BYTES_MAX: usize = 64 * 1024 * 1024;
/// What a line costs beside its bytes, also an empty one.
const LINE_COST: usize = size_of::<String>();
/// What the greeting of every version begins with.
const GREETING_BEGINNING: &str = "sestina control ";

/// Why there is no answer. The name is that of the socket.
#[derive(Debug)]
pub(super) enum CtlError {
    /// There is no reactor to be had.
    NoReactor(io::Error),
    /// Nobody could be reached.
    Connect(ConnectError),
    /// Somebody else is there.
    Stranger(String),
    /// A program of another version.
    Version(String, String),
    /// It did not answer in time.
    TimedOut(String, Duration),
    /// It broke off.
    Broken(String, Failure),
    /// It said no, and why.
    Refused(String),
}

impl CtlError {
    /// What a failure means.
    pub(super) fn of(failure: &Failure, name: &str, timeout: Duration) -> Self {
        let name = name.to_owned();
        if let Some(error) = failure.check::<ConnectError>() {
            return Self::Connect(error.clone());
        }
        match failure.check::<Said>() {
            Some(Said::Stranger) => return Self::Stranger(name),
            Some(Said::Version(greeting)) => return Self::Version(name, greeting.clone()),
            Some(Said::No(why)) => return Self::Refused(why.clone()),
            None => {}
        }
        if failure.is::<TimedOut>() {
            return Self::TimedOut(name, timeout);
        }
        Self::Broken(name, failure.clone())
    }
}

impl fmt::Display for CtlError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoReactor(_) => out.write_str("no connection can be made"),
            Self::Connect(error @ ConnectError::Refused(_)) => {
                write!(out, "{error}: start the service, with this path as its --control")
            }
            Self::Connect(error) => error.fmt(out),
            Self::Stranger(name) => write!(
                out,
                "whoever listens at {name} is no control socket of sestina: is it the path given to --control?"
            ),
            Self::Version(name, greeting) => {
                write!(
                    out,
                    "{name} says '{greeting}', and this is for '{CONTROL_GREETING}': take the program of its version"
                )
            }
            Self::TimedOut(name, limit) => write!(
                out,
                "{name} did not answer within {limit:?}: is it a control socket? ('--timeout' gives it more time)"
            ),
            Self::Broken(name, _) => write!(out, "{name} broke off"),
            Self::Refused(why) => out.write_str(why),
        }
    }
}

impl Error for CtlError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::NoReactor(error) => Some(error),
            Self::Connect(error) => error.source(),
            Self::Broken(_, failure) => Some(failure.error()),
            _ => None,
        }
    }
}

/// What the other side said that is no answer.
#[derive(Debug)]
enum Said {
    Stranger,
    Version(String),
    No(String),
}

impl fmt::Display for Said {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger => out.write_str("what was said is not of this protocol"),
            Self::Version(greeting) => write!(out, "it said '{greeting}'"),
            Self::No(why) => out.write_str(why),
        }
    }
}

impl Error for Said {}

/// Says a line at the socket. Gives the lines of the answer.
pub(super) fn converse(
    reactor: &Reactor,
    socket: &Endpoint,
    line: String,
    timeout: Duration,
) -> Deferred<Vec<String>> {
    let connecting = reactor.connect_stream(socket);
    let conversation = reactor.spawn(async move {
        let stream = connecting.await?;
        greet(&stream).await?;
        stream.write_all(line).await?;
        answer(&stream).await
    });
    conversation.add_timeout(timeout, reactor)
}

async fn greet(stream: &Stream) -> Result<(), Failure> {
    let greeting = read_line(stream, STATUS_BYTES_MAX).await?;
    if greeting == CONTROL_GREETING {
        return Ok(());
    }
    let known = greeting.starts_with(GREETING_BEGINNING);
    Err(if known { Said::Version(greeting) } else { Said::Stranger }.into())
}

async fn answer(stream: &Stream) -> Result<Vec<String>, Failure> {
    let status = read_line(stream, STATUS_BYTES_MAX).await?;
    if let Some(why) = status.strip_prefix("error ") {
        return Err(Said::No(why.to_owned()).into());
    }
    let count: usize =
        status.strip_prefix("ok ").and_then(|count| count.parse().ok()).ok_or(Said::Stranger)?;
    let (mut lines, mut left) = (Vec::new(), ANSWER_BYTES_MAX);
    for _ in 0..count {
        let line = read_line(stream, LINE_BYTES_MAX.min(left)).await?;
        left = left.saturating_sub(line.len() + LINE_COST);
        lines.push(line);
    }
    Ok(lines)
}

/// A line without its end. A stream that ends, or goes on and on, or is no text, is not one of ours.
async fn read_line(stream: &Stream, bytes_max: usize) -> Result<String, Failure> {
    let line = match stream.read_until(b'\n', bytes_max).await {
        Err(failure) if failure.is::<StreamError>() => return Err(Said::Stranger.into()),
        line => line?,
    };
    let line = line.strip_suffix(b"\n").ok_or(Said::Stranger)?;
    Ok(str::from_utf8(line).map_err(|_| Said::Stranger)?.to_owned())
}
