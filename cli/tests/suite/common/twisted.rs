//! The original at the other end: a Python that has Twisted.

use std::process::Command;

use super::require;

/// Runs this text with these arguments; `None` if there is no such Python, which is an error in CI.
pub(crate) fn python_with_twisted(text: &str, arguments: &[&str]) -> Option<Command> {
    let probe = |python: &str| {
        let mut probe = Command::new(python);
        probe.args(["-c", "import twisted"]);
        probe
    };
    let has_twisted = |python: &&str| probe(python).output().is_ok_and(|output| output.status.success());
    let python = ["python3", "/usr/bin/python3"].into_iter().find(has_twisted).unwrap_or("python3");
    require("python3 with twisted", probe(python)).then(|| {
        let mut command = Command::new(python);
        command.args(["-c", text]).args(arguments);
        command
    })
}
