//! As whom it serves. These run where the tests run as root; elsewhere what is refused is looked at.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use crate::common::daemon::{Daemon, Folder, fails, is_root, open_to_all};
use crate::common::{Program, poem, read_all};

/// What everybody may read.
const NOBODY: &str = "65534";
/// Capability number 10.
const NET_BIND_SERVICE: u64 = 1 << 10;

fn capabilities(daemon: &Daemon<'_>, field: &str) -> u64 {
    u64::from_str_radix(&daemon.status(field), 16).expect("a hexadecimal number")
}

/// Whether there is such a user.
fn nobody_is_known() -> bool {
    let mut probe = Command::new("id");
    probe.args(["-u", "nobody"]);
    crate::common::require("the user 'nobody'", probe)
}

/// A free port that only root may take.
fn privileged_port() -> Option<u16> {
    (80..1024).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
}

// spec: P16-01, P16-25, P16-58
#[test]
fn port_80_is_taken_as_root_and_served_as_nobody() {
    if !is_root("a port below 1024") {
        return;
    }
    let folder = Folder::new();
    let port = privileged_port().expect("a free port below 1024").to_string();
    let arguments = ["-u", NOBODY, "-g", NOBODY, "fastpoetry", "--poem", "ecstasy.txt", "--port", &port];
    let daemon = folder.start(folder.sestina(&arguments), "sestina");
    assert!(read_all(daemon.connect()) == poem("ecstasy"));
    assert_eq!(daemon.at().port().to_string(), port);
    assert_eq!(daemon.status("Uid"), [NOBODY; 4].join(" "));
    assert_eq!(daemon.status("Gid"), [NOBODY; 4].join(" "));
    assert_eq!(daemon.status("Groups"), NOBODY);
    for set in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
        assert_eq!(capabilities(&daemon, set), 0, "{set}");
    }
    assert_eq!(daemon.status("NoNewPrivs"), "1");
    let log = fs::metadata(folder.join("sestina.log")).expect("it is there");
    assert_eq!((log.uid(), log.gid()), (65534, 65534), "the log is the user's own");
    let text = daemon.log();
    let at = |words: &str| text.find(words).unwrap_or_else(|| panic!("{words:?} is not in {text}"));
    // The port before the drop, the start after it.
    assert!(at(" listening on ") < at("serving as user 65534 and group 65534"));
    assert!(at("serving as user 65534") < at("loaded a poem"));
    daemon.stop();
}

// spec: P16-58
#[test]
fn names_are_users_and_the_group_is_the_users_own() {
    if !is_root("another user") || !nobody_is_known() {
        return;
    }
    let folder = Folder::new();
    let id = |flag: &str| {
        let mut id = Command::new("id");
        id.args([flag, "nobody"]);
        String::from_utf8(Program::run(id).stdout).expect("numbers").trim().to_owned()
    };
    let daemon = folder.fastpoetry(&["-u", "nobody"]);
    assert_eq!(daemon.status("Uid"), [id("-u").as_str(); 4].join(" "));
    assert_eq!(daemon.status("Gid"), [id("-g").as_str(); 4].join(" "));
    let mut groups: Vec<String> = id("-G").split(' ').map(str::to_owned).collect();
    groups.sort_by_key(|group| group.parse::<u32>().unwrap_or_default());
    assert_eq!(daemon.status("Groups"), groups.join(" "));
    daemon.stop();
}

#[test]
fn a_group_alone_clears_the_additional_groups_and_keep_groups_keeps_them() {
    if !is_root("another group") {
        return;
    }
    let folder = Folder::new();
    let sestina = env!("CARGO_BIN_EXE_sestina");
    // Root with additional groups, as a login has them.
    let with_groups = |options: &str| {
        let script = format!(
            "exec setpriv --groups 4,24 '{sestina}' {options} fastpoetry --poem ecstasy.txt --port 0"
        );
        folder.shell("sh", &script)
    };
    let mut probe = Command::new("setpriv");
    probe.arg("--version");
    if !crate::common::require("setpriv", probe) {
        return;
    }
    let daemon = folder.start(with_groups("-g 65534"), "sestina");
    assert_eq!((daemon.status("Gid"), daemon.status("Groups")), ([NOBODY; 4].join(" "), String::new()));
    daemon.stop();
    let daemon = folder.start(with_groups("-u 65534 -g 65534 --keep-groups"), "sestina");
    assert_eq!(daemon.status("Groups"), "4 24");
    daemon.stop();
}

