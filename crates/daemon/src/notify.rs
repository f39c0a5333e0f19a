//! Telling the service manager how it goes: sd_notify(3) with the watchdog, or the line that s6 waits for.
//!
//! Walk: `serve.rs` makes a [`Notify`] before the process gives up anything: the socket is connected then, and goes on
//! working under another root. `life.rs` and `signals.rs` say what happens.
//! What cannot be told stops nothing: the log says so, once.
//! Tests: `cli/tests/suite/notify.rs`.

use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
#[cfg(target_os = "linux")]
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::rc::Rc;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, ValueEnum};
use rustix::time::{ClockId, clock_gettime};
use sestina_reactor::Reactor;

use crate::surroundings::Surroundings;
use crate::words;

/// How long the manager may make us wait when its socket is full.
const SEND_WAIT: Duration = Duration::from_millis(100);
/// How long the end is put off by each word to the manager, and how often it is said again.
const EXTENSION: Duration = Duration::from_secs(10);
const EXTENSION_PAUSE: Duration = Duration::from_secs(3);
/// The longest status, in bytes.
const STATUS_BYTES_MAX: usize = 1_024;
const HEADING: &str = "Service manager";

/// Whom to tell.
#[derive(Args, Clone, Debug)]
pub(crate) struct NotifyOptions {
    /// Who is told when the start is complete: systemd, fd:N for a newline on a descriptor (s6), none, or auto: systemd if it
    /// asks for it
    #[arg(long, value_name = "WHOM", default_value = "auto", help_heading = HEADING)]
    notify: Whom,
    /// Whether systemd hears that the loop turns: auto if it asks for it
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_possible_values = true, help_heading = HEADING)]
    watchdog: Watchdog,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Whom {
    Auto,
    Systemd,
    Descriptor(i32),
    Nobody,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
enum Watchdog {
    Auto,
    Off,
}

impl NotifyOptions {
    /// Whether the watchdog is wanted if somebody asks for it.
    pub(crate) fn has_watchdog(&self) -> bool {
        self.watchdog == Watchdog::Auto
    }

    /// Whether it means a descriptor of the process that was started.
    pub(crate) fn needs_foreground(&self) -> bool {
        matches!(self.notify, Whom::Descriptor(_))
    }
}

impl FromStr for Whom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            "systemd" => Ok(Self::Systemd),
            "none" => Ok(Self::Nobody),
            _ => {
                let number =
                    text.strip_prefix("fd:").filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
                number.and_then(|number| number.parse().ok()).map(Self::Descriptor).ok_or_else(|| {
                    format!("'{text}' is nobody who can be told: give auto, systemd, fd:N or none")
                })
            }
        }
    }
}

/// Who is told of readiness, reloads and the end. Tells nobody if nobody asked.
#[derive(Debug)]
pub(crate) struct Notify {
    listener: Rc<Listener>,
    pid: u32,
    /// How often the manager must hear that the loop turns.
    watchdog: Option<Duration>,
}

#[derive(Debug)]
enum Listener {
    Nobody,
    Systemd(Socket),
    /// Gone when the line is written.
    Descriptor(RefCell<Option<File>>),
}

#[derive(Debug)]
struct Socket {
    socket: UnixDatagram,
    is_told: Cell<bool>,
}

impl Notify {
    /// # Errors
    /// If nobody can be told where the options say.
    pub(crate) fn new(options: &NotifyOptions, surroundings: &Surroundings) -> Result<Self, NotifyError> {
        let address = surroundings.text("NOTIFY_SOCKET");
        let listener = match (options.notify, address) {
            (Whom::Nobody, _) | (Whom::Auto, None) => Listener::Nobody,
            (Whom::Systemd, None) => return Err(NotifyError::NotAsked),
            (Whom::Systemd, Some(address)) => Listener::Systemd(connect(address)?),
            // A variable that an old parent has left is no reason not to serve.
            (Whom::Auto, Some(address)) => connect(address).map_or_else(
                |error| {
                    tracing::warn!(target: "sestina", "systemd is not told how it goes: {}", words::chain(&error));
                    Listener::Nobody
                },
                Listener::Systemd,
            ),
            (Whom::Descriptor(number), _) => {
                let copy = sestina_sys::duplicate(number)
                    .map_err(|source| NotifyError::Descriptor { number, source })?;
                Listener::Descriptor(RefCell::new(Some(copy.into())))
            }
        };
        let is_asked = options.has_watchdog() && matches!(listener, Listener::Systemd(_));
        let watchdog = if is_asked { watchdog(surroundings)? } else { None };
        Ok(Self { listener: Rc::new(listener), pid: surroundings.pid, watchdog })
    }

