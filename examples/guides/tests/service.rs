//! The whole service: on the simulation, over real sockets, and as the program that it is.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use sestina::trial::{TestResult, add_cleanup};
use sestina::{Application, Endpoint, Failure, Reactor, Tree};
use sestina_example_guides::{Shelf, rhymes};
use sestina_example_support::{DEADLINE, program};

/// The tree, started, and stopped when the test is over; and where it listens.
async fn started(reactor: &Reactor) -> Result<(Tree, Endpoint), Failure> {
    let mut application = Application::new("test");
    application.add(rhymes("rhymes", &Endpoint::loopback(0), Shelf::default())?)?;
    let tree = application.attach(reactor)?;
    tree.start().await?;
    let stops = tree.clone();
    add_cleanup(move || stops.stop().map(drop));
    let port = tree.status().find("rhymes/tcp").and_then(|tcp| tcp.addresses.first()?.port());
    Ok((tree, Endpoint::loopback(port.expect("it listens"))))
}

#[sestina::test(on = "both")]
async fn several_clients_are_served_at_once(reactor: Reactor) -> TestResult {
    let (_tree, at) = started(&reactor).await?;
    let clients =
        [("sky", "jewelled sky\n"), ("stream", "dream\n"), ("sonnet", "nothing rhymes with that\n")];
    let asked = clients.map(|(word, rhymes)| {
        let connecting = reactor.connect_stream(&at);
        reactor.spawn(async move {
            let stream = connecting.await?;
            stream.write_all(format!("{word}\n")).await?;
            assert_eq!(stream.read_until(b'\n', 100).await?, rhymes.as_bytes());
            Ok(())
        })
    });
    sestina::gather_results(asked).await?;
    Ok(())
}

/// Bytes are cut anywhere, packets are late, windows small: by the seed, and no answer may suffer.
#[sestina::test(seeds = 50, faults = "gentle")]
async fn a_network_that_is_slow_and_cuts_changes_no_answer(reactor: Reactor) -> TestResult {
    let (_tree, at) = started(&reactor).await?;
    let stream = reactor.connect_stream(&at).await?;
    for (word, rhymes) in
        [("tree", "free\n"), ("HEART", "art, dart\n"), ("orange", "nothing rhymes with that\n")]
    {
        stream.write_all(format!("{word}\n")).await?;
        assert_eq!(stream.read_until(b'\n', 100).await?, rhymes.as_bytes());
    }
    Ok(())
}

#[sestina::test]
async fn a_stop_waits_for_the_client_that_is_being_served(reactor: Reactor) -> TestResult {
    let (tree, at) = started(&reactor).await?;
    let stream = reactor.connect_stream(&at).await?;
    stream.write_all("dart\n").await?;
    reactor.sleep(Duration::from_millis(100)).await?; // now it is being looked up
    let stopping = tree.stop();
    assert_eq!(stream.read_until(b'\n', 100).await?, b"art, heart\n");
    drop(stream);
    assert!(stopping.await?.is_clean());
    Ok(())
}

#[test]
fn a_tree_heals_itself() {
    program!("rhymes-simulated").check();
}

/// A program that does not outlive its test.
struct Running(Child);
impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok(); // it may have ended
    }
}

#[test]
fn the_program_serves_until_it_is_interrupted() {
    let (said, lines) = mpsc::channel();
    thread::scope(|scope| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rhymes"));
        let mut program = Running(command.stdout(Stdio::piped()).spawn().expect("cargo has built it"));
        let stdout = BufReader::new(program.0.stdout.take().expect("it is piped"));
        scope.spawn(move || stdout.lines().map_while(Result::ok).try_for_each(|line| said.send(line)).ok());
        let until = |wanted: &str| loop {
            let line = lines.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("it does not say '{wanted}'"));
            if line.contains(wanted) {
                break line;
            }
        };
        let line = until("127.0.0.1:");
        let port = line
            .rsplit("127.0.0.1:")
            .next()
            .and_then(|rest| rest.split(|digit: char| !digit.is_ascii_digit()).next());
        let mut client =
            TcpStream::connect(format!("127.0.0.1:{}", port.expect("a port"))).expect("it listens");
        client.set_read_timeout(Some(DEADLINE)).expect("a time limit");
        client.write_all(b"heart\n").expect("it reads");
        let mut answer = String::new();
        BufReader::new(&client).read_line(&mut answer).expect("it answers");
        assert_eq!(answer, "art, dart\n");
        drop(client);
        let interrupt = Command::new("kill").args(["-INT", &program.0.id().to_string()]).status();
        assert!(interrupt.expect("there is a kill").success());
        until("goodbye");
        assert!(program.0.wait().expect("it is our child").success());
    });
}
