//! The client's options, each against real servers, piped.

use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::common::poet::{End, nobody, poet, poet_in_turn, transform_service};
use crate::common::{Ended, Program, Server, get_poetry, poem, scratch};
use rustix::process::Signal;
use serde_json::Value;

fn command(arguments: &[&str]) -> Command {
    let mut command = get_poetry();
    command.args(arguments);
    command
}

#[track_caller]
fn run(arguments: &[&str]) -> Ended {
    Program::run(command(arguments))
}

#[track_caller]
fn prints(arguments: &[&str], code: i32, text: &str) -> String {
    let ended = run(arguments);
    assert_eq!(String::from_utf8_lossy(&ended.stdout), text, "{arguments:?}: {}", ended.stderr);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
    ended.stderr
}

#[track_caller]
fn reports(ended: &Ended) -> Vec<Value> {
    let text = String::from_utf8(ended.stdout.clone()).expect("JSON is text");
    text.lines().map(|line| serde_json::from_str(line).expect(line)).collect()
}

// spec: P20-30, P21-13, P21-14, P18-21
#[test]
fn each_order_prints_the_same_poems_in_its_own_order() {
    let (slow, fast) = (Server::slow("science", "40", "20ms"), Server::fast("fascination"));
    let (slow, fast) = (slow.port(), fast.port());
    let (science, fascination) = (poem("science"), poem("fascination"));
    let given = [science.clone(), fascination.clone()].concat();
    let arrived = [fascination, science].concat();
    for (options, expected) in [
        (&["--order", "completion"][..], &arrived),
        (&["--order", "given"], &given),
        (&["--order", "stream"], &given),
        (&["--collect"], &arrived),
        (&["--collect", "--order", "given"], &given),
        (&["--jobs", "1"], &given),
    ] {
        let ended = run(&[options, &[&slow, &fast]].concat());
        assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{options:?}");
        assert!(ended.stdout == *expected, "{options:?}");
    }
}

// spec: P21-18, P20-31
#[test]
fn a_torn_poem_is_printed_as_far_as_it_came_only_where_bytes_are_streamed() {
    let torn = || poet(b"a1 ", End::Reset).to_string();
    let whole = || poet(b"b", End::Clean).to_string();
    let tells = |lines: String| assert!(lines.contains("reset the connection after 3 bytes"), "{lines}");
    tells(prints(&["--order", "stream", &torn(), &whole()], 1, "a1 \nb\n"));
    tells(prints(&["--order", "given", &torn(), &whole()], 1, "b\n"));
    tells(prints(&[&torn(), &whole()], 1, "b\n"));
    tells(prints(&[&torn()], 1, ""));
    tells(prints(&["--order", "stream", &torn()], 1, "a1 "));
}

// spec: P20-15, P20-29, REF-09, REF-11
#[test]
fn pieces_and_times_are_told_on_the_standard_error() {
    let server = Server::slow("science", "100", "10ms");
    let ended = run(&["--trace", "--times", &server.port(), &poet(b"x", End::Clean).to_string()]);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let piece = format!("Task 1: got 100 bytes of poetry from {}", server.at);
    assert_eq!(lines.iter().filter(|line| **line == piece).count(), 6, "{lines:?}");
    let rest = format!("Task 1: got 53 bytes of poetry from {}", server.at);
    assert!(lines.contains(&&*rest), "{lines:?}");
    let time = format!("Task 1: 653 bytes of poetry from {} in 0.", server.at);
    assert!(
        lines.iter().any(|line| line.starts_with(&time) && line.contains(" s, the first after 0.0")),
        "{lines:?}"
    );
    assert!(lines.last().unwrap().starts_with("Got 2 of 2 poems in 0."), "{lines:?}");
}

