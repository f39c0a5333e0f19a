//! Real processes, as a user of the reactor sees them.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Command, ExitStatus, ProcessHandle, ProcessProtocol, SpawnError};
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
    assert!(matches!(error, SpawnError::NoSuchProgram(_)), "{error:?}");
    assert_eq!(error.to_string(), "there is no program '/does/not/exist'");
    let astray = Command { directory: Some("/does/not/exist".into()), ..shell("true") };
    let error = reactor.spawn_process(&astray, Recorder::default()).expect_err("its folder is missing");
    assert_eq!(error.to_string(), "there is no folder '/does/not/exist' to run a program in");
    let text = Command { program: "/etc/passwd".into(), ..Command::default() };
    let error = reactor.spawn_process(&text, Recorder::default()).expect_err("it is no program");
    assert!(matches!(error, SpawnError::NotPermitted(_)), "{error:?}");
    assert_eq!((reactor.processes(), reactor.connections()), (0, 0));
    let process = reactor.spawn_process(&shell("exec sleep 600"), Recorder::default()).expect("sh runs");
    let ended = process.ended();
    reactor.stop();
    reactor.run().expect("it can wait");
    assert!(ended.try_result().expect("told").is_err());
    assert_eq!((reactor.processes(), reactor.connections()), (0, 0));
}

#[test]
fn a_process_that_does_not_end_when_asked_is_killed_and_no_timer_is_left() {
    let reactor = reactor().expect("a poller");
    let deaf = shell("trap '' TERM; echo deaf; while :; do :; done");
    let (seen, asked) = (Recorder::default(), Rc::new(RefCell::new(None)));
    let process = reactor.spawn_process(&deaf, AskedToEnd(seen, Rc::clone(&asked))).expect("sh runs");
    process.set_kill_after(Duration::from_millis(30));
    let ended = process.ended();
    *asked.borrow_mut() = Some(ended.canceller());
    assert_eq!(reactor.run_until(ended).expect("it ended"), ExitStatus::Signal(9));
    assert_eq!((reactor.timers(), reactor.processes()), (0, 0));
}

/// Cancels as soon as the process has said something.
struct AskedToEnd(Recorder, Rc<RefCell<Option<sestina_deferred::CancelHandle>>>);

impl ProcessProtocol for AskedToEnd {
    fn output_received(&mut self, process: &ProcessHandle, data: &[u8]) {
        self.0.output_received(process, data);
        if let Some(canceller) = self.1.borrow_mut().take() {
            canceller.cancel();
        }
    }
}

/// Counts what comes, and lets the process wait after the first piece.
struct Choosy(Rc<RefCell<usize>>);

impl ProcessProtocol for Choosy {
    fn output_received(&mut self, process: &ProcessHandle, data: &[u8]) {
        if *self.0.borrow() == 0 {
            process.stdout().pause_reading();
        }
        *self.0.borrow_mut() += data.len();
    }
}

/// More than pipes and buffers hold: it can only end when somebody reads.
#[test]
fn a_process_whose_output_nobody_takes_waits_and_ends_when_it_is_taken() {
    const BYTES: usize = 8 * 1024 * 1024;
    let (reactor, count) = (reactor().expect("a poller"), Rc::new(RefCell::new(0)));
    let command = shell(&format!("head -c {BYTES} /dev/zero"));
    let command = Command { environment: vec![("PATH".into(), "/usr/bin:/bin".into())], ..command };
    let process = reactor.spawn_process(&command, Choosy(Rc::clone(&count))).expect("sh runs");
    let resume = process.stdout().clone();
    let so_far = Rc::clone(&count);
    let (paused, before) = (Rc::new(RefCell::new(0)), Duration::from_millis(100));
    let seen = Rc::clone(&paused);
    reactor.call_later(before, move || {
        *seen.borrow_mut() = *so_far.borrow();
        resume.resume_reading();
    });
    assert_eq!(reactor.run_until(process.ended()).expect("it ended"), ExitStatus::Code(0));
    assert_eq!(*count.borrow(), BYTES);
    assert!((1..=64 * 1024).contains(&*paused.borrow()), "{paused:?} bytes while it was paused");
}
