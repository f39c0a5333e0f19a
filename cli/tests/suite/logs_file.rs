//! The log in a file: rotation under load, logrotate, and everything that can happen to a file meanwhile.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Stdio;

use crate::common::daemon::rounds;
use crate::common::handed::{Folder, Handed, fetch};
use crate::common::{Program, path, poem_file, sestina};
use rustix::process::Signal;

const REOPENED: &str = "[sestina#info] the log was opened again";

/// How many clients make the log long.
fn crowd() -> usize {
    usize::try_from(rounds(1_000, 8_000)).expect("a small number")
}

/// The peers that a log says it has sent the poem to, in that order.
#[track_caller]
fn peers(text: &str) -> Vec<String> {
    text.lines().for_each(check_shape);
    let sent = text.lines().filter_map(|line| line.split_once(" sending 615 bytes of poetry to "));
    sent.map(|(_, peer)| peer.to_owned()).collect()
}

/// `2026-11-22T17:21:27+0000 [target#level] text`: a torn line has no such shape.
#[track_caller]
fn check_shape(line: &str) {
    let (time, rest) = line.split_once(" [").unwrap_or_else(|| panic!("torn: {line:?}"));
    let digits = time.bytes().filter(u8::is_ascii_digit).count();
    assert!(time.len() == 24 && digits == 18 && time.ends_with("+0000"), "torn: {line:?}");
    let (origin, text) = rest.split_once("] ").unwrap_or_else(|| panic!("torn: {line:?}"));
    assert!(origin.contains('#') && !text.is_empty(), "torn: {line:?}");
}

// spec: P16-37, P16-42, P16-53, P16-54
#[test]
fn under_load_the_log_begins_many_new_files_and_no_line_is_lost_or_torn() {
    const BYTES: u64 = 20_000;
    let folder = Folder::new("rotation");
    let log = folder.path("poet.log");
    let server = Handed::start(&["-l", &log, "--log-rotate", "20000", "--log-keep", "1000"]);
    let at = server.at;
    let fetched: BTreeSet<String> = std::thread::scope(|scope| {
        let clients = (0..4).map(|_| {
            scope.spawn(move || (0..crowd() / 4).map(|_| fetch(at, 615).to_string()).collect::<Vec<_>>())
        });
        clients.collect::<Vec<_>>().into_iter().flat_map(|client| client.join().unwrap()).collect()
    });
    let ended = server.stop();
    assert!(ended.stdout.is_empty() && ended.stderr.is_empty(), "{ended:?}");
    let olds = (1..).map(|number| format!("poet.log.{number}"));
    let olds: Vec<String> = olds.take_while(|name| !folder.read(name).is_empty()).collect();
    assert!(olds.len() > crowd() / 400, "{}", olds.len());
    let mut text = String::new();
    for name in olds.iter().rev().map(String::as_str).chain(["poet.log"]) {
        let part = folder.read(name);
        let length = u64::try_from(part.len()).unwrap();
        assert!(
            part.ends_with('\n') && (name == "poet.log" || (BYTES..BYTES + 200).contains(&length)),
            "{name}"
        );
        text.push_str(&part);
    }
    let logged = peers(&text);
    assert_eq!(logged.len(), crowd() / 4 * 4, "one line for each client");
    assert_eq!(logged.into_iter().collect::<BTreeSet<_>>(), fetched);
    assert!(text.ends_with(" fastpoetry stopped\n"));
}

// spec: P16-54
#[test]
fn a_file_is_long_enough_at_a_million_bytes_and_ten_old_ones_are_kept() {
    let folder = Folder::new("million");
    let log = folder.path("poet.log");
    fs::write(&log, "x".repeat(999_999)).unwrap();
    for number in 1..=11 {
        fs::write(format!("{log}.{number}"), number.to_string()).unwrap();
    }
    let server = Handed::start(&["-l", &log]);
    server.fetch();
    server.stop();
    let old = folder.read("poet.log.1");
    let (before, first) = old.split_at(999_999);
    assert!(before.bytes().all(|byte| byte == b'x') && first.lines().count() == 1, "{first}");
    assert_eq!(folder.read("poet.log.2"), "1");
    assert_eq!(folder.read("poet.log.10"), "9", "10 was the oldest");
    assert!(folder.read("poet.log.11").is_empty(), "one too many");
    assert_eq!(peers(&folder.read("poet.log")).len(), 1);
}

// spec: P16-57
#[test]
fn the_next_start_appends() {
    let folder = Folder::new("append");
    let log = folder.path("poet.log");
    for runs in 1..=2 {
        let server = Handed::start(&["-l", &log]);
        server.fetch();
        server.stop();
        assert_eq!(peers(&folder.read("poet.log")).len(), runs);
    }
}

#[test]
fn logrotate_moves_the_file_away_and_usr1_opens_the_path_again() {
    let folder = Folder::new("logrotate");
    let log = folder.path("poet.log");
    let server = Handed::start(&["-l", &log]);
    server.fetch();
    fs::rename(&log, folder.path("moved")).unwrap();
    server.fetch();
    assert_eq!(peers(&folder.read("moved")).len(), 2, "until it is told it writes where it wrote");
    assert!(folder.read("poet.log").is_empty());
    server.program.signal(Signal::USR1);
    let meanwhile = server.fetch_until("the file", || folder.read("poet.log").contains(REOPENED));
    let moved = folder.read("moved").len();
    server.fetch();
    server.stop();
    let (old, new) = (folder.read("moved"), folder.read("poet.log"));
    assert_eq!(old.len(), moved, "nothing more goes there");
    assert_eq!(peers(&old).len() + peers(&new).len(), 3 + meanwhile);
    assert!(!peers(&new).is_empty() && new.matches(REOPENED).count() == 1, "{new}");
}

