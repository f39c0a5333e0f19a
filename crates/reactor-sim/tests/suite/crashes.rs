//! Crashes, stops and restarts: what peers see, what is dropped without a word, and what comes after.

use sestina_reactor::{Address, Conn, ConnectError, Endpoint, Factory, Lost, Protocol};
use sestina_reactor_sim::{Host, Partition, Simulation};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

#[derive(Clone, Default)]
struct Diary(Rc<RefCell<Vec<String>>>);

impl Diary {
    fn note(&self, line: String) {
        self.0.borrow_mut().push(line);
    }

    fn take(&self) -> Vec<String> {
        self.0.take()
    }
}

/// Writes down what is told and when it is dropped.
struct Witness(&'static str, Diary);

impl Protocol for Witness {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.1.note(format!("{} made", self.0));
        conn.set_timer(Duration::from_secs(3600));
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        self.1.note(format!("{} lost {why:?}", self.0));
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.1.note(format!("{} dropped", self.0));
    }
}

struct Caller(Diary);

impl Factory for Caller {
    fn build(&mut self, _: &Address) -> Option<Box<dyn Protocol>> {
        Some(Box::new(Witness("client", self.0.clone())))
    }

    fn connection_failed(&mut self, error: ConnectError) {
        self.0.note(format!("client failed {error:?}"));
    }
}

fn connected() -> (Simulation, Host, Host, Diary) {
    let (simulation, diary) = (Simulation::seeded(1), Diary::default());
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    let log = diary.clone();
    bob.reactor()
        .listen(&Endpoint::tcp("", 80), move |_: &Address| Witness("server", log.clone()))
        .expect("a port");
    alice.reactor().connect(&Endpoint::tcp("bob", 80), Caller(diary.clone()));
    simulation.run_for(10 * MS).expect("it can wait");
    assert_eq!(diary.take(), ["client made", "server made"]);
    (simulation, alice, bob, diary)
}

#[test]
fn a_crash_drops_everything_without_a_word_and_peers_are_reset() {
    let (simulation, alice, bob, diary) = connected();
    let reactor = bob.reactor();
    let clock = reactor.clone();
    drop(reactor.spawn(async move { clock.sleep(MS).await }).add_errback(|_| Ok(())));
    bob.crash();
    assert_eq!(diary.take(), ["server dropped"]);
    assert_eq!((reactor.connections(), reactor.ports(), reactor.timers(), reactor.tasks()), (0, 0, 0, 0));
    assert!(reactor.turn(Some(Duration::ZERO)).is_err(), "the reactor of an earlier life is dead");
    simulation.run_for(10 * MS).expect("it can wait");
    assert_eq!(diary.take(), ["client lost Reset", "client dropped"]);
    assert_eq!((alice.reactor().connections(), simulation.sockets()), (0, 0));
}

#[test]
fn a_crash_behind_a_partition_is_noticed_by_who_sends_after_it() {
    let (simulation, alice, bob, diary) = connected();
    simulation.partition(&alice, &bob, Partition::Held);
    bob.crash();
    simulation.run_for(Duration::from_secs(60)).expect("it can wait");
    assert_eq!(diary.take(), ["server dropped"], "the reset was lost");
    simulation.heal(&alice, &bob);
    simulation.run_for(Duration::from_secs(60)).expect("it can wait");
    assert!(diary.take().is_empty(), "and nobody sends it again");
    alice.reactor().clear();
    assert_eq!(diary.take(), ["client lost Aborted", "client dropped"]);
}

#[test]
fn a_stop_tells_everybody() {
    let (simulation, _alice, bob, diary) = connected();
    bob.stop().expect("nothing takes time");
    assert_eq!(diary.take(), ["server lost Aborted", "server dropped"]);
    assert!(!bob.is_up());
    simulation.run_for(10 * MS).expect("it can wait");
    assert_eq!(diary.take(), ["client lost Reset", "client dropped"]);
}