// spec: P20-29, P20-31
#[test]
fn a_report_is_a_line_of_json_with_what_is_known() {
    let server = Server::slow("fascination", "100", "10ms");
    let (nobody, torn) = (nobody().to_string(), poet(b"half", End::Reset).to_string());
    let ended = run(&["--json", "--order", "given", &server.port(), &nobody, &torn]);
    let reports = reports(&ended);
    assert_eq!((ended.code, reports.len()), (Some(1), 3));
    assert_eq!(reports[0]["address"], server.at.to_string());
    assert_eq!((&reports[0]["bytes"], &reports[0]["error"]), (&615.into(), &Value::Null));
    // sha256sum of the poem
    assert_eq!(reports[0]["sha256"], "dd654153f664662d24661bbd7df77e144c6554a680407754df6e2fbab3ac5343");
    let seconds = |name: &str| reports[0][name].as_f64().expect(name);
    assert!(seconds("first_byte_seconds") < seconds("total_seconds") && seconds("total_seconds") >= 0.06);
    assert!(
        reports[1]["error"].as_str().unwrap().contains("refused")
            && reports[1]["first_byte_seconds"].is_null()
    );
    assert!(reports[2]["error"].as_str().unwrap().contains("reset") && reports[2]["bytes"] == 4);
    assert!(ended.stderr.lines().count() == 2, "failures are told to people too: {}", ended.stderr);
}

fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("the folder is there");
    let mut names: Vec<String> = entries
        .map(|entry| entry.expect("it can be read").file_name().into_string().expect("names are text"))
        .collect();
    names.sort();
    names
}

