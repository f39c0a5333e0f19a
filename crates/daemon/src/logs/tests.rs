//! The log in a process of its own tests: what the real programs cannot be made to show in a short time.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use tracing::level_filters::LevelFilter;
use tracing::subscriber::with_default;

use super::file::Rotation;
use super::line::{DATAGRAM_BYTES_MAX, Format};
use super::options::Target;
use super::{Log, LogError, LogPlan, subscriber};

/// A directory of one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("sestina-logs-{}-{name}", std::process::id()));
        fs::remove_dir_all(&path).ok();
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).unwrap_or_default()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

fn plan(target: Target, rotation: Rotation) -> LogPlan {
    LogPlan { target, rotation, ..LogPlan::simple(LevelFilter::INFO) }
}

fn in_file(path: &Path, bytes: u64, keep: usize) -> LogPlan {
    plan(Target::File(path.to_owned()), Rotation { bytes, keep })
}

/// What `say` logs, without the times.
fn said(plan: &LogPlan, say: impl FnOnce(&Log)) {
    let (subscriber, log) = subscriber(plan).expect("the target is there");
    with_default(subscriber, || say(&log));
    log.flush();
}

fn bodies(text: &str) -> Vec<&str> {
    text.lines().map(|line| line.split_once(' ').expect("the time and the rest").1).collect()
}

// spec: P16-54
#[test]
fn four_threads_write_megabytes_over_many_files_and_every_line_is_there_once_and_in_order() {
    const THREADS: usize = 4;
    const LINES: usize = if cfg!(debug_assertions) { 10_000 } else { 100_000 };
    let folder = Folder::new("threads");
    let path = folder.0.join("log");
    let (subscriber, log) = subscriber(&in_file(&path, 100_000, 1_000)).unwrap();
    let dispatch = tracing::Dispatch::new(subscriber);
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let dispatch = dispatch.clone();
            scope.spawn(move || {
                tracing::dispatcher::with_default(&dispatch, || {
                    for number in 0..LINES {
                        let rest = "x".repeat(number % 90);
                        tracing::info!("line {thread} {number} {rest}");
                    }
                });
            });
        }
    });
    log.flush();
    let olds = (1..).map(|number| format!("log.{number}")).take_while(|name| folder.0.join(name).exists());
    let olds: Vec<String> = olds.collect();
    assert!(olds.len() > 10, "{olds:?}");
    let mut next = BTreeMap::new();
    for name in olds.iter().rev().map(String::as_str).chain(["log"]) {
        let text = folder.read(name);
        assert!(text.ends_with('\n'), "{name}");
        assert!(name == "log" || (100_000..100_400).contains(&text.len()), "{name}: {}", text.len());
        for body in bodies(&text) {
            let words: Vec<&str> = body.split(' ').collect();
            let (thread, number) = (words[2].to_owned(), words[3].parse::<usize>().unwrap());
            assert_eq!(words[4].len(), number % 90, "{body}");
            let expected = next.entry(thread).or_insert(0);
            assert_eq!(number, *expected, "{name}: {body}");
            *expected += 1;
        }
    }
    assert!(next.len() == THREADS && next.values().all(|count| *count == LINES), "{next:?}");
}

#[test]
fn old_files_move_on_and_those_over_the_limit_go() {
    let folder = Folder::new("keep");
    for number in 1..=5 {
        fs::write(folder.0.join(format!("log.{number}")), format!("old {number}\n")).unwrap();
    }
    fs::write(folder.0.join("log.7"), "not ours").unwrap();
    fs::write(folder.0.join("log"), "x".repeat(100)).unwrap();
    fs::set_permissions(folder.0.join("log"), fs::Permissions::from_mode(0o640)).unwrap();
    said(&in_file(&folder.0.join("log"), 100, 3), |_| tracing::info!("new"));
    assert_eq!(bodies(&folder.read("log")), ["[sestina_daemon.logs.tests#info] new"]);
    let mode = fs::metadata(folder.0.join("log")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o640, "as the old one");
    assert_eq!(folder.read("log.1"), "x".repeat(100));
    assert_eq!([folder.read("log.2"), folder.read("log.3")], ["old 1\n", "old 2\n"]);
    assert!(["log.4", "log.5", "log.new"].iter().all(|name| !folder.0.join(name).exists()));
    assert_eq!(folder.read("log.7"), "not ours", "a gap ends the row");
}

/// Before a start gives up root's privileges too. Who is not root cannot give a file away, and sees its own.
#[test]
fn a_new_file_belongs_to_whom_the_old_one_did() {
    let folder = Folder::new("owner");
    let path = folder.0.join("log");
    fs::write(&path, "x".repeat(100)).unwrap();
    std::os::unix::fs::chown(&path, Some(54_321), Some(54_322)).ok();
    let owner = || fs::metadata(&path).map(|metadata| (metadata.uid(), metadata.gid())).unwrap();
    let before = owner();
    said(&in_file(&path, 100, 3), |_| tracing::info!("new"));
    assert_eq!(folder.read("log.1"), "x".repeat(100));
    assert_eq!(owner(), before);
}

