//! `transform` and `transformproxy`, driven from outside, with what the original answered.
#![expect(clippy::disallowed_methods, reason = "the puppet of a service has a thread of its own")]

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use crate::common::poet::nobody;
use crate::common::{DEADLINE, Ended, Program, Server, poem, read_all, sestina};

/// A request that was recorded, and the reply.
#[derive(Default)]
struct Case {
    name: String,
    request: Vec<u8>,
    pieces: usize,
    half: bool,
    reply: Vec<u8>,
    stays_open: bool,
}

/// The recorded requests.
fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in include_str!("data/transform_requests.txt").lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let rest = rest.trim_start();
        if word == "case" {
            cases.push(Case { name: rest.to_owned(), pieces: 1, ..Case::default() });
            continue;
        }
        let Some(case) = cases.last_mut() else { continue };
        match word {
            "request" => case.request = bytes(rest),
            "reply" => case.reply = bytes(rest),
            "pieces" => case.pieces = rest.parse().expect("a number"),
            "half" => case.half = true,
            "end" => case.stays_open = rest == "open",
            _ => {}
        }
    }
    assert_eq!(cases.len(), 22);
    cases
}

/// `\n`, `\xNN`, `{A*N}`, and everything else as it is.
fn bytes(text: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::new(), text);
    while let Some(next) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("\\x") {
            bytes.push(u8::from_str_radix(&after[..2], 16).expect("two digits"));
            rest = &after[2..];
        } else if let Some(after) = rest.strip_prefix("\\n") {
            bytes.push(b'\n');
            rest = after;
        } else if let Some(after) = rest.strip_prefix('{') {
            let (inside, after) = after.split_once('}').expect("a closing brace");
            let (letter, count) = inside.split_once('*').expect("a letter, a count");
            bytes.extend(letter.repeat(count.parse().expect("a number")).bytes());
            rest = after;
        } else {
            bytes.extend_from_slice(next.to_string().as_bytes());
            rest = &rest[next.len_utf8()..];
        }
    }
    bytes
}

/// What comes back, and whether the end of it was clean; `None` if there is no end.
fn replay(case: &Case, pieces: usize, server: &Server, patience: Duration) -> (Vec<u8>, Option<bool>) {
    let mut stream = server.connect();
    stream.set_nodelay(true).expect("an open socket");
    for piece in case.request.chunks(case.request.len().div_ceil(pieces)) {
        stream.write_all(piece).expect("the server takes what is sent");
    }
    if case.half {
        stream.shutdown(Shutdown::Write).expect("an open socket");
    }
    stream.set_read_timeout(Some(patience)).expect("an open socket");
    let mut reply = Vec::new();
    let end = match stream.read_to_end(&mut reply) {
        Ok(_) => Some(true),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(_) => Some(false),
    };
    (reply, end)
}

#[track_caller]
fn is_as_recorded(case: &Case, pieces: usize, server: &Server) {
    // Long enough to see that it stays open, and no longer.
    let patience = if case.stays_open { Duration::from_millis(300) } else { DEADLINE };
    let (reply, end) = replay(case, pieces, server, patience);
    let (reply, expected) = (reply.escape_ascii().to_string(), case.reply.escape_ascii().to_string());
    assert!(reply == expected, "{}: {reply:.60}, not {expected:.60}", case.name);
    assert_eq!(end, (!case.stays_open).then_some(true), "{}", case.name);
}

fn service() -> Server {
    Server::start("transform", &["--port", "0"])
}

fn proxy(service: &Server, options: &[&str]) -> Server {
    let port = service.port();
    Server::start("transformproxy", &[&["--port", "0", &port], options].concat())
}

// spec: REF-03, REF-04
#[test]
fn the_recorded_requests_get_the_recorded_replies_byte_for_byte() {
    let server = service();
    for case in cases() {
        is_as_recorded(&case, case.pieces, &server);
    }
    server.stop();
}

#[test]
fn the_recorded_requests_in_many_pieces_get_the_same_replies() {
    let server = service();
    for case in cases() {
        if case.name == "two pipelined requests" {
            // When they do not come together, the connection may end after the first answer, as in the original.
            let (reply, end) = replay(&case, case.request.len(), &server, DEADLINE);
            assert!(reply == b"3:abc," || reply == case.reply, "{reply:?}");
            assert_eq!(end, Some(true));
        } else {
            is_as_recorded(&case, case.request.len().min(200), &server);
        }
    }
    server.stop();
}

