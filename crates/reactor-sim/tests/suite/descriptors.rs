//! A host that has no descriptors left: everything that needs one says so, and the loop lives on.

use crate::common::{MS, connect, inet, listen, pass};
use sestina_reactor::{Address, Close, Conn, Driver, Endpoint, Lost, Protocol};
use sestina_reactor_sim::Simulation;
use std::cell::RefCell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

const EMFILE: i32 = 24;

fn lacks<T>(result: io::Result<T>) -> bool {
    result.is_err_and(|error| error.raw_os_error() == Some(EMFILE))
}

#[test]
fn what_needs_a_descriptor_says_that_there_is_none() {
    let simulation = Simulation::seeded(1);
    let mut alice = simulation.driver("alice");
    simulation.hosts()[0].limit_descriptors(2);
    let (listener, at) = listen(&mut alice, &inet("127.0.0.1", 0)).expect("the first");
    let client = connect(&mut alice, &at).expect("the second");
    assert!(lacks(listen(&mut alice, &inet("127.0.0.1", 0))));
    assert!(lacks(connect(&mut alice, &at)));
    assert!(lacks(alice.bind_datagram(&inet("127.0.0.1", 0), None)));
    pass(&mut alice, MS);
    assert!(lacks(alice.accept(listener)), "and the client that waits longest is refused");
    pass(&mut alice, MS);
    assert_eq!(crate::common::kind(alice.recv(client, &mut [0])), io::ErrorKind::ConnectionReset);
    alice.close(client, Close::Polite);
    assert_eq!(crate::common::kind(alice.accept(listener)), io::ErrorKind::WouldBlock);
    connect(&mut alice, &at).expect("there is one again");
}

struct Keeper(Rc<RefCell<Vec<String>>>);

impl Protocol for Keeper {
    fn connection_made(&mut self, _: &mut Conn<'_>) {
        self.0.borrow_mut().push("made".to_owned());
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        self.0.borrow_mut().push(format!("{why:?}"));
    }
}

#[test]
fn a_server_survives_it_and_accepts_again_when_it_has_some() {
    let simulation = Simulation::seeded(1);
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    let (served, met) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    let log = Rc::clone(&served);
    bob.reactor().listen(&Endpoint::tcp("", 80), move |_: &Address| Keeper(Rc::clone(&log))).expect("a port");
    bob.limit_descriptors(3);
    let connectors: Vec<_> = (0..4)
        .map(|_| {
            let log = Rc::clone(&met);
            alice.reactor().connect(&Endpoint::tcp("bob", 80), move |_: &Address| Keeper(Rc::clone(&log)))
        })
        .collect();
    simulation.run_for(Duration::from_secs(1)).expect("it can wait");
    assert_eq!(served.borrow().len(), 2);
    assert_eq!(met.borrow().iter().filter(|line| *line == "Reset").count(), 2);
    connectors[0].disconnect();
    connectors[1].disconnect();
    simulation.run_for(Duration::from_secs(3)).expect("it can wait");
    let log = Rc::clone(&met);
    alice.reactor().connect(&Endpoint::tcp("bob", 80), move |_: &Address| Keeper(Rc::clone(&log)));
    simulation.run_for(Duration::from_secs(1)).expect("it can wait");
    assert_eq!(served.borrow().iter().filter(|line| *line == "made").count(), 3);
}