#[test]
fn no_old_file_is_kept_if_none_is_wanted_and_nothing_rotates_without_a_length() {
    let folder = Folder::new("none");
    said(&in_file(&folder.0.join("log"), 60, 0), |_| {
        tracing::info!("one {}", "x".repeat(50));
        tracing::info!("two");
    });
    assert_eq!(bodies(&folder.read("log")), ["[sestina_daemon.logs.tests#info] two"]);
    said(&in_file(&folder.0.join("all"), 0, 3), |_| (0..50_000).for_each(|n| tracing::info!("{n}")));
    assert_eq!(folder.read("all").lines().count(), 50_000);
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 2);
}

#[test]
fn what_stands_in_the_way_of_a_rotation_is_said_once_and_costs_nothing() {
    let folder = Folder::new("obstacle");
    fs::create_dir(folder.0.join("log.1")).unwrap();
    said(&in_file(&folder.0.join("log"), 1_000, 1), |_| (0..200).for_each(|n| tracing::info!("line {n}")));
    let text = folder.read("log");
    assert_eq!(text.matches("[sestina#warn]").count(), 1, "{text}");
    assert!(text.contains("grows on: no new file can be begun: "), "{text}");
    assert_eq!(text.lines().filter(|line| line.contains("#info] line ")).count(), 200);
    assert!(!folder.0.join("log.new").exists());
}

#[test]
fn a_file_that_somebody_has_moved_is_not_moved_again() {
    let folder = Folder::new("moved");
    let path = folder.0.join("log");
    said(&in_file(&path, 300, 3), |_| {
        tracing::info!("first {}", "x".repeat(300));
        fs::rename(&path, folder.0.join("elsewhere")).unwrap();
        fs::write(&path, "another program's\n").unwrap();
        tracing::info!("second");
    });
    assert!(folder.read("elsewhere").contains("first"));
    assert!(folder.read("log").starts_with("another program's\n") && folder.read("log").contains("second"));
    assert!(!folder.0.join("log.1").exists());
}

#[test]
fn a_copy_that_truncates_does_not_make_it_rotate() {
    let folder = Folder::new("copytruncate");
    let path = folder.0.join("log");
    said(&in_file(&path, 300, 3), |_| {
        tracing::info!("first {}", "x".repeat(300));
        fs::File::options().write(true).open(&path).unwrap().set_len(0).unwrap();
        tracing::info!("second");
    });
    assert_eq!(bodies(&folder.read("log")), ["[sestina_daemon.logs.tests#info] second"]);
    assert!(!folder.0.join("log.1").exists());
}

#[test]
fn a_link_is_not_followed_and_a_missing_directory_has_a_name() {
    let folder = Folder::new("link");
    std::os::unix::fs::symlink(folder.0.join("real"), folder.0.join("log")).unwrap();
    let error = |name: &str| match subscriber(&in_file(&folder.0.join(name), 0, 0)) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    };
    assert!(error("log").contains("is a symbolic link"), "{}", error("log"));
    assert!(error("no/log").contains("no/log'"), "{}", error("no/log"));
    assert!(!folder.0.join("real").exists());
}

#[test]
fn repetitions_are_counted_and_the_end_tells_them_too() {
    let folder = Folder::new("repeats");
    let plan = LogPlan { repeats: 2, ..in_file(&folder.0.join("log"), 0, 0) };
    said(&plan, |_| {
        for text in ["a", "a", "a", "a", "b", "a", "a", "a"] {
            tracing::warn!("{text}");
        }
    });
    let text = folder.read("log");
    let expected = ["a", "a", "last line repeated 2 times", "b", "a", "a", "last line repeated 1 time"];
    let words = bodies(&text).into_iter().map(|body| body.split_once("] ").unwrap().1);
    assert_eq!(words.collect::<Vec<_>>(), expected);
}