// spec: P14-28
#[test]
fn the_recorded_requests_get_the_recorded_replies_from_a_proxy_too() {
    let service = service();
    let proxy = proxy(&service, &["--grace", "30"]);
    for case in cases() {
        is_as_recorded(&case, case.pieces, &proxy);
    }
    proxy.stop();
    service.stop();
}

#[test]
fn a_request_that_does_not_come_is_not_waited_for_without_end() {
    let server = Server::start("transform", &["--timeout", "200ms"]);
    for request in [&b""[..], b"99:cummingsify.ABC"] {
        let mut client = server.connect();
        client.write_all(request).unwrap();
        assert_eq!(read_all(client), b"");
    }
    let log = server.stop();
    assert_eq!(log.matches("no whole request came in time").count(), 2, "{log}");
}

#[test]
fn the_limits_are_options() {
    let options = ["--max-bytes", "16", "--max-requests", "2", "--max-clients", "1"];
    let server = Server::start("transform", &options);
    let ask = |request: &[u8]| {
        let mut client = server.connect();
        client.write_all(request).unwrap();
        String::from_utf8(read_all(client)).unwrap()
    };
    assert_eq!(ask(b"16:cummingsify.ABCD,"), "4:abcd,");
    assert_eq!(ask(b"17:cummingsify.ABCDE,"), "");
    assert_eq!(ask(&b"7:shout.a,".repeat(5)), "1:A,1:A,");
    let first = server.connect();
    let mut second = server.connect();
    second.write_all(b"7:shout.a,").unwrap();
    second.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(second.read(&mut [0]).is_err(), "it waits until the first one has left");
    drop(first);
    second.set_read_timeout(Some(DEADLINE)).unwrap();
    assert_eq!(read_all(second), b"1:A,");
    server.stop();
}

#[test]
fn every_request_has_a_line_in_the_log_that_no_stranger_can_forge() {
    let server = service();
    for request in [&b"27:cummingsify.HERE IS MY POEM,"[..], b"12:\x1b[2J\nx\xe2\x80\xae.A,,"] {
        let mut client = server.connect();
        client.write_all(request).unwrap();
        read_all(client);
    }
    let log = server.stop();
    assert!(
        log.contains("loaded 7 transforms: acrostic, count, cummingsify, number, rot13, shout, trim"),
        "{log}"
    );
    assert!(log.contains("transformed 15 bytes of poetry with 'cummingsify' for 127.0.0.1:"), "{log}");
    assert!(log.contains(r"there is no transform '\u{1b}[2J\nx\u{202e}'"), "{log}");
    assert!(!log.contains(['\u{1b}', '\u{202e}']));
}

#[track_caller]
fn run(arguments: &[&str]) -> Ended {
    let mut command = sestina();
    command.args(arguments);
    Program::run(command)
}

#[test]
fn the_list_is_all_that_the_service_knows() {
    let ended = run(&["transform", "--list"]);
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let list = String::from_utf8(ended.stdout).unwrap();
    assert!(list.lines().all(|line| line.len() <= 80), "{list}");
    let server = service();
    for line in list.lines() {
        let name = line.split(' ').next().unwrap();
        let mut client = server.connect();
        write!(client, "{}:{name}.One Two,", name.len() + 8).unwrap();
        let reply = String::from_utf8(read_all(client)).unwrap();
        assert!(reply.ends_with(',') && !reply.starts_with("0:"), "{name}: {reply}");
    }
    assert_eq!(list.lines().count(), 7);
    server.stop();
}

#[test]
fn a_proxy_that_would_ask_itself_is_refused() {
    for (service, options) in [
        ("11000", &[][..]),
        ("localhost:11000", &[]),
        ("11000", &["--iface", "0.0.0.0"]),
        ("0.0.0.0:11000", &[]),
    ] {
        let ended = run(&[&["-n", "transformproxy", "--port", "11000", service], options].concat());
        assert_eq!(ended.code, Some(2), "{ended:?}");
        assert!(ended.stderr.contains("it would ask itself at"), "{ended:?}");
        assert_eq!(ended.stderr.lines().count(), 1);
    }
}

