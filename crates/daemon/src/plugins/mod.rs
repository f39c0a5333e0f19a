//! Plugins that are programs of their own: executables named `PROGRAM-NAME`, found without rebuilding anything.
//!
//! Walk: `folders.rs` says where is looked, `trust.rs` which files may be run at all, `describe.rs` asks them what they are,
//! `cache.rs` remembers what they said, `list.rs` puts it into words; [`Search`] is what the runner asks.
//! Invariant: no file is run, not even to be asked, that `trust.rs` has not opened; and what it has opened is what is run.
//! Tests: `cli/tests/suite/plugins_*.rs`.

mod cache;
mod describe;
mod description;
mod folders;
mod list;
mod trust;

pub(crate) use description::description;
pub(crate) use list::{entry, wrapped};
pub(crate) use trust::{Distrust, Trusted};

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use crate::surroundings::Surroundings;
use cache::Cache;
use description::Description;

/// Bytes of the name of a plugin.
const NAME_BYTES_MAX: usize = 64;
/// Plugins that are looked at, in all folders: who has more has a mistake in his path.
const PLUGINS_MAX: usize = 256;
/// Entries of one folder that are looked at.
const FOLDER_ENTRIES_MAX: usize = 100_000;

/// Whether a plugin may be called so.
pub(crate) fn is_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    let first = bytes.next().is_some_and(|byte| byte.is_ascii_lowercase());
    let rest = bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    first && rest && name.len() <= NAME_BYTES_MAX
}

/// What plugins of this program are called, before their names.
pub(crate) fn prefix(program: &str) -> String {
    format!("{program}-")
}

/// A search for the plugins of a program.
pub(crate) struct Search<'a> {
    program: &'a str,
    /// The names that are taken: those of plugins that are linked, and of commands.
    taken: Vec<&'a str>,
    folders: Vec<PathBuf>,
    surroundings: &'a Surroundings,
}

/// A plugin that was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) state: State,
}

/// What there is to say of a plugin that was found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum State {
    /// It runs, and says this of itself.
    Usable(Description),
    /// It would be run, but did not say what it is, and why.
    Broken(String),
    /// It is not run, and why.
    Distrusted(String),
    /// It is not run, because this comes first.
    Shadowed(String),
}

/// Why no program is run for a name.
#[derive(Debug)]
pub(crate) enum Missing {
    /// There is none of this name. What may have been meant.
    Unknown { meant: Option<String> },
    /// There is one, and it is not run.
    Distrusted { path: PathBuf, why: Distrust },
}

impl<'a> Search<'a> {
    /// Where plugins are looked for is what the options say, then what the environment says: see `folders.rs`.
    pub(crate) fn new(
        program: &'a str,
        taken: Vec<&'a str>,
        options: &[OsString],
        surroundings: &'a Surroundings,
    ) -> Self {
        let folders = folders::folders(program, options, surroundings);
        Self { program, taken, folders, surroundings }
    }

    /// The program that a name means: the first one that is trusted.
    pub(crate) fn find(&self, name: &str) -> Result<Trusted, Missing> {
        let mut distrusted = None;
        let candidates = self.folders.iter().filter(|_| is_name(name));
        for path in candidates.map(|folder| folder.join(prefix(self.program) + name)) {
            match trust::open(&path, geteuid().as_raw()) {
                Ok(trusted) => return Ok(trusted),
                Err(Distrust::NotThere) => {}
                Err(why) => distrusted = distrusted.or(Some(Missing::Distrusted { path, why })),
            }
        }
        Err(distrusted.unwrap_or_else(|| Missing::Unknown { meant: self.nearest(name) }))
    }

    /// The name that was probably meant, of all that there are.
    fn nearest(&self, name: &str) -> Option<String> {
        let files = self.files();
        let names = files.iter().map(|(name, _)| name.as_str()).chain(self.taken.iter().copied());
        crate::nearest::nearest(name, names).map(ToOwned::to_owned)
    }

