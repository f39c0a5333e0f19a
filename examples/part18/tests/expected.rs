//! Each program says what its file in `expected/` says.

use sestina_example_support::{every_program_has_its_file, program};

#[test]
fn no_program_is_forgotten() {
    every_program_has_its_file(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn an_empty_list_has_fired_when_it_is_made() {
    // spec: P18-04, P18-07
    program!("deferred-list-1").check();
}

#[test]
fn the_answer_of_a_member_is_a_result() {
    // spec: P18-05
    program!("deferred-list-2").check();
}

#[test]
fn a_list_waits_for_all_members() {
    // spec: P18-03, P18-06, P18-07
    program!("deferred-list-3").check();
}

#[test]
fn the_answers_stand_in_the_order_of_the_members() {
    // spec: P18-08, P18-10
    program!("deferred-list-4").check();
}

#[test]
fn a_failure_is_an_answer_and_nobody_reports_it() {
    // spec: P18-09, P18-10, P18-13
    program!("deferred-list-5").check();
}

#[test]
fn a_failure_that_another_owner_of_the_member_forgets_is_reported() {
    // spec: P18-11, P18-12
    program!("deferred-list-6").check();
}

#[test]
fn an_errback_added_after_the_list_was_made_silences_the_report() {
    // spec: P18-14
    program!("deferred-list-7").check();
}

#[test]
fn a_member_keeps_what_it_came_to() {
    // spec: P18-12, P18-13
    program!("deferred-list-after").check();
}

#[test]
fn the_first_value_wins_and_the_losers_are_cancelled() {
    // spec: P18-17, P18-19
    program!("deferred-list-first").check();
}

#[test]
fn the_first_failure_ends_a_list_that_asks_for_it() {
    // spec: P18-13, P18-17, P18-19
    program!("deferred-list-first-error").check();
}

#[test]
fn a_list_is_a_member_like_any_other() {
    // spec: P18-20
    program!("deferred-list-of-lists").check();
}

#[test]
fn corners_of_lists_have_answers() {
    // spec: P18-23
    program!("deferred-list-edges").check();
}

#[test]
fn a_map_answers_by_key() {
    // spec: P18-22
    program!("deferred-map").check();
}

#[test]
fn nothing_is_printed_before_every_poem_has_answered() {
    // spec: P18-02, P18-15, P18-21
    program!("all-at-the-end").check();
}