#[test]
fn only_the_capabilities_that_were_asked_for_are_kept() {
    if !is_root("capabilities") {
        return;
    }
    let folder = Folder::new();
    let daemon = folder.fastpoetry(&["-u", NOBODY, "-g", NOBODY, "--keep-cap", "net_bind_service"]);
    assert_eq!(capabilities(&daemon, "CapPrm"), NET_BIND_SERVICE);
    assert_eq!(capabilities(&daemon, "CapEff"), NET_BIND_SERVICE);
    assert_eq!(capabilities(&daemon, "CapInh"), 0);
    assert_eq!(capabilities(&daemon, "CapAmb"), 0);
    daemon.stop();
    let daemon = folder.fastpoetry(&["-u", NOBODY, "-g", NOBODY, "--no-new-privs=no"]);
    assert_eq!(daemon.status("NoNewPrivs"), "0");
    daemon.stop();
}

/// What one thread gives up the others keep: so none may begin before.
#[test]
fn no_thread_is_older_than_what_was_given_up() {
    if !is_root("giving up privileges") {
        return;
    }
    let folder = Folder::new();
    let proxy = ["-u", NOBODY, "-g", NOBODY, "poetryproxy", "--like", "3.0", "--port", "0", "1"];
    let daemon = folder.start(folder.sestina(&proxy), "sestina");
    let threads = fs::read_dir(format!("/proc/{}/task", daemon.pid)).expect("it runs");
    let statuses: Vec<String> =
        threads.map(|thread| daemon.proc(&format!("task/{}/status", name(thread)))).collect();
    assert!(statuses.len() > 1, "somebody prints");
    for status in statuses {
        assert!(status.contains("\nNoNewPrivs:\t1\n"), "{status}");
        assert!(status.contains("\nCapPrm:\t0000000000000000\n"), "{status}");
    }
    daemon.stop();
}

fn name(entry: std::io::Result<fs::DirEntry>) -> String {
    entry.expect("it can be read").file_name().into_string().expect("a number")
}

#[test]
fn in_another_root_paths_begin_there_and_names_were_resolved_before() {
    if !is_root("another root directory") || !nobody_is_known() {
        return;
    }
    let folder = Folder::new();
    let root = folder.join("root");
    fs::create_dir(&root).expect("a folder");
    open_to_all(&root);
    fs::copy(folder.join("ecstasy.txt"), root.join("poem.txt")).expect("a poem");
    let arguments = ["--chroot", "root", "-u", "nobody", "fastpoetry", "--poem", "poem.txt", "--port", "0"];
    let daemon = folder.start(folder.sestina(&arguments), "sestina");
    assert!(read_all(daemon.connect()) == poem("ecstasy"));
    let link = |name: &str| fs::read_link(format!("/proc/{}/{name}", daemon.pid)).expect("it runs");
    assert_eq!(link("root"), root);
    assert_eq!(link("cwd"), root);
    // No way out is left open: no descriptor is a directory.
    for (number, what) in daemon.descriptors() {
        assert!(!std::path::Path::new(&what).is_dir(), "{number} is {what}");
    }
    let log = daemon.stop();
    assert!(log.contains("fastpoetry stopped"), "{log}");
}

#[test]
fn as_root_without_a_word_it_serves_as_root_and_says_so() {
    if !is_root("serving as root") {
        return;
    }
    let folder = Folder::new();
    let log = folder.fastpoetry(&[]).stop();
    assert!(log.contains("[sestina#info] serving as root"), "{log}");
}

#[test]
fn a_user_without_an_entry_needs_a_group() {
    let folder = Folder::new();
    let fast = ["fastpoetry", "--poem", "ecstasy.txt", "--port", "0"];
    fails(folder.sestina(&[&["-u", "54321"], &fast[..]].concat()), 2, "give it with --gid");
    fails(
        folder.sestina(&[&["--keep-cap", "flying", "-u", "nobody"], &fast[..]].concat()),
        2,
        "no capability 'flying'",
    );
}

#[test]
fn who_is_not_root_cannot_become_somebody_else_and_the_status_is_4() {
    let folder = Folder::new();
    let fast = ["fastpoetry", "--poem", "ecstasy.txt", "--port", "0"];
    let cases = [
        (vec!["-u", "54321", "-g", "54321"], "only root can serve as another user"),
        (vec!["-g", "54321"], "only root can serve as another group"),
        (vec!["--chroot", "/"], "only root can change its root directory"),
    ];
    for (options, words) in cases {
        for place in ["-n", "-D"] {
            let command = folder.sestina(&[&[place], &options[..], &fast[..]].concat());
            let Some(command) = as_nobody(command) else { return };
            fails(command, 4, words);
        }
    }
}

/// The command as a user that may do nothing.
fn as_nobody(command: Command) -> Option<Command> {
    if !rustix::process::geteuid().is_root() {
        return Some(command);
    }
    let mut probe = Command::new("setpriv");
    probe.arg("--version");
    if !crate::common::require("setpriv", probe) {
        return None;
    }
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(command.get_program());
    setpriv.args(command.get_args());
    if let Some(directory) = command.get_current_dir() {
        setpriv.current_dir(directory);
    }
    setpriv.env_remove("NOTIFY_SOCKET").env_remove("INVOCATION_ID");
    Some(setpriv)
}
