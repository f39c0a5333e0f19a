//! Users and groups by name or number.

use std::ffi::CString;

use nix::unistd::{Gid, Group, Uid};

use crate::service_maker::UsageError;

/// A user, with what the database knows.
pub(super) struct User {
    pub(super) uid: Uid,
    pub(super) gid: Option<Gid>,
    name: Option<String>,
}

impl User {
    /// The additional groups of the user, with `gid` among them.
    pub(super) fn groups(&self, gid: Gid) -> Vec<Gid> {
        let listed = self.name.as_deref().and_then(|name| CString::new(name).ok());
        let mut groups = listed.and_then(|name| group_list(&name, gid)).unwrap_or_else(|| vec![gid]);
        groups.sort_unstable_by_key(|gid| gid.as_raw());
        groups.dedup();
        groups
    }
}

#[cfg(not(target_vendor = "apple"))]
fn group_list(name: &std::ffi::CStr, gid: Gid) -> Option<Vec<Gid>> {
    nix::unistd::getgrouplist(name, gid).ok()
}

#[cfg(target_vendor = "apple")]
fn group_list(_: &std::ffi::CStr, _: Gid) -> Option<Vec<Gid>> {
    None
}

pub(super) fn user(text: &str) -> Result<User, UsageError> {
    let number = number(text);
    let found = match number {
        Some(number) => nix::unistd::User::from_uid(Uid::from_raw(number)),
        None => nix::unistd::User::from_name(text),
    };
    match (found, number) {
        (Ok(Some(user)), _) => Ok(User { uid: user.uid, gid: Some(user.gid), name: Some(user.name) }),
        (Ok(None), Some(number)) => Ok(User { uid: Uid::from_raw(number), gid: None, name: None }),
        (Ok(None), None) => Err(UsageError::new(format!(
            "there is no user '{text}': give a name that this machine knows, or a number"
        ))),
        (Err(error), _) => Err(UsageError::new(format!("cannot look up user '{text}': {error}"))),
    }
}

pub(super) fn group(text: &str) -> Result<Gid, UsageError> {
    if let Some(number) = number(text) {
        return Ok(Gid::from_raw(number));
    }
    match Group::from_name(text) {
        Ok(Some(group)) => Ok(group.gid),
        Ok(None) => Err(UsageError::new(format!(
            "there is no group '{text}': give a name that this machine knows, or a number"
        ))),
        Err(error) => Err(UsageError::new(format!("cannot look up group '{text}': {error}"))),
    }
}

/// The highest number means "leave it as it is" to the system, so it is nobody's.
fn number(text: &str) -> Option<u32> {
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|number| digits && *number != u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_users() {
        assert_eq!(user("root").unwrap_or_else(|error| panic!("{error}")).uid.as_raw(), 0);
        assert_eq!(user("54321").unwrap_or_else(|error| panic!("{error}")).uid.as_raw(), 54321);
        for wrong in ["", "no-such-user-here", "-1", "4294967295", "+1"] {
            assert!(user(wrong).is_err(), "{wrong}");
            assert!(group(wrong).is_err(), "{wrong}");
        }
    }
}
