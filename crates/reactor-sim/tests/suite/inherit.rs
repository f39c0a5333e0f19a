//! Socket activation: listeners that outlive the program.

use sestina_reactor::{Address, Conn, Endpoint, Inherited, Lost, Protocol, Reactor};
use sestina_reactor_sim::Simulation;
use std::cell::RefCell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

struct Greeter;

impl Protocol for Greeter {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"good day");
        conn.lose_connection();
    }
}

#[derive(Clone, Default)]
struct Visitor(Rc<RefCell<Vec<String>>>);

impl Protocol for Visitor {
    fn data_received(&mut self, _: &mut Conn<'_>, data: &[u8]) {
        self.0.borrow_mut().push(String::from_utf8_lossy(data).into_owned());
    }

    fn connection_lost(&mut self, _: &mut Conn<'_>, why: Lost) {
        self.0.borrow_mut().push(format!("{why:?}"));
    }
}

fn visit(from: &Reactor, visitor: &Visitor) {
    let visitor = visitor.clone();
    from.connect(&Endpoint::tcp("web", 80), move |_: &Address| visitor.clone());
}

#[test]
fn clients_wait_while_the_program_is_down_and_the_next_one_serves_them() {
    let simulation = Simulation::seeded(1);
    let (web, alice) = (simulation.host("web"), simulation.host("alice"));
    let at = web.hand_over("http", SocketAddr::from(([0, 0, 0, 0], 80)).into()).expect("it is free");
    let inherited = Endpoint::inherited(Inherited::Name("http".into()));
    let (seen, reactor) = (Visitor::default(), alice.reactor());
    visit(&reactor, &seen);
    simulation.run_for(50 * MS).expect("it can wait");
    assert_eq!((reactor.connections(), seen.0.take().len()), (1, 0), "it is connected, and nobody accepts");
    let port = web.reactor().listen(&inherited, |_: &Address| Greeter).expect("it was handed over");
    assert_eq!(port.local_addr(), &at);
    let again = web.reactor().listen(&inherited, |_: &Address| Greeter);
    assert!(again.is_err(), "somebody listens on it: {again:?}");
    simulation.run_for(50 * MS).expect("it can wait");
    assert_eq!(seen.0.take(), ["good day", "Done"]);
    for crashes in [true, false] {
        if crashes {
            web.crash()
        } else {
            web.stop().expect("nothing takes time")
        }
        visit(&reactor, &seen);
        simulation.run_for(50 * MS).expect("it can wait");
        assert_eq!(seen.0.take(), [""; 0]);
        web.restart()
            .listen(&"fd:3".parse().expect("an endpoint"), |_: &Address| Greeter)
            .expect("still there");
        simulation.run_for(50 * MS).expect("it can wait");
        assert_eq!(seen.0.take(), ["good day", "Done"]);
    }
    simulation.stop().expect("nothing takes time");
    assert_eq!((simulation.sockets(), simulation.leftovers()), (0, Vec::new()));
}

#[test]
fn clients_that_nobody_has_accepted_wait_through_a_crash_and_a_stop() {
    for crashes in [true, false] {
        let simulation = Simulation::seeded(1);
        let (web, alice) = (simulation.host("web"), simulation.host("alice"));
        web.hand_over("http", SocketAddr::from(([0, 0, 0, 0], 80)).into()).expect("it is free");
        let (seen, reactor) = (Visitor::default(), alice.reactor());
        visit(&reactor, &seen); // is connected, and in the queue
        simulation.run_for(50 * MS).expect("it can wait");
        visit(&reactor, &seen); // is on its way into the queue
        simulation.run_for(MS / 2).expect("it can wait");
        if crashes {
            web.crash();
        } else {
            web.stop().expect("nothing takes time");
        }
        simulation.run_for(50 * MS).expect("it can wait");
        assert_eq!(seen.0.take(), [""; 0], "the system holds the socket, and its queue");
        web.restart()
            .listen(&"fd:3".parse().expect("an endpoint"), |_: &Address| Greeter)
            .expect("still there");
        simulation.run_for(50 * MS).expect("it can wait");
        assert_eq!(seen.0.take(), ["good day", "Done", "good day", "Done"]);
        simulation.stop().expect("nothing takes time");
        assert_eq!((simulation.sockets(), simulation.leftovers()), (0, Vec::new()));
    }
}

#[test]
fn what_was_not_handed_over_is_an_error_that_says_what_was() {
    let simulation = Simulation::seeded(1);
    let web = simulation.host("web");
    web.hand_over("http", SocketAddr::from(([0, 0, 0, 0], 80)).into()).expect("it is free");
    let mut wrong: Vec<Endpoint> = ["systemd:name=https", "systemd:index=1", "fd:4", "fd:0"]
        .map(|text| text.parse().expect("an endpoint"))
        .into();
    wrong.push(Endpoint::inherited(Inherited::Descriptor(i32::MIN)));
    for wrong in wrong {
        let error = web.reactor().listen(&wrong, |_: &Address| Greeter);
        let error = error.expect_err("nobody handed it over");
        let source = std::error::Error::source(&error).map(ToString::to_string);
        let text = format!("{error} {}", source.unwrap_or_default());
        assert!(text.contains("handed over [http]"), "{wrong:?}: {text}");
    }
}
