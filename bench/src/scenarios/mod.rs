//! What is measured.

mod cargo_bench;
mod client;
mod echo;
mod giant;
mod proxy;
mod short;
mod slow;
mod startup;

use clap::ValueEnum;

use crate::run::Run;

/// A scenario, as it is named on the command line and in the figures.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, ValueEnum)]
pub(crate) enum Scenario {
    /// Short connections: a poem of 3 KB; 1, 64 and 512 at once
    Short,
    /// Round trips of 64 bytes on 50 and on 1,000 held connections
    Echo,
    /// One poem of 1 GiB
    Giant,
    /// 10,000 readers of 10 bytes a second: memory and CPU of each
    Slow,
    /// The caching proxy: a hit, a miss that 512 clients share, a cold one
    Proxy,
    /// 1,000,000 timers: schedule, cancel, reset, fire
    Timers,
    /// What deferreds cost
    Deferreds,
    /// What decoders cost, beside a plain split of lines
    Decoders,
    /// Start-up time and size of the programs
    Startup,
    /// A client with 50 slow servers, and with 5,000 fast ones
    Client,
}

impl Scenario {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Short => short::NAME,
            Self::Echo => echo::NAME,
            Self::Giant => giant::NAME,
            Self::Slow => slow::NAME,
            Self::Proxy => proxy::NAME,
            Self::Timers => cargo_bench::TIMERS,
            Self::Deferreds => cargo_bench::DEFERREDS,
            Self::Decoders => cargo_bench::DECODERS,
            Self::Startup => startup::NAME,
            Self::Client => client::NAME,
        }
    }

    pub(crate) fn run(self, run: &mut Run) -> Result<(), String> {
        match self {
            Self::Short => short::run(run),
            Self::Echo => echo::run(run),
            Self::Giant => giant::run(run),
            Self::Slow => slow::run(run),
            Self::Proxy => proxy::run(run),
            Self::Timers => cargo_bench::timers(run),
            Self::Deferreds => cargo_bench::deferreds(run),
            Self::Decoders => cargo_bench::decoders(run),
            Self::Startup => startup::run(run),
            Self::Client => client::run(run),
        }
    }
}
