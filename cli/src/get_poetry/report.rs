//! One line of JSON about one download.

use std::path::Path;
use std::time::Duration;

use serde_json::json;
use sestina_poetry::Outcome;

/// What is known beside the outcome.
#[derive(Default)]
pub(super) struct Extra<'a> {
    pub(super) error: Option<&'a str>,
    pub(super) file: Option<&'a Path>,
    /// Why the poem is not transformed although it should be.
    pub(super) transform_error: Option<&'a str>,
}

/// The line, with its end. `bytes` and `sha256` are about what came, before any transform; if the download failed, about
/// the part that came.
pub(super) fn line(outcome: &Outcome, extra: &Extra<'_>) -> Vec<u8> {
    let sha256 =
        outcome.sha256.map(|digest| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let report = json!({
        "task": outcome.task + 1,
        "address": &*outcome.peer,
        "bytes": outcome.received,
        "attempts": outcome.attempts,
        "first_byte_seconds": outcome.first_byte.map(seconds),
        "total_seconds": seconds(outcome.total),
        "sha256": sha256.filter(|_| outcome.received > 0),
        "file": extra.file.map(|path| path.to_string_lossy()),
        "error": extra.error,
        "transform_error": extra.transform_error,
    });
    format!("{report}\n").into_bytes()
}

/// No more digits than mean something.
fn seconds(time: Duration) -> f64 {
    let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    Duration::from_micros(micros).as_secs_f64()
}
