//! How connections come to be, or not: refused, no such host, a full backlog, no answer, addresses and rights.

use crate::common::{MS, connect, inet, kind, listen, pass, token};
use sestina_reactor::{Close, Connect, Driver, Listen};
use sestina_reactor_sim::{Fault, Faults, Odds, Partition, Simulation};
use std::io::ErrorKind;
use std::time::Duration;

const S: Duration = Duration::from_secs(1);

#[test]
fn nobody_there_is_refused_and_no_host_is_unreachable_soon() {
    let simulation = Simulation::seeded(1);
    let (mut alice, _bob) = (simulation.driver("alice"), simulation.driver("bob"));
    let (refused, nowhere) =
        (connect(&mut alice, &inet("10.0.0.2", 80)), connect(&mut alice, &inet("10.9.9.9", 80)));
    let (refused, nowhere) = (refused.expect("begins"), nowhere.expect("begins"));
    assert_eq!(kind(alice.connected(refused)), ErrorKind::WouldBlock);
    pass(&mut alice, MS);
    assert_eq!(kind(alice.connected(refused)), ErrorKind::ConnectionRefused);
    assert_eq!(kind(alice.connected(nowhere)), ErrorKind::HostUnreachable);
    assert!(
        simulation.trace().contains("alice:49152 -> bob:80 connect 10.0.0.2:80"),
        "{}",
        simulation.trace()
    );
}

#[test]
fn a_full_backlog_makes_clients_ask_again_until_somebody_accepts() {
    let simulation = Simulation::seeded(1);
    let mut alice = simulation.driver("alice");
    let (listener, at) =
        alice.listen(&Listen { backlog: 2, ..Listen::at(inet("127.0.0.1", 0)) }).expect("a port");
    let clients: Vec<_> = (0..3).map(|_| connect(&mut alice, &at).expect("begins")).collect();
    pass(&mut alice, 10 * MS);
    assert!(clients[..2].iter().all(|client| alice.connected(*client).is_ok()));
    assert_eq!(kind(alice.connected(clients[2])), ErrorKind::WouldBlock);
    alice.accept(listener).expect("one waits");
    pass(&mut alice, 2 * S);
    alice.connected(clients[2]).expect("the second try found room");
    alice.accept(listener).expect("the second");
    alice.accept(listener).expect("the third");
    assert_eq!(kind(alice.accept(listener)), ErrorKind::WouldBlock);
}

#[test]
fn who_waits_in_the_queue_of_a_closed_listener_is_reset() {
    let simulation = Simulation::seeded(1);
    let mut alice = simulation.driver("alice");
    let (listener, at) = listen(&mut alice, &inet("127.0.0.1", 0)).expect("a port");
    let client = connect(&mut alice, &at).expect("begins");
    pass(&mut alice, MS);
    alice.close(listener, Close::Polite);
    pass(&mut alice, MS);
    assert_eq!(kind(alice.recv(client, &mut [0])), ErrorKind::ConnectionReset);
    alice.close(client, Close::Polite);
    assert_eq!(simulation.sockets(), 0);
}

#[test]
fn without_any_answer_the_kernel_gives_up_after_two_minutes() {
    for black_hole in [true, false] {
        let faults =
            Faults::none().with(Fault::BlackHoles, if black_hole { Odds::ALWAYS } else { Odds::NEVER });
        let simulation = Simulation::seeded(1).faults(faults);
        let mut alice = simulation.driver("alice");
        let mut bob = simulation.driver("bob");
        listen(&mut bob, &inet("0.0.0.0", 80)).expect("a port");
        if !black_hole {
            let hosts = simulation.hosts();
            simulation.partition(&hosts[0], &hosts[1], Partition::Dropped);
        }
        let client = connect(&mut alice, &inet("10.0.0.2", 80)).expect("begins");
        pass(&mut alice, 120 * S);
        assert_eq!(kind(alice.connected(client)), ErrorKind::WouldBlock);
        pass(&mut alice, 20 * S);
        assert_eq!(kind(alice.connected(client)), ErrorKind::TimedOut);
    }
}

#[test]
fn a_partition_that_holds_packets_only_delays_a_connection() {
    let simulation = Simulation::seeded(1);
    let (mut alice, mut bob) = (simulation.driver("alice"), simulation.driver("bob"));
    let hosts = simulation.hosts();
    listen(&mut bob, &inet("0.0.0.0", 80)).expect("a port");
    simulation.partition(&hosts[0], &hosts[1], Partition::Held);
    let client = connect(&mut alice, &inet("10.0.0.2", 80)).expect("begins");
    pass(&mut alice, 100 * S);
    assert_eq!(kind(alice.connected(client)), ErrorKind::WouldBlock);
    simulation.heal(&hosts[0], &hosts[1]);
    pass(&mut alice, MS);
    alice.connected(client).expect("connected");
}

#[test]
fn addresses_are_taken_once_must_be_ours_and_low_ports_need_a_right() {
    let simulation = Simulation::seeded(1);
    let mut alice = simulation.driver("alice");
    let (all, _) = listen(&mut alice, &inet("0.0.0.0", 80)).expect("nobody has it");
    assert_eq!(kind(listen(&mut alice, &inet("127.0.0.1", 80))), ErrorKind::AddrInUse);
    listen(&mut alice, &inet("::", 80)).expect("the other family");
    assert_eq!(kind(listen(&mut alice, &inet("10.0.0.2", 81))), ErrorKind::AddrNotAvailable);
    simulation.hosts()[0].allow_low_ports(false);
    assert_eq!(kind(listen(&mut alice, &inet("0.0.0.0", 82))), ErrorKind::PermissionDenied);
    let (_, free) = listen(&mut alice, &inet("0.0.0.0", 0)).expect("a free port");
    let (_, other) = listen(&mut alice, &inet("0.0.0.0", 0)).expect("another");
    assert!(free.port() > Some(1023) && free.port() != other.port());
    alice.close(all, Close::Polite);
    simulation.hosts()[0].allow_low_ports(true);
    listen(&mut alice, &inet("127.0.0.1", 80)).expect("it is free again");
}

#[test]
fn a_client_may_come_from_an_address_of_its_own_choice() {
    let simulation = Simulation::seeded(1);
    let mut alice = simulation.driver("alice");
    let (listener, at) = listen(&mut alice, &inet("127.0.0.1", 0)).expect("a port");
    let from = |ip: &str| Connect {
        peer: at.clone(),
        bind: Some(std::net::SocketAddr::new(ip.parse().expect("ip"), 4000)),
    };
    assert_eq!(kind(alice.connect(&from("10.0.0.7"))), ErrorKind::AddrNotAvailable);
    assert_eq!(kind(alice.connect(&from("::1"))), ErrorKind::InvalidInput);
    let client = alice.connect(&from("127.0.0.1")).expect("begins");
    alice.watch(client, token(1)).expect("watches");
    assert_eq!(kind(alice.connect(&from("127.0.0.1"))), ErrorKind::AddrInUse);
    pass(&mut alice, MS);
    assert_eq!(alice.accept(listener).expect("it waits").1, inet("127.0.0.1", 4000));
}
