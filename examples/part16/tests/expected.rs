//! Each program says what its file in `expected/` says.

use sestina_example_support::{every_program_has_its_file, program};

#[test]
fn no_program_is_forgotten() {
    every_program_has_its_file(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn services_start_in_order_and_stop_in_reverse_and_each_stop_is_waited_for() {
    // spec: P16-03, P16-04, P16-05, P16-06, P16-07, P16-08, P16-09, P16-10, P16-23, P16-26, P16-85
    program!("services").check();
}

#[test]
fn the_fastpoetry_application() {
    // spec: P16-11, P16-16, P16-17, P16-18, P16-19, P16-23, P16-24, P16-25, P16-27, P16-28
    program!("fastpoetry").check();
}

#[test]
fn a_missing_poem_is_a_failed_start() {
    // spec: P16-84
    program!("poem-is-missing").check();
}

#[test]
fn two_poems_in_one_application() {
    // spec: P16-79
    program!("two-poems").check();
}

#[test]
fn the_proxy_as_an_application() {
    // spec: P16-80
    program!("poetry-proxy").check();
}
