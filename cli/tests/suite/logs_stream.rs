//! The log on the standard error and output, for people, for programs and for journald.

use std::io::Read;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::process::Stdio;

use crate::common::handed::{Folder, Handed, fetch};
use crate::common::{Program, path, poem_file, sestina};

const WARNING: &str = "[sestina#warn] ";

/// A poem in a file whose name could end a line, move a cursor, and tell lies; and one with a very long name.
fn hostile_poems(folder: &Folder) -> [String; 2] {
    let hostile = folder
        .path("a\n2026-11-22T17:21:27+0000 [sestina#info] fastpoetry stopped\r\u{1b}[2J\u{9b}\u{202e}\"\\é");
    let long = folder.path(&format!("{0}/{0}/{0}/{0}/{0}/{0}/poem", "long".repeat(60)));
    for poem in [&hostile, &long] {
        std::fs::create_dir_all(std::path::Path::new(poem).parent().expect("it has a folder"))
            .expect("the folder is ours");
        std::fs::write(poem, "poem\n").expect("the folder is ours");
    }
    [hostile, long]
}

/// The log of a poet with this poem that was stopped at once, on its standard output.
fn log_of(poem: &str, options: &[&str]) -> String {
    let mut command = sestina();
    command.args(["-n", "-l", "-"]).args(options).args(Handed::rest(poem));
    let server = Handed::of(command, Stdio::piped());
    fetch(server.at, std::fs::read(poem).expect("the poem is there").len());
    let ended = server.stop();
    assert!(ended.stderr.is_empty(), "-l - is the standard output: {}", ended.stderr);
    String::from_utf8(ended.stdout).expect("a log is text")
}

// spec: P16-37, P16-40, P16-53
#[test]
fn the_standard_output_gets_the_log_if_asked_and_one_event_is_one_line() {
    let folder = Folder::new("stdout");
    let [hostile, long] = hostile_poems(&folder);
    let log = log_of(&hostile, &[]);
    assert!(log.lines().all(|line| line.contains("+0000 [")), "{log}");
    assert_eq!(log.matches("] fastpoetry stopped\n").count(), 1, "the one that is true: {log}");
    assert!(!log.contains(['\r', '\u{1b}', '\u{9b}', '\u{202e}']), "{log:?}");
    assert!(log.contains(
        "/a\\n2026-11-22T17:21:27+0000 [sestina#info] fastpoetry stopped\\r\\u{1b}[2J\\u{9b}\\u{202e}\"\\é"
    ));
    let log = log_of(&long, &[]);
    let line = log.lines().find(|line| line.contains("loaded a poem of 5 bytes from ")).unwrap();
    assert!(line.len() < 1_200 && line.contains("...[") && line.ends_with(" bytes left out]"), "{line}");
}

#[test]
fn json_lines_are_objects_that_say_exactly_what_was_meant() {
    let folder = Folder::new("json");
    let [hostile, long] = hostile_poems(&folder);
    let log = log_of(&hostile, &["--log-format", "json", "--log-level", "trace"]);
    let lines: Vec<serde_json::Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}")))
        .collect();
    let said = |message: &str| lines.iter().find(|line| line["message"] == message).expect(message);
    let loaded = said(&format!("loaded a poem of 5 bytes from {hostile}"));
    assert_eq!((&loaded["level"], &loaded["target"]), (&"info".into(), &"sestina_poetry::services".into()));
    let time = loaded["time"].as_str().unwrap();
    assert!(time.len() == "2026-11-22T17:21:27.000412Z".len() && time.ends_with('Z'), "{time}");
    assert!(lines.iter().any(|line| line["spans"][0]["fields"]["path"] == "fastpoetry/tcp"), "{log}");
    assert!(
        lines.iter().any(|line| line["level"] == "debug" && line["fields"]["address"].is_string()),
        "{log}"
    );
    assert!(!log.contains(['\u{1b}', '\u{9b}', '\u{202e}']));
    let log = log_of(&long, &["--log-format", "json"]);
    assert!(log.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()), "{log}");
    assert!(log.contains("bytes left out]\"}"), "{log}");
}

#[test]
fn levels_are_chosen_for_everything_and_for_single_targets() {
    let poem = poem_file("fascination");
    let log = log_of(path(&poem), &["--log-level", "warn"]);
    assert!(log.is_empty(), "{log}");
    let log = log_of(path(&poem), &["--log-level", "off,sestina=info,sestina_reactor.accept=debug"]);
    let targets = log.lines().map(|line| line.split_once('[').unwrap().1.split_once(']').unwrap().0);
    let mut targets: Vec<&str> = targets.collect();
    targets.sort_unstable();
    targets.dedup();
    assert_eq!(targets, ["sestina#info", "sestina_reactor.accept#debug"], "{log}");
}

