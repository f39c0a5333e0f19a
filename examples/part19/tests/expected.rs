//! Each program says what its file in `expected/` says.

use sestina_example_support::{every_program_has_its_file, program};

#[test]
fn no_program_is_forgotten() {
    every_program_has_its_file(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn a_cancel_without_an_errback_is_reported() {
    // spec: P19-01, P19-05, P19-06
    program!("defer-cancel-1").check();
}

#[test]
fn an_errback_gets_cancelled() {
    // spec: P19-07, P19-08
    program!("defer-cancel-2").check();
}

#[test]
fn cancelling_what_has_fired_changes_nothing() {
    // spec: P19-09
    program!("defer-cancel-3").check();
}

#[test]
fn firing_what_was_cancelled_changes_nothing() {
    // spec: P19-10, P19-11
    program!("defer-cancel-4").check();
}

#[test]
fn a_canceller_is_asked_before_the_errback() {
    // spec: P19-13
    program!("defer-cancel-5").check();
}

#[test]
fn a_canceller_may_have_a_result() {
    // spec: P19-14
    program!("defer-cancel-6").check();
}

#[test]
fn a_canceller_may_have_an_error_of_its_own() {
    // spec: P19-15
    program!("defer-cancel-7").check();
}

#[test]
fn the_canceller_of_what_has_fired_is_not_asked() {
    // spec: P19-16
    program!("defer-cancel-8").check();
}

#[test]
fn a_poem_takes_five_seconds() {
    // spec: P19-17, P19-18
    program!("defer-cancel-9").check();
}

#[test]
fn without_a_canceller_the_work_goes_on() {
    // spec: P19-12, P19-19, P19-31
    program!("defer-cancel-10").check();
}

#[test]
fn a_canceller_stops_the_work() {
    // spec: P19-20, P19-21
    program!("defer-cancel-11").check();
}

#[test]
fn a_cancel_goes_to_what_is_waited_for() {
    // spec: P19-04, P19-29, P19-30
    program!("defer-cancel-12").check();
}

#[test]
fn a_cancel_goes_up_through_all_levels() {
    // spec: P19-04, P19-29
    program!("cancel-three-levels").check();
}

#[test]
fn a_cancel_reaches_a_timer_that_a_callback_started() {
    // spec: P19-36
    program!("cancel-outer-later").check();
}

#[test]
fn at_most_one_is_heard() {
    // spec: P19-11, P19-12, P19-40
    program!("cancel-is-safe").check();
}

#[test]
fn a_paused_chain_hears_of_its_cancel_when_it_goes_on() {
    // spec: P19-40
    program!("cancel-while-paused").check();
}

#[test]
fn a_canceller_that_panics_gives_a_failure() {
    // spec: P19-40
    program!("cancel-panics").check();
}

#[test]
fn a_cancel_has_a_reason() {
    // spec: P19-13
    program!("cancel-because").check();
}

#[test]
fn a_canceller_may_need_time() {
    // spec: P19-21
    program!("cancel-later").check();
}

#[test]
fn a_task_sees_the_cancel_at_its_await() {
    // spec: P17-40, P19-04
    program!("task-cancel-1").check();
}

#[test]
fn a_task_may_catch_the_cancel() {
    // spec: P17-40
    program!("task-cancel-2").check();
}

#[test]
fn a_task_may_roll_back_and_wait_for_it() {
    // spec: P17-40
    program!("task-cancel-3").check();
}

#[test]
fn a_task_that_refuses_is_dropped_after_its_grace() {
    // spec: P17-40
    program!("task-cancel-4").check();
}

#[test]
fn a_cancel_goes_up_through_tasks() {
    // spec: P17-40, P19-29
    program!("task-cancel-5").check();
}

#[test]
fn a_foreign_future_becomes_a_place_to_cancel() {
    // spec: P19-37
    program!("cancel-foreign").check();
}

#[test]
fn a_cancelled_download_closes_its_connection() {
    // spec: P19-02, P19-25, P19-27, P19-35
    program!("get-poetry-cancel").check();
}