#[test]
fn a_transformed_poem_comes_whole_through_a_proxy() {
    let service = service();
    let proxy = proxy(&service, &[]);
    let poem = String::from_utf8(poem("ecstasy")).unwrap();
    let mut client = proxy.connect();
    write!(client, "{}:cummingsify.{poem},", poem.len() + 12).unwrap();
    let expected = poem.to_lowercase();
    assert_eq!(String::from_utf8(read_all(client)).unwrap(), format!("{}:{expected},", expected.len()));
    let log = proxy.stop();
    let asks = format!("asking {} to 'cummingsify' 3003 bytes of poetry", service.at);
    assert!(log.contains(&asks), "{log}");
    assert!(log.contains("transformed 3003 bytes of poetry with 'cummingsify' for "), "{log}");
    service.stop();
}

/// A service that says `answer` to every request, and then does what `end` says.
fn puppet(answer: &'static [u8], end: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let port = listener.local_addr().expect("an open socket").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = [0; 10];
            stream.read_exact(&mut request).expect("a request of ten bytes");
            stream.write_all(answer).expect("somebody listens");
            end(stream);
        }
    });
    port
}

#[test]
fn when_the_service_fails_its_proxy_resets_and_never_ends_cleanly() {
    let holds = |stream: TcpStream| {
        // Reads until the proxy leaves.
        let mut stream = stream;
        stream.read_to_end(&mut Vec::new()).ok();
    };
    let cases = [
        (nobody().port(), "30", "nobody listens there"),
        (puppet(b"1:", drop), "30", "within its answer"),
        (puppet(b"1:A;", holds), "30", "did not answer with a netstring"),
        (puppet(b"HTTP/1.0 400 Bad Request\r\n", holds), "30", "did not answer with a netstring"),
        (puppet(b"100000:", holds), "30", "answers with more than 99999 bytes"),
        (puppet(b"1:", holds), "300ms", "did not answer within 300ms"),
        (puppet(b"", holds), "300ms", "did not answer within 300ms"),
    ];
    for (port, timeout, words) in cases {
        let proxy = Server::start("transformproxy", &["--timeout", timeout, &port.to_string()]);
        let mut client = proxy.connect();
        client.write_all(b"7:shout.a,").unwrap();
        let mut reply = Vec::new();
        let end = client.read_to_end(&mut reply);
        assert_eq!(reply, b"", "{words}");
        assert_eq!(end.map_err(|error| error.kind()), Err(ErrorKind::ConnectionReset), "{words}");
        let log = proxy.stop();
        assert!(
            log.lines().any(|line| line.contains("no answer for 127.0.0.1") && line.contains(words)),
            "{log}"
        );
    }
}

#[test]
fn what_the_service_refuses_its_proxy_refuses() {
    let proxy = Server::start("transformproxy", &[&puppet(b"", drop).to_string()]);
    let mut client = proxy.connect();
    client.write_all(b"7:shout.a,").unwrap();
    assert_eq!(read_all(client), b"", "a clean end");
    assert!(proxy.stop().contains("the transform service has refused it"));
}

#[test]
fn a_client_cannot_pile_up_requests_in_a_proxy_of_a_slow_service() {
    let port = puppet(b"", |mut stream| {
        stream.read_to_end(&mut Vec::new()).ok();
    });
    let mut proxy = Server::start("transformproxy", &["--max-waiting", "14", &port.to_string()]);
    let mut client = proxy.connect();
    client.write_all(&b"7:shout.a,".repeat(4)).unwrap();
    let words = "more than 14 bytes of requests wait behind the first";
    proxy.program.wait_for_line(|line| line.contains(words));
    drop(client);
    let log = proxy.stop();
    assert!(log.matches("asking 127.0.0.1").count() <= 3, "{log}");
}

#[test]
fn a_client_that_leaves_is_left_by_the_service_too() {
    let (sender, left) = std::sync::mpsc::channel();
    let port = puppet(b"", move |mut stream| {
        let end = stream.read_to_end(&mut Vec::new());
        sender.send(end.map_err(|error| error.kind())).ok();
    });
    let mut proxy = Server::start("transformproxy", &[&port.to_string()]);
    let mut client = proxy.connect();
    client.write_all(b"7:shout.a,").unwrap();
    proxy.program.wait_for_line(|line| line.contains("asking 127.0.0.1"));
    drop(client);
    let end = left.recv_timeout(DEADLINE).expect("the connection to the service ends");
    assert_eq!(end, Err(ErrorKind::ConnectionReset));
    assert!(proxy.stop().contains("nobody waits any more: 'shout' at 127.0.0.1"));
}