    /// All plugins on the path, by name; of several with one name in the order in which they are looked for.
    pub(crate) fn list(&self) -> Vec<Found> {
        let mut first: BTreeMap<String, PathBuf> = BTreeMap::new();
        let mut found = Vec::new();
        let mut asked = Vec::new();
        for (name, path) in self.files() {
            let state = match trust::open(&path, geteuid().as_raw()) {
                Err(Distrust::NotThere) => continue,
                Err(why) => State::Distrusted(why.to_string()),
                Ok(_) if self.taken.contains(&name.as_str()) => {
                    State::Shadowed(format!("the '{name}' that is built in"))
                }
                Ok(trusted) => match first.get(&name) {
                    Some(before) => State::Shadowed(before.display().to_string()),
                    None => {
                        first.insert(name.clone(), path.clone());
                        asked.push((found.len(), trusted));
                        State::Broken("it was not asked".to_owned())
                    }
                },
            };
            found.push(Found { name, path, state });
        }
        self.ask(asked, &mut found);
        found
    }

    /// Has those that are trusted say what they are, as far as that is not known.
    fn ask(&self, asked: Vec<(usize, Trusted)>, found: &mut [Found]) {
        let mut cache = Cache::open(self.program, self.surroundings);
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (index, trusted) in asked {
            match cache.get(&found[index].path, &trusted) {
                Some(description) if description.name == found[index].name => {
                    known.push((index, State::Usable(description)));
                }
                _ => unknown.push((index, trusted)),
            }
        }
        let questions: Vec<(&Trusted, &str)> =
            unknown.iter().map(|(index, trusted)| (trusted, found[*index].name.as_str())).collect();
        let answers = describe::describe(self.program, &questions);
        for ((index, trusted), answer) in unknown.iter().zip(answers) {
            let state = match answer {
                Ok(description) => {
                    cache.put(&found[*index].path, trusted, &description);
                    State::Usable(description)
                }
                Err(why) => State::Broken(why.to_string()),
            };
            known.push((*index, state));
        }
        for (index, state) in known {
            found[index].state = state;
        }
        cache.save();
    }

    /// The files that are called like plugins, by name, in the order in which they are looked for.
    fn files(&self) -> Vec<(String, PathBuf)> {
        let mut files = Vec::new();
        for folder in &self.folders {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            let names =
                entries.take(FOLDER_ENTRIES_MAX).flatten().filter_map(|entry| self.name(&entry.file_name()));
            let mut names: Vec<String> = names.collect();
            names.sort();
            files.extend(names.into_iter().map(|name| {
                let path = folder.join(prefix(self.program) + &name);
                (name, path)
            }));
        }
        files.sort_by(|(one, _), (other, _)| one.cmp(other)); // stable: folders stay in their order
        files.truncate(PLUGINS_MAX);
        files
    }

    /// The name of the plugin that a file of this name is.
    fn name(&self, file: &OsStr) -> Option<String> {
        let name = file.to_str()?.strip_prefix(self.program)?.strip_prefix('-')?;
        is_name(name).then(|| name.to_owned())
    }
}

/// Becomes the plugin, with these words of the command line after the program's own name.
///
/// # Errors
/// It comes back only with one.
pub(crate) fn become_plugin(trusted: &Trusted, name: &str, program: &str, rest: &[OsString]) -> io::Error {
    let shown = prefix(program) + name;
    let command = trusted.command();
    match command {
        Ok(mut command) => command.arg0(shown).args(rest).exec(),
        Err(error) => error,
    }
}

/// Whether this process was run by the number of an open file, as a plugin is: then that is what it is called.
#[cfg(target_os = "linux")]
pub(crate) fn is_run_by_number() -> bool {
    rustix::thread::name().is_ok_and(|name| {
        let name = name.as_bytes();
        !name.is_empty() && name.iter().all(u8::is_ascii_digit)
    })
}

/// Whether this process was run by the number of an open file: that is done on Linux only.
#[cfg(not(target_os = "linux"))]
pub(crate) fn is_run_by_number() -> bool {
    false
}

/// A path for a line of help.
pub(crate) fn shown(path: &Path) -> String {
    crate::words::one_line(&path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::is_name;

    #[test]
    fn names_are_lower_case_words() {
        for name in ["a", "fastpoetry", "two-poems", "x86", &"a".repeat(64)] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "-a", "A", "a.bak", "a/b", "a b", "1a", "é", &"a".repeat(65)] {
            assert!(!is_name(name), "{name}");
        }
    }
}
