//! The client: what it prints, what it complains about, and how it ends.

use std::process::{Command, Stdio};

use crate::common::poet::{End, nobody, poet, poet_for_all_at_once};
use crate::common::terminal::{StandardError, run_on_terminal};
use crate::common::{Program, Server, get_poetry, poem};
use rustix::process::Signal;

fn reader(poets: &[&str]) -> Command {
    let mut command = get_poetry();
    command.args(poets);
    command
}

// spec: REF-06
#[test]
fn one_poem_is_its_bytes_and_nothing_else() {
    let bytes: &[u8] = b"no end of line, and a \x1b[31mcolour\x00\xff";
    let ended = Program::run(reader(&[&poet(bytes, End::Clean).to_string()]));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert_eq!(ended.stdout, bytes);
}

// spec: REF-06
#[test]
fn several_poems_come_in_the_order_in_which_they_arrive_each_with_its_line() {
    let (slow, fast) = (Server::slow("science", "40", "30ms"), Server::fast("fascination"));
    let bare = poet(b"bare", End::Clean);
    let ended = Program::run(reader(&[&slow.port(), &format!("localhost:{}", fast.port())]));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert!(ended.stdout == [poem("fascination"), poem("science")].concat());
    let ended = Program::run(reader(&[&slow.port(), &bare.to_string()]));
    assert!(ended.stdout == [b"bare\n".to_vec(), poem("science")].concat());
}

/// The poet says nothing before all fifty are there, so one after the other would never end.
#[test]
fn downloads_happen_all_at_once() {
    let port = poet_for_all_at_once(b"a poem\n", 50).port().to_string();
    let ended = Program::run(reader(&[&*port; 50]));
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert!(ended.stdout == b"a poem\n".repeat(50));
}

// spec: P17-27, REF-06
#[test]
fn each_that_fails_has_its_line_and_the_others_are_printed() {
    let nobody = nobody();
    let fast = Server::fast("science");
    let (reset, empty) = (poet(b"half of a ", End::Reset), poet(b"", End::Clean));
    let poets = [nobody, reset, empty, fast.at].map(|at| at.to_string());
    let ended = Program::run(reader(&[&poets[0], &poets[1], &poets[2], &poets[3]]));
    assert_eq!(ended.code, Some(1));
    assert!(ended.stdout == poem("science"), "a torn poem is not printed");
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let expected = [
        (nobody, "refused the connection: nobody listens there"),
        (reset, "reset"), // perhaps before the client knew that it was connected, which is another error
        (empty, "closed the connection without a poem: its log may say why"),
    ];
    for (poet, words) in &expected {
        let begin = format!("get-poetry: {poet}");
        let found = lines.iter().filter(|line| line.starts_with(&begin) && line.contains(words)).count();
        assert_eq!(found, 1, "{poet} {words}: {lines:?}");
    }
    assert_eq!(lines.len(), expected.len(), "{lines:?}");
}

#[test]
fn a_silent_poet_is_left_after_the_timeout() {
    let at = poet(b"Where, ", End::Never).to_string();
    let ended = Program::run(reader(&["--idle-timeout", "50ms", &at]));
    assert_eq!(ended.code, Some(1));
    let line = format!("get-poetry: {at} sent nothing for 50ms after 7 bytes: allow it more time");
    assert_eq!(ended.stderr, line);
}

#[test]
fn a_host_without_an_address_is_named() {
    let ended = Program::run(reader(&["sestina-no-such-host.invalid:1"]));
    assert_eq!(ended.code, Some(1));
    let words =
        "get-poetry: sestina-no-such-host.invalid:1: the host name 'sestina-no-such-host.invalid' has no";
    assert!(ended.stderr.starts_with(words) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
}

#[test]
fn a_signal_cancels_the_downloads_and_shows_in_the_exit_status() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let mut slow = Server::slow("ecstasy", "1", "20ms");
        let program = Program::start(reader(&[&slow.port()]));
        slow.program.wait_for_line(|line| line.contains("sending"));
        program.signal(signal);
        let ended = program.wait();
        assert_eq!(ended.code, Some(code));
        let begin = format!("get-poetry: {}: cancelled after ", slow.at);
        assert!(ended.stderr.starts_with(&begin) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
        slow.program.wait_for_line(|line| line.contains("left after"));
        slow.stop();
    }
}

#[test]
fn a_reader_that_goes_away_ends_it_quietly() {
    let slow = Server::slow("ecstasy", "1000", "50ms");
    let mut command = reader(&[&slow.port()]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    drop(child.stdout.take());
    let ended = Program::of(child).wait();
    assert_eq!((ended.code, &*ended.stderr), (Some(141), ""), "as if SIGPIPE had ended it");
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let fast = Server::fast("science");
    let mut command = reader(&[&fast.port()]);
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    command.stdin(Stdio::null()).stdout(full).stderr(Stdio::piped());
    let ended = Program::of(command.spawn().unwrap()).wait();
    assert_eq!(ended.code, Some(1));
    let words = "get-poetry: cannot write to the standard output: No space left on device";
    assert!(ended.stderr.starts_with(words), "{}", ended.stderr);
}

#[test]
fn closed_standard_streams_are_no_reason_to_panic() {
    let fast = Server::fast("science");
    for (redirections, code) in [("2>&-", 0), (">&-", 0), ("<&- >&- 2>&-", 0)] {
        let mut shell = Command::new("sh");
        shell.args(["-c", &format!("exec \"$0\" \"$1\" {redirections}"), env!("CARGO_BIN_EXE_get-poetry")]);
        shell.arg(fast.port());
        let ended = Program::run(shell);
        assert_eq!((ended.code, &*ended.stderr), (Some(code), ""), "{redirections}");
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", "exec \"$0\" fastpoetry 2>&-", env!("CARGO_BIN_EXE_sestina")]);
    assert_eq!(Program::run(shell).code, Some(2));
}

#[test]
fn a_terminal_is_not_controlled_by_a_poem() {
    let at =
        poet(b"over\x1b[2J\x1b]0;evil\x07\r\n\tpoem\xff\xc2\x9b1m\xe2\x80\xaetxet\n", End::Clean).to_string();
    let (ended, shown) = run_on_terminal(reader(&[&at]), StandardError::Collected);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert_eq!(shown, "over^[[2J^[]0;evil^G\r\r\n\tpoem\u{fffd}\u{fffd}1m\u{fffd}txet\r\n");
}

#[test]
fn several_poems_on_a_terminal_are_poems_too() {
    let fast = Server::fast("science");
    let quietly = reader(&["--quiet", &fast.port(), &fast.port()]);
    let (ended, shown) = run_on_terminal(quietly, StandardError::Terminal);
    assert_eq!(ended.code, Some(0));
    let twice = String::from_utf8(poem("science").repeat(2)).unwrap();
    assert_eq!(shown, twice.replace('\n', "\r\n"));
}
