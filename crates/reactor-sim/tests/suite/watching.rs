//! Ports that pause, and who is told of the ends of connections.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use sestina_reactor::{Address, Conn, ConnHandle, ConnectionGone, Endpoint, Lost, Protocol};
use sestina_reactor_sim::Simulation;

const MS: Duration = Duration::from_millis(1);

/// Greets, and stays.
struct Host(Rc<RefCell<Vec<ConnHandle>>>);
impl Protocol for Host {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write(b"welcome");
        self.0.borrow_mut().push(conn.handle());
    }
}

struct Guest;
impl Protocol for Guest {}

#[test]
fn who_connects_to_a_paused_port_waits_in_the_backlog_and_is_served_when_it_resumes() {
    let reactor = Simulation::seeded(1).reactor();
    let hosts = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&hosts);
    let port = reactor.listen(&Endpoint::loopback(7), move |_: &Address| Host(Rc::clone(&seen))).unwrap();
    port.pause_accepting();
    let counts = {
        let (reactor, hosts) = (reactor.clone(), Rc::clone(&hosts));
        async move {
            let mut counts = Vec::new();
            for step in 0..3 {
                reactor.connect(&Endpoint::loopback(7), |_: &Address| Guest).connected().await?;
                reactor.sleep(20 * MS).await?;
                counts.push(hosts.borrow().len());
                match step {
                    0 => port.resume_accepting(),
                    _ => port.pause_accepting(),
                }
                reactor.sleep(20 * MS).await?;
                counts.push(hosts.borrow().len());
            }
            Ok(counts)
        }
    };
    let counts = reactor.run_until(reactor.spawn(counts)).unwrap();
    assert_eq!(counts, [0, 1, 2, 2, 2, 2]);
}

#[test]
fn the_end_of_a_connection_is_told_with_its_reason_and_a_port_is_idle_after_the_last_one() {
    let reactor = Simulation::seeded(1).reactor();
    let hosts = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&hosts);
    let port = reactor.listen(&Endpoint::loopback(7), move |_: &Address| Host(Rc::clone(&seen))).unwrap();
    let story = {
        let (reactor, hosts, port) = (reactor.clone(), Rc::clone(&hosts), port.clone());
        async move {
            assert!(port.idle().is_fired(), "nobody is there");
            let first = reactor.connect(&Endpoint::loopback(7), |_: &Address| Guest);
            let second = reactor.connect(&Endpoint::loopback(7), |_: &Address| Guest);
            first.connected().await?;
            second.connected().await?;
            reactor.sleep(20 * MS).await?;
            assert_eq!(port.conversations().len(), 2);
            let (idle, lost) = (port.idle(), hosts.borrow()[0].lost());
            port.stop_listening().await?;
            assert_eq!(port.conversations().len(), 2, "they live on");
            first.abort();
            assert!(matches!(lost.await?, Lost::Reset));
            assert!(!idle.is_fired());
            let third = reactor.connect(&Endpoint::loopback(7), |_: &Address| Guest);
            assert!(third.connected().await.is_err(), "nobody listens");
            second.disconnect();
            idle.await?;
            assert!(port.conversations().is_empty() && port.idle().is_fired());
            let lost = hosts.borrow()[0].lost();
            let gone = lost.await.unwrap_err();
            assert!(gone.is::<ConnectionGone>());
            Ok(())
        }
    };
    reactor.run_until(reactor.spawn(story)).unwrap();
}
