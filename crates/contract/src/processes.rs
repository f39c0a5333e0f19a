//! Processes. The programs of these cases are `cat`, `false`, `sleep` and `printenv`, as every Unix has them; a simulation
//! registers closures of these names.

use std::cell::RefCell;
use std::rc::Rc;

use sestina_reactor::{Command, ExitStatus, ProcessHandle, ProcessProtocol, SpawnError};

use crate::streams::pattern;
use crate::{Diary, Stage};

/// Writes down what it hears.
struct Listener {
    diary: Diary,
    output: Rc<RefCell<Vec<u8>>>,
    panics: bool,
}

impl Listener {
    fn new(diary: &Diary) -> Self {
        Self { diary: diary.clone(), output: Rc::default(), panics: false }
    }
}

impl ProcessProtocol for Listener {
    fn started(&mut self, process: &ProcessHandle) {
        assert!(process.pid() > 0);
        self.diary.note("started");
        assert!(!self.panics, "on purpose, in a process protocol");
    }

    fn output_received(&mut self, _: &ProcessHandle, data: &[u8]) {
        assert!(!data.is_empty());
        if !self.diary.has("output") {
            self.diary.note("output");
        }
        self.output.borrow_mut().extend_from_slice(data);
    }

    fn exited(&mut self, _: &ProcessHandle, status: ExitStatus) {
        self.diary.note(format!("exited {status:?}"));
    }

    fn ended(&mut self, status: ExitStatus) {
        self.diary.note(format!("ended {status:?}"));
    }
}

fn command(program: &str, arguments: &[&str]) -> Command {
    Command {
        program: program.into(),
        arguments: arguments.iter().map(Into::into).collect(),
        environment: vec![("PATH".into(), "/usr/bin:/bin".into()), ("POEM".into(), "Ecstasy".into())],
        directory: None,
    }
}

impl Stage {
    fn start(&self, program: &str, arguments: &[&str], listener: Listener) -> ProcessHandle {
        self.reactor().spawn_process(&command(program, arguments), listener).expect("there is such a program")
    }
}

/// Its input, its output, its end, in this order; far more than a pipe holds.
pub fn a_process_reads_writes_and_ends(stage: &mut Stage) {
    let (diary, poem) = (Diary::default(), pattern(1_000_000));
    let listener = Listener::new(&diary);
    let output = Rc::clone(&listener.output);
    let cat = stage.start("cat", &[], listener);
    assert_eq!(stage.reactor().processes(), 1);
    assert_eq!(diary.take(), [""; 0], "no verb calls user code");
    cat.stdin().write(&poem);
    cat.stdin().lose_connection();
    assert_eq!(stage.answer(cat.ended()).expect("it ends"), ExitStatus::Code(0));
    assert!(*output.borrow() == poem, "{} bytes came back, or some are wrong", output.borrow().len());
    assert_eq!((stage.reactor().processes(), stage.reactor().connections()), (0, 0));
    let lines = diary.take();
    assert_eq!(
        (lines[0].as_str(), lines[lines.len() - 1].as_str()),
        ("started", "ended Code(0)"),
        "{lines:?}"
    );
    assert!(cat.terminate().is_err(), "it has ended");
    let again = cat.ended().try_result().expect("its end is known");
    assert_eq!(again.expect("it is no error to ask late"), ExitStatus::Code(0));
}

/// The number it exits with, and what was in its environment.
pub fn an_exit_code_and_an_environment_are_told(stage: &mut Stage) {
    let diary = Diary::default();
    let failed = stage.start("false", &[], Listener::new(&diary));
    assert_eq!(stage.answer(failed.ended()).expect("it ends"), ExitStatus::Code(1));
    let listener = Listener::new(&diary);
    let output = Rc::clone(&listener.output);
    let print = stage.start("printenv", &["POEM"], listener);
    assert_eq!(stage.answer(print.ended()).expect("it ends"), ExitStatus::Code(0));
    assert_eq!(*output.borrow(), b"Ecstasy\n");
    let missing = stage.start("printenv", &["HOME"], Listener::new(&diary));
    assert_eq!(
        stage.answer(missing.ended()).expect("it ends"),
        ExitStatus::Code(1),
        "nothing else is passed on"
    );
}

/// Asked, killed, and by cancelling what waits for its end.
pub fn a_process_can_be_ended(stage: &mut Stage) {
    let diary = Diary::default();
    for signal in [15, 9] {
        let sleeper = stage.start("sleep", &["600"], Listener::new(&diary));
        stage.until_noted(&diary, "started");
        if signal == 9 { sleeper.kill() } else { sleeper.terminate() }.expect("it runs");
        assert_eq!(stage.answer(sleeper.ended()).expect("it ends"), ExitStatus::Signal(signal));
        assert!(diary.take().contains(&format!("ended Signal({signal})")));
    }
    let sleeper = stage.start("sleep", &["600"], Listener::new(&diary));
    let (ended, also) = (sleeper.ended(), sleeper.ended());
    ended.cancel();
    assert_eq!(stage.answer(ended).expect("it ends"), ExitStatus::Signal(15));
    assert_eq!(stage.answer(also).expect("everybody is told"), ExitStatus::Signal(15));
}

/// A missing program is an error at once; a panic of the protocol is logged, and the end is told all the same.
pub fn what_goes_wrong_with_a_process_is_told(stage: &mut Stage) {
    stage.expect_panics(1);
    let diary = Diary::default();
    let missing = stage.reactor().spawn_process(&command("/no/such/program", &[]), Listener::new(&diary));
    assert!(matches!(missing, Err(SpawnError::NoSuchProgram(_))), "{missing:?}");
    let clumsy = Listener { panics: true, ..Listener::new(&diary) };
    let process = stage.start("cat", &[], clumsy);
    let ended = process.ended();
    stage.until_noted(&diary, "started");
    process.stdin().lose_connection();
    assert_eq!(stage.answer(ended).expect("it ends"), ExitStatus::Code(0));
    assert!(diary.has("ended Code(0)"), "{diary:?}");
}

/// Law 7: a process does not outlive its reactor, and who waits for its end is told.
pub fn the_end_of_the_reactor_ends_its_processes(stage: &mut Stage) {
    let diary = Diary::default();
    let sleeper = stage.start("sleep", &["600"], Listener::new(&diary));
    stage.until_noted(&diary, "started");
    let ended = sleeper.ended();
    stage.reactor().stop();
    stage.reactor().run().expect("the driver can wait");
    assert!(ended.try_result().expect("it was told").is_err());
    assert_eq!((stage.reactor().processes(), stage.reactor().connections()), (0, 0));
}
