//! Capabilities: the pieces of what root may do.

use std::fs;
use std::io;

use nix::unistd::Uid;
use rustix::thread::{CapabilitySet, CapabilitySets};

use crate::service_maker::UsageError;

/// The capabilities that are kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Capabilities(CapabilitySet);

impl Capabilities {
    pub(super) fn named(names: &[String]) -> Result<Self, UsageError> {
        let mut all = CapabilitySet::empty();
        for name in names {
            let upper = name.to_ascii_uppercase();
            let bare = upper.strip_prefix("CAP_").unwrap_or(&upper);
            let found = CapabilitySet::from_name(bare);
            all |= found.ok_or_else(|| {
                UsageError::new(format!(
                    "there is no capability '{name}': they have names such as net_bind_service"
                ))
            })?;
        }
        Ok(Self(all))
    }

    pub(super) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Whether whoever keeps these may become root: then nobody can show that it cannot.
    pub(super) fn allow_other_users(&self) -> bool {
        self.0.contains(CapabilitySet::SETUID)
    }

    /// Has these and no others, for itself and for none of the programs that it starts.
    pub(super) fn reduce_to(self) -> io::Result<()> {
        let sets =
            CapabilitySets { effective: self.0, permitted: self.0, inheritable: CapabilitySet::empty() };
        Ok(rustix::thread::set_capabilities(None, sets)?)
    }
}

impl std::fmt::Display for Capabilities {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<String> = self.0.iter_names().map(|(name, _)| name.to_ascii_lowercase()).collect();
        out.write_str(if names.is_empty() { "none" } else { "" })?;
        out.write_str(&names.join(" "))
    }
}

/// The change of the user does not take them all.
pub(super) fn keep_over_the_change() -> io::Result<()> {
    Ok(rustix::thread::set_keep_capabilities(true)?)
}

pub(super) fn forbid_new_privileges() -> io::Result<()> {
    Ok(rustix::thread::set_no_new_privs(true)?)
}

/// Looks at what the system says of every thread: a thread that was started too early has what the others gave up.
pub(super) fn verify(uid: Option<Uid>, no_new_privs: bool, keep: &Capabilities) -> Result<(), String> {
    let Ok(threads) = fs::read_dir("/proc/self/task") else {
        // No /proc in the new root: then the one thread that can ask for itself must do.
        return verify_this_thread(uid, no_new_privs, keep);
    };
    for thread in threads.flatten() {
        let Ok(status) = fs::read_to_string(thread.path().join("status")) else { continue };
        let number = thread.file_name();
        let number = number.to_string_lossy();
        if let Some(what) = wrong_with(&status, uid, no_new_privs, keep) {
            return Err(format!("{what} on thread {number}"));
        }
    }
    Ok(())
}

fn wrong_with(status: &str, uid: Option<Uid>, no_new_privs: bool, keep: &Capabilities) -> Option<String> {
    // What is not said is not as it should be.
    let field =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default().trim();
    if let Some(uid) = uid {
        let ids: Vec<_> = field("Uid:").split_whitespace().collect();
        if ids.is_empty() || ids.iter().any(|number| number.parse() != Ok(uid.as_raw())) {
            return Some(format!("the user is not {uid}"));
        }
        let permitted = u64::from_str_radix(field("CapPrm:"), 16).unwrap_or(u64::MAX);
        if !uid.is_root() && permitted & !keep.0.bits() != 0 {
            return Some("there are capabilities that were not asked for".to_owned());
        }
    }
    if no_new_privs && field("NoNewPrivs:") != "1" {
        return Some("new privileges are not forbidden: it was started before".to_owned());
    }
    None
}

fn verify_this_thread(uid: Option<Uid>, no_new_privs: bool, keep: &Capabilities) -> Result<(), String> {
    if uid.is_some_and(|uid| !uid.is_root()) {
        let sets = rustix::thread::capabilities(None).map_err(|error| error.to_string())?;
        if !keep.0.contains(sets.permitted) {
            return Err("there are capabilities that were not asked for".to_owned());
        }
    }
    let forbidden = rustix::thread::no_new_privs().map_err(|error| error.to_string())?;
    if no_new_privs && !forbidden {
        return Err("new privileges are not forbidden".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_have_the_names_of_the_manual() {
        for name in ["net_bind_service", "CAP_NET_BIND_SERVICE", "Cap_Net_Raw"] {
            assert!(
                !Capabilities::named(&[name.to_owned()]).unwrap_or_else(|error| panic!("{error}")).is_empty()
            );
        }
        for wrong in ["", "net", "CAP_", "CAP_CAP_CHOWN"] {
            assert!(Capabilities::named(&[wrong.to_owned()]).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_thread_that_kept_something_is_found() {
        let nobody = Some(Uid::from_raw(65534));
        let keep = Capabilities(CapabilitySet::NET_BIND_SERVICE);
        let status = |uid: &str, capabilities: &str, forbidden: &str| {
            format!("Name: x\nUid: {uid}\nCapPrm: {capabilities}\nNoNewPrivs: {forbidden}\n")
        };
        let nobodys = "65534 65534 65534 65534";
        assert_eq!(wrong_with(&status(nobodys, "0000000000000400", "1"), nobody, true, &keep), None);
        let wrong = [
            status("65534 65534 0 65534", "0000000000000000", "1"),
            status(nobodys, "0000000000000401", "1"),
            status(nobodys, "0000000000000400", "0"),
            String::new(),
        ];
        for status in wrong {
            assert!(wrong_with(&status, nobody, true, &keep).is_some(), "{status}");
        }
    }
}
