//! Laws: whatever is done to deferreds, in whatever order and from wherever, they do what the model does.

#[path = "../common/mod.rs"]
mod common;
mod model;
mod played_engine;
mod script;

use proptest::test_runner::{Config, TestRunner};

use model::Model;
use played_engine::PlayedEngine;

/// Random cases.
fn cases() -> u32 {
    if common::is_full() { 12_000 } else { 500 }
}

#[test]
fn deferreds_do_what_the_model_does_and_leave_nothing_behind() {
    let config =
        Config { cases: cases(), max_shrink_iters: 20_000, failure_persistence: None, ..Config::default() };
    let law = |case: Vec<script::Op>| {
        let expected = Model::default().play(&case);
        assert_eq!(PlayedEngine::default().play(&case), expected);
        // The second time, what the thread keeps for itself is there already.
        let info = allocation_counter::measure(|| drop(PlayedEngine::default().play(&case)));
        assert_eq!((info.count_current, info.bytes_current), (0, 0), "memory is left");
        Ok(())
    };
    if let Err(error) = TestRunner::new(config).run(&script::case(), law) {
        panic!("{error:#}");
    }
}

/// A model that nobody can read whole would be no judge.
#[test]
fn the_model_has_at_most_200_lines() {
    assert!(include_str!("model.rs").lines().count() <= 200);
}