    /// The start is complete; `status` is one line for people.
    pub(crate) fn ready(&self, status: &str) {
        match &*self.listener {
            Listener::Nobody => {}
            Listener::Systemd(socket) => {
                let (pid, status) = (self.pid, one_line(status));
                socket.send(&format!("READY=1\nMAINPID={pid}\nSTATUS={status}\n"));
            }
            Listener::Descriptor(file) => {
                let told = file.take().map_or(Ok(()), |mut file| file.write_all(b"\n"));
                if let Err(error) = told {
                    tracing::warn!(target: "sestina", "nobody could be told that the start is complete: {error}");
                }
            }
        }
    }

    /// A reload has begun; `ready` ends it.
    pub(crate) fn reloading(&self) {
        self.listener.tell(|| {
            let now = clock_gettime(ClockId::Monotonic);
            let micros = Duration::try_from(now).unwrap_or_default().as_micros();
            format!("RELOADING=1\nMONOTONIC_USEC={micros}\n")
        });
    }

    /// The end has begun.
    pub(crate) fn stopping(&self, status: &str) {
        self.listener.tell(|| format!("STOPPING=1\nSTATUS={}\n", one_line(status)));
    }

    /// The end may take so long. The manager is asked for a little time again and again, and only while the loop turns: an end
    /// that hangs is cut short.
    pub(crate) fn extend(&self, reactor: &Reactor, at_most: Duration) {
        extend(&self.listener, reactor, at_most);
    }

    /// From now on the manager hears that the loop turns, until the reactor stops.
    pub(crate) fn watch(&self, reactor: &Reactor) {
        if let Some(pause) = self.watchdog {
            ping(&self.listener, reactor, pause / 2);
        }
    }
}

impl Listener {
    fn tell(&self, words: impl FnOnce() -> String) {
        if let Self::Systemd(socket) = self {
            socket.send(&words());
        }
    }
}

impl Socket {
    fn send(&self, words: &str) {
        match self.socket.send(words.as_bytes()) {
            Err(error) if !self.is_told.replace(true) => {
                tracing::warn!(target: "sestina", "systemd could not be told how it goes: {error}");
            }
            Err(_) => {}
            Ok(_) => self.is_told.set(false),
        }
    }
}

/// A timer fires in a turn of the loop: if the loop hangs, nothing is said.
fn ping(listener: &Rc<Listener>, reactor: &Reactor, pause: Duration) {
    listener.tell(|| "WATCHDOG=1\n".to_owned());
    let (listener, again) = (Rc::clone(listener), reactor.clone());
    reactor.call_later(pause, move || ping(&listener, &again, pause));
}

fn extend(listener: &Rc<Listener>, reactor: &Reactor, left: Duration) {
    if left.is_zero() || matches!(**listener, Listener::Nobody) {
        return;
    }
    // The manager's time begins when it hears of it: some more than what is left is asked for.
    let time = left.saturating_add(EXTENSION_PAUSE).min(EXTENSION);
    listener.tell(|| format!("EXTEND_TIMEOUT_USEC={}\n", time.as_micros()));
    let (listener, again) = (Rc::clone(listener), reactor.clone());
    reactor
        .call_later(EXTENSION_PAUSE, move || extend(&listener, &again, left.saturating_sub(EXTENSION_PAUSE)));
}

/// A path, or a name without a file that begins with `@`.
fn connect(address: &str) -> Result<Socket, NotifyError> {
    let failed = |source| NotifyError::Socket { address: address.to_owned(), source };
    let known = match address.as_bytes().first() {
        Some(b'/') => SocketAddr::from_pathname(address),
        Some(b'@') => abstract_name(&address[1..]),
        _ => return Err(NotifyError::Address(address.to_owned())),
    };
    let socket = UnixDatagram::unbound().map_err(failed)?;
    socket.set_write_timeout(Some(SEND_WAIT)).map_err(failed)?;
    socket.connect_addr(&known.map_err(failed)?).map_err(failed)?;
    Ok(Socket { socket, is_told: Cell::new(false) })
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &str) -> io::Result<SocketAddr> {
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_name: &str) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}

