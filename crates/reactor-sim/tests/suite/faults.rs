//! Faults: each kind strikes, can be switched off, and leaves the decisions of the others alone.

use crate::common::{MS, inet, kind, listen, pair, pass, queue, read};
use sestina_reactor::{Close, Driver};
use sestina_reactor_sim::{Fault, Faults, Odds, Partition, Selector, Simulation};
use std::io::ErrorKind;
use std::time::Duration;

/// Talks for a while under these faults, and gives the trace and what struck.
fn talk(faults: Faults) -> (String, Vec<Selector>) {
    let simulation = Simulation::seeded(5).faults(faults);
    let (mut alice, mut bob) = (simulation.driver("alice"), simulation.driver("bob"));
    let Ok((listener, _)) = listen(&mut bob, &inet("0.0.0.0", 80)) else {
        return (String::new(), Vec::new());
    };
    for _ in 0..200 {
        let Ok(near) = crate::common::connect(&mut alice, &inet("10.0.0.2", 80)) else { continue };
        for _ in 0..20 {
            pass(&mut alice, 3 * MS);
            if alice.connected(near).is_ok() {
                break;
            }
        }
        for piece in 1..10 {
            drop(alice.send(near, &queue(&vec![7; 400 * piece])));
            if let Ok((far, _)) = bob.accept(listener) {
                pass(&mut bob, MS);
                drop(read(&mut bob, far));
                bob.close(far, Close::Polite);
            }
        }
        alice.close(near, Close::Polite);
    }
    (simulation.trace(), simulation.strokes().iter().map(|stroke| stroke.selector).collect())
}

#[test]
fn every_kind_that_a_stream_can_meet_strikes() {
    let (_, struck) = talk(Faults::all());
    for fault in Fault::ALL {
        let elsewhere = [
            Fault::SlowLookups,
            Fault::SlowJobs,
            Fault::FailedLookups,
            Fault::RefusedJobs,
            Fault::LostDatagrams,
            Fault::DoubledDatagrams,
            Fault::LateDatagrams,
            Fault::SpuriousEvents,
            Fault::EventOrder,
            Fault::ClockJumps,
            Fault::Partitions,
            Fault::Stalls,
        ];
        let seen = struck.iter().any(|selector| selector.fault == fault);
        assert!(seen || elsewhere.contains(&fault), "{fault} never struck");
    }
}

#[test]
fn a_kind_that_is_switched_off_does_not_strike_and_the_others_decide_as_before() {
    let faults = Faults::none()
        .with(Fault::ShortWrites, Odds::one_in(3))
        .with(Fault::Latency, Odds::one_in(3))
        .with(Fault::LostDatagrams, Odds::ALWAYS);
    let (whole, struck) = talk(faults.clone());
    let (same, _) = talk(faults.clone().except([Fault::LostDatagrams.into()]));
    assert_eq!(whole, same, "what does not concern this run changes nothing");
    let (_, left) = talk(faults.clone().only([Fault::Latency.into()]));
    assert!(!left.is_empty() && left.iter().all(|selector| selector.fault == Fault::Latency));
    let first: Vec<_> = struck.iter().filter(|selector| selector.fault == Fault::Latency).take(3).collect();
    assert_eq!(left.iter().take(3).collect::<Vec<_>>(), first, "numbered alike");
}

