//! The bodies of the fuzz targets, from the rooms whose laws they are.
#![forbid(unsafe_code)]

#[path = "../../crates/framing/tests/fuzzing/mod.rs"]
mod framing;

/// Runs a target of the framing room.
pub fn framing(name: &str, data: &[u8]) {
    let (_, body) = framing::TARGETS.iter().find(|target| target.0 == name).expect("a target of this name");
    body(data);
}
