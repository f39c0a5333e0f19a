use super::limits::page;
use super::value::{shown, worked_out};
use crate::files::Source;

fn source(path: &str, text: &str) -> Source {
    Source { path: path.into(), text: text.to_owned() }
}

#[test]
fn the_constants_of_a_crate_become_two_tables() {
    let text = "\
/// How much may wait, unless [`Door::with_room`] says otherwise. A second sentence.
pub const ROOM_BYTES_MAX: usize = 64 * 1024;
/// Default of [`Door::patience`].
pub const PATIENCE: Duration = Duration::from_secs(90);
/// A door has no more hinges
/// than this: see [`Hinge`](crate::Hinge).
const HINGES_MAX: u32 = 3;
/// Handles, unless [`Door::with_handles`] said otherwise.
const HANDLES_MAX: u8 = 2 * 2;
/// No bound.
const MAGIC: u32 = 7;
/// A door's bell is not longer.
const BELL_BYTES_MAX: usize = 1 << 20;
/// Its words.
pub const HELLO: &str = \"hello\";

impl<T: Into<u8>> Door<T> {
    /// How long it waits. Or longer.
    pub fn patience(&self) {}
}

#[cfg(test)]
mod model;

#[cfg(test)]
mod tests {
const UNSEEN_MAX: usize = 1;
}
";
    let sources = [
        source("crates/door/Cargo.toml", "[package]\nname = \"strong-door\"\n"),
        source("crates/door/src/lib.rs", text),
        source("crates/door/src/model.rs", "pub const UNSEEN_MAX: usize = 1;\n"),
        source("crates/door/tests/a.rs", "pub const UNSEEN_MAX: usize = 1;\n"),
        source("xtask/src/a.rs", "pub const UNSEEN_MAX: usize = 1;\n"),
    ];
    let page = page(&sources);
    let (_, tables) = page.split_once("\n## ").unwrap();
    let wanted = "\
strong-door

| limit | value | what for | set by |
|---|---|---|---|
| `ROOM_BYTES_MAX` | 64 KiB | How much may wait | `Door::with_room` |
| `PATIENCE` | 90 s | How long it waits | `Door::patience` |
| `HANDLES_MAX` | 4 | Handles | `Door::with_handles` |

| fixed | value | what for | where |
|---|---|---|---|
| `HINGES_MAX` | 3 | A door has no more hinges than this: see `Hinge` | `src/lib.rs` |
| `BELL_BYTES_MAX` | 1 MiB | A door's bell is not longer | `src/lib.rs` |
";
    assert_eq!(tables, wanted);
}

#[test]
fn a_constant_may_be_made_of_others() {
    let other = "pub const ROOM_BYTES: usize = 10;\n";
    let text = "\
const HALF: usize = 2 * 3;
pub const BYTES_MAX: usize = (HALF + 4) * ROOM_BYTES - 1;
pub const ODD: usize = odd();
";
    let page = page(&[source("a/src/lib.rs", text), source("b/src/lib.rs", other)]);
    assert!(page.contains("| `BYTES_MAX` | 99 bytes |"), "{page}");
    assert!(page.contains("| `ODD` | `odd()` |"), "{page}");
}

#[test]
fn values_are_shown_in_units_that_people_use() {
    let shown = |name: &str, text: &str| shown(&worked_out(text, &|_| None).unwrap(), name);
    for (name, text, wanted) in [
        ("JOBS", "1_000_000", "1,000,000"),
        ("X_BYTES", "1024 * 1024 * 3", "3 MiB"),
        ("X_BYTES", "1025", "1,025 bytes"),
        ("X_BYTES", "1 << 20", "1 MiB"),
        ("X_PERCENT", "20", "20 %"),
        ("X", "None", "none"),
        ("X", "NonZeroUsize::new(10).expect(\"ten (10)\")", "10"),
        ("X", "Duration::from_millis(1500)", "1,500 ms"),
        ("X", "Duration::from_secs(24 * 3600)", "1 d"),
        ("X", "Duration::from_secs(300)", "5 min"),
        ("X", "Duration::from_micros(10)..Duration::from_millis(1)", "10 µs to 1 ms"),
    ] {
        assert_eq!(shown(name, text), wanted, "{text}");
    }
    assert_eq!(worked_out("2 * f(3)", &|_| None), None);
    assert_eq!(worked_out("2 3", &|_| None), None);
}
