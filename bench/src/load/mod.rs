//! The load generator: a minimal epoll loop, a process of its own. It checks every byte, and says what it cost itself.
//!
//! Our own reactor is what is measured, so it is not what measures. The generator also reads the server's CPU time,
//! before and after: what a server puts off (a polite close, say) is waited for and counted, but for that of slow readers, who
//! never rest.

mod echo;
mod net;
mod poems;
mod poets;
mod slow;
mod text;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::statistics::quantile;
use crate::watch;

/// How long nothing is under way before the CPU is read: longer than any server puts work off.
pub(crate) const QUIET: Duration = Duration::from_millis(60);

/// What a generator does.
#[derive(Subcommand, Debug)]
pub(crate) enum Load {
    /// Downloads a poem again and again
    Poems(poems::Options),
    /// Sends and waits for the echo, on connections that are held
    Echo(echo::Options),
    /// Reads a slow poem on many connections
    Slow(slow::Options),
    /// Serves poems, for clients under measurement
    Poets(poets::Options),
}

/// Who is measured.
#[derive(Args, Debug)]
pub(crate) struct Server {
    #[arg(long)]
    port: u16,
    #[arg(long)]
    pid: u32,
    #[arg(long)]
    text: Option<PathBuf>,
}

impl Load {
    pub(crate) fn run(&self) -> Result<(), String> {
        let outcome = match self {
            Self::Poems(options) => poems::run(options),
            Self::Echo(options) => echo::run(options),
            Self::Slow(options) => slow::run(options),
            Self::Poets(options) => return poets::run(options),
        };
        crate::say::line(&outcome?.to_string());
        Ok(())
    }
}

/// What is read at the beginning and at the end.
#[derive(Debug)]
struct Meter {
    pid: u32,
    /// How long nothing is under way at both ends.
    quiet: Duration,
    begun: Instant,
    server: Duration,
    own: Duration,
}

impl Meter {
    /// Begins to measure.
    fn begin(pid: u32, quiet: Duration) -> Result<Self, String> {
        std::thread::sleep(quiet);
        let [server, own] = cpu_times(pid)?;
        Ok(Self { pid, quiet, begun: Instant::now(), server, own })
    }

    /// Ends. `latencies` are nanoseconds.
    fn end(self, operations: usize, latencies: &mut [u64]) -> Result<Value, String> {
        let seconds = self.begun.elapsed().as_secs_f64();
        std::thread::sleep(self.quiet);
        let [server, own] = cpu_times(self.pid)?;
        let micros = |part| quantile(latencies, part) as f64 / 1e3;
        let [p50, p99, max] = [0.5, 0.99, 1.0].map(micros);
        Ok(json!({
            "operations": operations, "seconds": seconds,
            "server_us": (server - self.server).as_secs_f64() * 1e6, "own_us": (own - self.own).as_secs_f64() * 1e6,
            "p50_us": p50, "p99_us": p99, "max_us": max,
        }))
    }
}

fn cpu_times(pid: u32) -> Result<[Duration; 2], String> {
    let time = |pid| watch::cpu_time(pid).map_err(|error| format!("the server is gone: {error}"));
    Ok([time(pid)?, time(std::process::id())?])
}
