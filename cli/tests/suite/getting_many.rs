//! Thousands of downloads at once, in two processes, with the descriptors that the system allows.

use crate::common::{Program, Server, get_poetry, poem};
use rustix::process::{Resource, getrlimit};

/// Connections at the same time: full size in CI.
const DOWNLOADS: u32 = 200;
const DOWNLOADS_IN_CI: u32 = 5_000;

fn downloads() -> u32 {
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    let wanted = if is_ci { DOWNLOADS_IN_CI } else { DOWNLOADS };
    let allowed = getrlimit(Resource::Nofile).maximum.unwrap_or(u64::MAX);
    assert!(!is_ci || allowed >= 20_000, "CI allows 20,000 descriptors, not {allowed}");
    wanted
}

/// All are connected before the first is done: each poem takes longer than it takes to connect to all poets.
#[test]
fn thousands_of_poems_arrive_at_once() {
    let count = downloads();
    let delay = format!("{}ms", 300 + count / 2);
    let file = crate::common::poem_file("science");
    let slow = Server::start(
        "slowpoetry",
        &["--poem", crate::common::path(&file), "--num-bytes", "330", "--delay", &delay, "--port", "0"],
    );
    let port = slow.port();
    let mut command = get_poetry();
    command.args(["--json"]).args((0..count).map(|_| &*port));
    let ended = Program::run(command);
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""));
    let text = String::from_utf8(ended.stdout).unwrap();
    let reports: Vec<serde_json::Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(reports.len(), usize::try_from(count).unwrap());
    assert!(reports.iter().all(|report| report["bytes"] == 653 && report["sha256"] == reports[0]["sha256"]));
    let mut command = get_poetry();
    command.args(["--order", "stream"]).args((0..count).map(|_| &*port));
    let ended = Program::run(command);
    assert!(
        ended.code == Some(0) && ended.stdout == poem("science").repeat(reports.len()),
        "{}",
        ended.stderr
    );
}

#[test]
fn more_jobs_than_descriptors_are_told_and_bounded() {
    let server = Server::fast("science");
    let mut shell = std::process::Command::new("sh");
    let run = "ulimit -n 100; exec \"$0\" --jobs 5000 \"$@\"";
    shell.args(["-c", run, env!("CARGO_BIN_EXE_get-poetry")]).args(vec![server.port(); 300]);
    let ended = Program::run(shell);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout == poem("science").repeat(300));
    let told = "get-poetry: --jobs: 18 at once instead of 5000: 100 descriptors may be open (ulimit -n)";
    assert_eq!(ended.stderr, told);
}
