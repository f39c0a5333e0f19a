//! Where the logs of tests lie: below `target/trial/`, never in the working directory.
//!
//! The target folder is the one that the test's program lies in. Cargo marks it with a file.

use std::path::{Path, PathBuf};

use crate::log::cut;
use crate::runtime::Test;

/// The file by which Cargo marks a target folder.
const MARK: &str = "CACHEDIR.TAG";
/// Longer names are cut: a file's name may have 255 bytes.
const NAME_BYTES_MAX: usize = 200;

/// The file of a test's log; `None` if there is no target folder.
pub(crate) fn log_of(test: &Test) -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    let marked = program.ancestors().skip(1).find(|folder| folder.join(MARK).is_file());
    // A program that was moved elsewhere may still be told.
    let told =
        || std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let target = marked.map(Path::to_owned).or_else(told)?;
    let (krate, name) = test.path.split_once("::").unwrap_or(("tests", test.path));
    let mut name = name.replace("::", ".");
    cut(&mut name, NAME_BYTES_MAX);
    let package = test.package.unwrap_or("tests");
    Some(target.join("trial").join(package).join(krate).join(name + ".log"))
}
