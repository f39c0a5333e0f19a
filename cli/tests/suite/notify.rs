//! The service manager's side of sd_notify(3) and of s6, with real sockets and pipes.
#![cfg(target_os = "linux")]

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process::Stdio;

use crate::common::handed::{Folder, Handed};
use crate::common::{DEADLINE, Program, path, poem_file, sestina};
use rustix::process::Signal;

/// What systemd hears.
struct Manager(UnixDatagram);

impl Manager {
    fn at(address: &SocketAddr) -> Self {
        let socket = UnixDatagram::bind_addr(address).expect("the address is free");
        socket.set_read_timeout(Some(DEADLINE)).expect("a timeout is possible");
        Self(socket)
    }

    /// The next message that begins so, as `KEY=value` lines.
    #[track_caller]
    fn wait_for(&self, begin: &str) -> Vec<String> {
        loop {
            let mut bytes = [0; 4_096];
            let count = self.0.recv(&mut bytes).unwrap_or_else(|error| panic!("no {begin}: {error}"));
            let text = String::from_utf8(bytes[..count].to_vec()).expect("messages are text");
            assert!(text.ends_with('\n'), "{text:?}");
            if text.starts_with(begin) {
                return text.lines().map(str::to_owned).collect();
            }
        }
    }
}

/// `sestina ENVIRONMENT OPTIONS fastpoetry`, without `-n`: under a manager it stays in the foreground.
fn start(environment: &[(&str, &str)], options: &[&str]) -> Handed {
    let mut command = sestina();
    command.args(options).args(Handed::rest(path(&poem_file("fascination"))));
    command.envs(environment.iter().copied());
    Handed::of(command, Stdio::piped())
}

#[track_caller]
fn micros(line: &str, key: &str) -> u64 {
    line.strip_prefix(key).and_then(|value| value.parse().ok()).unwrap_or_else(|| panic!("{line}"))
}

#[test]
fn systemd_hears_of_the_start_the_reload_and_the_end() {
    let folder = Folder::new("notify");
    let file = folder.path("notify");
    let manager = Manager::at(&SocketAddr::from_pathname(&file).unwrap());
    let server = start(&[("NOTIFY_SOCKET", &file)], &["--drain-timeout", "2m"]);
    let ready = manager.wait_for("READY=1");
    let pid = server.program.pid();
    assert_eq!(ready[1], format!("MAINPID={pid}"));
    assert!(ready[2].starts_with("STATUS=fastpoetry"), "{ready:?}");
    server.fetch();
    server.program.signal(Signal::HUP);
    let reloading = manager.wait_for("RELOADING=1");
    let since_boot = micros(&reloading[1], "MONOTONIC_USEC=");
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    let now = u64::try_from(now.tv_sec).unwrap() * 1_000_000 + u64::try_from(now.tv_nsec).unwrap() / 1_000;
    assert!(since_boot <= now && now - since_boot < 60_000_000, "{since_boot} is now, {now}");
    manager.wait_for("READY=1");
    server.program.signal(Signal::TERM);
    let stopping = manager.wait_for("STOPPING=1");
    assert!(stopping[1].starts_with("STATUS=fastpoetry"), "{stopping:?}");
    let extended = manager.wait_for("EXTEND_TIMEOUT_USEC=");
    assert_eq!(micros(&extended[0], "EXTEND_TIMEOUT_USEC="), 10_000_000, "a little at a time");
    assert_eq!(server.program.wait().code, Some(0));
}

#[test]
fn an_address_without_a_file_is_understood_and_a_failed_start_is_never_ready() {
    let name = format!("sestina-notify-{}", std::process::id());
    let manager = Manager::at(&SocketAddr::from_abstract_name(&name).unwrap());
    let address = format!("@{name}");
    let mut command = sestina();
    command.args(["fastpoetry", "--port", "0", "--poem", "/nowhere"]).env("NOTIFY_SOCKET", &address);
    assert_eq!(Program::run(command).code, Some(1));
    manager.0.set_nonblocking(true).unwrap();
    let mut bytes = [0; 4_096];
    while let Ok(count) = manager.0.recv(&mut bytes) {
        assert!(!bytes[..count].starts_with(b"READY"), "it is not");
    }
    manager.0.set_nonblocking(false).unwrap();
    let server = start(&[("NOTIFY_SOCKET", &address)], &[]);
    manager.wait_for("READY=1");
    server.stop();
}