// spec: P16-12
#[test]
fn events_say_in_which_spans_they_arose_also_below_the_level_of_spans() {
    let folder = Folder::new("spans");
    for (name, format) in [("text", Format::Text), ("json", Format::Json)] {
        let levels = "warn".parse().unwrap();
        said(&LogPlan { format, levels, ..in_file(&folder.0.join(name), 0, 0) }, |_| {
            let outer = tracing::info_span!("service", path = %"a/b", count = tracing::field::Empty);
            let _outer = outer.enter();
            outer.record("count", 7);
            let _inner = tracing::info_span!("poem").entered();
            let error = std::io::Error::other("deep");
            let error: &(dyn std::error::Error + 'static) = &error;
            tracing::warn!(name = "x\ny", bytes = 615, ratio = 0.5, shown = ?Some(1), is_slow = true, error, "sending");
            tracing::info!("not important enough");
        });
    }
    assert_eq!(
        bodies(&folder.read("text")),
        ["[sestina_daemon.logs.tests#warn] service{path=a/b count=7}: poem: sending \
          name=\"x\\ny\" bytes=615 ratio=0.5 shown=Some(1) is_slow=true error=deep"]
    );
    let json: serde_json::Value = serde_json::from_str(&folder.read("json")).unwrap();
    let expected = serde_json::json!({
        "time": json["time"], "level": "warn", "target": "sestina_daemon::logs::tests", "message": "sending",
        "fields": {"name": "x\ny", "bytes": 615, "ratio": 0.5, "shown": "Some(1)", "is_slow": true, "error": "deep"},
        "spans": [{"name": "service", "fields": {"path": "a/b", "count": 7}}, {"name": "poem", "fields": {}}],
    });
    assert_eq!(json, expected);
}

#[test]
fn lines_are_bounded_however_much_strangers_write() {
    let folder = Folder::new("bounds");
    let hostile = "\u{1b}\u{202e}\n".repeat(100_000);
    for (name, format) in [("text", Format::Text), ("json", Format::Json)] {
        said(&LogPlan { format, ..in_file(&folder.0.join(name), 0, 0) }, |_| {
            let h = hostile.as_str();
            tracing::info!(a = h, b = h, c = h, d = %h, e = ?h, f = h, g = h, i = h, j = h, k = h, "{h}");
            tracing::info!(a = h, "short");
        });
        let text = folder.read(name);
        let lines: Vec<&str> = text.split_terminator('\n').collect();
        assert_eq!(lines.len(), 2, "one event is one line");
        assert!(
            lines.iter().all(|line| line.len() < 16 * 1_024 && line.contains("bytes left out]")),
            "{text}"
        );
        assert!(!text.contains(['\u{1b}', '\u{202e}']));
        if format == Format::Json {
            let value: serde_json::Value = serde_json::from_str(lines[1]).unwrap();
            let (kept, mark) = value["fields"]["a"].as_str().unwrap().split_once("...[").unwrap();
            assert!(hostile.starts_with(kept) && (1_020..=1_024).contains(&kept.len()));
            assert_eq!(mark, format!("{} bytes left out]", hostile.len() - kept.len()));
        }
    }
}

#[test]
fn the_syslog_gets_a_datagram_for_each_line_and_a_new_one_is_found() {
    let folder = Folder::new("syslog");
    let path = folder.0.join("socket");
    let listen = || {
        fs::remove_file(&path).ok();
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(30))).unwrap();
        socket
    };
    let heard = |socket: &UnixDatagram| {
        let mut bytes = [0; 4_096];
        let count = socket.recv(&mut bytes).unwrap();
        assert!(count <= DATAGRAM_BYTES_MAX, "{count}");
        String::from_utf8(bytes[..count].to_vec()).unwrap()
    };
    let plan = LogPlan {
        prefix: "poet".into(),
        ..plan(Target::Syslog(path.clone()), Rotation { bytes: 0, keep: 0 })
    };
    let socket = listen();
    said(&plan, |_| {
        tracing::error!("hello\nworld");
        let datagram = heard(&socket);
        let (head, body) = datagram.split_once(": ").unwrap();
        assert!(
            head.starts_with("<27>") && head.ends_with(&format!(" poet[{}]", std::process::id())),
            "{head}"
        );
        assert_eq!(head.len(), "<27>Nov 22 17:21:27 poet[]".len() + std::process::id().to_string().len());
        assert_eq!(body, "[sestina_daemon.logs.tests#error] hello\\nworld");
        tracing::info!(field = "x".repeat(5_000), "long {}", "y".repeat(5_000));
        assert!(heard(&socket).contains("bytes left out]"));
        drop(socket);
        tracing::info!("lost");
        tracing::info!("lost too");
        let socket = listen();
        tracing::info!("found");
        assert!(heard(&socket).ends_with("[sestina#warn] 2 lines were lost: the log could not be written"));
        assert!(heard(&socket).ends_with("found"));
    });
    fs::remove_file(&path).unwrap();
    assert!(matches!(subscriber(&plan), Err(LogError::Syslog(_))), "a start without a syslog fails");
}

#[test]
fn a_full_device_loses_lines_and_stops_nothing() {
    if Path::new("/dev/full").exists() {
        said(&in_file(Path::new("/dev/full"), 10, 3), |_| (0..100).for_each(|n| tracing::info!("{n}")));
    }
}
