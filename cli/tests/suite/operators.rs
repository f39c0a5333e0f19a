//! What operators touch, with the real programs: control socket, metrics, and the copy on the disk.
#![expect(clippy::disallowed_methods, reason = "the other ends of sockets are threads")]
#![expect(clippy::print_stdout, reason = "a test that skips something says so")]

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use crate::common::poet::{End, nobody, poet, poet_in_turn};
use crate::common::{Ended, Program, Server, connect, read_all, require, scratch, sestina};
use rustix::process::Signal;
use serde_json::Value;

/// How often a proxy is killed while it writes.
const KILLS: usize = 3;
const KILLS_CI: usize = 10;

/// A proxy with everything that operators may want.
struct Proxy {
    server: Server,
    control: PathBuf,
    metrics: SocketAddr,
}

/// A directory for a test, gone with it.
struct Rundir(PathBuf);

impl Rundir {
    fn new(name: &str) -> Self {
        let path = scratch(name);
        fs::create_dir(&path).expect("no other test has it");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("it is ours");
        Self(path)
    }

    fn spool(&self) -> PathBuf {
        self.0.join("spool")
    }

    /// The copies of bodies.
    fn copies(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.spool()).expect("it is there");
        let paths = entries.map(|entry| entry.expect("it can be read").path());
        paths.filter(|path| path.extension().is_some_and(|it| it == "body")).collect()
    }
}

impl Drop for Rundir {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

impl Proxy {
    #[track_caller]
    fn start(rundir: &Rundir, poet: SocketAddr) -> Self {
        let control = rundir.0.join("control");
        let mut command = sestina();
        command.args(["-n", "poetryproxy", "--port", "0", "--metrics", "0", "--upstream"]);
        command.arg(format!("poem={poet}@0"));
        command.arg("--control").arg(&control).arg("--spool").arg(rundir.spool());
        let mut program = Program::start(command);
        let line = program.wait_for_line(|line| line.contains("metrics at http://"));
        let metrics = line.rsplit('/').nth(1).and_then(|at| at.parse().ok()).expect("an address");
        let line = program.wait_for_line(|line| line.contains("poetryproxy listening on "));
        let at = line.rsplit(' ').next().and_then(|at| at.parse().ok()).expect("an address");
        Self { server: Server { program, at }, control, metrics }
    }

    fn ask(&self, arguments: &[&str]) -> Ended {
        let mut command = sestina();
        command.arg("ctl").arg(&self.control).args(arguments);
        Program::run(command)
    }

    /// What is printed when it is done.
    #[track_caller]
    fn done(&self, arguments: &[&str]) -> String {
        let ended = self.ask(arguments);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{arguments:?}");
        String::from_utf8(ended.stdout).expect("it is text")
    }

    #[track_caller]
    fn json(&self, command: &str) -> Value {
        let text = self.done(&[command, "--json"]);
        assert_eq!(text.lines().count(), 1, "{text}");
        serde_json::from_str(&text).expect("it is JSON")
    }

    #[track_caller]
    fn poem(&self) -> Vec<u8> {
        read_all(self.server.connect())
    }

    /// The metrics, by the text before their values.
    #[track_caller]
    fn metric(&self, name: &str) -> String {
        let text = http(self.metrics, "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
        let mut values = text.lines().filter_map(|line| line.strip_prefix(&format!("poetry_proxy_{name} ")));
        let value = values.next().unwrap_or_else(|| panic!("{name} is missing: {text}")).to_owned();
        assert_eq!(values.next(), None, "{name} twice");
        value
    }
}

/// All that is answered to this.
#[track_caller]
fn http(at: SocketAddr, request: &str) -> String {
    let mut stream = connect(at);
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the end is clean");
    answer
}

/// A poet that says the first half to its first client, and the second when it is told.
fn hesitant(first: &'static [u8], second: &'static [u8]) -> (SocketAddr, Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let at = listener.local_addr().expect("it has an address");
    let (go_on, told) = channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        stream.write_all(first).expect("it is read");
        if told.recv().is_ok() {
            stream.write_all(second).expect("it is read");
        }
    });
    (at, go_on)
}

