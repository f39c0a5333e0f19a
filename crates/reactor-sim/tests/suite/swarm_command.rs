//! The swarm as a program: what it prints, how it ends, and that what it prints replays.

use crate::example::{run, text};

/// The message of the planted bug: the first seed that fails, with one stroke of one fault, found among all.
const FINDING: &str = "\
seed SEED fails in naive: a sender was reset
replay: cargo run -p sestina-reactor-sim --example planted_bug -- --seed SEED --scenario naive
it needs only: cargo run -p sestina-reactor-sim --example planted_bug -- --seed SEED --scenario naive --only FAULT
";

/// The arguments in the last line of a finding.
fn replay_of(finding: &str) -> Vec<&str> {
    let command = finding.trim_end().rsplit(" -- ").next().expect("it ends with a command");
    command.split(' ').collect()
}

#[test]
fn a_planted_bug_is_found_with_the_one_fault_that_it_needs_and_the_command_replays_it() {
    let found = run("planted_bug", &["--seeds", "200"]);
    assert_eq!(found.status.code(), Some(1));
    let finding = text(&found.stderr);
    let arguments = replay_of(finding);
    let (seed, fault) = (arguments[1], arguments[5]);
    assert!(fault.starts_with("resets#"), "{finding}");
    assert_eq!(finding, FINDING.replace("SEED", seed).replace("FAULT", fault));
    let replayed = run("planted_bug", &arguments);
    let trace = text(&replayed.stdout);
    assert_eq!(replayed.status.code(), Some(1));
    assert!(
        trace.ends_with(&format!("== 1 faults struck: {fault}\n== naive FAILS: a sender was reset\n")),
        "{trace}"
    );
    assert!(trace.contains("fault resets"), "{trace}");
    let without = run("planted_bug", &["--seed", seed, "--only", "none"]);
    assert_eq!(without.status.code(), Some(0), "{}", text(&without.stdout));
}

#[test]
fn a_seed_gives_the_same_trace_byte_for_byte_in_every_process() {
    let arguments = ["--seed", "17"];
    let (one, two) = (run("swarm", &arguments), run("swarm", &arguments));
    assert_eq!(one.status.code(), Some(0), "{}", text(&one.stderr));
    assert!(one.stdout.len() > 10_000, "{} bytes", one.stdout.len());
    assert!(one.stdout == two.stdout, "two processes differ");
    assert!(run("swarm", &["--seed", "18"]).stdout != one.stdout);
}

#[test]
fn the_summary_the_list_the_help_and_the_exit_codes() {
    let some = run("swarm", &["--seeds", "2", "--from", "5", "--scenario", "poets"]);
    assert_eq!(text(&some.stdout), "2 seeds from 5, 1 scenario: everything holds\n");
    assert_eq!(some.status.code(), Some(0));
    let last = run("swarm", &["--seeds", "9", "--from", "18446744073709551614", "--scenario", "clocks"]);
    assert_eq!(text(&last.stdout), "1 seeds from 18446744073709551614, 1 scenario: everything holds\n");
    let list = run("swarm", &["--list"]);
    let names: Vec<&str> = text(&list.stdout).lines().collect();
    assert!(names.contains(&"poets") && names.contains(&"torture"), "{names:?}");
    let help = run("swarm", &["--help"]);
    assert!(help.status.success() && text(&help.stdout).contains("--only FAULTS"));
    for (wrong, says) in [
        (&["--seeds"][..], "--seeds needs a value"),
        (&["--seeds", "many"], "--seeds needs a number, not 'many'"),
        (&["--seeds", "0"], "no seed is left to run"),
        (&["--from", "18446744073709551615"], "no seed is left to run"),
        (&["--sedes", "3"], "'--sedes' is no option"),
        (&["--scenario", "poems"], "'poems' is no scenario: there are poets, "),
        (&["--only", "resets"], "--only belongs to --seed"),
        (&["--seed", "3", "--seeds", "4"], "--seed replays one seed"),
        (&["--seed", "3", "--only", "rests#1"], "'rests#1' is no fault: there are short-reads"),
    ] {
        let refused = run("swarm", wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        assert!(text(&refused.stderr).starts_with(says), "{wrong:?}: {}", text(&refused.stderr));
    }
}

#[test]
fn one_service_runs_unchanged_on_both_drivers() {
    let both = run("both_drivers", &[]);
    assert!(both.status.success(), "{}", text(&both.stderr));
    let said = text(&both.stdout);
    for world in
        ["the operating system: 71 bytes", "one simulated host:   71 bytes", "two, across an ocean: 71 bytes"]
    {
        assert!(said.contains(world), "{said}");
    }
    assert!(said.contains("reader:49152 -> poet:10000 connect"), "{said}");
}