#[test]
fn a_path_that_cannot_be_opened_again_leaves_the_log_where_it_was_and_says_so() {
    let folder = Folder::new("reopen-fails");
    fs::create_dir(folder.path("logs")).unwrap();
    let log = folder.path("logs/poet.log");
    let server = Handed::start(&["-l", &log]);
    server.fetch();
    fs::rename(folder.path("logs"), folder.path("gone")).unwrap();
    server.program.signal(Signal::USR1);
    let told = || folder.read("gone/poet.log").contains("; it goes on where it was\n");
    server.fetch_until("the refusal", told);
    server.fetch();
    // And when the directory is back, so is the log.
    fs::create_dir(folder.path("logs")).unwrap();
    server.program.signal(Signal::USR1);
    server.fetch_until("the file", || folder.read("logs/poet.log").contains(REOPENED));
    server.stop();
    let old = folder.read("gone/poet.log");
    assert!(peers(&old).len() >= 2 && old.matches("cannot open the log").count() == 1, "{old}");
}

#[test]
fn a_directory_that_is_gone_stops_rotation_and_nothing_else() {
    let folder = Folder::new("directory");
    fs::create_dir(folder.path("logs")).unwrap();
    let log = folder.path("logs/poet.log");
    let server = Handed::start(&["-l", &log, "--log-rotate", "2000"]);
    server.fetch();
    fs::rename(folder.path("logs"), folder.path("gone")).unwrap();
    server.fetch_many(100);
    server.stop();
    let text = folder.read("gone/poet.log");
    assert_eq!(peers(&text).len() + peers(&folder.read("gone/poet.log.1")).len(), 101, "{text}");
    assert_eq!(text.matches("[sestina#warn]").count(), 1, "{text}");
}

/// A limit on the length of files is a full disk that a test can make: 20 blocks of 512 bytes.
#[test]
fn a_full_disk_loses_whole_lines_and_counts_them_and_the_service_serves_on() {
    let folder = Folder::new("full");
    let (log, poem) = (folder.path("poet.log"), poem_file("fascination"));
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "ulimit -f 20; exec \"$@\"", "sh"]).arg(sestina().get_program());
    shell.args(["-n", "-l", &log, "--log-rotate", "0"]).args(Handed::rest(path(&poem)));
    let server = Handed::of(shell, Stdio::piped());
    let mut fetched = server.fetch_until("the full disk", || {
        let length = fs::metadata(&log).map_or(0, |metadata| metadata.size());
        length > 9_900 && fs::read(&log).is_ok_and(|bytes| bytes.ends_with(b"\n"))
    });
    server.fetch_many(50);
    let full = folder.read("poet.log");
    fs::rename(&log, folder.path("moved")).unwrap();
    server.program.signal(Signal::USR1);
    fetched += 50 + server.fetch_until("the file", || folder.read("poet.log").contains(REOPENED));
    server.stop();
    assert_eq!(folder.read("moved"), full, "no line is torn, and none is written twice");
    let new = folder.read("poet.log");
    let lost = new.lines().find_map(|line| {
        let (count, _) = line.split_once("[sestina#warn] ")?.1.split_once(" lines were lost: ")?;
        count.parse::<usize>().ok()
    });
    let lost = lost.unwrap_or_else(|| panic!("{new}"));
    // A busy machine has the poet say that something held its loop: such a line may be among the lost.
    let counted = peers(&full).len() + lost + peers(&new).len();
    assert!((fetched..fetched + 3).contains(&counted), "{counted} of {fetched}: {new}");
}

#[test]
fn new_files_are_private_unless_a_umask_says_otherwise_and_links_are_refused() {
    let folder = Folder::new("private");
    let mode = |name: &str| fs::metadata(folder.path(name)).unwrap().permissions().mode() & 0o777;
    for (name, options) in [("private", vec![]), ("group", vec!["--umask", "027"])] {
        let log = folder.path(name);
        let server = Handed::start(&[options, vec!["-l", &log]].concat());
        server.fetch();
        server.stop();
    }
    assert_eq!((mode("private"), mode("group")), (0o600, 0o640));
    std::os::unix::fs::symlink(folder.path("private"), folder.path("link")).unwrap();
    for (name, words) in [("link", "is a symbolic link"), ("no/log", "cannot open the log '")] {
        let mut command = sestina();
        command.args(["-n", "-l", &folder.path(name), "fastpoetry", "--port", "0", "--poem"]);
        let ended = Program::run({
            command.arg(poem_file("fascination"));
            command
        });
        assert_eq!(ended.code, Some(1));
        assert!(
            ended.stderr.starts_with("sestina fastpoetry: ") && ended.stderr.contains(words),
            "{ended:?}"
        );
    }
}

#[test]
fn a_full_device_as_the_log_stops_nothing() {
    let server = Handed::start(&["-l", "/dev/full"]);
    let at = server.at;
    (0..100).for_each(|_| {
        fetch(at, 615);
    });
    server.stop();
}