#[test]
fn an_operator_sees_what_there_is_and_has_it_fetched_again() {
    let rundir = Rundir::new("entries");
    let says =
        [(&b"the first poem"[..], End::Clean), (b"a second one", End::Clean), (b"number three", End::Clean)];
    let mut proxy = Proxy::start(&rundir, poet_in_turn(&says));
    let mode = fs::metadata(&proxy.control).expect("the socket is there").mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(proxy.poem(), b"the first poem");
    assert_eq!(proxy.poem(), b"the first poem");

    let entries = proxy.json("entries");
    assert_eq!((&entries[0]["key"], &entries[0]["state"]), (&"poem".into(), &"fresh".into()), "{entries}");
    assert_eq!((&entries[0]["bytes"], &entries[0]["fresh_for_seconds"]), (&14.into(), &Value::Null));
    let text = proxy.done(&["entries"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines.len() == 2
            && lines[0].starts_with("KEY   STATE  BYTES")
            && lines[1].starts_with("poem  fresh     14"),
        "{text}"
    );

    assert_eq!(proxy.done(&["purge", "poem"]), "purged poem (soft)\n");
    assert_eq!(proxy.poem(), b"a second one");
    proxy.server.program.wait_for_line(|line| line.contains("fetch ended"));
    proxy.server.program.wait_for_line(|line| line.contains("fetch ended"));
    assert_eq!(proxy.done(&["refresh", "poem"]), "fetching poem\n");
    proxy.server.program.wait_for_line(|line| line.contains("fetch ended"));
    assert_eq!(proxy.poem(), b"number three");
    assert_eq!(proxy.done(&["purge", "--all", "--hard"]), "purged 1 keys (hard)\n");

    let stats = proxy.json("stats");
    let requests = (&stats["requests"]["hit"], &stats["requests"]["miss"], &stats["fetches"]["ok"]);
    assert_eq!(requests, (&2.into(), &2.into(), &3.into()), "{stats}");
    assert_eq!((&stats["other"]["purges"], &stats["evictions"]["purge"]), (&2.into(), &1.into()), "{stats}");
    assert!(proxy.done(&["stats"]).lines().any(|line| line.split_whitespace().eq(["requests", "hit", "2"])));
    proxy.server.stop();
    assert!(!proxy.control.exists(), "the socket is gone with its proxy");
}

#[test]
fn what_cannot_be_done_says_why_and_fails() {
    let rundir = Rundir::new("refusals");
    let proxy = Proxy::start(&rundir, nobody());
    let cases: [(&[&str], &str); 5] = [
        (&["purge", "x\u{1b}[2J"], "there is no key 'x\\u{1b}[2J': there are poem"),
        (&["refresh", "x"], "there is no key 'x': there are poem"),
        (&["cancel", "7"], "no flight 7 is under way ('flights' lists them)"),
        (&["purge", "--json", "x"], "there is no key 'x'"),
        (&["refresh", "--", "--all"], "there is no key '--all'"),
    ];
    for (arguments, words) in cases {
        let ended = proxy.ask(arguments);
        assert_eq!(
            (ended.code, ended.stderr.lines().count()),
            (Some(1), 1),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(
            ended.stderr.starts_with("sestina ctl: ") && ended.stderr.contains(words),
            "{}",
            ended.stderr
        );
        assert!(ended.stdout.is_empty());
    }
    let wrong: [(&[&str], &str); 6] = [
        (&["nothing"], "there is no command 'nothing': there are purge, refresh,"),
        (&[], "the name of a command is missing"),
        (&["purge"], "KEY"),
        (&["purge", "a", "--all"], "do not go together"),
        (&["cancel", "soon"], "a flight is a number, not 'soon'"),
        (&["stats", "now"], "'now' is one argument too many"),
    ];
    for (arguments, words) in wrong {
        let ended = proxy.ask(arguments);
        assert_eq!(
            (ended.code, ended.stderr.lines().count()),
            (Some(2), 1),
            "{arguments:?}: {}",
            ended.stderr
        );
        assert!(ended.stderr.contains(words), "{arguments:?}: {}", ended.stderr);
    }
    proxy.server.stop();
}

#[test]
fn a_flight_that_is_cancelled_resets_those_who_wait() {
    let rundir = Rundir::new("cancel");
    let proxy = Proxy::start(&rundir, poet(b"half a poem", End::Never));
    let mut client = proxy.server.connect();
    client.read_exact(&mut [0; 11]).expect("it is streamed");
    let flights = proxy.json("flights");
    let flight = &flights[0];
    assert_eq!((&flight["key"], &flight["phase"]), (&"poem".into(), &"streaming".into()), "{flights}");
    assert_eq!((&flight["bytes"], &flight["waiters"]), (&11.into(), &1.into()), "{flights}");
    let number = flight["flight"].to_string();
    let text = proxy.done(&["flights"]);
    assert!(
        text.lines().nth(1).is_some_and(|line| line.split_whitespace().take(5).eq([
            &*number,
            "poem",
            "streaming",
            "11",
            "1"
        ])),
        "{text}"
    );

    assert_eq!(proxy.done(&["cancel", &number]), format!("cancelled flight {number}\n"));
    let end = client.read(&mut [0]).expect_err("a torn poem has no clean end");
    assert_eq!(end.kind(), ErrorKind::ConnectionReset);
    assert_eq!(proxy.ask(&["cancel", &number]).code, Some(1));
    assert_eq!(proxy.metric("fetches_total{outcome=\"cancelled\"}"), "1");
    assert_eq!(proxy.metric("cancelled_bytes_total"), "11");
    proxy.server.stop();
}

#[test]
fn a_drain_serves_those_who_are_there_and_ends_the_program() {
    let rundir = Rundir::new("drain");
    let (at, go_on) = hesitant(b"a poem ", b"to its end");
    let proxy = Proxy::start(&rundir, at);
    let mut client = proxy.server.connect();
    client.read_exact(&mut [0; 7]).expect("it is streamed");
    let answer: Value = serde_json::from_str(&proxy.done(&["drain", "--json"])).expect("it is JSON");
    assert_eq!((&answer["clients"], &answer["flights"]), (&1.into(), &1.into()), "{answer}");
    assert_eq!(proxy.json("flights").as_array().map(Vec::len), Some(1), "operators watch a drain");
    go_on.send(()).expect("the poet waits");
    assert_eq!(read_all(client), b"to its end");
    let ended = proxy.server.program.wait();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("#error]"), "{}", ended.stderr);
    assert_eq!(rundir.copies().len(), 1, "what came meanwhile is kept");
}

#[test]
fn a_restart_is_warm_with_the_poet_gone() {
    let rundir = Rundir::new("warm");
    let proxy = Proxy::start(&rundir, poet(b"a poem that is kept", End::Clean));
    assert_eq!(proxy.poem(), b"a poem that is kept");
    proxy.server.stop();

    let proxy = Proxy::start(&rundir, nobody());
    assert_eq!(proxy.poem(), b"a poem that is kept");
    assert_eq!(proxy.metric("requests_total{front=\"tcp\",result=\"hit\"}"), "1");
    assert_eq!(
        (proxy.metric("l2_restored_total"), proxy.metric("l2_files")),
        ("1".to_owned(), "1".to_owned())
    );
    proxy.server.stop();

    let copy = rundir.copies().remove(0);
    assert_eq!(fs::metadata(&copy).expect("it is there").mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(rundir.spool()).expect("it is there").mode() & 0o777, 0o700);
    let mut bytes = fs::read(&copy).expect("it can be read");
    *bytes.last_mut().expect("it is not empty") ^= 1;
    fs::write(&copy, bytes).expect("it can be written");
    let proxy = Proxy::start(&rundir, nobody());
    let end = proxy.server.connect().read(&mut [0]).expect_err("a damaged copy is a miss");
    assert_eq!(end.kind(), ErrorKind::ConnectionReset);
    assert_eq!(
        (proxy.metric("l2_damaged_total"), proxy.metric("l2_files")),
        ("1".to_owned(), "0".to_owned())
    );
    assert!(rundir.copies().is_empty());
    let log = proxy.server.stop();
    assert!(log.contains("is of no use and is removed"), "{log}");
}

#[test]
fn a_proxy_that_is_killed_leaves_a_whole_copy_or_none_and_a_socket_that_is_replaced() {
    let poem: &'static [u8] = Vec::leak((0..=u8::MAX).cycle().take(4 << 20).collect());
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    for kill in 0..if is_ci { KILLS_CI } else { KILLS } {
        let rundir = Rundir::new(&format!("killed-{kill}"));
        let proxy = Proxy::start(&rundir, poet(poem, End::Clean));
        assert!(proxy.poem() == poem);
        proxy.server.program.signal(Signal::KILL);
        assert_eq!(proxy.server.program.wait().signal, Some(9));
        assert!(proxy.control.exists(), "nobody was left to remove it");

        let proxy = Proxy::start(&rundir, nobody());
        let left: Vec<_> = fs::read_dir(rundir.spool())
            .expect("it is there")
            .map(|it| it.expect("it can be read").file_name())
            .collect();
        assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".new")), "{left:?}");
        assert_eq!(proxy.metric("l2_damaged_total"), "0");
        let mut got = Vec::new();
        match proxy.server.connect().read_to_end(&mut got) {
            Ok(_) => assert!(got == poem, "{} bytes are no poem", got.len()),
            Err(error) => assert_eq!((error.kind(), got.len()), (ErrorKind::ConnectionReset, 0)),
        }
        proxy.server.stop();
    }
}