#[test]
fn poems_become_files_when_they_are_whole_and_replace_nothing() {
    let folder = scratch("poems");
    let path = crate::common::path(&folder);
    let server = Server::fast("science");
    let (port, torn) = (server.port(), poet(b"half", End::Reset).to_string());
    let ended = run(&["-o", path, &port, &port, &torn]);
    assert_eq!((ended.code, ended.stdout.len()), (Some(1), 0), "{}", ended.stderr);
    assert_eq!(files(&folder), [format!("127.0.0.1-{port}-2.txt"), format!("127.0.0.1-{port}.txt")]);
    let file = folder.join(format!("127.0.0.1-{port}.txt"));
    assert!(std::fs::read(&file).unwrap() == poem("science"));
    std::fs::write(&file, "mine").unwrap();
    let refused = run(&["-o", path, &port]);
    let words =
        format!("get-poetry: '{}' exists: take another folder, or --force to replace it", file.display());
    assert_eq!((refused.code, &*refused.stderr), (Some(1), &*words));
    assert_eq!(std::fs::read(&file).unwrap(), b"mine");
    let ended = run(&["-o", path, "--force", "--json", &port]);
    assert_eq!(reports(&ended)[0]["file"], crate::common::path(&file));
    assert!(std::fs::read(&file).unwrap() == poem("science"));
    std::fs::write(folder.join("in-the-way"), "").unwrap();
    let ended = run(&["-o", &format!("{path}/in-the-way/x"), &port]);
    assert!(ended.code == Some(1) && ended.stderr.contains("cannot make the folder"), "{}", ended.stderr);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn an_interrupted_file_is_gone() {
    let folder = scratch("interrupted");
    let mut program = Program::start(command(&[
        "--trace",
        "-o",
        crate::common::path(&folder),
        &poet(b"half", End::Never).to_string(),
    ]));
    program.wait_for_line(|line| line.contains("got 4 bytes"));
    program.signal(Signal::INT);
    assert_eq!(program.wait().code, Some(130));
    assert!(files(&folder).is_empty());
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_retry_goes_on_where_it_was_and_never_repeats_itself() {
    let good =
        poet_in_turn(&[(b"half a ", End::Reset), (b"half a", End::Reset), (b"half a poem", End::Clean)]);
    let retry = ["--retries", "3", "--retry-delay", "10ms"];
    let stream = ["--order", "stream"];
    // The second attempt is reset before it has repeated what was printed: that is a reset, not another poem.
    let told = prints(&[&retry[..], &stream, &[&good.to_string()]].concat(), 0, "half a poem");
    assert_eq!(told.lines().filter(|line| line.contains("retry")).count(), 2, "{told}");
    let other = poet_in_turn(&[(b"half a ", End::Reset), (b"another poem", End::Clean)]);
    let told = prints(&[&retry[..], &stream, &["-q", &other.to_string()]].concat(), 1, "half a ");
    let words =
        format!("get-poetry: {other} has another poem now, and the first 7 bytes of the old one are used");
    assert_eq!(told, words);
    // What was not printed may change.
    let other = poet_in_turn(&[(b"half a ", End::Reset), (b"another poem", End::Clean)]);
    prints(&[&retry[..], &[&other.to_string()]].concat(), 0, "another poem");
    let folder = scratch("retried");
    let other = poet_in_turn(&[(b"half a ", End::Reset), (b"another poem", End::Clean)]);
    prints(&[&retry[..], &["-o", crate::common::path(&folder), &other.to_string()]].concat(), 0, "");
    let name = &files(&folder)[0];
    assert_eq!(std::fs::read(folder.join(name)).unwrap(), b"another poem");
    std::fs::remove_dir_all(folder).unwrap();
    let refused = prints(&["--retries", "2", "--retry-delay", "1ms", &nobody().to_string()], 1, "");
    assert_eq!(refused.lines().count(), 3, "{refused}");
}

#[test]
fn a_race_prints_the_first_and_leaves_the_others() {
    let silent = poet(b"Science! tr", End::Never).to_string();
    let fast = poet(b"Science!", End::Clean).to_string();
    assert!(prints(&["--race", &silent, &nobody().to_string(), &fast], 0, "Science!").contains("refused"));
    assert_eq!(prints(&["--race", &nobody().to_string(), &nobody().to_string()], 1, "").lines().count(), 2);
    let (silent, fast) = (poet(b"x", End::Never).to_string(), poet(b"Science!", End::Clean).to_string());
    let ended = run(&["--race", "--json", &silent, &fast]);
    let mut errors: Vec<Value> = reports(&ended).iter().map(|report| report["error"].clone()).collect();
    errors.sort_by_key(Value::is_null);
    assert_eq!((ended.code, &errors[1]), (Some(0), &Value::Null));
    assert!(errors[0].as_str().unwrap().ends_with("was not the first"));
}

/// Poems that are whole at the same moment: one of them was the first all the same.
#[test]
fn a_race_has_one_winner() {
    let server = Server::fast("science");
    let port = server.port();
    let poets = [&*port; RACERS];
    for _ in 0..RACES {
        let folder = scratch("race");
        let ended = run(&[&["--race", "--json", "-o", crate::common::path(&folder)], &poets[..]].concat());
        let reports = reports(&ended);
        let winners: Vec<_> = reports.iter().filter(|report| report["error"].is_null()).collect();
        assert_eq!((ended.code, reports.len(), winners.len()), (Some(0), RACERS, 1), "{reports:?}");
        assert_eq!(files(&folder).len(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }
}

const RACERS: usize = 12;
const RACES: usize = 5;

#[test]
fn every_limit_that_passes_is_told() {
    let never = || poet(b"Where, ", End::Never).to_string();
    let told = prints(&["--timeout", "80ms", &never()], 1, "");
    assert!(told.contains("took longer than 80ms, 7 bytes came"), "{told}");
    let told = prints(&["--order", "stream", "--idle-timeout", "0.05", &never()], 1, "Where, ");
    assert!(told.contains("sent nothing for 50ms after 7 bytes"), "{told}");
    let told = prints(&["--max-bytes", "6", &never()], 1, "");
    assert!(told.contains("sends more than 6 bytes"), "{told}");
    let (many, fast) = (Server::fast("ecstasy"), Server::fast("science"));
    let told = run(&["--order", "given", "--max-held", "1k", &many.port(), &fast.port()]);
    assert!(told.stderr.contains("no room for the poem of"), "{}", told.stderr);
    // The first passes through, the others wait until there is room.
    let slow = Server::slow("science", "100", "10ms");
    for order in ["stream", "completion"] {
        let ended = run(&["--order", order, "--max-held", "1", &slow.port(), &many.port(), &fast.port()]);
        assert_eq!((ended.code, ended.stdout.len()), (Some(0), 653 + 3003 + 653), "{}", ended.stderr);
    }
}

/// A backlog of connections that nobody accepts is as near to a host that does not answer as one gets here.
#[cfg(target_os = "linux")]
#[test]
fn connecting_has_a_limit_of_its_own() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&std::net::SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
    socket.listen(0).unwrap();
    let at = socket.local_addr().unwrap().as_socket().unwrap();
    let fill: Vec<_> = (0..4)
        .map(|_| {
            let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            socket.connect(&at.into()).ok();
            socket
        })
        .collect();
    let told = prints(&["--connect-timeout", "100ms", &at.to_string()], 1, "");
    assert_eq!(told, format!("get-poetry: {at} did not answer within 100ms"));
    drop(fill);
}

// spec: P17-22, P17-23, P17-24, P17-26, P17-27, P18-15, REF-15
#[test]
fn poems_are_transformed_or_printed_as_they_are() {
    let service = transform_service().to_string();
    let (poem, other) =
        (|| poet(b"POEM\n", End::Clean).to_string(), poet(b"OTHER\n", End::Clean).to_string());
    assert_eq!(
        prints(&["--transform", &service, "--order", "given", &poem(), &other], 0, "poem\nother\n"),
        ""
    );
    assert_eq!(prints(&["--transform", &service, &poem()], 0, "poem\n"), "");
    let told = prints(&["--transform", &service, "--xform", "shout", &poem()], 0, "POEM\n");
    assert!(told.contains("stays as it is") && told.lines().count() == 1, "{told}");
    let told = prints(&["--transform", &nobody().to_string(), &poem(), &nobody().to_string()], 1, "POEM\n");
    assert!(told.contains("stays as it is") && told.lines().count() == 2, "{told}");
    let folder = scratch("transformed");
    let ended = run(&["--transform", &service, "--json", "-o", crate::common::path(&folder), &poem()]);
    assert_eq!(
        (&reports(&ended)[0]["bytes"], &reports(&ended)[0]["transform_error"]),
        (&5.into(), &Value::Null)
    );
    assert_eq!(std::fs::read(folder.join(&files(&folder)[0])).unwrap(), b"poem\n");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_poet_may_have_a_unix_socket_or_an_ipv6_address() {
    let path = scratch("socket");
    let listener = UnixListener::bind(&path).unwrap();
    let program = Program::start(command(&[&format!("unix:{}", path.display())]));
    let (mut stream, _) = listener.accept().unwrap();
    std::io::Write::write_all(&mut stream, b"by another door").unwrap();
    drop(stream);
    let ended = program.wait();
    assert_eq!((ended.code, &*ended.stdout), (Some(0), &b"by another door"[..]), "{}", ended.stderr);
    let told = prints(&["unix:/no/such/socket"], 1, "");
    assert_eq!(told, "get-poetry: there is no socket unix:/no/such/socket: is the server running?");
    std::fs::remove_file(&path).unwrap();
    let told = prints(&[&format!("unix:{}", path.display())], 1, "");
    assert!(told.contains("there is no socket"), "{told}");
    if let Ok(listener) = std::net::TcpListener::bind("[::1]:0") {
        let program = Program::start(command(&[&listener.local_addr().unwrap().to_string()]));
        drop(listener.accept().unwrap());
        assert!(program.wait().stderr.contains("[::1]:"));
    }
}

#[test]
fn quietly_only_failures_are_told() {
    let torn = poet_in_turn(&[(b"x", End::Reset), (b"xy", End::Clean)]).to_string();
    let retry = ["--quiet", "--retries", "1", "--retry-delay", "1ms"];
    assert_eq!(prints(&[&retry[..], &[&torn]].concat(), 0, "xy"), "");
    assert_eq!(prints(&["-q", &nobody().to_string()], 1, "").lines().count(), 1);
}

/// Its output is a pipe that nobody reads: it waits, and so do the poets, but it still hears a signal.
#[test]
fn a_reader_who_does_not_read_holds_up_no_signal() {
    let long: &'static [u8] = Box::leak(vec![b'x'; 8 << 20].into_boxed_slice());
    let at = poet(long, End::Never).to_string();
    let mut slow = Server::slow("science", "1", "100ms");
    let mut command = command(&[&at, &slow.port(), "--order", "stream"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let unread = child.stdout.take();
    let program = Program::of(child);
    slow.program.wait_for_line(|line| line.contains("sending"));
    program.signal(Signal::INT);
    let ended = program.wait();
    drop(unread);
    assert_eq!(ended.code, Some(130));
    assert_eq!(
        ended.stderr.lines().filter(|line| line.contains("cancelled after")).count(),
        2,
        "{}",
        ended.stderr
    );
}

#[test]
fn a_signal_tells_how_far_each_was() {
    let (some, none) = (poet(b"Where, ", End::Never).to_string(), poet(b"", End::Never).to_string());
    let waits = nobody().to_string();
    let mut program = Program::start(command(&["--trace", "--jobs", "2", "--collect", &some, &none, &waits]));
    program.wait_for_line(|line| line == format!("Task 1: got 7 bytes of poetry from {some}"));
    program.signal(Signal::INT);
    let ended = program.wait();
    assert_eq!((ended.code, ended.stdout.len()), (Some(130), 0));
    for line in [
        format!("get-poetry: {some}: cancelled after 7 bytes"),
        format!("get-poetry: {none}: cancelled after 0 bytes"),
        format!("get-poetry: {waits}: cancelled before it began"),
    ] {
        assert!(ended.stderr.lines().any(|told| told == line), "{line}: {}", ended.stderr);
    }
}

#[test]
fn a_signal_leaves_a_report_on_each() {
    let (some, waits) = (poet(b"Where, ", End::Never).to_string(), nobody().to_string());
    let mut program = Program::start(command(&["--trace", "--json", "--jobs", "1", &some, &waits]));
    program.wait_for_line(|line| line == format!("Task 1: got 7 bytes of poetry from {some}"));
    program.signal(Signal::INT);
    let ended = program.wait();
    let mut reports = reports(&ended);
    reports.sort_by_key(|report| report["task"].as_u64());
    assert_eq!((ended.code, reports.len()), (Some(130), 2), "{}", ended.stderr);
    assert_eq!((&reports[0]["bytes"], &reports[1]["attempts"]), (&7.into(), &0.into()));
    assert_eq!(reports[0]["error"], format!("{some}: cancelled after 7 bytes"));
}

/// `O_NONBLOCK` belongs to what is open, not to who opened it: somebody else may have set it.
#[test]
fn an_output_that_is_not_blocking_gets_everything() {
    let server = Server::fast("ecstasy");
    let (ours, theirs) = rustix::pipe::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&theirs).unwrap() | rustix::fs::OFlags::NONBLOCK;
    rustix::fs::fcntl_setfl(&theirs, flags).unwrap();
    let port = server.port();
    let mut command = command(&vec![&*port; 100]);
    command.stdin(Stdio::null()).stdout(theirs).stderr(Stdio::piped());
    let program = Program::of(command.spawn().unwrap());
    drop(command);
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut std::fs::File::from(ours), &mut bytes).unwrap();
    assert!(bytes == poem("ecstasy").repeat(100));
    assert_eq!(program.wait().code, Some(0));
}

/// The last words have no reader either: after a signal they are waited for a moment, and after a second not at all.
#[test]
fn last_words_that_nobody_reads_are_not_waited_for() {
    for signals in [1, 2] {
        let (fast, nobody) = (Server::fast("science"), nobody().to_string());
        let mut command = command(&[&fast.port()]);
        command.args(vec![&*nobody; 3_000]); // more lines than a pipe holds
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let unread = child.stderr.take();
        let mut stdout = child.stdout.take().unwrap();
        let mut bytes = vec![0; poem("science").len()];
        std::io::Read::read_exact(&mut stdout, &mut bytes).unwrap(); // it runs
        let program = Program::of(child);
        for _ in 0..signals {
            program.signal(Signal::TERM);
        }
        let ended = program.wait();
        drop(unread);
        assert_eq!(ended.code, Some(143), "{ended:?}");
    }
}
