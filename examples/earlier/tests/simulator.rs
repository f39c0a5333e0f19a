//! The deferred simulator, as a person and as a program would use it.

use sestina_example_support::{Program, program};

fn simulator(case: &str) -> Program {
    program!("deferred-simulator").case(case)
}

#[test]
fn pairs_from_standard_input_are_drawn_side_by_side() {
    // spec: REF-22
    program!("deferred-simulator").input("r good f bad\nf googly p\n\n").check();
}

#[test]
fn narrow_drawings_stand_one_below_the_other() {
    // spec: REF-22
    simulator("deferred-simulator-narrow").args(&["--narrow"]).input("r good f bad\nf googly p\n\n").check();
}

#[test]
fn what_passes_through_stays_what_it_is() {
    // spec: REF-22
    simulator("deferred-simulator-passthru").args(&["--narrow"]).input("p p\np r ok\nr x f y\n\n").check();
}

#[test]
fn pairs_may_be_arguments_and_the_end_of_input_ends_them_too() {
    // spec: REF-22
    let pairs = ["return good fail bad", "fail googly passthru"];
    let from_arguments = simulator("deferred-simulator").args(&pairs).transcript();
    let from_input = simulator("deferred-simulator").input(&pairs.join("\n")).transcript();
    assert_eq!(from_arguments, from_input);
    simulator("deferred-simulator").args(&pairs).check();
}

#[test]
fn a_chain_may_be_fired_with_one_value_or_failure() {
    // spec: REF-22
    simulator("deferred-simulator-fail").args(&["--fail", "oops", "p r ok"]).check();
    simulator("deferred-simulator-fire").args(&["--fire=42", "--ascii", "f no f never", "p r yes"]).check();
}

#[test]
fn colours_are_drawn_when_they_are_asked_for() {
    // spec: REF-22
    simulator("deferred-simulator-colour").args(&["--color", "always", "f no p"]).check();
    let plain = simulator("deferred-simulator-colour").args(&["f no p"]).transcript();
    assert!(!plain.contains('\u{1b}'), "a pipe gets no colours:\n{plain}");
}

#[test]
fn mistakes_are_told_with_their_lines_and_the_rest_is_drawn() {
    // spec: REF-22
    let input = "\nreturn\nr x\nf toolong7 p\nr a-b p\nsing song\nr a f b c\np p\n";
    simulator("deferred-simulator-mistakes").args(&["--fire", "x"]).input(input).check();
}

#[test]
fn the_end_of_input_ends_quietly() {
    // spec: REF-22
    assert_eq!(simulator("-").transcript(), "");
}

#[test]
fn wrong_arguments_end_with_2() {
    // spec: REF-22
    let cases: [(&[&str], &str); 8] = [
        (&["foo"], "pair 'foo': 'foo' is not return, fail or passthru"),
        (&["--wide"], "there is no option '--wide'"),
        (&["--narrow=yes"], "'--narrow' is not an option with a value"),
        (&["--fire"], "--fire needs a value"),
        (&["--fire", "a b"], "--fire: 'a b' has other characters than letters and digits (a-z, 0-9)"),
        (&["--color", "red"], "--color: 'red' is not auto, always or never"),
        (
            &["--fire", "1", "--fire", "2", "--fire", "3"],
            "--fire and --fail may be given twice together, not more often",
        ),
        (&["--", "--ascii"], "pair '--ascii': '--ascii' is not return, fail or passthru"),
    ];
    for (arguments, mistake) in cases {
        let said = simulator("-").args(arguments).transcript();
        let wanted = format!("--- standard error\ndeferred-simulator: {mistake}; see --help\n--- exit 2\n");
        assert_eq!(said, wanted);
    }
}

#[test]
fn hostile_input_is_refused() {
    let said = simulator("-").input(&"x".repeat(100_000)).transcript();
    assert!(said.contains("ERROR: line 1: it has more than 1024 bytes"), "{said}");
    let said = simulator("-").input("r \u{1b}[31m p\n").transcript();
    assert!(!said.contains('\u{1b}'), "escape sequences are not passed on: {said:?}");
    let said = simulator("-").args(&["--fire", "x"]).input(&"p p\n".repeat(101)).transcript();
    assert!(said.contains("ERROR: line 101: more than 100 pairs"), "{said}");
}

#[test]
fn help_fits_a_terminal_and_its_examples_run() {
    // spec: REF-22
    let said = simulator("-").args(&["--help"]).transcript();
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
    let first = ["return good fail bad", "fail googly passthru"];
    for arguments in [&first[..], &["--fail", "oops", "p r ok"]] {
        let shown: Vec<String> = arguments
            .iter()
            .map(
                |argument| {
                    if argument.contains(' ') { format!("'{argument}'") } else { (*argument).to_owned() }
                },
            )
            .collect();
        assert!(said.contains(&format!("deferred-simulator {}\n", shown.join(" "))), "{said}");
        assert!(!simulator("-").args(arguments).transcript().contains("---"), "it ends well");
    }
}

#[test]
fn side_by_side_fits_80_columns() {
    let said = simulator("-").args(&["r abcdef f abcdef", "f abcdef r abcdef"]).transcript();
    assert!(said.lines().all(|line| line.chars().count() <= 80), "{said}");
}
