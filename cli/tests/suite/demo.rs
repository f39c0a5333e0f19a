//! The demo: its own claims, and what it shows where.

use std::path::Path;

use crate::common::terminal::{StandardError, run_on_terminal};
use crate::common::{Program, sestina};
use rustix::process::Signal;

fn demo() -> std::process::Command {
    let mut command = sestina();
    command.arg("demo").env("TERM", "xterm").env_remove("NO_COLOR");
    command
}

/// Claims that do not depend on how busy the machine is.
const CLAIMS: usize = 5;

/// The lines of the README's picture, without its tags and numbers.
fn drawn() -> Vec<String> {
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pictures/demo.svg");
    let picture = std::fs::read_to_string(picture).expect("the picture is there");
    let text = |line: &str| -> String {
        line.split('<').map(|piece| piece.split_once('>').map_or(piece, |(_, text)| text)).collect()
    };
    picture
        .lines()
        .map(|line| without_numbers(&text(line).replace("&lt;", "<").replace("&gt;", ">")))
        .collect()
}

/// Numbers differ from run to run, and so do the gaps before them.
fn without_numbers(line: &str) -> String {
    let words = line.split_whitespace().map(|word| word.replace(|mark: char| mark.is_ascii_digit(), ""));
    words.collect::<Vec<_>>().join(" ")
}

/// The sixth claim is about time: a busy machine may break it, and then it is the only one, and said.
#[test]
fn all_its_claims_hold() {
    let ended = Program::run(demo());
    let table = String::from_utf8(ended.stdout).unwrap();
    let is_late = table.contains("FAILS  it ended within 6 seconds");
    assert_eq!(table.matches("holds  ").count(), CLAIMS + usize::from(!is_late), "{table}");
    assert_eq!(ended.code, Some(i32::from(is_late)), "{}", ended.stderr);
    assert_eq!(ended.stderr.contains("claim did not hold"), is_late, "{}", ended.stderr);
    assert_eq!(table.matches("through the proxy    ecstasy         3003 bytes").count(), 7, "{table}");
    assert_eq!(
        table.matches("client 5, through the proxy    ecstasy            hung up").count(),
        1,
        "{table}"
    );
    for words in ["upstream fetches: 1 ", "cancelled:        client 5", "wall time:", "from the cache:"] {
        assert!(table.contains(words), "{words}: {table}");
    }
    let drawn = drawn();
    for line in table.lines().filter(|line| line.starts_with("holds  ")) {
        assert!(
            drawn.contains(&without_numbers(line)),
            "`cargo xtask picture` draws anew: {line}\n{drawn:#?}"
        );
    }
    assert!(!table.contains('\x1b') && !ended.stderr.contains('\x1b'), "no colours in a pipe");
    assert!(ended.stderr.contains("client 5 hangs up: the proxy has 1512 of 3003 bytes"), "{}", ended.stderr);
}

#[test]
fn a_terminal_has_bars_and_colours() {
    let (_, shown) = run_on_terminal(demo(), StandardError::Terminal);
    assert!(shown.contains("\x1b[32mholds\x1b[0m  everybody"), "{shown}");
    assert!(shown.contains("proxy fetches ecstasy") && shown.contains("/3003 complete"), "{shown}");
}

#[test]
fn no_color_is_honoured() {
    let mut command = demo();
    command.env("NO_COLOR", "1");
    let (_, shown) = run_on_terminal(command, StandardError::Collected);
    assert!(shown.contains("holds  everybody") && !shown.contains('\x1b'), "{shown}");
}

#[test]
fn it_can_be_interrupted() {
    let mut program = Program::start(demo());
    program.wait_for_line(|line| line.contains("of 3003 bytes"));
    program.signal(Signal::INT);
    let ended = program.wait();
    assert_eq!((ended.code, ended.stdout.len()), (Some(130), 0), "{}", ended.stderr);
    assert!(!ended.stderr.contains("claim"), "{}", ended.stderr);
}
