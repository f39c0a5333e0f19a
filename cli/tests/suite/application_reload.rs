//! A reload of an application file: what changed is changed, and everything else runs on with its connections.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpListener, TcpStream};

use crate::common::daemon::Folder;
use crate::common::{Program, free_port, poem, read_all};
use rustix::process::Signal;

/// An application that is reloaded.
struct Reloaded {
    folder: Folder,
    program: Program,
}

fn slow(name: &str, port: u16, delay: &str) -> String {
    format!(
        "[services.{name}]\nplugin = \"slowpoetry\"\npoem = \"ecstasy.txt\"\nport = {port}\nnum-bytes = 50\n\
         delay = \"{delay}\"\nlimits = {{ drain = 0 }}\n"
    )
}

fn fast(name: &str, port: u16) -> String {
    format!("[services.{name}]\nplugin = \"fastpoetry\"\npoem = \"ecstasy.txt\"\nport = {port}\n")
}

fn at(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

#[track_caller]
fn connect(port: u16) -> TcpStream {
    crate::common::connect(at(port))
}

impl Reloaded {
    #[track_caller]
    fn start(text: &str) -> Self {
        let folder = Folder::new();
        fs::write(folder.join("app.toml"), text).expect("it is ours");
        let mut program = Program::start(folder.sestina(&["-n", "-y", "app.toml"]));
        program
            .wait_for_line(|line| line.contains("app is ready") || line.contains("open descriptors allow"));
        Self { folder, program }
    }

    /// Reloads with this file, up to the line that says how it went.
    #[track_caller]
    fn reload(&mut self, text: &str) -> String {
        fs::write(self.folder.join("new"), text).expect("it is ours");
        fs::rename(self.folder.join("new"), self.folder.join("app.toml")).expect("it is ours");
        self.program.signal(Signal::HUP);
        self.program.wait_for_line(|line| {
            line.contains("loaded app.toml: ") || line.contains("app.toml is not loaded")
        })
    }

    #[track_caller]
    fn stop(self) -> String {
        self.program.stop()
    }
}

#[test]
fn what_did_not_change_runs_on_with_its_connections() {
    let (stays, goes, comes) = (free_port(), free_port(), free_port());
    let same = slow("same", stays, "20ms");
    let mut application = Reloaded::start(&format!("{same}{}", fast("gone", goes)));
    let mut reader = connect(stays);
    let mut some = [0; 50];
    reader.read_exact(&mut some).expect("it has begun");
    let line = application.reload(&format!("# changed\n{}{same}", fast("new", comes)));
    assert!(line.ends_with("1 added, 1 removed, 1 untouched"), "{line}");
    assert!(read_all(connect(comes)) == poem("ecstasy"));
    assert!(TcpStream::connect(at(goes)).is_err(), "it is gone");
    let rest = read_all(reader);
    assert!([&some[..], &rest].concat() == poem("ecstasy"), "the connection was not cut");
    application.stop();
}

#[test]
fn a_changed_service_is_another_one_and_may_have_the_port_of_one_that_goes() {
    let (one, other) = (free_port(), free_port());
    let mut application = Reloaded::start(&format!("{}{}", fast("a", one), fast("b", other)));
    let line = application.reload(&format!("{}{}", fast("a", other), fast("b", one)));
    assert!(line.ends_with("2 changed"), "{line}");
    assert!(read_all(connect(one)) == poem("ecstasy") && read_all(connect(other)) == poem("ecstasy"));
    let group = format!("[services.g]\nstop-together = true\n{}", fast("g.services.a", other));
    let line = application.reload(&format!("{group}{}", fast("b", one)));
    assert!(line.ends_with("1 added, 1 removed, 1 untouched"), "{line}");
    let changed = group.replace("true", "false") + "[supervision]\nstrategy = \"one-for-all\"\n";
    let line = application.reload(&format!("{}{changed}", fast("b", one)));
    assert!(line.ends_with(": 2 untouched"), "how they are looked after is changed while they run: {line}");
    assert!(read_all(connect(other)) == poem("ecstasy"));
    let line = application.reload(&format!("{}{changed}", fast("b", one)));
    assert!(line.ends_with(": 2 untouched"), "{line}");
    application.stop();
}

#[test]
fn a_broken_file_changes_nothing_and_the_log_says_why() {
    let port = free_port();
    let good = fast("a", port);
    let mut application = Reloaded::start(&good);
    for (broken, words) in [
        ("this is no TOML".to_owned(), "app.toml:1:6: "),
        (good.replace("fastpoetry", "fastpoety"), "app.toml:2:10: there is no plugin 'fastpoety'"),
        (
            format!("{good}[services.b]\nplugin = \"poetryproxy\"\npoet = \"localhost:10000\"\n"),
            "app.toml:5:11: it would",
        ),
    ] {
        let line = application.reload(&broken);
        assert!(line.ends_with("app.toml is not loaded: all goes on as before"), "{line}");
        assert!(read_all(connect(port)) == poem("ecstasy"), "{words}");
    }
    let line = application.reload(&good);
    assert!(line.ends_with(": 1 untouched"), "{line}");
    let log = application.stop();
    for words in ["app.toml:1:", "app.toml:2:10: there is no plugin 'fastpoety'", "app.toml:5:11: it would"] {
        assert!(log.contains(words), "{words}: {log}");
    }
}

#[test]
fn what_does_not_start_leaves_its_place_to_what_was_there() {
    let port = free_port();
    let taken = TcpListener::bind("127.0.0.1:0").expect("there is a free port");
    let no = taken.local_addr().expect("it has an address").port();
    let mut application = Reloaded::start(&fast("a", port));
    let line = application.reload(&format!("{}{}", fast("a", no), fast("b", no)));
    assert!(line.contains("2 failed"), "{line}");
    assert!(read_all(connect(port)) == poem("ecstasy"), "the one that was there runs again");
    drop(taken);
    // The same file again: what had failed is tried again.
    let line = application.reload(&format!("{}{}", fast("a", port), fast("b", no)));
    assert!(line.ends_with("1 added, 1 untouched"), "{line}");
    assert!(read_all(connect(no)) == poem("ecstasy"));
    let log = application.stop();
    assert!(log.contains("'a' did not start, the one that was there runs again: "), "{log}");
    assert!(log.contains("'b' did not start: "), "{log}");
}

#[test]
fn the_poems_are_read_again_too() {
    let port = free_port();
    let mut application = Reloaded::start(&fast("a", port));
    fs::write(application.folder.join("ecstasy.txt"), "short").expect("it is ours");
    let line = application.reload(&fast("a", port));
    assert!(line.ends_with(": 1 untouched"), "{line}");
    application.program.wait_for_line(|line| line.contains("loaded a poem of 5 bytes"));
    assert!(read_all(connect(port)) == b"short");
    application.stop();
}
