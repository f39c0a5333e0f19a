//! Each program says what its file in `expected/` says.

use sestina_example_support::{every_program_has_its_file, program};

#[test]
fn no_program_is_forgotten() {
    every_program_has_its_file(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn a_deferred_fires_and_its_callback_runs() {
    // spec: REF-16
    program!("defer-1").check();
}

#[test]
fn a_failure_goes_to_the_errback() {
    // spec: REF-16
    program!("defer-2").check();
}

#[test]
fn any_error_becomes_a_failure() {
    // spec: REF-16
    program!("defer-3").check();
}

#[test]
fn a_second_result_is_refused() {
    // spec: REF-17, P14-04
    program!("defer-4").check();
}

#[test]
fn a_failure_after_a_result_is_refused() {
    // spec: REF-17, P14-04
    program!("defer-5").check();
}

#[test]
fn a_second_failure_is_refused() {
    // spec: REF-17, P14-04
    program!("defer-6").check();
}

#[test]
fn a_result_after_a_failure_is_refused() {
    // spec: REF-17, P14-04
    program!("defer-7").check();
}

#[test]
fn a_deferred_fires_when_the_loop_runs() {
    // spec: REF-18
    program!("defer-8").check();
}

#[test]
fn what_is_done_in_either_case_is_said_once() {
    // spec: REF-18
    program!("defer-9").check();
}

#[test]
fn a_chain_waits_for_a_deferred_that_a_callback_returns() {
    // spec: REF-20, P17-11
    program!("defer-10").check();
}

#[test]
fn a_callback_that_blocks_holds_up_the_loop() {
    // spec: REF-19
    program!("defer-block").check();
}

#[test]
fn an_error_that_nobody_handles_is_reported() {
    // spec: REF-21, P14-24
    program!("defer-unhandled").check();
}

#[test]
fn a_failure_knows_where_it_arose() {
    // spec: REF-23
    program!("failure-examples").check();
}

#[test]
fn one_loop_runs_over_several_worlds() {
    // spec: REF-24
    program!("simple-poll").check();
}

#[test]
fn a_function_is_called_when_the_loop_runs() {
    // spec: REF-24
    program!("hello").check();
}

#[test]
fn the_loop_calls_the_callback() {
    // spec: REF-24
    program!("stack").check();
}

#[test]
fn a_function_has_itself_called_again() {
    // spec: REF-24
    program!("countdown").check();
}

#[test]
fn a_panic_ends_one_call_and_the_loop_goes_on() {
    // spec: REF-24
    program!("exception").check();
}

#[test]
#[cfg(unix)]
fn a_loop_with_nothing_to_do_runs_until_it_is_interrupted() {
    // spec: REF-24
    program!("simple").interrupted().check();
}
