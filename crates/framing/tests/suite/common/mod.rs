//! What the tests share: their size, and the stage.

pub(crate) mod stage;

/// How many random cases each law is tried with.
#[expect(clippy::disallowed_methods, reason = "the size of a test is the one thing the environment decides")]
pub(crate) fn cases() -> u32 {
    let is_full = std::env::var_os("CI").is_some_and(|value| value == "true");
    if is_full { 2_000 } else { 100 }
}
