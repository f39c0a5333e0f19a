//! Each program says what its file in `expected/` says.

use sestina_example_support::{every_program_has_its_file, program};

#[test]
fn no_program_is_forgotten() {
    every_program_has_its_file(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn callbacks_run_as_they_are_added_to_what_has_fired() {
    // spec: P14-04, P14-07, P14-08, P14-14
    program!("defer-11").check();
}

#[test]
fn errbacks_run_as_they_are_added_to_what_has_failed() {
    // spec: P14-06, P14-20, P14-25
    program!("defer-11-failed").check();
}

#[test]
fn what_the_step_before_came_to_decides_which_of_the_two_runs() {
    // spec: P14-06
    program!("switch-paths").check();
}

#[test]
fn the_last_of_several_pauses_lets_go() {
    // spec: P14-08
    program!("pauses-nest").check();
}

#[test]
fn any_function_gives_a_deferred() {
    // spec: P14-13
    program!("maybe-deferred").check();
}

#[test]
fn succeed_and_fail_have_fired() {
    // spec: P14-14, P14-20, P14-23
    program!("succeed-and-fail").check();
}

#[test]
fn a_service_that_answers_now_or_later() {
    // spec: P14-01, P14-03, P14-10, P14-11, P14-23
    program!("caching-proxy-1").check();
}

#[test]
fn a_service_that_always_gives_a_deferred() {
    // spec: P14-03, P14-19, P14-21, P14-23
    program!("caching-proxy-2").check();
}

#[test]
fn a_poem_of_two_hours_is_old() {
    // spec: P14-26
    program!("caching-proxy-expiry").check();
}

#[test]
fn three_clients_make_one_request() {
    // spec: P14-27
    program!("caching-proxy-coalescing").check();
}

#[test]
fn an_errback_is_in_time_until_the_last_owner_gives_up() {
    // spec: P14-24
    program!("unhandled-in-time").check();
}

#[test]
fn nothing_fires_between_two_lines() {
    // spec: P14-29
    program!("between-two-lines").check();
}
