//! Looking names up.

use crate::common::Host;
use sestina_reactor::{Driver, Event};
use sestina_reactor_mio::Options;
use std::io;
use std::net::IpAddr;
use std::sync::mpsc;

fn resolve(host: &mut Host, name: &str) -> io::Result<Vec<IpAddr>> {
    let token = host.token();
    host.driver.resolve(name, token);
    answer(host, token)
}

fn answer(host: &mut Host, token: sestina_reactor::Token) -> io::Result<Vec<IpAddr>> {
    host.until(|event| match event {
        Event::Resolved { token: told, addresses } if *told == token => Some(match addresses {
            Ok(addresses) => Ok(addresses.clone()),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        }),
        _ => None,
    })
}

#[test]
fn this_machine_has_a_name() {
    let addresses = resolve(&mut Host::new(), "localhost").expect("every machine knows itself");
    assert!(!addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
}

#[test]
fn an_address_is_its_own_name() {
    let mut host = Host::new();
    for name in ["127.0.0.1", "192.0.2.7", "::1", "2001:db8::7"] {
        let wanted: IpAddr = name.parse().expect("an address");
        assert_eq!(resolve(&mut host, name).expect("no lookup is needed"), [wanted]);
    }
}

#[test]
fn a_name_that_cannot_exist_is_an_error() {
    let mut host = Host::new();
    for name in ["does-not-exist.invalid", "", "with a\0zero"] {
        let error = resolve(&mut host, name).expect_err("no such name");
        assert!(!error.to_string().is_empty());
    }
}

#[test]
fn every_question_is_answered_under_its_own_token() {
    let mut host = Host::new();
    let questions: Vec<_> = (1..100_u8).map(|last| (host.token(), IpAddr::from([127, 0, 0, last]))).collect();
    for (token, address) in &questions {
        host.driver.resolve(&address.to_string(), *token);
    }
    for (token, address) in questions {
        assert_eq!(answer(&mut host, token).expect("no lookup is needed"), [address]);
    }
}

#[test]
fn when_too_many_jobs_wait_the_answer_is_an_error() {
    let mut host = Host::with(Options::default().with_threads_max(1).with_queued_jobs_max(0));
    let (release, released) = mpsc::channel::<()>();
    assert!(host.driver.offload(Box::new(move || assert!(released.recv().is_err()))).is_ok());
    let error = resolve(&mut host, "127.0.0.1").expect_err("the only thread is busy");
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    drop(release);
}
