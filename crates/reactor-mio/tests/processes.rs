//! Real processes, as a user of the reactor sees them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Command, ExitStatus, ProcessHandle, ProcessProtocol};
use sestina_reactor_mio::reactor;

#[derive(Clone, Default)]
struct Recorder(Rc<RefCell<Vec<String>>>);

impl Recorder {
    fn note(&self, what: &str, data: &[u8]) {
        self.0.borrow_mut().push(format!("{what}{}", String::from_utf8_lossy(data)));
    }

    fn all(&self) -> String {
        self.0.borrow().join("|")
    }
}

impl ProcessProtocol for Recorder {
    fn started(&mut self, process: &ProcessHandle) {
        assert!(process.pid() > 0);
        self.note("started", b"");
    }

    fn output_received(&mut self, _: &ProcessHandle, data: &[u8]) {
        self.note("out ", data);
    }

    fn error_received(&mut self, _: &ProcessHandle, data: &[u8]) {
        self.note("err ", data);
    }

    fn exited(&mut self, _: &ProcessHandle, status: ExitStatus) {
        self.note(&format!("exited {status:?}"), b"");
    }

    fn ended(&mut self, status: ExitStatus) {
        self.note(&format!("ended {status:?}"), b"");
    }
}

fn shell(script: &str) -> Command {
    let arguments = vec!["-c".into(), script.into()];
    Command { program: "/bin/sh".into(), arguments, ..Command::default() }
}

#[test]
fn output_error_and_exit_code_are_told_in_order() {
    let (reactor, seen) = (reactor().expect("a poller"), Recorder::default());
    let process =
        reactor.spawn_process(&shell("echo poem; echo oops >&2; exit 3"), seen.clone()).expect("sh runs");
    assert_eq!(reactor.processes(), 1);
    let status = reactor.run_until(process.ended()).expect("it ended");
    assert_eq!((status, reactor.processes(), reactor.connections()), (ExitStatus::Code(3), 0, 0));
    let all = seen.all();
    assert!(all.starts_with("started|") && all.ends_with("|ended Code(3)"), "{all}");
    assert!(
        all.contains("out poem\n") && all.contains("err oops\n") && all.contains("exited Code(3)"),
        "{all}"
    );
}

#[test]
fn what_is_written_is_its_input_and_closing_it_is_its_end() {
    let (reactor, seen) = (reactor().expect("a poller"), Recorder::default());
    let process = reactor.spawn_process(&shell("cat"), seen.clone()).expect("sh runs");
    let poem = "a line of poetry\n".repeat(20_000);
    process.stdin().write(poem.as_bytes());
    process.stdin().lose_connection();
    let status = reactor.run_until(process.ended()).expect("it ended");
    let heard: usize =
        seen.0.borrow().iter().filter_map(|line| line.strip_prefix("out ")).map(str::len).sum();
    assert_eq!((status, heard), (ExitStatus::Code(0), poem.len()));
}

#[test]
fn cancelling_its_end_terminates_it_and_waits() {
    let reactor = reactor().expect("a poller");
    let process = reactor.spawn_process(&shell("exec sleep 600"), Recorder::default()).expect("sh runs");
    let ended = process.ended();
    let canceller = ended.canceller();
    reactor.call_later(Duration::from_millis(10), move || canceller.cancel());
    assert_eq!(reactor.run_until(ended).expect("it ended"), ExitStatus::Signal(15));
}

#[test]
fn a_missing_program_is_an_error_and_the_end_of_the_reactor_kills() {
    let reactor = reactor().expect("a poller");
    let missing = Command { program: "/does/not/exist".into(), ..Command::default() };
    let error = reactor.spawn_process(&missing, Recorder::default()).expect_err("it is missing");
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    let process = reactor.spawn_process(&shell("exec sleep 600"), Recorder::default()).expect("sh runs");
    let ended = process.ended();
    reactor.stop();
    reactor.run().expect("it can wait");
    assert!(ended.try_result().expect("told").is_err());
    assert_eq!((reactor.processes(), reactor.connections()), (0, 0));
}