#[test]
fn a_disk_that_is_no_place_for_copies_is_refused_at_the_start() {
    let rundir = Rundir::new("no-place");
    fs::create_dir(rundir.spool()).expect("it can be made");
    fs::set_permissions(rundir.spool(), fs::Permissions::from_mode(0o755)).expect("it is ours");
    let mut command = sestina();
    command.args(["-n", "poetryproxy", "--port", "0", "10001", "--spool"]).arg(rundir.spool());
    let ended = Program::run(command);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.contains("is open to others (mode 0755)"), "{}", ended.stderr);
}

#[test]
fn the_examples_of_ctl_run_as_printed() {
    let rundir = Rundir::new("examples");
    let proxy = Proxy::start(&rundir, nobody());
    fs::rename(&proxy.control, rundir.0.join("proxy.sock")).expect("it can be renamed");
    let mut help = sestina();
    help.args(["ctl", "--help"]);
    let help = String::from_utf8(Program::run(help).stdout).expect("help is text");
    let examples: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  sestina ctl ")).collect();
    assert_eq!(examples.len(), 3, "{help}");
    for example in examples {
        let mut command = sestina();
        command.arg("ctl").args(example.split(' ')).current_dir(&rundir.0);
        let ended = Program::run(command);
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{example}");
        assert!(!ended.stdout.is_empty(), "{example}");
    }
    proxy.server.stop();
}

