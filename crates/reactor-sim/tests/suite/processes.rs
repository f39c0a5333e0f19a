//! Processes: closures behind pipes, with arguments, an exit and signals.

use crate::common::{MS, kind, pass, queue, read, token};
use sestina_reactor::{Close, Command, Driver, Event, ExitStatus, Process};
use sestina_reactor_sim::{ProcessEvent, SimDriver, Simulation};
use std::io::ErrorKind;

fn with_programs() -> (Simulation, SimDriver) {
    let simulation = Simulation::seeded(1);
    crate::programs::install(&simulation);
    simulation.program("/usr/bin/moody", |run, event| match event {
        ProcessEvent::Started => {
            let words: Vec<_> =
                run.arguments().iter().map(|word| word.to_string_lossy().into_owned()).collect();
            run.write_error(words.join("+").as_bytes());
            run.wake_after(5 * MS);
        }
        ProcessEvent::Woken => run.write(b"tick"),
        ProcessEvent::Signal(15) => {
            run.catch_signal();
            run.write(b"not now");
        }
        ProcessEvent::Signal(1) => run.exit(3),
        _ => {}
    });
    simulation.program("clumsy", |_, _| std::panic::panic_any("on purpose"));
    let driver = simulation.driver("alice");
    (simulation, driver)
}

fn start(driver: &mut SimDriver, program: &str, arguments: &[&str]) -> Process {
    let arguments = arguments.iter().map(Into::into).collect();
    let command = Command { program: program.into(), arguments, ..Command::default() };
    driver.spawn_process(&command, token(9)).expect("there is such a program")
}

fn exit(events: &[Event]) -> Option<ExitStatus> {
    events.iter().find_map(|event| match event {
        Event::Exited { token: name, status } if *name == token(9) => Some(*status),
        _ => None,
    })
}

fn close(driver: &mut SimDriver, process: Process) {
    for sock in [process.stdin, process.stdout, process.stderr] {
        driver.close(sock, Close::Polite);
    }
}

#[test]
fn a_process_reads_writes_and_exits() {
    let (simulation, mut alice) = with_programs();
    let cat = start(&mut alice, "/bin/cat", &[]);
    alice.send(cat.stdin, &queue(b"meow")).expect("there is room");
    pass(&mut alice, MS);
    assert_eq!(read(&mut alice, cat.stdout).expect("bytes"), b"meow");
    alice.finish(cat.stdin).expect("a pipe");
    assert_eq!(kind(alice.send(cat.stdin, &queue(b"late"))), ErrorKind::BrokenPipe);
    assert_eq!(exit(&pass(&mut alice, MS)), Some(ExitStatus::Code(0)));
    assert_eq!(read(&mut alice, cat.stdout).expect("the end"), b"");
    assert_eq!(kind(alice.signal_process(token(9), 15)), ErrorKind::NotFound);
    close(&mut alice, cat);
    assert_eq!(simulation.sockets(), 0);
}

#[test]
fn signals_are_caught_or_kill_and_9_is_never_caught() {
    for (signals, end) in [
        (vec![15, 1], ExitStatus::Code(3)),
        (vec![15, 2], ExitStatus::Signal(2)),
        (vec![15, 9], ExitStatus::Signal(9)),
    ] {
        let (_, mut alice) = with_programs();
        let moody = start(&mut alice, "/usr/bin/moody", &["a", "b"]);
        pass(&mut alice, 10 * MS);
        assert_eq!(read(&mut alice, moody.stderr).expect("bytes"), b"a+b");
        assert_eq!(read(&mut alice, moody.stdout).expect("bytes"), b"tick");
        alice.signal_process(token(9), signals[0]).expect("it runs");
        assert_eq!(exit(&pass(&mut alice, MS)), None);
        assert_eq!(read(&mut alice, moody.stdout).expect("bytes"), b"not now");
        alice.signal_process(token(9), signals[1]).expect("it runs");
        assert_eq!(exit(&pass(&mut alice, MS)), Some(end));
    }
}

#[test]
fn a_program_that_is_not_there_panics_or_writes_to_nobody_has_an_end_of_its_own() {
    let (simulation, mut alice) = with_programs();
    let unknown = Command { program: "dog".into(), ..Command::default() };
    assert_eq!(kind(alice.spawn_process(&unknown, token(9))), ErrorKind::NotFound);
    let clumsy = start(&mut alice, "clumsy", &[]);
    assert_eq!(exit(&pass(&mut alice, MS)), Some(ExitStatus::Code(101)));
    close(&mut alice, clumsy);
    let cat = start(&mut alice, "cat", &[]);
    alice.close(cat.stdout, Close::Polite);
    alice.send(cat.stdin, &queue(b"meow")).expect("there is room");
    assert_eq!(exit(&pass(&mut alice, MS)), Some(ExitStatus::Signal(13)), "SIGPIPE");
    close(&mut alice, cat);
    assert_eq!(simulation.sockets(), 0);
}

#[test]
fn a_pipe_is_full_until_the_program_reads() {
    let (_, mut alice) = with_programs();
    let cat = start(&mut alice, "cat", &[]);
    let sent = alice.send(cat.stdin, &queue(&[1; 100_000])).expect("there is room");
    assert_eq!(sent, 65_536);
    assert_eq!(kind(alice.send(cat.stdin, &queue(b"more"))), ErrorKind::WouldBlock);
    alice.watch(cat.stdin, token(4)).expect("watches");
    assert!(crate::common::told(&pass(&mut alice, MS), token(4)).1, "told that there is room");
    assert_eq!(read(&mut alice, cat.stdout).expect("bytes").len(), sent);
}
