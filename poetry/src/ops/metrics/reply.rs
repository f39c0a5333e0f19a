//! What is answered to the head of a request, without I/O: `GET` and `HEAD` of `/metrics`, and no for everything else.
//!
//! The head is parsed by `httparse`, once, when it is there: what comes is looked at byte by byte only for its end. Every
//! answer ends the connection, so nothing behind the head is ever parsed.

use std::fmt::Write as _;

use httparse::{EMPTY_HEADER, Request, Status};

/// How long a request's head may be, in bytes.
pub const METRICS_HEAD_BYTES_MAX: usize = 16 * 1024;
/// How many header fields a request may have.
const FIELDS_MAX: usize = 100;
/// The only thing there is.
const PATH: &str = "/metrics";
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How a request is answered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Verdict {
    Metrics {
        head_only: bool,
    },
    BadRequest,
    NotFound,
    MethodNotAllowed,
    TooLate,
    TooLarge,
    /// There is no proxy yet.
    Unavailable,
}

impl Verdict {
    const fn status(self) -> &'static str {
        match self {
            Self::Metrics { .. } => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::TooLate => "408 Request Timeout",
            Self::TooLarge => "431 Request Header Fields Too Large",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

/// The head of one request, as it comes.
#[derive(Debug, Default)]
pub(crate) struct Head {
    bytes: Vec<u8>,
    /// How many of them were searched for the end. The last two are searched again.
    searched: usize,
}

impl Head {
    /// Takes more bytes. Gives the verdict when the head is there or cannot be one any more; nothing may be added then.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Option<Verdict> {
        let room = (METRICS_HEAD_BYTES_MAX + 1).saturating_sub(self.bytes.len());
        self.bytes.extend_from_slice(&bytes[..room.min(bytes.len())]);
        if self.searched == 0 {
            // Empty lines before a request mean nothing.
            let empty = self.bytes.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
            self.bytes.drain(..empty);
        }
        match self.end() {
            Some(end) if end <= METRICS_HEAD_BYTES_MAX => Some(verdict(&self.bytes[..end])),
            Some(_) => Some(Verdict::TooLarge),
            None if self.bytes.len() > METRICS_HEAD_BYTES_MAX => Some(Verdict::TooLarge),
            None => None,
        }
    }

    /// Behind the empty line.
    fn end(&mut self) -> Option<usize> {
        let from = self.searched.saturating_sub(2);
        let found =
            self.bytes[from..].iter().enumerate().filter(|(_, byte)| **byte == b'\n').find_map(|(at, _)| {
                let rest = &self.bytes[from + at + 1..];
                let empty = if rest.starts_with(b"\r\n") { 2 } else { usize::from(rest.starts_with(b"\n")) };
                (empty > 0).then_some(from + at + 1 + empty)
            });
        self.searched = self.bytes.len();
        found
    }
}

fn verdict(head: &[u8]) -> Verdict {
    let mut fields = [EMPTY_HEADER; FIELDS_MAX];
    let mut request = Request::new(&mut fields);
    match request.parse(head) {
        Ok(Status::Complete(length)) if length == head.len() => {}
        Err(httparse::Error::TooManyHeaders) => return Verdict::TooLarge,
        Ok(_) | Err(_) => return Verdict::BadRequest,
    }
    let named =
        |name: &str| request.headers.iter().filter(|field| field.name.eq_ignore_ascii_case(name)).count();
    // RFC 9112: a host, once, and only HTTP/1.0 may do without.
    if named("host") > 1 || (named("host") == 0 && request.version != Some(0)) {
        return Verdict::BadRequest;
    }
    let path = request.path.unwrap_or_default();
    let path = path.split_once('?').map_or(path, |(path, _)| path);
    match request.method {
        _ if path != PATH => Verdict::NotFound,
        Some("GET") => Verdict::Metrics { head_only: false },
        Some("HEAD") => Verdict::Metrics { head_only: true },
        _ => Verdict::MethodNotAllowed,
    }
}

/// The whole answer, with the metrics in it if they are to be given.
pub(crate) fn reply(verdict: Verdict, metrics: impl FnOnce() -> String) -> String {
    let (body, head_only) = match verdict {
        Verdict::Metrics { head_only } => (metrics(), head_only),
        other => (format!("{}\n", other.status()), false),
    };
    let mut text = String::with_capacity(body.len() + 256);
    let allow = if verdict == Verdict::MethodNotAllowed { "Allow: GET, HEAD\r\n" } else { "" };
    write!(
        text,
        "HTTP/1.1 {}\r\nContent-Type: {TEXT_FORMAT}\r\nContent-Length: {}\r\n{allow}Cache-Control: no-store\r\n\
         X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n",
        verdict.status(),
        body.len(),
    )
    .expect("a string takes everything");
    if !head_only {
        text.push_str(&body);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Verdict = Verdict::Metrics { head_only: false };

    /// The verdict, which must not depend on how the bytes are cut.
    #[track_caller]
    fn judged(bytes: &[u8]) -> Option<Verdict> {
        let whole = Head::default().push(bytes);
        for cut in [1, 2, 3, 7] {
            let mut head = Head::default();
            let verdict = bytes.chunks(cut).find_map(|piece| head.push(piece));
            assert_eq!(verdict, whole, "cut at {cut}: {:?}", String::from_utf8_lossy(bytes));
        }
        whole
    }

    #[test]
    fn metrics_are_given_to_get_and_head() {
        let cases = [
            ("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n", GET),
            ("GET /metrics?name=x HTTP/1.1\r\nhost: a\r\nAccept: */*\r\n\r\n", GET),
            ("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", Verdict::Metrics { head_only: true }),
            ("GET /metrics HTTP/1.0\r\n\r\n", GET),
            ("GET /metrics HTTP/1.0\n\n", GET),
            ("\r\n\r\nGET /metrics HTTP/1.0\r\n\r\n", GET),
        ];
        for (text, verdict) in cases {
            assert_eq!(judged(text.as_bytes()), Some(verdict), "{text:?}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        let cases = [
            ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Verdict::NotFound),
            ("GET /metrics/ HTTP/1.1\r\nHost: a\r\n\r\n", Verdict::NotFound),
            ("GET http://a/metrics HTTP/1.1\r\nHost: a\r\n\r\n", Verdict::NotFound),
            ("CONNECT a:80 HTTP/1.1\r\nHost: a\r\n\r\n", Verdict::NotFound),
            (
                "POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
                Verdict::MethodNotAllowed,
            ),
            ("get /metrics HTTP/1.1\r\nHost: a\r\n\r\n", Verdict::MethodNotAllowed),
            ("GET /metrics HTTP/1.1\r\n\r\n", Verdict::BadRequest),
            ("GET /metrics HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", Verdict::BadRequest),
            ("GET /metrics\r\n\r\n", Verdict::BadRequest),
            ("GET /metrics HTTP/2.0\r\n\r\n", Verdict::BadRequest),
            ("PRI * HTTP/2.0\r\n\r\n", Verdict::BadRequest),
            ("GET /metrics HTTP/1.1\r\nHost: a\r\nbad field: b\r\n\r\n", Verdict::BadRequest),
            ("GET /metrics HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n", Verdict::BadRequest),
            ("stats\n\n", Verdict::BadRequest),
            ("\u{1}\u{2}\n\n", Verdict::BadRequest),
        ];
        for (text, verdict) in cases {
            assert_eq!(judged(text.as_bytes()), Some(verdict), "{text:?}");
        }
    }

    #[test]
    fn a_head_that_goes_on_and_on_is_too_large_however_it_does() {
        let long = |length: usize| {
            let before = "GET /metrics HTTP/1.1\r\nHost: a\r\nX: ".len();
            let field = "x".repeat(length - before - 4);
            format!("GET /metrics HTTP/1.1\r\nHost: a\r\nX: {field}\r\n\r\n")
        };
        assert_eq!(judged(long(METRICS_HEAD_BYTES_MAX).as_bytes()), Some(GET));
        assert_eq!(judged(long(METRICS_HEAD_BYTES_MAX + 1).as_bytes()), Some(Verdict::TooLarge));
        assert_eq!(judged(&vec![b'x'; METRICS_HEAD_BYTES_MAX]), None);
        assert_eq!(judged(&vec![b'x'; 2 * METRICS_HEAD_BYTES_MAX]), Some(Verdict::TooLarge));
        let many = format!("GET /metrics HTTP/1.1\r\nHost: a\r\n{}\r\n", "a: b\r\n".repeat(FIELDS_MAX));
        assert_eq!(judged(many.as_bytes()), Some(Verdict::TooLarge));
    }

    #[test]
    fn empty_lines_alone_take_no_memory() {
        let mut head = Head::default();
        for _ in 0..1000 {
            assert_eq!(head.push(&b"\r\n".repeat(1000)), None);
        }
        assert_eq!(head.bytes.len(), 0);
        assert_eq!(head.push(b"GET /metrics HTTP/1.0\r\n\r\n"), Some(GET));
    }

    #[test]
    fn an_answer_says_its_length_and_that_it_is_the_last() {
        let given = reply(GET, || "a 1\n".to_owned());
        assert!(given.starts_with("HTTP/1.1 200 OK\r\n") && given.ends_with("\r\n\r\na 1\n"), "{given}");
        assert!(given.contains("\r\nContent-Length: 4\r\n") && given.contains("\r\nConnection: close\r\n"));
        let head = reply(Verdict::Metrics { head_only: true }, || "a 1\n".to_owned());
        assert!(head.contains("\r\nContent-Length: 4\r\n") && head.ends_with("\r\n\r\n"), "{head}");
        let refused = reply(Verdict::MethodNotAllowed, || panic!("no metrics are made"));
        assert!(refused.contains("\r\nAllow: GET, HEAD\r\n"), "{refused}");
    }
}
