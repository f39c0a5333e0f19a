//! The client on a terminal: progress, colours, and poems that would like to take it over.

use std::process::Command;

use crate::common::poet::{End, nobody, poet};
use crate::common::terminal::{StandardError, run_on_terminal};
use crate::common::{Ended, Server, get_poetry};

fn client(arguments: &[&str]) -> Command {
    let mut command = get_poetry();
    command.args(arguments).env("TERM", "xterm").env_remove("NO_COLOR");
    command
}

fn on_terminal(command: Command) -> (Ended, String) {
    run_on_terminal(command, StandardError::Terminal)
}

#[test]
fn each_download_has_a_row_with_bytes_and_rate_and_all_a_summary() {
    let (slow, slower) = (Server::slow("science", "50", "40ms"), Server::slow("science", "50", "40ms"));
    let (ended, shown) = on_terminal(client(&[&slow.port(), &slower.port()]));
    assert_eq!(ended.code, Some(0));
    for server in [&slow, &slower] {
        let row = format!("{}", server.at);
        assert!(shown.matches(&row).count() > 3, "{shown:?}");
    }
    assert!(shown.contains(" B/s") && shown.contains("\u{1b}["), "{shown:?}");
    assert!(shown.contains("get-poetry: 2 of 2 poems, 1.2 KiB in 0."), "{shown:?}");
    // Both poems stand there whole, and no row within them.
    let poem = String::from_utf8(crate::common::poem("science")).unwrap().replace('\n', "\r\n");
    assert_eq!(shown.matches(&poem).count(), 2, "{shown:?}");
}

#[test]
fn failures_are_red_where_colours_are_welcome() {
    let at = nobody().to_string();
    let line = format!("get-poetry: {at} refused the connection: nobody listens there");
    let (ended, shown) = on_terminal(client(&[&at]));
    assert!(ended.code == Some(1) && shown.contains(&format!("\u{1b}[31m{line}\u{1b}[0m")), "{shown:?}");
    assert!(shown.contains("0 of 1 poem, 1 failed"), "{shown:?}");
    let mut plain = client(&[&at]);
    plain.env("NO_COLOR", "1");
    let (_, shown) = on_terminal(plain);
    assert!(shown.contains(&line) && !shown.contains("\u{1b}[31m"), "{shown:?}");
    let (_, shown) = on_terminal(client(&["--quiet", &at]));
    assert_eq!(shown.replace("\u{1b}[31m", "").replace("\u{1b}[0m", ""), format!("{line}\r\n"));
}

/// What a terminal would obey: the cursor, the title, the clipboard, colours, old-fashioned controls, and the eight-bit
/// forms of all that, in Latin-1 and in UTF-8.
const HOSTILE: &[&[u8]] = &[
    b"\x1b[2J\x1b[1;1H",
    b"\x1b]0;evil\x07",
    b"\x1b]52;c;ZXZpbA==\x1b\\",
    b"\x1b[31;5m",
    b"\x9b2J\x9d0;evil\x9c",
    b"\xc2\x9b2J\xc2\x9d52;c;ZXZpbA==\xc2\x9c",
    b"\x1bP$q\"p\x1b\\",
    b"over\rwritten\x08\x08\x7f\x0e\x0f\x05\0",
    b"\xe2\x80\xaetxet",
];

#[test]
fn a_hostile_poem_cannot_take_over_the_terminal_in_any_order_or_cut() {
    let whole: &'static [u8] = Box::leak(HOSTILE.concat().into_boxed_slice());
    let path = crate::common::scratch("hostile");
    std::fs::write(&path, whole).unwrap();
    for order in ["completion", "stream", "given"] {
        // Bytes one by one: each sequence is cut everywhere.
        let arguments =
            ["--poem", crate::common::path(&path), "--num-bytes", "1", "--delay", "1ms", "--port", "0"];
        let bytewise = Server::start("slowpoetry", &arguments);
        let quiet = ["--quiet", "--order", order];
        let at_once = poet(whole, End::Clean).to_string();
        let (ended, shown) = on_terminal(client(&[&quiet[..], &[&bytewise.port(), &at_once]].concat()));
        assert_eq!(ended.code, Some(0), "{shown:?}");
        let harmless = shown.replace("\r\n", "");
        assert!(!harmless.chars().any(char::is_control), "{order}: {shown:?}");
        assert!(!harmless.contains('\u{202e}') && shown.contains("^[[2J") && shown.contains("^[]52;c;"));
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!((lines.len(), lines[0]), (2, lines[1]), "the cuts do not matter: {shown:?}");
    }
    std::fs::remove_file(path).unwrap();
    let (ended, shown) =
        on_terminal(client(&["-q", "--order", "stream", &poet(whole, End::Reset).to_string()]));
    assert!(ended.code == Some(1) && shown.contains("^[]52"));
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].contains("get-poetry: "), "the error has a line of its own: {shown:?}");
}

#[test]
fn addresses_cannot_take_over_the_terminal() {
    let path = crate::common::scratch("sock\u{1b}]0;evil\u{7}et");
    let (ended, shown) = on_terminal(client(&["--trace", &format!("unix:{}", path.display())]));
    assert!(ended.code == Some(1) && !shown.contains("\u{1b}]") && !shown.contains('\u{7}'), "{shown:?}");
    assert!(shown.contains("\\u{1b}]0;evil\\u{7}"), "{shown:?}");
}

#[test]
fn nothing_but_the_poem_is_there_when_it_is_piped() {
    let server = Server::fast("fascination");
    let mut command = client(&[&server.port()]);
    command.env("CLICOLOR_FORCE", "1");
    let ended = crate::common::Program::run(command);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    assert!(ended.stdout == crate::common::poem("fascination"));
}
