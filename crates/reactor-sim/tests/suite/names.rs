//! Names: hosts, made up ones, and those that mean the same to everybody.

use crate::common::{MS, pass, token};
use sestina_reactor::{Driver, Event};
use sestina_reactor_sim::{Fault, Faults, Odds, SimDriver, Simulation};

fn lookup(driver: &mut SimDriver, name: &str) -> Result<Vec<String>, String> {
    driver.resolve(name, token(1));
    let answer = pass(driver, 2 * MS).into_iter().find_map(|event| match event {
        Event::Resolved { addresses, .. } => Some(addresses),
        _ => None,
    });
    let addresses = answer.expect("an answer within two milliseconds").map_err(|error| error.to_string())?;
    Ok(addresses.iter().map(ToString::to_string).collect())
}

#[test]
fn hosts_are_known_by_name_and_so_is_what_a_test_makes_up() {
    let simulation = Simulation::seeded(1);
    let (mut alice, _bob) = (simulation.driver("alice"), simulation.driver("bob"));
    simulation.add_name("Example.org", &["192.0.2.1".parse().expect("an address")]);
    for (name, means) in [
        ("bob", vec!["10.0.0.2", "fd00::2"]),
        ("BOB.", vec!["10.0.0.2", "fd00::2"]),
        ("localhost", vec!["127.0.0.1", "::1"]),
        ("example.org", vec!["192.0.2.1"]),
        ("192.0.2.7", vec!["192.0.2.7"]),
    ] {
        assert_eq!(lookup(&mut alice, name).expect(name), means, "{name}");
    }
    assert!(lookup(&mut alice, "carol").is_err());
}

#[test]
fn invalid_names_stay_invalid_and_lookups_can_fail() {
    let simulation = Simulation::seeded(1);
    let mut alice = simulation.driver("alice");
    simulation.add_name("poetry.invalid", &["192.0.2.1".parse().expect("an address")]);
    assert_eq!(lookup(&mut alice, "poetry.invalid").expect_err("RFC 6761"), "the name has no address");
    let faults = Faults::none().with(Fault::FailedLookups, Odds::ALWAYS);
    let mut bob = Simulation::seeded(1).faults(faults).driver("bob");
    assert_eq!(lookup(&mut bob, "bob").expect_err("a fault"), "temporary failure in name resolution");
}