#[test]
fn a_single_stroke_can_be_asked_for_and_left_out() {
    let resets = |faults: Faults| {
        let (_, struck) = talk(faults.with(Fault::Resets, Odds::one_in(4)));
        struck.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let all = resets(Faults::none());
    assert_eq!(all[..3], ["resets#1", "resets#2", "resets#3"]);
    let second: Selector = "resets#2".parse().expect("a selector");
    assert_eq!(resets(Faults::none().only([second])), ["resets#2"]);
    assert!(!resets(Faults::none().except([second])).contains(&"resets#2".to_owned()));
}

#[test]
fn a_reset_strikes_both_ends() {
    let faults = Faults::none().with(Fault::Resets, Odds::ALWAYS);
    let simulation = Simulation::seeded(1).faults(faults);
    let (mut alice, mut bob) = (simulation.driver("alice"), simulation.driver("bob"));
    let (near, far) = pair(&mut alice, &mut bob, "10.0.0.2");
    assert_eq!(kind(alice.send(near, &queue(b"x"))), ErrorKind::ConnectionReset);
    pass(&mut bob, MS);
    assert_eq!(kind(bob.recv(far, &mut [0])), ErrorKind::ConnectionReset);
}

#[test]
fn a_clock_jumps_only_where_there_is_one() {
    let simulation = Simulation::seeded(1).faults(Faults::none().with(Fault::ClockJumps, Odds::ALWAYS));
    simulation.run_for(MS).expect("it can wait");
    assert!(simulation.strokes().is_empty());
    let alice = simulation.host("alice");
    simulation.run_for(MS).expect("it can wait");
    assert!(alice.reactor().now() > simulation.now());
}

#[test]
fn a_partition_by_hand_does_not_end_with_one_that_a_fault_has_begun() {
    let faults = Faults::none().with(Fault::Partitions, Odds::ALWAYS).lasting(Fault::Partitions, MS..MS);
    let simulation = Simulation::seeded(1).faults(faults);
    let (alice, bob) = (simulation.host("alice"), simulation.host("bob"));
    simulation.run_for(MS / 2).expect("it can wait");
    assert!(!simulation.strokes().is_empty());
    simulation.partition(&alice, &bob, Partition::Held);
    simulation.run_for(10 * MS).expect("it can wait");
    assert!(!simulation.trace().contains("healed"), "{}", simulation.trace());
}

#[test]
fn a_slow_line_and_a_long_one_take_their_time() {
    let took = |faults: Faults, link: sestina_reactor_sim::Link| {
        let simulation = Simulation::seeded(1).faults(faults).with_link(link);
        let (mut alice, mut bob) = (simulation.driver("alice"), simulation.driver("bob"));
        let (listener, at) = listen(&mut bob, &inet("10.0.0.2", 0)).expect("a port");
        let near = crate::common::connect(&mut alice, &at).expect("begins");
        pass(&mut alice, Duration::from_secs(1));
        let (far, _) = bob.accept(listener).expect("it waits");
        alice.send(near, &queue(&[7; 10_000])).expect("there is room");
        let begun = simulation.now();
        while read(&mut bob, far).is_err() {
            pass(&mut bob, MS / 10);
        }
        simulation.now() - begun
    };
    let plain = sestina_reactor_sim::Link::default();
    assert!(took(Faults::none(), plain.clone()) < MS);
    let narrow = plain.clone().with_bandwidth(1_000_000);
    assert!((10 * MS..11 * MS).contains(&took(Faults::none(), narrow)));
    let long = plain.clone().with_latency(40 * MS..60 * MS);
    assert!((40 * MS..61 * MS).contains(&took(Faults::none(), long)));
    let slow = Faults::none().with(Fault::SlowLines, Odds::ALWAYS).sized(Fault::SlowLines, 100_000..100_001);
    assert!((100 * MS..102 * MS).contains(&took(slow, plain)));
}

#[test]
fn a_spurious_would_block_is_followed_by_an_event() {
    let faults = Faults::none().with(Fault::WouldBlock, Odds::one_in(2));
    let simulation = Simulation::seeded(2).faults(faults);
    let (mut alice, mut bob) = (simulation.driver("alice"), simulation.driver("bob"));
    let (listener, at) = listen(&mut bob, &inet("10.0.0.2", 0)).expect("a port");
    bob.watch(listener, crate::common::token(1)).expect("watches");
    for _ in 0..20 {
        crate::common::connect(&mut alice, &at).expect("begins");
        pass(&mut alice, 2 * MS);
        let mut tries = 0;
        while bob.accept(listener).is_err() {
            tries += 1;
            assert!(
                crate::common::told(&pass(&mut bob, 2 * MS), crate::common::token(1)).0,
                "after {tries} tries"
            );
        }
    }
}

#[test]
fn names_of_faults_are_read_as_they_are_written() {
    for fault in Fault::ALL {
        assert_eq!(fault.name().parse(), Ok(fault));
    }
    let unknown = "reset".parse::<Selector>().expect_err("resets");
    assert!(unknown.to_string().starts_with("'reset' is no fault: there are short-reads"), "{unknown}");
    assert!("resets#x".parse::<Selector>().is_err());
}
