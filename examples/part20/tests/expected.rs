//! Each program says what its file in `expected/` says; and the real one gets real poems.

use std::rc::Rc;
use std::time::Duration;

use sestina_example_part20::{Arguments, get_poetry};
use sestina_example_support::{every_program_has_its_file, program};
use sestina_poetry::{FastPoetry, Poem, SlowPoetry, poems};
use sestina_reactor::Endpoint;

#[test]
fn no_program_is_forgotten() {
    every_program_has_its_file(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn without_a_server_the_usage_is_said() {
    // spec: P20-12
    program!("erlang-client").check();
}

#[test]
fn a_port_that_is_none_is_answered_with_the_usage() {
    // spec: P20-13
    program!("erlang-client").args(&["10001", "verse"]).case("erlang-client").check();
}

#[test]
fn three_servers_at_once_a_line_for_each_piece_and_the_last_poem_first() {
    // spec: P20-11, P20-14, P20-15, P20-16, P20-18, P20-19, P20-23
    program!("erlang-client-simulated").args(&["server:10001", "server:10002", "server:10003"]).check();
}

#[test]
fn a_server_that_is_down_is_named_in_a_sentence_and_the_others_are_downloaded() {
    // spec: P20-21, P20-22, P20-31
    program!("erlang-client-simulated").args(&["server:10005", "server:10002"]).case("one-down").check();
}

#[test]
fn with_all_servers_down_it_ends_too() {
    // spec: P20-21, P20-22
    program!("erlang-client-simulated").args(&["server:10005", "server:10007"]).case("all-down").check();
}

#[test]
fn a_poem_that_was_cut_is_no_poem() {
    program!("erlang-client-simulated").args(&["server:10006", "server:10004"]).case("cut").check();
}

#[test]
fn it_can_be_quiet() {
    // spec: P20-28
    program!("erlang-client-simulated")
        .args(&["--quiet", "server:10001", "server:10003"])
        .case("quiet")
        .check();
}

#[test]
fn it_can_say_how_long_each_download_took() {
    // spec: P20-29
    let arguments = ["--quiet", "--times", "server:10001", "server:10003"];
    program!("erlang-client-simulated").args(&arguments).case("times").check();
}

#[test]
fn it_can_print_the_poems_in_the_order_of_the_servers() {
    // spec: P20-30
    let arguments = ["--quiet", "--in-order", "server:10003", "server:10001", "server:10002"];
    program!("erlang-client-simulated").args(&arguments).case("in-order").check();
}

#[test]
fn the_same_on_real_sockets() {
    // spec: P20-17, P20-23
    let reactor = sestina_reactor_mio::reactor().expect("a poller and a waker are there");
    let slow = SlowPoetry::new(Poem::from_bytes(poems::SCIENCE)).with_delay(Duration::from_millis(5));
    let slow = reactor.listen(&Endpoint::loopback(0), slow.with_num_bytes(100.try_into().unwrap())).unwrap();
    let fast = FastPoetry::new(Poem::from_bytes(poems::FASCINATION));
    let fast = reactor.listen(&Endpoint::loopback(0), fast).unwrap();
    let ports = [slow, fast].map(|port| port.local_addr().port().unwrap().to_string());
    let arguments = Arguments::parse(ports).expect("two ports");
    let said = Rc::new(std::cell::RefCell::new(Vec::new()));
    let heard = Rc::clone(&said);
    let poetry =
        get_poetry(&reactor, arguments, Rc::new(move |line: &str| heard.borrow_mut().push(line.to_owned())));
    let collected = reactor.run_until(poetry).expect("both are there");
    let (science, fascination) =
        (String::from_utf8_lossy(poems::SCIENCE), String::from_utf8_lossy(poems::FASCINATION));
    assert_eq!(collected.poems, format!("{science}\n{fascination}\n"), "the last one first");
    assert!(collected.missing.is_empty());
    assert!(said.borrow().iter().any(|line| line.starts_with("Task 1: got ")));
    assert!(said.borrow().iter().any(|line| line.starts_with("Task 2: got ")));
    assert_eq!((reactor.connections(), reactor.tasks()), (0, 0));
}

#[test]
fn a_server_may_have_a_task_for_each_client() {
    // spec: P20-32
    program!("erlang-server-simulated").check();
}
