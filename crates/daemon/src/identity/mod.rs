//! As whom the process serves: user, groups, root directory, capabilities; and that there is no way back.
//!
//! Names are resolved by the plan, before the root changes. The order of the steps is the one that works: the groups while
//! there is still the right to set them, the user last, and then everything is looked at again, because a call of this kind that
//! fails without being noticed is the classic hole.
//! Calls for the whole process go through nix (the C library tells all threads); capabilities and no-new-privs are
//! a thread's own, so they are set before any other thread is there, and all threads are looked at.
//! Tests: `cli/tests/suite/daemon_identity.rs`, where they run as root.

#[cfg(target_os = "linux")]
mod capabilities;
#[cfg(not(target_os = "linux"))]
#[path = "no_capabilities.rs"]
mod capabilities;
mod names;

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;

use nix::unistd::{Gid, Uid};

use crate::logs::Owner;
use crate::options::ProcessOptions;
use crate::service_maker::UsageError;
use capabilities::Capabilities;

/// What the process will be once its sockets are open.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    uid: Option<Uid>,
    gid: Option<Gid>,
    groups: Groups,
    pub(crate) chroot: Option<PathBuf>,
    no_new_privs: bool,
    keep: Capabilities,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Groups {
    /// As they were found.
    Kept,
    /// These and no others.
    Set(Vec<Gid>),
}

/// A step that failed.
#[derive(Debug)]
pub(crate) struct IdentityError {
    what: String,
    source: Option<io::Error>,
}

impl IdentityError {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), source: None }
    }

    fn because(what: impl Into<String>, source: impl Into<io::Error>) -> Self {
        Self { what: what.into(), source: Some(source.into()) }
    }
}

impl fmt::Display for IdentityError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.what)
    }
}

impl Error for IdentityError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_ref().map(|source| {
            let source: &(dyn Error + 'static) = source;
            source
        })
    }
}

impl Identity {
    /// Resolves names, and checks what can be known before it is tried.
    ///
    /// # Errors
    /// [`UsageError`] if there is no such user or group, or options that mean nothing.
    pub(crate) fn resolve(options: &ProcessOptions, chroot: Option<PathBuf>) -> Result<Self, UsageError> {
        let user = options.uid.as_deref().map(names::user).transpose()?;
        let told = options.gid.as_deref().map(names::group).transpose()?;
        let gid = match (&user, told) {
            (_, Some(gid)) => Some(gid),
            (Some(names::User { gid: Some(gid), .. }), None) => Some(*gid),
            (Some(names::User { uid, gid: None, .. }), None) => {
                let why = format!(
                    "there is no entry for user {uid}, so nobody knows its group: give it with --gid"
                );
                return Err(UsageError::new(why));
            }
            (None, None) => None,
        };
        let groups = match (&user, gid) {
            _ if options.keep_groups => Groups::Kept,
            (Some(user), Some(gid)) => Groups::Set(user.groups(gid)),
            (None, Some(_)) => Groups::Set(Vec::new()),
            (_, None) => Groups::Kept,
        };
        let uid = user.as_ref().map(|user| user.uid);
        let keep = Capabilities::named(&options.keep_cap)?;
        if !keep.is_empty() && uid.is_none_or(Uid::is_root) {
            return Err(UsageError::new("--keep-cap means something only with a --uid that is not root"));
        }
        let no_new_privs = options.no_new_privs.unwrap_or_else(|| uid.is_some());
        Ok(Self { uid, gid, groups, chroot, no_new_privs, keep })
    }

    /// To whom new files belong.
    pub(crate) fn owner(&self) -> Option<Owner> {
        if self.uid.is_none() && self.gid.is_none() {
            return None;
        }
        let uid = self.uid.unwrap_or_else(nix::unistd::geteuid);
        let gid = self.gid.unwrap_or_else(nix::unistd::getegid);
        Some(Owner { uid: uid.as_raw(), gid: gid.as_raw() })
    }

    /// For people: a line for each thing.
    pub(crate) fn dump(&self, line: &mut dyn FnMut(&str, String)) {
        let or = |text: Option<String>| text.unwrap_or_else(|| "as it is".to_owned());
        line("uid", or(self.uid.map(|uid| uid.to_string())));
        line("gid", or(self.gid.map(|gid| gid.to_string())));
        line(
            "groups",
            match &self.groups {
                Groups::Kept => "as they are".to_owned(),
                Groups::Set(groups) => groups.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            },
        );
        line(
            "chroot",
            self.chroot.as_ref().map_or_else(|| "none".to_owned(), |root| root.display().to_string()),
        );
        line("no-new-privs", self.no_new_privs.to_string());
        line("keep-cap", self.keep.to_string());
    }

    /// Whether this takes privileges that the process does not have.
    ///
    /// # Errors
    /// What it may not do.
    pub(crate) fn check_possible(&self, is_root: bool) -> Result<(), IdentityError> {
        let needs = match self {
            _ if is_root => None,
            Self { chroot: Some(_), .. } => Some("change its root directory"),
            Self { uid: Some(uid), .. } if *uid != nix::unistd::geteuid() => Some("serve as another user"),
            Self { gid: Some(gid), .. } if *gid != nix::unistd::getegid() => Some("serve as another group"),
            _ => None,
        };
        match needs {
            None => Ok(()),
            Some(what) => Err(IdentityError::because(
                format!("only root can {what}"),
                io::Error::from(io::ErrorKind::PermissionDenied),
            )),
        }
    }