#[test]
fn two_proxies_cannot_have_one_control_socket() {
    let rundir = Rundir::new("taken");
    let proxy = Proxy::start(&rundir, nobody());
    let mut command = sestina();
    command.args(["-n", "poetryproxy", "--port", "0", "10001", "--control"]).arg(&proxy.control);
    let ended = Program::run(command);
    assert_eq!(ended.code, Some(1), "{}", ended.stderr);
    assert!(ended.stderr.lines().any(|line| line.starts_with("sestina poetryproxy: ")), "{}", ended.stderr);
    assert_eq!(proxy.json("flights"), Value::Array(Vec::new()), "the first one goes on");
    proxy.server.stop();
}

/// What is said when it asks at this socket.
#[track_caller]
fn asked_at(socket: &Path, timeout: &str, words: &str) {
    let mut command = sestina();
    command.args(["ctl", "--timeout", timeout]).arg(socket).arg("stats");
    let ended = Program::run(command);
    assert_eq!((ended.code, ended.stderr.lines().count()), (Some(1), 1), "{}", ended.stderr);
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
}

#[test]
fn a_socket_that_is_none_of_ours_is_told_from_one_that_is_missing() {
    let rundir = Rundir::new("strangers");
    asked_at(&rundir.0.join("nothing"), "200ms", "there is no socket");
    let stale = rundir.0.join("stale");
    drop(UnixListener::bind(&stale).expect("it can be bound"));
    asked_at(&stale, "200ms", "refused the connection: nobody listens there: start the service");
    let mute = rundir.0.join("mute");
    let listener = UnixListener::bind(&mute).expect("it can be bound");
    asked_at(&mute, "200ms", "did not answer within 200ms");
    drop(listener);
    for (name, greeting, words) in [
        ("smtp", &b"220 mail\x1b[2J ready\r\n"[..], "is no control socket of sestina"),
        ("short", b"sestina", "is no control socket of sestina"),
        ("bytes", b"\xff\xfe\n", "is no control socket of sestina"),
        ("newer", b"sestina control 2\n", "says 'sestina control 2', and this is for 'sestina control 1'"),
        ("odd", b"sestina control 1\nsure\n", "is no control socket of sestina"),
        ("torn", b"sestina control 1\nok 2\none\n", "is no control socket of sestina"),
    ] {
        let at = rundir.0.join(name);
        let listener = UnixListener::bind(&at).expect("it can be bound");
        let says = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody comes");
            stream.write_all(greeting).expect("it is read");
            stream.shutdown(std::net::Shutdown::Write).expect("it is connected");
            stream.read_to_end(&mut Vec::new()).ok();
        });
        asked_at(&at, "200ms", words);
        says.join().expect("it said it");
    }
}

#[test]
fn an_answer_of_empty_lines_without_end_is_refused_at_the_bound_of_its_memory() {
    let rundir = Rundir::new("endless");
    let at = rundir.0.join("endless");
    let listener = UnixListener::bind(&at).expect("it can be bound");
    let says = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        stream.write_all(b"sestina control 1\nok 1000000000\n").expect("it is read");
        while stream.write_all(&[b'\n'; 64 * 1024]).is_ok() {}
    });
    asked_at(&at, "20s", "is no control socket of sestina");
    says.join().expect("it said it until nobody listened");
}

