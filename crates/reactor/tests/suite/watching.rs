//! Who watches connections from outside, at the moments at which it is easy to be told wrongly, or never.

use std::cell::RefCell;
use std::rc::Rc;

use crate::fake::{Fake, Incoming, listening, turns};
use sestina_deferred::Deferred;
use sestina_reactor::{Address, Conn, Endpoint, Lost, Port, Protocol};

type Shared<T> = Rc<RefCell<Option<T>>>;

/// Asks in its last upcall when its port will be idle.
struct Asks {
    port: Shared<Port>,
    idle: Shared<Deferred<()>>,
}

impl Protocol for Asks {
    fn connection_lost(&mut self, _: &mut Conn<'_>, _: Lost) {
        let idle = self.port.borrow().as_ref().map(Port::idle);
        self.idle.borrow_mut().get_or_insert_with(|| idle.expect("the port is there"));
    }
}

#[test]
fn a_port_is_not_idle_for_one_who_asks_in_connection_lost_while_another_connection_is_left() {
    let (fake, port, idle) = (Fake::default(), Shared::default(), Shared::default());
    let reactor = fake.reactor();
    let (of, asked) = (Rc::clone(&port), Rc::clone(&idle));
    let factory = move |_: &Address| Asks { port: Rc::clone(&of), idle: Rc::clone(&asked) };
    *port.borrow_mut() = Some(reactor.listen(&Endpoint::loopback(7), factory).expect("the fake listens"));
    let (first, second) = (fake.client(100), fake.client(100));
    turns(&reactor, 3);
    let is_idle = || idle.borrow().as_ref().map(Deferred::is_fired);
    fake.comes(first, Incoming::Reset);
    turns(&reactor, 1);
    assert_eq!((reactor.connections(), is_idle()), (1, Some(false)));
    fake.comes(second, Incoming::Reset);
    turns(&reactor, 1);
    assert_eq!((reactor.connections(), is_idle()), (0, Some(true)));
    port.take();
}

/// Has somebody watch it.
struct Watched(Rc<RefCell<Vec<Deferred<Lost>>>>);

impl Protocol for Watched {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        self.0.borrow_mut().push(conn.handle().lost());
    }
}

#[test]
fn a_crash_leaves_nobody_waiting_for_the_end_of_a_connection() {
    let (fake, told) = (Fake::default(), Rc::new(RefCell::new(Vec::new())));
    let into = Rc::clone(&told);
    let reactor = listening(&fake, move |_: &Address| Watched(Rc::clone(&into)));
    fake.client(100);
    turns(&reactor, 2);
    assert!(!told.borrow()[0].is_fired());
    reactor.abandon();
    let told = told.borrow_mut().pop().expect("one connection");
    assert!(told.is_fired(), "nobody else will ever fire it");
    drop(told.add_errback(|_| Ok(Lost::Aborted)));
}