#[test]
fn after_a_restart_the_host_is_where_it_was_and_knows_nothing() {
    let (simulation, alice, bob, diary) = connected();
    let (address, before) = (bob.address(), bob.reactor());
    bob.crash();
    diary.take();
    alice.reactor().connect(&Endpoint::tcp("bob", 80), Caller(diary.clone()));
    simulation.run_for(10 * MS).expect("it can wait");
    assert_eq!(diary.take()[..2], ["client lost Reset", "client dropped"]);
    let reactor = bob.restart();
    assert_eq!((bob.address(), reactor.ports(), before.ports()), (address, 0, 0));
    let log = diary.clone();
    reactor
        .listen(&Endpoint::tcp("", 80), move |_: &Address| Witness("server", log.clone()))
        .expect("it is free");
    alice.reactor().connect(&Endpoint::tcp("bob", 80), Caller(diary.clone()));
    simulation.run_for(10 * MS).expect("it can wait");
    assert_eq!(diary.take(), ["client made", "server made"]);
}

#[test]
fn a_host_that_is_down_refuses() {
    let (simulation, alice, bob, diary) = connected();
    bob.crash();
    simulation.run_for(10 * MS).expect("it can wait");
    diary.take();
    alice.reactor().connect(&Endpoint::tcp("bob", 80), Caller(diary.clone()));
    simulation.run_for(10 * MS).expect("it can wait");
    assert_eq!(diary.take(), ["client failed Refused(Inet(10.0.0.2:80))"]);
}

#[test]
fn a_crash_inside_a_turn_comes_at_its_end() {
    let (simulation, alice, bob, diary) = connected();
    let (victim, log) = (bob.clone(), diary.clone());
    bob.reactor().call_later(MS, move || {
        victim.crash();
        log.note("still here".to_owned());
    });
    let (other, log) = (bob.clone(), diary.clone());
    alice.reactor().call_later(2 * MS, move || log.note(format!("bob is up: {}", other.is_up())));
    simulation.run_for(10 * MS).expect("it can wait");
    assert_eq!(
        diary.take(),
        ["still here", "server dropped", "client lost Reset", "client dropped", "bob is up: false"]
    );
}

#[test]
fn whatever_waits_for_an_answer_on_a_host_that_crashes_or_stops_gets_one() {
    for crashes in [true, false] {
        let simulation = Simulation::seeded(1);
        let bob = simulation.host("bob");
        let reactor = bob.reactor();
        simulation.program("sleep", |_, _| {});
        let clock = reactor.clone();
        let ran = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let runs = std::sync::Arc::clone(&ran);
        let command = sestina_reactor::Command { program: "sleep".into(), ..Default::default() };
        let process = reactor.spawn_process(&command, Nobody).expect("there is such a program");
        let forever = reactor.cooperate(|| sestina_reactor::Work::More);
        let answers = [
            reactor.sleep(Duration::from_secs(5)),
            reactor.spawn(async move { clock.sleep(Duration::from_secs(5)).await }),
            reactor.defer_to_thread(move || {
                runs.store(true, std::sync::atomic::Ordering::Relaxed);
                Ok(())
            }),
            reactor.connect(&Endpoint::tcp("bob", 80), Caller(Diary::default())).connected().map(drop),
            process.ended().map(drop),
            forever.when_done(),
        ];
        drop(forever);
        if crashes {
            bob.crash()
        } else {
            bob.stop().expect("nothing takes time")
        }
        for (number, answer) in answers.into_iter().enumerate() {
            let answer = answer.try_result().unwrap_or_else(|_| panic!("{number} is unanswered"));
            assert!(answer.is_err(), "{number} has an answer");
        }
        simulation.run_for(Duration::from_secs(1)).expect("it can wait");
        assert!(!ran.load(std::sync::atomic::Ordering::Relaxed), "its threads are gone, too");
        assert_eq!(simulation.leftovers(), [""; 0]);
    }
}

struct Nobody;

impl sestina_reactor::ProcessProtocol for Nobody {}