#[test]
fn metrics_agree_with_what_happened() {
    let rundir = Rundir::new("metrics");
    let (at, go_on) = hesitant(b"a poem ", b"to its end");
    let mut proxy = Proxy::start(&rundir, at);
    let mut clients = [proxy.server.connect(), proxy.server.connect(), proxy.server.connect()];
    for client in &mut clients {
        client.read_exact(&mut [0; 7]).expect("it is streamed");
    }
    assert_eq!(
        (proxy.metric("flights"), proxy.metric("waiters"), proxy.metric("clients")),
        ("1".into(), "3".into(), "3".into())
    );
    go_on.send(()).expect("the poet waits");
    for client in clients {
        assert_eq!(read_all(client), b"to its end");
    }
    assert_eq!(proxy.poem(), b"a poem to its end");
    proxy.server.program.wait_for_line(|line| line.contains("fetch ended"));
    for (name, value) in [
        ("requests_total{front=\"tcp\",result=\"miss\"}", "1"),
        ("requests_total{front=\"tcp\",result=\"collapsed\"}", "2"),
        ("requests_total{front=\"tcp\",result=\"hit\"}", "1"),
        ("requests_total{front=\"tcp\",result=\"rejected\"}", "0"),
        ("fetches_total{outcome=\"ok\"}", "1"),
        ("fetch_seconds_count", "1"),
        ("first_byte_seconds_count{result=\"miss\"}", "1"),
        ("first_byte_seconds_count{result=\"collapsed\"}", "2"),
        ("first_byte_seconds_count{result=\"hit\"}", "1"),
        ("waiters_per_flight_bucket{le=\"2\"}", "0"),
        ("waiters_per_flight_bucket{le=\"5\"}", "1"),
        ("waiters_per_flight_sum", "3"),
        ("upstream_bytes_total", "17"),
        ("client_bytes_total", "68"),
        ("cache_entries", "1"),
        ("flights", "0"),
        ("flight_bytes", "0"),
        ("pinned_bytes", "0"),
        ("negative_entries", "0"),
    ] {
        assert_eq!(proxy.metric(name), value, "{name}");
    }
    assert_eq!(proxy.done(&["purge", "--hard", "poem"]), "purged poem (hard)\n");
    assert_eq!(
        (proxy.metric("purges_total"), proxy.metric("evictions_total{reason=\"purge\"}")),
        ("1".into(), "1".into())
    );
    proxy.server.stop();
}

#[test]
fn the_metrics_face_answers_nothing_else() {
    let rundir = Rundir::new("face");
    let proxy = Proxy::start(&rundir, nobody());
    let long = format!("GET /metrics HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(20_000));
    for (request, status) in [
        ("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", "200 OK"),
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", "404 Not Found"),
        ("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", "405 Method Not Allowed"),
        ("GET /metrics HTTP/1.1\r\n\r\n", "400 Bad Request"),
        ("\u{16}\u{3}\u{1}\n\n", "400 Bad Request"),
        (&long, "431 Request Header Fields Too Large"),
    ] {
        let answer = http(proxy.metrics, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{request:?}: {answer}");
        assert!(answer.contains("\r\nConnection: close\r\n"), "{answer}");
        let body = answer.split_once("\r\n\r\n").expect("a head ends").1;
        assert_eq!(body.is_empty(), request.starts_with("HEAD"), "{answer}");
    }
    proxy.server.stop();
}

#[test]
fn curl_gets_the_metrics_and_promtool_finds_nothing_wrong() {
    let rundir = Rundir::new("scrapers");
    let proxy = Proxy::start(&rundir, poet(b"a poem", End::Clean));
    assert_eq!(proxy.poem(), b"a poem");
    let mut probe = Command::new("curl");
    probe.arg("--version");
    if !require("curl", probe) {
        return;
    }
    let mut curl = Command::new("curl");
    curl.args(["-sSf", "--noproxy", "*", &format!("http://{}/metrics", proxy.metrics)]);
    let ended = Program::run(curl);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let text = String::from_utf8(ended.stdout).expect("it is text");
    assert!(text.contains("\npoetry_proxy_requests_total{front=\"tcp\",result=\"miss\"} 1\n"), "{text}");
    promtool_agrees(&text);
    proxy.server.stop();
}

/// Prometheus' own check, where it is installed. Not in CI: its package is a hundred megabytes for one check.
fn promtool_agrees(text: &str) {
    let mut promtool = Command::new("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = promtool.spawn() else {
        return println!("skipped: promtool is not installed");
    };
    child.stdin.take().expect("it reads").write_all(text.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
