//! A crate of a stranger: its tests are run as `cargo test` and `cargo nextest` run them, and every report is compared
//! word for word with the file of its name in `tests/reports`.
//!
//! Only what differs from machine to machine is made equal: paths, numbers of processes, threads and ports, and times of
//! the real reactor. After a change that is meant: `BLESS=1 cargo test -p sestina-trial --test stranger`, and read the
//! diff.
#![allow(clippy::print_stderr, reason = "who runs the test is to know what it skips")]

mod common;

use std::process::{Command, Stdio};

use common::{Stranger, compare, folder, normal, target};

/// Every test of the samples that fails, with its module.
const FAILING: &[(&str, &[&str])] = &[
    (
        "failing",
        &[
            "it_returns_an_error",
            "it_returns_an_error_of_another_type",
            "its_deferred_fails",
            "it_panics",
            "it_panics_in_a_callback",
            "a_protocol_panics",
            "an_assertion_about_a_failure_fails",
            "it_fails_with_something_else",
            "it_fails_with_another_of_the_type",
            "there_is_no_success",
            "there_is_a_result",
            "there_is_another_failure",
        ],
    ),
    (
        "slow",
        &[
            "it_takes_too_long",
            "it_takes_too_long_in_real_time",
            "nobody_will_ever_answer",
            "its_deferred_never_fires",
            "a_clean_up_never_fires",
            "it_never_comes_to_rest",
            "it_does_not_give_the_loop_back",
        ],
    ),
    (
        "dirty",
        &[
            "a_timer",
            "a_repeated_call",
            "a_port",
            "connections",
            "an_attempt_to_connect",
            "a_datagram_socket",
            "a_process",
            "a_thread",
            "a_long_computation",
            "a_deferred",
            "a_task",
            "something_on_another_host",
            "an_error_that_nobody_looked_at",
            "a_logged_error",
            "an_error_logged_on_a_thread",
            "everything_at_once",
        ],
    ),
    ("cleaning", &["clean_ups_fail", "a_clean_up_takes_too_long", "the_set_up_fails", "the_tear_down_fails"]),
    ("expected", &["it_passes_although_it_should_fail", "it_fails_otherwise"]),
    ("seeded", &["one_seed_fails", "a_named_seed"]),
];

fn failing() -> impl Iterator<Item = String> {
    FAILING.iter().flat_map(|(module, tests)| tests.iter().map(move |test| format!("{module}::{test}")))
}

#[test]
fn a_stranger_gets_these_reports() {
    // spec: P15-02, P15-06, P15-09, P15-10, P15-12, P15-13, P15-15, P15-19, P15-23, P15-24, P15-25, P15-26, P15-27
    let stranger = Stranger::build();
    let mut wrong = Vec::new();
    for test in failing() {
        let run = stranger.run(&test, &[]);
        assert!(!run.status.success(), "{test} must fail");
        wrong.extend(compare(&test, &normal(&run)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    all_others_pass(&stranger);
    replays(&stranger);
    logs_are_kept_where_they_belong();
    nextest_agrees();
}

/// The whole run, in the order of the names.
fn all_others_pass(stranger: &Stranger) {
    let run = stranger.run_all(&["passing", "--test-threads=1"], &[]);
    assert!(run.status.success(), "{}", normal(&run));
    let wrong = compare("passing", &normal(&run));
    assert!(wrong.is_none(), "{}", wrong.unwrap_or_default());
    let all = stranger.run_all(&["--skip", "it_does_not_give_the_loop_back"], &[]);
    let text = normal(&all);
    let summary = text.lines().find(|line| line.starts_with("test result:")).unwrap_or_default();
    let count = failing().count() - 1;
    assert!(
        summary.starts_with(&format!("test result: FAILED. 6 passed; {count} failed; 1 ignored;")),
        "{summary}"
    );
    assert!(!text.contains("nobody wants to see this"), "the log of a test that passes is not shown");
}

/// The command that a report prints, without cargo.
fn replays(stranger: &Stranger) {
    let test = "seeded::one_seed_fails";
    assert!(stranger.run(test, &[("SESTINA_SEED", "16")]).status.success(), "seed 16 is fine");
    let replayed = stranger.run(test, &[("SESTINA_SEED", "17")]);
    let first = stranger.run(test, &[]);
    assert_eq!(normal(&replayed), normal(&first), "the same seed, the same report");
    let under_nextest = stranger.run(test, &[("NEXTEST", "1")]);
    let text = normal(&under_nextest);
    assert!(
        text.contains("SESTINA_SEED=17 cargo nextest run -p stranger -E 'test(=seeded::one_seed_fails)'"),
        "{text}"
    );
}

fn logs_are_kept_where_they_belong() {
    let log = target().join("trial/stranger/samples/seeded.one_seed_fails.log");
    let text = std::fs::read_to_string(&log).expect("the log of a test is a file below target/trial");
    assert!(text.contains("this is seed 17") && !text.contains("this is seed 16"), "{text}");
    let kept = target().join("trial/stranger/samples/passing.what_it_logs_is_not_shown.log");
    assert!(std::fs::read_to_string(kept).expect("it is kept").contains("nobody wants to see this"));
    let mut here: Vec<_> = std::fs::read_dir(folder())
        .expect("the stranger's folder")
        .map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"))
        .collect();
    here.sort();
    assert_eq!(here, ["Cargo.toml", "src", "tests"], "nothing is written beside the sources");
}

/// The same verdicts by nextest, if it is installed.
fn nextest_agrees() {
    let installed = Command::new("cargo-nextest")
        .args(["nextest", "--version"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !installed {
        eprintln!("skipped: there is no cargo-nextest here; its way to run tests was tried by hand");
        return;
    }
    let mut nextest = Stranger::cargo("nextest run", "samples");
    nextest.args(["--no-fail-fast", "--color=never", "--hide-progress-bar"]);
    nextest.args(["-E", "not test(it_does_not_give_the_loop_back)"]);
    let run = nextest.output().expect("nextest runs");
    let text = String::from_utf8_lossy(&run.stderr);
    let summary = text.lines().find(|line| line.contains("Summary")).unwrap_or_default();
    let count = failing().count() - 1;
    assert!(summary.contains(&format!("6 passed, {count} failed, ")), "{summary}\n{text}");
    assert!(target().join("trial").is_dir());
}
