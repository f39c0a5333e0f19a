//! The recorded runs of part 16, claim by claim: what twistd's log says has a line of ours, in the same order.

use std::net::TcpListener;

use crate::common::daemon::{Folder, fails};
use crate::common::{Program, poem, read_all};
use rustix::process::Signal;

/// What each line of a log stands for, and the words by which a line of twistd's and one of ours are known.
type Claim = (&'static str, &'static str, &'static str);

const CLAIMS: &[Claim] = &[
    ("P16-31 loading", "] Loading ", "[sestina#info] loading "),
    ("P16-31 loaded", "] Loaded.", "[sestina#info] loaded "),
    ("P16-32 starting", " starting up.", " starting up, process "),
    ("P16-33 reactor", "reactor class: ", "reactor: mio"),
    ("P16-34 listening", " starting on 10000", " listening on 127.0.0.1:"),
    ("P16-35 starting the service", "Starting factory", "#info] starting "),
    ("P16-36 poem", "loaded a poem from: ", "loaded a poem of 3003 bytes from "),
    ("P16-42 sending", "sending 3003 bytes of poetry to ", "sending 3003 bytes of poetry to "),
    ("P16-43 signal", "Received SIGINT, shutting down.", "received SIGINT, shutting down"),
    ("P16-44 port", "(TCP Port 10000 Closed)", " is closed"),
    ("P16-45 stopping the service", "Stopping factory", "#info] stopping "),
    ("P16-46 loop", "Main loop terminated.", "main loop ended"),
    ("P16-47 end", "Server Shut Down.", " stopped"),
];

/// A run of the introduction's tac file with `twistd --nodaemon`, two clients and Ctrl-C, as it was recorded: the words
/// after the time. (twistd 26.10.0)
const RECORDED: &[&str] = &[
    "[-] Loading twisted-server-3/fastpoetry.py...",
    "[-] Loaded.",
    "[twisted.scripts._twistd_unix.UnixAppLogger#info] twistd 26.10.0 (python3 3.11.7) starting up.",
    "[twisted.scripts._twistd_unix.UnixAppLogger#info] reactor class: twisted.internet.epollreactor.EPollReactor.",
    "[-] PoetryFactory starting on 10000",
    "[builtins.PoetryFactory#info] Starting factory <PoetryFactory object at 0x7f6180546910>",
    "[-] loaded a poem from: poetry/ecstasy.txt",
    "[builtins.PoetryFactory] sending 3003 bytes of poetry to IPv4Address(type='TCP', host='127.0.0.1', port=44630)",
    "[builtins.PoetryFactory] sending 3003 bytes of poetry to IPv4Address(type='TCP', host='127.0.0.1', port=44644)",
    "[twisted.internet.base#info] Received SIGINT, shutting down.",
    "[-] (TCP Port 10000 Closed)",
    "[builtins.PoetryFactory#info] Stopping factory <PoetryFactory object at 0x7f6180546910>",
    "[twisted.internet.base#info] Main loop terminated.",
    "[twisted.scripts._twistd_unix.UnixAppLogger#info] Server Shut Down.",
];

/// The claims of a log in the order of its lines.
fn claims<'a>(
    lines: impl Iterator<Item = &'a str>,
    words: impl Fn(&Claim) -> &'static str,
) -> Vec<&'static str> {
    lines
        .filter_map(|line| CLAIMS.iter().find(|claim| line.contains(words(claim))).map(|claim| claim.0))
        .collect()
}

fn recorded() -> Vec<&'static str> {
    let claims = claims(RECORDED.iter().copied(), |claim| claim.1);
    assert_eq!(claims.len(), RECORDED.len(), "every recorded line is a claim");
    claims
}

/// The application file of the introduction's fastpoetry.
fn application(folder: &Folder) -> &'static str {
    let text = "name = \"fastpoetry\"\n\n[services.fastpoetry]\nplugin = \"fastpoetry\"\npoem = \"ecstasy.txt\"\nport = 0\n";
    std::fs::write(folder.join("fastpoetry.toml"), text).expect("it can be written");
    "fastpoetry.toml"
}

// spec: P16-13, P16-20, P16-21, P16-30, P16-31, P16-32, P16-33, P16-34, P16-35, P16-36, P16-37, P16-38, P16-39, P16-41, P16-42, P16-43, P16-44, P16-45, P16-46, P16-47, P16-48, P16-71
#[test]
fn the_log_of_an_application_file_has_every_line_of_twistds_in_its_order() {
    let folder = Folder::new();
    let mut program = Program::start(folder.sestina(&["-n", "-y", application(&folder)]));
    let line = program.wait_for_line(|line| line.contains(" listening on "));
    let at = line.rsplit(' ').next().expect("an address").to_owned();
    program.wait_for_line(|line| line.contains("is ready"));
    for _ in 0..2 {
        let stream = std::net::TcpStream::connect(&at).expect("it listens");
        assert!(read_all(stream) == poem("ecstasy"));
    }
    program.signal(Signal::INT);
    let ended = program.wait();
    assert_eq!(ended.code, Some(0)); // twistd kills itself with the signal
    assert_eq!(claims(ended.stderr.lines(), |claim| claim.2), recorded(), "{}", ended.stderr);
    for line in ended.stderr.lines() {
        is_in_shape(line);
    }
}

#[track_caller]
fn is_in_shape(line: &str) {
    let (time, rest) = line.split_once(' ').expect("a time and the rest");
    let digits: String =
        time.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect();
    assert_eq!(digits, "0000-00-00T00:00:00+0000", "{line}");
    let system = rest.strip_prefix('[').and_then(|rest| rest.split_once("] "));
    assert!(system.is_some_and(|(system, _)| system.contains('#')), "{line}");
}

// Loading and loaded are for files only.
// spec: P16-02, P16-55
#[test]
fn the_log_of_a_detached_plugin_has_the_lines_of_the_recorded_one() {
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&[]);
    for _ in 0..2 {
        assert!(read_all(daemon.connect()) == poem("ecstasy"));
    }
    daemon.wait_for_log("sending 3003");
    let log = daemon.stop();
    let expected: Vec<&str> = recorded()
        .into_iter()
        .filter(|claim| !claim.starts_with("P16-31") && !claim.starts_with("P16-43"))
        .collect();
    let ours = claims(log.lines(), |claim| claim.2);
    assert_eq!(ours, expected, "{log}");
    assert!(log.contains("received SIGTERM, shutting down"), "{log}");
}

// spec: P16-84
#[test]
fn a_taken_port_is_told_whole_by_the_launching_command() {
    // twistd says the first hundred bytes ("... [Errno 98] Address a") and to look into the log.
    let folder = Folder::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = taken.local_addr().expect("bound");
    let port = at.port().to_string();
    let ended = fails(folder.sestina(&["fastpoetry", "--poem", "ecstasy.txt", "--port", &port]), 1, "in use");
    assert!(ended.stderr.contains(&at.to_string()), "{}", ended.stderr);
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    let log = folder.read("sestina.log");
    let ours = claims(log.lines(), |claim| claim.2);
    assert_eq!(ours.first(), Some(&"P16-32 starting"), "{log}");
    assert!(log.lines().any(|line| line.contains("#error] ") && line.contains("in use")), "{log}");
    assert!(!folder.join("sestina.pid").exists());
}