fn watchdog(surroundings: &Surroundings) -> Result<Option<Duration>, NotifyError> {
    let is_for_another =
        surroundings.text("WATCHDOG_PID").is_some_and(|pid| pid != surroundings.pid.to_string());
    let Some(text) = surroundings.text("WATCHDOG_USEC").filter(|_| !is_for_another) else { return Ok(None) };
    match text.parse() {
        Ok(0) | Err(_) => Err(NotifyError::Watchdog(text.to_owned())),
        Ok(micros) => Ok(Some(Duration::from_micros(micros))),
    }
}

fn one_line(status: &str) -> String {
    words::beginning(&words::one_line(status), STATUS_BYTES_MAX).to_owned()
}

/// Why nobody can be told.
#[derive(Debug)]
pub(crate) enum NotifyError {
    /// `--notify systemd` without systemd.
    NotAsked,
    /// NOTIFY_SOCKET is of a kind that we do not know.
    Address(String),
    /// Nobody listens there.
    Socket { address: String, source: io::Error },
    /// Nothing is open under that number.
    Descriptor { number: i32, source: io::Error },
    /// WATCHDOG_USEC is no time.
    Watchdog(String),
}

impl fmt::Display for NotifyError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAsked => out.write_str(
                "--notify systemd: NOTIFY_SOCKET is not set, so systemd does not wait for word (Type=notify would)",
            ),
            Self::Address(address) => write!(out, "NOTIFY_SOCKET is '{address}', which is no address of a socket"),
            Self::Socket { address, .. } => write!(out, "nobody listens where NOTIFY_SOCKET says, at '{address}'"),
            Self::Descriptor { number, .. } => write!(out, "--notify fd:{number}: there is no such descriptor: whoever starts this opens it"),
            Self::Watchdog(text) => write!(out, "WATCHDOG_USEC is '{text}', which is no time"),
        }
    }
}

impl Error for NotifyError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Socket { source, .. } | Self::Descriptor { source, .. } => Some(source),
            Self::NotAsked | Self::Address(_) | Self::Watchdog(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A notifier, and what its manager hears within 100 ms.
    fn pair(watchdog: Option<Duration>) -> (Notify, impl Fn() -> Option<String>) {
        let (ours, manager) = UnixDatagram::pair().unwrap();
        manager.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let listener = Listener::Systemd(Socket { socket: ours, is_told: Cell::new(false) });
        let heard = move || {
            let mut bytes = [0; 4_096];
            let count = manager.recv(&mut bytes).ok()?;
            Some(String::from_utf8_lossy(&bytes[..count]).into_owned())
        };
        (Notify { listener: Rc::new(listener), pid: 7, watchdog }, heard)
    }

    #[test]
    fn the_watchdog_hears_nothing_while_the_loop_does_not_turn() {
        let (notify, heard) = pair(Some(Duration::from_millis(20)));
        let reactor = sestina_reactor_mio::reactor().unwrap();
        notify.watch(&reactor);
        let ping = Some("WATCHDOG=1\n".to_owned());
        assert_eq!(heard(), ping);
        assert_eq!(heard(), None, "five times the time, and no turn");
        reactor.run_until(reactor.sleep(Duration::from_millis(50))).unwrap();
        assert_eq!(heard(), ping);
    }

    #[test]
    fn the_end_asks_for_no_more_time_than_it_may_take() {
        let (notify, heard) = pair(None);
        let reactor = sestina_reactor_mio::reactor().unwrap();
        notify.extend(&reactor, Duration::ZERO);
        assert_eq!((heard(), reactor.timers()), (None, 0));
        notify.extend(&reactor, Duration::from_secs(2));
        assert_eq!(heard().unwrap(), "EXTEND_TIMEOUT_USEC=5000000\n");
        notify.extend(&reactor, Duration::from_secs(40));
        assert_eq!(heard().unwrap(), "EXTEND_TIMEOUT_USEC=10000000\n");
        notify.watch(&reactor);
        assert_eq!((heard(), reactor.timers()), (None, 2), "nobody asked for the watchdog");
    }

    #[test]
    fn those_who_can_be_told_have_names() {
        assert_eq!("fd:3".parse(), Ok(Whom::Descriptor(3)));
        for wrong in ["", "fd:", "fd:-1", "fd:+1", "fd:x", "fd:99999999999", "s6"] {
            assert!(wrong.parse::<Whom>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_status_is_one_line_of_bounded_length() {
        assert_eq!(one_line("a\nREADY=1"), "a\\nREADY=1");
        assert_eq!(one_line(&"é".repeat(1_000)).len(), STATUS_BYTES_MAX);
    }
}
