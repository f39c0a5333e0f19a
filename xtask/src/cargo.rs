//! Running cargo in the repository's folder.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::checks::Outcome;

/// How it ended: its exit code, unless a signal ended it.
pub(crate) fn status(
    root: &Path,
    arguments: &[&str],
    environment: &[(&str, &str)],
) -> Result<Option<i32>, String> {
    let status = command(root, arguments).envs(environment.iter().copied()).status();
    status.map(|status| status.code()).map_err(|error| format!("cannot start cargo: {error}"))
}

/// It must end well.
pub(crate) fn succeeds(root: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Outcome {
    match status(root, arguments, environment)? {
        Some(0) => Ok(()),
        _ => Err(format!("cargo {} failed", arguments.join(" "))),
    }
}

/// What it prints; what it complains about is shown as it comes.
pub(crate) fn output(root: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = command(root, arguments).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot start cargo: {error}"))?;
    let what = arguments.join(" ");
    if !output.status.success() {
        return Err(format!("cargo {what} failed"));
    }
    String::from_utf8(output.stdout).map_err(|error| format!("cargo {what} printed no text: {error}"))
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let program = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root);
    command
}