#[test]
fn journald_gets_priorities_in_the_place_of_times_if_it_is_the_reader() {
    for (is_journal, options) in [(true, vec![]), (false, vec![]), (false, vec!["--log-format", "journal"])] {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let file = std::fs::File::from(OwnedFd::from(writer));
        let metadata = file.metadata().unwrap();
        let (device, inode) = (metadata.dev(), metadata.ino() + u64::from(!is_journal));
        let mut command = sestina();
        command.arg("-n").args(&options).args(Handed::rest(path(&poem_file("fascination"))));
        command.env("JOURNAL_STREAM", format!("{device}:{inode}"));
        let server = Handed::of(command, Stdio::from(file));
        server.fetch();
        server.stop();
        let mut log = String::new();
        reader.read_to_string(&mut log).unwrap();
        let has_priorities = log.lines().all(|line| line.starts_with("<6>["));
        assert_eq!(has_priorities, is_journal || !options.is_empty(), "{log}");
        assert_eq!(log.lines().all(|line| line.contains("+0000 [")), !has_priorities, "{log}");
    }
}

/// Fills a pipe that nobody reads, then reads it.
#[test]
fn a_reader_that_sleeps_costs_lines_and_never_the_service() {
    const FETCHES: usize = 1_500;
    let (mut reader, writer) = std::io::pipe().unwrap();
    let mut command = sestina();
    command.args(["-n", "--log-backlog", "4k"]).args(Handed::rest(path(&poem_file("fascination"))));
    let server = Handed::of(command, Stdio::from(OwnedFd::from(writer)));
    server.fetch_many(FETCHES);
    // Now it wakes. What waited comes, the gap is told, and everything after it is there.
    let mut log = vec![0; 40_000];
    reader.read_exact(&mut log).unwrap();
    server.fetch_many(100);
    server.program.signal(rustix::process::Signal::TERM);
    reader.read_to_end(&mut log).unwrap();
    assert_eq!(server.program.wait().code, Some(0));
    let log = String::from_utf8(log).unwrap();
    assert!(
        log.lines().all(|line| line.contains("+0000 [")) && log.ends_with(" fastpoetry stopped\n"),
        "torn: {log}"
    );
    let sent = log.lines().filter(|line| line.contains(" sending 615 bytes ")).count();
    let notices = log.lines().filter_map(|line| line.split_once(WARNING)?.1.split_once(" lines were lost: "));
    let lost: usize = notices.map(|(count, _)| count.parse::<usize>().unwrap()).sum();
    assert!(lost > 0, "{log}");
    assert_eq!(sent + lost, FETCHES + 100);
}

#[test]
fn a_terminal_line_or_a_reader_that_is_gone_stops_nothing() {
    let mut server = Handed::start(&[]);
    server.fetch();
    server.program.close_stderr();
    server.fetch_many(100);
    server.program.signal(rustix::process::Signal::TERM);
    assert_eq!(server.program.wait().code, Some(0));
}

#[test]
fn what_does_not_go_together_is_told_with_the_fix() {
    let cases: [(&[&str], &str); 10] = [
        (&["-l", "x", "--syslog"], "--syslog"),
        (&["-l", "x", "--log-format", "journal"], "leave out --logfile"),
        (&["-l", ""], "--logfile <FILE> needs a value"),
        (&["--log-format", "xml"], "'xml' is not one of text, json, journal"),
        (&["--log-level", "loud"], "'loud' is no level"),
        (&["--log-rotate", "many"], "'many' is no size"),
        (&["--log-keep", "1001"], "give one from 0 to 1000"),
        (&["--log-backlog", "0"], "'0' is nothing at all"),
        (&["--syslog", "--prefix", "a b"], "it may have no blanks"),
        (&["--log-lvel", "info"], "did you mean '--log-level'?"),
    ];
    for (options, words) in cases {
        let mut command = sestina();
        command.arg("-n").args(options).args(["fastpoetry", "--poem", "x"]);
        let ended = Program::run(command);
        assert_eq!(ended.code, Some(2), "{options:?}: {ended:?}");
        assert!(ended.stderr.contains(words) && ended.stderr.lines().count() == 1, "{options:?}: {ended:?}");
    }
}
