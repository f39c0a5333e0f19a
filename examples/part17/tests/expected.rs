//! Each program says what its file in `expected/` says.

use sestina_example_support::{every_program_has_its_file, program};

#[test]
fn no_program_is_forgotten() {
    every_program_has_its_file(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn a_generator_runs_while_a_value_is_wanted() {
    // spec: P17-01, P17-02, P17-04, P17-05
    program!("gen-1").check();
}

#[test]
fn a_generator_is_restarted_by_hand() {
    // spec: P17-03, P17-04
    program!("gen-2").check();
}

#[test]
fn generators_keep_their_places() {
    // spec: P17-05, P17-06
    program!("gen-3").check();
}

#[test]
fn values_and_failures_are_sent_in() {
    // spec: P17-07, P17-08, P17-09
    program!("gen-4").check();
}

#[test]
fn an_async_function_is_a_row_of_callbacks() {
    // spec: P17-12, P17-13, P17-15, P17-16, P17-17, P17-18
    program!("inline-callbacks-1").check();
}

#[test]
fn what_a_task_returns_is_what_its_deferred_fires_with() {
    // spec: P17-19, P17-20, P17-21, P17-28
    program!("inline-callbacks-2").check();
}

#[test]
fn the_loop_calls_the_task_through_a_deferred() {
    // spec: P17-28, P17-29
    program!("inline-callbacks-tb").check();
}

#[test]
fn awaiting_what_has_fired_does_not_wait() {
    // spec: P17-04, P17-16, P17-40
    program!("await-what-is-there").check();
}

#[test]
fn a_failure_is_an_error_at_the_await() {
    // spec: P17-17, P17-20
    program!("await-failures").check();
}

#[test]
fn a_task_that_never_ends_can_be_cancelled() {
    // spec: P17-39, P17-40
    program!("never-ending").check();
}

#[test]
fn three_functions_have_ninety_orders() {
    // spec: P17-35, P17-36
    program!("interleavings").check();
}

#[test]
fn every_failure_is_counted_and_the_program_ends() {
    // spec: P17-22, P17-24, P17-37, P17-38, P18-02
    program!("everything-inside").check();
}
