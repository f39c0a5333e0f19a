//! One seed, one trace, byte for byte.

use sestina_reactor::{Address, Conn, Endpoint, Protocol};
use sestina_reactor_sim::{Faults, Simulation};
use std::rc::Rc;
use std::time::Duration;

/// Writes a body and reads back what comes.
struct Talker(Rc<[u8]>);

impl Protocol for Talker {
    fn connection_made(&mut self, conn: &mut Conn<'_>) {
        conn.write_shared(Rc::clone(&self.0));
        conn.lose_connection();
    }
}

struct Echo;

impl Protocol for Echo {
    fn data_received(&mut self, conn: &mut Conn<'_>, data: &[u8]) {
        conn.write(data);
    }
}

fn run(seed: u64) -> String {
    let simulation = Simulation::seeded(seed).faults(Faults::all());
    let (alice, bob, carol) = (simulation.host("alice"), simulation.host("bob"), simulation.host("carol"));
    for host in [&alice, &bob] {
        drop(host.reactor().listen(&Endpoint::tcp("", 80), |_: &Address| Echo));
    }
    let body: Rc<[u8]> = vec![7; 40_000].into();
    for number in 0..240 {
        let (from, to) = if number % 2 == 0 { (&carol, "alice") } else { (&alice, "bob") };
        let (reactor, body, to) = (from.reactor(), Rc::clone(&body), Endpoint::tcp(to, 80));
        from.reactor().call_later(Duration::from_millis(number * 3), move || {
            drop(reactor.connect(&to, move |_: &Address| Talker(Rc::clone(&body))));
        });
    }
    let victim = bob.clone();
    simulation.call_after(Duration::from_millis(90), move |_| victim.crash());
    simulation.run_for(Duration::from_secs(60)).expect("it can wait");
    simulation.stop().expect("nothing takes time");
    assert_eq!(simulation.leftovers(), [""; 0]);
    simulation.trace()
}

#[test]
fn the_same_seed_gives_the_same_thousands_of_lines_and_another_seed_others() {
    let first = run(11);
    let lines = first.lines().count();
    assert!(lines > 3000, "{lines} lines");
    assert!(first == run(11), "two runs of a seed differ");
    assert!(first != run(12));
}

#[test]
fn a_trace_says_who_did_what_to_whom_and_when() {
    let simulation = Simulation::seeded(1);
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    bob.reactor().listen(&Endpoint::tcp("", 80), |_: &Address| Echo).expect("a port");
    let body: Rc<[u8]> = Rc::from(&b"poem"[..]);
    alice.reactor().connect(&Endpoint::tcp("10.0.0.2", 80), move |_: &Address| Talker(Rc::clone(&body)));
    simulation.note("it begins");
    simulation.run_for(Duration::from_secs(1)).expect("it can wait");
    let wanted = "\
0.000000000 bob listen 0.0.0.0:80
0.000000000 alice:49152 -> bob:80 connect 10.0.0.2:80
0.000000000 it begins
0.000500000 alice:49152 -- bob:80 connected
0.000500000 alice:49152 -> bob:80 bytes 4
0.000500000 alice:49152 -> bob:80 end
0.000750000 bob:80 -- alice:49152 accepted
0.000750000 bob:80 <- alice:49152 read 4
0.000750000 bob:80 -> alice:49152 bytes 4
0.000750000 bob:80 <- alice:49152 read the end
0.000750000 bob:80 -> alice:49152 end
0.001000000 alice:49152 <- bob:80 read 4
0.001000000 alice:49152 <- bob:80 read the end
0.001000000 alice:49152 -- bob:80 close
";
    assert_eq!(simulation.trace(), wanted);
}

#[test]
fn without_a_trace_everything_else_is_the_same() {
    let times = [true, false].map(|kept| {
        let simulation = Simulation::seeded(3).faults(Faults::gentle());
        let simulation = if kept { simulation } else { simulation.without_trace() };
        let reactor = simulation.reactor();
        let port = reactor.listen(&Endpoint::loopback(0), |_: &Address| Echo).expect("a port");
        let body: Rc<[u8]> = vec![7; 100_000].into();
        let at = Endpoint::loopback(port.local_addr().port().expect("an IP address"));
        reactor.connect(&at, move |_: &Address| Talker(Rc::clone(&body)));
        simulation.run_for(Duration::from_secs(10)).expect("it can wait");
        assert_eq!(simulation.trace().is_empty(), !kept);
        (reactor.statistics(), simulation.strokes())
    });
    assert_eq!(times[0], times[1]);
}

#[test]
fn random_numbers_of_a_simulation_are_those_of_its_seed() {
    let numbers = |seed| {
        let reactor = Simulation::seeded(seed).reactor();
        [reactor.random(), reactor.random()]
    };
    assert_eq!(numbers(1), numbers(1));
    assert_ne!(numbers(1), numbers(2));
    let [one, two] = numbers(1);
    assert_ne!(one, two);
    let reactor = Simulation::seeded(1).reactor();
    // Turns and lines draw from streams of their own.
    reactor.run_until(reactor.sleep(Duration::from_millis(1))).expect("time passes");
    assert_eq!(reactor.random(), one);
}
