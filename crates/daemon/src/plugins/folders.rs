//! Where plugins are looked for.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use crate::surroundings::Surroundings;

/// Folders that are searched: a longer path is a mistake.
const FOLDERS_MAX: usize = 128;

/// The folders, in the order of the search: those of `--plugin-path`, then of `PROGRAM_PLUGIN_PATH` and `PATH`. The last two
/// are whatever the caller's environment says, so root looks into `/usr/lib/PROGRAM` instead. Relative and empty entries mean
/// another folder in each directory, and are left out.
pub(super) fn folders(program: &str, options: &[OsString], surroundings: &Surroundings) -> Vec<PathBuf> {
    let variable = format!("{}_PLUGIN_PATH", program.to_ascii_uppercase().replace('-', "_"));
    let value = |name: &str| surroundings.environment.get(OsStr::new(name)).cloned();
    let usual = match surroundings.is_root {
        true => vec![OsString::from(format!("/usr/lib/{program}"))],
        false => [value(&variable), value("PATH")].into_iter().flatten().collect(),
    };
    let mut folders = Vec::new();
    for folder in options.iter().chain(&usual).flat_map(std::env::split_paths) {
        if folder.is_absolute() && !folders.contains(&folder) && folders.len() < FOLDERS_MAX {
            folders.push(folder);
        }
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surroundings(is_root: bool) -> Surroundings {
        let environment =
            [("PATH", "/bin::relative:/usr/bin"), ("SESTINA_PLUGIN_PATH", "/plugins:./here:/bin")];
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        Surroundings { environment: environment.into(), is_root, ..Surroundings::default() }
    }

    #[test]
    fn options_come_first_and_relative_entries_are_left_out() {
        let options = [OsString::from("/a:b:/c"), OsString::from("/d")];
        let found = folders("sestina", &options, &surroundings(false));
        let expected = ["/a", "/c", "/d", "/plugins", "/bin", "/usr/bin"].map(PathBuf::from);
        assert_eq!(found, expected);
    }

    #[test]
    fn root_does_not_look_where_the_environment_says() {
        let found = folders("sestina", &["/a".into()], &surroundings(true));
        assert_eq!(found, ["/a", "/usr/lib/sestina"].map(PathBuf::from));
    }
}