    /// Becomes it. Called once, when sockets are bound and before services start.
    ///
    /// # Errors
    /// The step that failed. The process must end then: it may be half of each.
    pub(crate) fn assume(&self) -> Result<(), IdentityError> {
        let was_root = nix::unistd::geteuid().is_root();
        if let Some(root) = &self.chroot {
            let what = || format!("cannot make '{}' the root directory", root.display());
            nix::unistd::chroot(root).map_err(|error| IdentityError::because(what(), error))?;
            std::env::set_current_dir("/").map_err(|error| IdentityError::because(what(), error))?;
        }
        if was_root {
            self.give_up()?;
        }
        if self.no_new_privs {
            capabilities::forbid_new_privileges()
                .map_err(|error| IdentityError::because("cannot forbid new privileges", error))?;
        }
        self.verify(was_root)?;
        if let Some(owner) = self.owner() {
            tracing::info!(target: "sestina", "serving as user {} and group {}", owner.uid, owner.gid);
        } else if was_root {
            tracing::info!(target: "sestina", "serving as root: --uid gives that up");
        }
        Ok(())
    }

    fn give_up(&self) -> Result<(), IdentityError> {
        let failed = |what: &str| {
            let what = format!("cannot {what}");
            move |error: nix::Error| IdentityError::because(what, error)
        };
        if !self.keep.is_empty() {
            capabilities::keep_over_the_change()
                .map_err(|error| IdentityError::because("cannot keep capabilities", error))?;
        }
        if let Groups::Set(groups) = &self.groups {
            set_groups(groups).map_err(failed("set the additional groups"))?;
        }
        if let Some(gid) = self.gid {
            set_gid(gid).map_err(failed(&format!("become group {gid}")))?;
        }
        if let Some(uid) = self.uid {
            set_uid(uid).map_err(failed(&format!("become user {uid}")))?;
        }
        if !self.keep.is_empty() {
            self.keep
                .reduce_to()
                .map_err(|error| IdentityError::because("cannot keep only some capabilities", error))?;
        }
        Ok(())
    }

    /// Looks at everything again, on every thread.
    fn verify(&self, was_root: bool) -> Result<(), IdentityError> {
        let wrong = |what: String| Err(IdentityError::new(format!("privileges were not given up: {what}")));
        if let Some(uid) = self.uid
            && (nix::unistd::getuid() != uid || nix::unistd::geteuid() != uid)
        {
            return wrong(format!("the user is not {uid}"));
        }
        if let Some(gid) = self.gid
            && (nix::unistd::getgid() != gid || nix::unistd::getegid() != gid)
        {
            return wrong(format!("the group is not {gid}"));
        }
        if let (true, Groups::Set(groups)) = (was_root, &self.groups) {
            let mut have = current_groups()?;
            let mut want = groups.clone();
            have.sort_unstable_by_key(|gid| gid.as_raw());
            want.sort_unstable_by_key(|gid| gid.as_raw());
            // Some systems count the group of the process among them.
            have.retain(|gid| want.contains(gid) || Some(*gid) != self.gid);
            if have != want {
                return wrong(format!("the additional groups are {have:?}"));
            }
        }
        if let Some(uid) = self.uid.filter(|uid| !uid.is_root())
            && !self.keep.allow_other_users()
            && nix::unistd::setuid(Uid::from_raw(0)).is_ok()
        {
            return wrong(format!("user {uid} can become root again"));
        }
        capabilities::verify(self.uid, self.no_new_privs, &self.keep)
            .map_err(|what| IdentityError::new(format!("privileges were not given up: {what}")))
    }
}

#[cfg(not(target_vendor = "apple"))]
fn set_groups(groups: &[Gid]) -> nix::Result<()> {
    nix::unistd::setgroups(groups)
}

#[cfg(not(target_vendor = "apple"))]
fn current_groups() -> Result<Vec<Gid>, IdentityError> {
    nix::unistd::getgroups()
        .map_err(|error| IdentityError::because("cannot read the additional groups", error))
}

/// There, additional groups are no attribute of a process.
#[cfg(target_vendor = "apple")]
fn set_groups(_: &[Gid]) -> nix::Result<()> {
    Ok(())
}

#[cfg(target_vendor = "apple")]
fn current_groups() -> Result<Vec<Gid>, IdentityError> {
    Ok(Vec::new())
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "openbsd"))]
fn set_gid(gid: Gid) -> nix::Result<()> {
    nix::unistd::setresgid(gid, gid, gid)
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "openbsd"))]
fn set_uid(uid: Uid) -> nix::Result<()> {
    nix::unistd::setresuid(uid, uid, uid)
}

/// Called by root it sets all three.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "openbsd")))]
fn set_gid(gid: Gid) -> nix::Result<()> {
    nix::unistd::setgid(gid)
}

#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd", target_os = "openbsd")))]
fn set_uid(uid: Uid) -> nix::Result<()> {
    nix::unistd::setuid(uid)
}
