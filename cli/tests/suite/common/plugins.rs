//! A folder of plugins made of shell.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::daemon::Folder;
use super::path;

/// A folder with plugins, and a home for the cache.
pub(crate) struct Plugins(pub(crate) Folder);

impl Plugins {
    pub(crate) fn new() -> Self {
        let folder = Folder::new();
        for name in ["plugins", "home"] {
            fs::create_dir(folder.join(name)).expect("it is ours");
        }
        Self(folder)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(&format!("plugins/sestina-{name}"))
    }

    /// A plugin that does this.
    pub(crate) fn script(&self, name: &str, does: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{does}\n")).expect("it is ours");
        fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).expect("it is ours");
        path
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.sestina(&["--plugin-path", path(&self.0.join("plugins"))]);
        command.args(arguments).env("HOME", self.0.join("home")).env_remove("XDG_CACHE_HOME");
        command.env_remove("SESTINA_PLUGIN_PATH");
        command
    }
}

/// The command with which a plugin says what it is.
pub(crate) fn answer(name: &str, description: &str) -> String {
    format!(
        "echo '{{\"protocol\":1,\"name\":\"{name}\",\"description\":\"{description}\",\"version\":\"1\"}}'"
    )
}
