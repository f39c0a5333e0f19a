//! Both clients against poets whose pieces come in an order that the test decides.
#![expect(clippy::disallowed_methods, reason = "a poet is a thread of the test")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::thread;

use sestina_example_support::program;

/// A poet who waits until the test lets it speak.
struct Poet(TcpListener);

impl Poet {
    fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").expect("there is a free port"))
    }

    fn port(&self) -> String {
        self.at().port().to_string()
    }

    fn at(&self) -> SocketAddr {
        self.0.local_addr().expect("it has an address")
    }

    fn client(&self) -> TcpStream {
        self.0.accept().expect("the client comes").0
    }
}

fn start(program: &str, arguments: &[String]) -> Child {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.spawn().expect("the program starts")
}

/// Everything that it says from now on, and its exit status.
fn end(child: Child) -> (String, String, Option<i32>) {
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("poems here are text");
    (text(output.stdout), text(output.stderr), output.status.code())
}

fn say(client: &mut TcpStream, text: &str) {
    client.write_all(text.as_bytes()).expect("the client reads");
}

// spec: P21-07, P21-11, P21-12
#[test]
fn client_1_tells_each_line_and_prints_each_poem_when_it_is_whole() {
    let (first, second) = (Poet::new(), Poet::new());
    let mut child = start(env!("CARGO_BIN_EXE_haskell-client-1"), &[first.port(), second.port()]);
    let mut stdout = child.stdout.take().expect("it is a pipe");
    let mut read = |expected: &str| {
        let mut bytes = vec![0; expected.len()];
        stdout.read_exact(&mut bytes).expect("it comes");
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    };
    let (mut one, mut two) = (first.client(), second.client());
    say(&mut one, "a1\nhalf ");
    read(&format!("Task 1: got 3 bytes of poetry from localhost:{}\n", first.port()));
    say(&mut two, "second\nlast");
    read(&format!("Task 2: got 7 bytes of poetry from localhost:{}\n", second.port()));
    drop(two);
    read(&format!("Task 2: got 5 bytes of poetry from localhost:{}\nsecond\nlast\n", second.port()));
    say(&mut one, "a line\n");
    drop(one);
    read(&format!("Task 1: got 12 bytes of poetry from localhost:{}\na1\nhalf a line\n", first.port()));
    assert_eq!(end(child), (String::new(), String::new(), Some(0)));
}

// spec: P21-13, P21-14
#[test]
fn client_2_prints_the_first_poem_as_it_comes_and_then_the_second() {
    let (first, second) = (Poet::new(), Poet::new());
    let mut child = start(env!("CARGO_BIN_EXE_haskell-client-2"), &[first.port(), second.port()]);
    let mut stdout = child.stdout.take().expect("it is a pipe");
    let mut read = |expected: &str| {
        let mut bytes = vec![0; expected.len()];
        stdout.read_exact(&mut bytes).expect("it comes");
        assert_eq!(String::from_utf8_lossy(&bytes), expected);
    };
    let (mut one, mut two) = (first.client(), second.client());
    say(&mut two, "second, whole and gone\n");
    drop(two);
    say(&mut one, "a1\n");
    read("a1\n");
    say(&mut one, "no end of line");
    read("no end of line");
    drop(one);
    read("\nsecond, whole and gone\n");
    assert_eq!(end(child), (String::new(), String::new(), Some(0)));
}

// spec: P21-18
#[test]
fn a_poet_that_is_not_there_costs_only_its_own_poem() {
    let nobody = Poet::new().port();
    for program in [env!("CARGO_BIN_EXE_haskell-client-1"), env!("CARGO_BIN_EXE_haskell-client-2")] {
        let poet = Poet::new();
        let child = start(program, &[nobody.clone(), format!("127.0.0.1:{}", poet.port()), nobody.clone()]);
        let poem = thread::spawn(move || say(&mut poet.client(), "here\n"));
        let (stdout, stderr, code) = end(child);
        poem.join().expect("the poet is fine");
        assert!(stdout.ends_with("here\n") && code == Some(1), "{program}: {stdout}");
        let line =
            format!("localhost:{nobody}: 127.0.0.1:{nobody} refused the connection: nobody listens there");
        assert!(
            stderr.lines().count() == 2 && stderr.lines().all(|told| told == line),
            "{program}: {stderr}"
        );
    }
    let (_, stderr, code) = end(start(env!("CARGO_BIN_EXE_haskell-client-2"), &[]));
    assert!(code == Some(1) && stderr.contains("give the poets"), "{stderr}");
}

// spec: P21-08, P21-09, P21-10
#[test]
fn both_clients_take_three_poets_and_print_the_same_three_poems() {
    for program in [env!("CARGO_BIN_EXE_haskell-client-1"), env!("CARGO_BIN_EXE_haskell-client-2")] {
        let poets = [Poet::new(), Poet::new(), Poet::new()];
        let child = start(program, &poets.each_ref().map(Poet::port));
        for (number, poet) in poets.iter().enumerate() {
            say(&mut poet.client(), &format!("poem {number}\n"));
        }
        let (stdout, stderr, code) = end(child);
        let mut poems: Vec<_> = stdout.lines().filter(|line| line.starts_with("poem ")).collect();
        poems.sort_unstable();
        assert_eq!((poems, stderr.as_str(), code), (vec!["poem 0", "poem 1", "poem 2"], "", Some(0)));
    }
}

// spec: P21-19
#[test]
fn a_server_may_make_no_more_of_its_poem_than_its_clients_take() {
    program!("lazy-server-simulated").check();
}