#[test]
fn the_watchdog_hears_that_the_loop_turns_if_it_is_ours_and_wanted() {
    let folder = Folder::new("watchdog");
    for (number, options, pid, is_heard) in
        [(0, &[][..], None, true), (1, &["--watchdog", "off"], None, false), (2, &[], Some("1"), false)]
    {
        let file = folder.path(&number.to_string());
        let manager = Manager::at(&SocketAddr::from_pathname(&file).unwrap());
        let mut environment = vec![("NOTIFY_SOCKET", file.as_str()), ("WATCHDOG_USEC", "20000")];
        environment.extend(pid.map(|pid| ("WATCHDOG_PID", pid)));
        let server = start(&environment, options);
        manager.wait_for("READY=1");
        if is_heard {
            (0..5).for_each(|_| drop(manager.wait_for("WATCHDOG=1")));
        }
        server.program.signal(Signal::TERM);
        let mut bytes = [0; 4_096];
        loop {
            let count = manager.0.recv(&mut bytes).expect("the end comes");
            assert!(is_heard || !bytes[..count].starts_with(b"WATCHDOG"), "nobody asked");
            if bytes[..count].starts_with(b"STOPPING") {
                break;
            }
        }
        assert_eq!(server.program.wait().code, Some(0));
    }
}

#[test]
fn s6_gets_one_newline_on_its_descriptor_when_the_start_is_complete() {
    let mut command = sestina();
    command.args(["-n", "--notify", "fd:1"]).args(Handed::rest(path(&poem_file("fascination"))));
    let server = Handed::of(command, Stdio::piped());
    server.fetch();
    server.program.signal(Signal::HUP);
    server.program.signal(Signal::TERM);
    let ended = server.program.wait();
    assert_eq!((ended.code, ended.stdout.as_slice()), (Some(0), &b"\n"[..]), "{}", ended.stderr);
}

#[test]
fn whoever_cannot_be_told_is_named_and_a_stale_variable_stops_nothing() {
    type Case<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)], u8, &'a str);
    let cases: [Case<'_>; 6] = [
        (&["--notify", "systemd"], &[], 1, "NOTIFY_SOCKET is not set"),
        (
            &["--notify", "systemd"],
            &[("NOTIFY_SOCKET", "/nowhere")],
            1,
            "nobody listens where NOTIFY_SOCKET says",
        ),
        (&["--notify", "systemd"], &[("NOTIFY_SOCKET", "vsock:2")], 1, "no address of a socket"),
        (
            &["--notify", "fd:999"],
            &[],
            1,
            "--notify fd:999: there is no such descriptor: whoever starts this opens it",
        ),
        (&["--notify", "s6"], &[], 2, "give auto, systemd, fd:N or none"),
        (&["--watchdog", "on"], &[], 2, "'on' is not one of auto, off"),
    ];
    for (options, environment, status, words) in cases {
        let mut command = sestina();
        command.arg("-n").args(options).args(["fastpoetry", "--port", "0", "--poem"]);
        command.arg(poem_file("fascination")).env_remove("NOTIFY_SOCKET").envs(environment.iter().copied());
        let ended = Program::run(command);
        assert_eq!(ended.code, Some(status.into()), "{options:?}: {ended:?}");
        assert!(ended.stderr.contains(words), "{options:?}: {ended:?}");
    }
    let server = start(&[("NOTIFY_SOCKET", "/nowhere")], &[]);
    server.fetch();
    let ended = server.stop();
    assert!(ended.stderr.contains("systemd is not told how it goes: "), "{}", ended.stderr);
}
