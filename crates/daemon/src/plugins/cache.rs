//! What plugins have said of themselves, kept in the user's cache folder, so that a list need not start them all.
//!
//! Nothing depends on it: what cannot be read or written is left alone.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, fstat, openat, renameat, unlinkat};
use rustix::process::geteuid;
use serde_json::{Value, json};

use super::description::Description;
use super::trust::{self, Stamp, Trusted};
use crate::surroundings::Surroundings;

/// The name of the file.
const FILE: &str = "plugins.json";
/// How long the file may be, in bytes.
const CACHE_BYTES_MAX: u64 = 1 << 20;
/// Plugins that are remembered.
const ENTRIES_MAX: usize = 1_000;
/// The version of the file.
const VERSION: u64 = 1;

/// The remembered descriptions.
pub(super) struct Cache {
    folder: Option<OwnedFd>,
    entries: BTreeMap<String, Entry>,
    is_changed: bool,
}

#[derive(Clone)]
struct Entry {
    stamp: Stamp,
    description: Description,
}

impl Cache {
    /// Opens the cache of this program, if there is a folder for it that nobody else can write to.
    pub(super) fn open(program: &str, surroundings: &Surroundings) -> Self {
        let folder = folder(program, surroundings);
        let entries = folder.as_ref().and_then(read).unwrap_or_default();
        Self { folder, entries, is_changed: false }
    }

    /// What the plugin at this path said, if it is still the same file.
    pub(super) fn get(&self, path: &Path, trusted: &Trusted) -> Option<Description> {
        let entry = self.entries.get(path.to_str()?)?;
        (entry.stamp == trusted.stamp).then(|| entry.description.clone())
    }

    /// Remembers what a plugin said.
    pub(super) fn put(&mut self, path: &Path, trusted: &Trusted, description: &Description) {
        let Some(path) = path.to_str() else { return };
        while self.entries.len() >= ENTRIES_MAX {
            self.entries.pop_first();
        }
        let entry = Entry { stamp: trusted.stamp, description: description.clone() };
        self.entries.insert(path.to_owned(), entry);
        self.is_changed = true;
    }

    /// Writes it, whole or not at all.
    pub(super) fn save(&self) {
        let Some(folder) = self.folder.as_ref().filter(|_| self.is_changed) else { return };
        let temporary = format!("{FILE}.{}", std::process::id());
        if self.write(folder, &temporary).is_none() {
            unlinkat(folder, &temporary, AtFlags::empty()).ok();
        }
    }

    fn write(&self, folder: &OwnedFd, temporary: &str) -> Option<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = openat(folder, temporary, flags, Mode::RUSR | Mode::WUSR).ok()?;
        let plugins: Vec<Value> = self.entries.iter().map(|(path, entry)| entry.value(path)).collect();
        let text = json!({ "version": VERSION, "plugins": plugins }).to_string();
        File::from(file).write_all(text.as_bytes()).ok()?;
        renameat(folder, temporary, folder, FILE).ok()
    }
}

impl Entry {
    fn value(&self, path: &str) -> Value {
        let Description { name, description, version } = &self.description;
        json!({
            "path": path, "size": self.stamp.size, "seconds": self.stamp.seconds, "nanos": self.stamp.nanos,
            "name": name, "description": description, "version": version,
        })
    }

    fn of_value(value: &Value) -> Option<(String, Self)> {
        let number = |key: &str| value.get(key)?.as_i64();
        let stamp = Stamp { size: number("size")?, seconds: number("seconds")?, nanos: number("nanos")? };
        let path = value.get("path")?.as_str()?.to_owned();
        Some((path, Self { stamp, description: Description::of_fields(value)? }))
    }
}

/// The folder, made if there is none yet.
fn folder(program: &str, surroundings: &Surroundings) -> Option<OwnedFd> {
    let value = |name: &str| {
        let path = surroundings.environment.get(OsStr::new(name)).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let base = match value("XDG_CACHE_HOME") {
        Some(base) => base,
        None => value("HOME")?.join(".cache"),
    };
    let caller = geteuid().as_raw();
    let own = base.join(program);
    // What somebody else could exchange is not touched: root's home may be said to be a user's.
    trust::open_folder(base.parent()?, caller).ok()?;
    make(&base);
    trust::open_folder(&base, caller).ok()?;
    make(&own);
    trust::open_folder(&own, caller).ok()
}

/// For the user alone. That it is there already, or cannot be made, shows when it is opened.
fn make(folder: &Path) {
    rustix::fs::mkdir(folder, Mode::RWXU).ok();
}

fn read(folder: &OwnedFd) -> Option<BTreeMap<String, Entry>> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = openat(folder, FILE, flags, Mode::empty()).ok()?;
    let stat = fstat(&file).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    let mut text = Vec::new();
    File::from(file).take(CACHE_BYTES_MAX).read_to_end(&mut text).ok()?;
    let value: Value = serde_json::from_slice(&text).ok()?;
    if value.get("version")?.as_u64()? != VERSION {
        return None;
    }
    let plugins = value.get("plugins")?.as_array()?;
    Some(plugins.iter().take(ENTRIES_MAX).filter_map(Entry::of_value).collect())
}
