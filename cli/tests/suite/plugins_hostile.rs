//! Plugins that are broken, slow or not to be trusted: they are shown as such, and never break the list.
#![expect(clippy::disallowed_methods, reason = "a test of bounds has a clock")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::common::daemon::is_root;
use crate::common::plugins::{self, Plugins};
use crate::common::{Program, path};

/// A second for the slow ones, and a busy machine: with one after the other it would be more.
const LIST_TIME_MAX: Duration = Duration::from_secs(15);

/// The help, its list unwrapped.
#[track_caller]
fn listed(plugins: &Plugins) -> String {
    let began = Instant::now();
    let ended = Program::run(plugins.command(&["--help"]));
    assert!(began.elapsed() < LIST_TIME_MAX, "it took {:?}", began.elapsed());
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    let help = String::from_utf8(ended.stdout).expect("help is text");
    assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
    assert!(!help.contains('\x1b'), "{help:?}");
    help.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn answer(name: &str) -> String {
    plugins::answer(name, "is good")
}

#[test]
fn none_of_them_breaks_the_list() {
    let plugins = Plugins::new();
    plugins.script("good", &answer("good"));
    plugins.script("garbage", "echo hello");
    plugins.script("binary", "head -c 1000 /dev/urandom");
    plugins.script("nothing", "exit 0");
    plugins.script("endless", "cat /dev/zero");
    plugins.script("long", &format!("{}; head -c 1000000 /dev/zero | tr '\\0' ' '", answer("long")));
    plugins.script("deep", "head -c 60000 /dev/zero | tr '\\0' '['");
    plugins.script("fails", &format!("{}; exit 3", answer("fails")));
    plugins.script("crashes", "kill -SEGV $$");
    plugins.script("other", &answer("another"));
    plugins.script("old", "echo '{\"protocol\":9}'");
    let escapes =
        "echo '{\"protocol\":1,\"name\":\"paints\",\"description\":\"\\u001b[2J red\",\"version\":\"1\"}'";
    plugins.script("paints", escapes);
    plugins.script(
        "exchanged",
        &format!("echo >> {}; {}", plugins.path("exchanged").display(), answer("exchanged")),
    );
    fs::write(plugins.path("noformat"), "neither program nor script").expect("it is ours");
    fs::set_permissions(plugins.path("noformat"), PermissionsExt::from_mode(0o755)).expect("it is ours");
    // These take their second, all at the same time.
    plugins.script("sleeps", "sleep 600");
    plugins.script("holds", &format!("sleep 600 & {}", answer("holds")));
    plugins.script("drips", "while :; do printf ' '; sleep 0.1; done");
    let list = listed(&plugins);
    for (name, words) in [
        ("good", "is good"),
        ("garbage", "[broken: what it says of itself is no description"),
        ("binary", "[broken: what it says of itself is no description"),
        ("nothing", "[broken: what it says of itself is no description"),
        ("endless", "[broken: it says too much"),
        ("long", "[broken: it says too much"),
        ("deep", "[broken: what it says of itself is no description"),
        ("fails", "[broken: asked what it is, it ended with exit status 3"),
        ("crashes", "[broken: asked what it is, it ended with signal 11"),
        ("other", "[broken: it says that its name is 'another'"),
        ("old", "[broken: it was made for another version (9, here is 1)"),
        ("paints", "\\u{1b}[2J red"),
        ("exchanged", "[changed: it was exchanged while it was asked"),
        ("noformat", "[broken: it cannot be started"),
        ("sleeps", "[slow: it did not say what it is within 1 s"),
        ("holds", "[slow: it did not say what it is within 1 s"),
        ("drips", "[slow: it did not say what it is within 1 s"),
    ] {
        assert!(list.contains(&format!("{name} {words}")), "{name}: {list}");
    }
}

#[test]
fn what_others_can_change_is_neither_asked_nor_run() {
    let plugins = Plugins::new();
    let ran = plugins.0.join("ran");
    let does = format!("touch {}", ran.display());
    let mode = |path: &PathBuf, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(&plugins.script("world", &does), 0o757);
    mode(&plugins.script("group", &does), 0o775);
    mode(&plugins.script("plain", &does), 0o644);
    fs::create_dir(plugins.path("folder")).expect("it is ours");
    symlink(plugins.path("round"), plugins.path("round")).expect("it is ours");
    symlink("/dev/zero", plugins.path("device")).expect("it is ours");
    rustix::fs::mkfifoat(rustix::fs::CWD, plugins.path("pipe"), rustix::fs::Mode::RWXU).expect("it is ours");
    // A link to a file in a folder to which others can write.
    let open = plugins.0.join("open");
    fs::create_dir(&open).expect("it is ours");
    fs::copy(plugins.script("source", &does), open.join("program")).expect("it is ours");
    fs::remove_file(plugins.path("source")).expect("it is ours");
    symlink(open.join("program"), plugins.path("linked")).expect("it is ours");
    mode(&open, 0o777);
    let mut distrusted = vec![
        ("world", "others can write to"),
        ("group", "others can write to"),
        ("plain", "it is not executable"),
        ("folder", "it is no regular file"),
        ("round", "too many links lead to it"),
        ("device", "it is no regular file"),
        ("pipe", "it is no regular file"),
        ("linked", "others can write to"),
    ];
    if is_root("a plugin of somebody else") {
        let strange = plugins.script("strange", &does);
        std::os::unix::fs::chown(strange, Some(65534), Some(65534)).expect("root may");
        symlink("/bin/true", plugins.path("led")).expect("it is ours");
        std::os::unix::fs::lchown(plugins.path("led"), Some(65534), Some(65534)).expect("root may");
        distrusted.extend([("strange", "belongs to user 65534"), ("led", "belongs to user 65534")]);
    }
    let list = listed(&plugins);
    for (name, words) in &distrusted {
        let told = list.contains(&format!("{name} [not trusted: "));
        assert!(told && list.contains(words), "{name}: {list}");
        let ended = Program::run(plugins.command(&[name]));
        let told = format!("the plugin '{name}' is not run from '");
        assert_eq!(ended.code, Some(4), "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains(&told) && ended.stderr.contains(words), "{name}: {}", ended.stderr);
    }
    assert!(!ran.exists());
}

#[test]
fn a_folder_that_others_can_write_to_has_no_plugins_unless_it_is_sticky() {
    let plugins = Plugins::new();
    plugins.script("good", &format!("{}; exit 7", answer("good")));
    let mode = |name: &str, mode| {
        fs::set_permissions(plugins.0.join(name), fs::Permissions::from_mode(mode)).expect("it is ours");
    };
    mode(".", 0o777);
    assert_eq!(Program::run(plugins.command(&["good"])).code, Some(4), "above it");
    mode(".", 0o1777);
    assert_eq!(
        Program::run(plugins.command(&["good"])).code,
        Some(7),
        "what is ours in a sticky folder is ours"
    );
    mode("plugins", 0o777);
    assert_eq!(Program::run(plugins.command(&["good"])).code, Some(4));
    mode("plugins", 0o755);
    mode(".", 0o755);
    assert_eq!(Program::run(plugins.command(&["good"])).code, Some(7));
}

#[test]
fn the_first_one_that_is_trusted_is_run() {
    let plugins = Plugins::new();
    let first = plugins.script("good", "exit 5");
    fs::set_permissions(first, PermissionsExt::from_mode(0o757)).expect("it is ours");
    let second = plugins.0.join("second");
    fs::create_dir(&second).expect("it is ours");
    fs::write(second.join("sestina-good"), "#!/bin/sh\nexit 7\n").expect("it is ours");
    fs::set_permissions(second.join("sestina-good"), PermissionsExt::from_mode(0o755)).expect("it is ours");
    let ended = Program::run(plugins.command(&["--plugin-path", path(&second), "good"]));
    assert_eq!(ended.code, Some(7), "{}", ended.stderr);
}
