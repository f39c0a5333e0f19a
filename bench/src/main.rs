//! `cargo xtask bench`: our programs and their peers, measured by turns in one run.
//!
//! Walk: [`options`](main) -> `peers.rs` (who is there) -> `scenarios/` (what is measured, by `run.rs` in rounds, with the load
//! generator of `load/`) -> `figure.rs` -> `report/`. The program `bench-guard` counts instructions instead of time.
#![forbid(unsafe_code)]
#![cfg_attr(target_os = "linux", expect(clippy::as_conversions, reason = "figures: what is lost is noise"))]

#[cfg(target_os = "linux")]
mod figure;
#[cfg(target_os = "linux")]
mod load;
#[cfg(target_os = "linux")]
mod machine;
#[cfg(target_os = "linux")]
mod options;
#[cfg(target_os = "linux")]
mod peers;
#[cfg(target_os = "linux")]
mod pinning;
#[cfg(target_os = "linux")]
mod report;
#[cfg(target_os = "linux")]
mod run;
#[cfg(target_os = "linux")]
mod say;
#[cfg(target_os = "linux")]
mod scenarios;
#[cfg(target_os = "linux")]
mod server;
#[cfg(target_os = "linux")]
mod statistics;
#[cfg(target_os = "linux")]
mod targets;
#[cfg(target_os = "linux")]
mod timed;
#[cfg(target_os = "linux")]
mod watch;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    options::main()
}

/// It reads `/proc`, and its load generator is an epoll loop.
#[cfg(not(target_os = "linux"))]
fn main() -> std::process::ExitCode {
    use std::io::Write;
    writeln!(std::io::stderr(), "bench: this runs on Linux only").ok();
    std::process::ExitCode::FAILURE
}
