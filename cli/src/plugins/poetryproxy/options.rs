//! The proxy's options. Those without a default here take it from the library, or from `--like`.

use std::time::Duration;

use clap::Args;
use sestina_daemon::duration::{parse_duration, parse_time_limit};
use sestina_daemon::size::parse_size;
use sestina_poetry::Like;
use sestina_poetry::cache::{OnAbandon, OnSuspect, OnTooLarge};

use super::super::parse_limit;
use super::operators::Operators;
use super::values::{
    BackOff, Ending, Ttl, Upstream, parse_back_off, parse_like, parse_on_abandon, parse_on_suspect,
    parse_on_too_large, parse_ttl,
};
use crate::address::{PoetAddress, parse_interface, parse_port};

#[derive(Args)]
pub(super) struct Options {
    /// The poet to fetch from; without a host it is on 127.0.0.1
    #[arg(value_name = "[HOST:]PORT", allow_negative_numbers = true, required_unless_present = "upstream")]
    pub(super) poet: Option<PoetAddress>,
    /// Another poet, with a name; may be given again. Served at IFACE:PORT, or else at the next port after the one before
    #[arg(long, value_name = "NAME=[HOST:]PORT[@[IFACE:]PORT]")]
    pub(super) upstream: Vec<Upstream>,
    /// The port to listen on for the first poet; 0 takes a free one, and the log says which
    #[arg(short, long, value_name = "PORT", default_value = "10000", value_parser = parse_port, allow_negative_numbers = true)]
    pub(super) port: u16,
    /// The address of the interface to listen on; localhost means 127.0.0.1
    #[arg(long, value_name = "ADDRESS", default_value = "localhost", value_parser = parse_interface)]
    pub(super) iface: String,
    /// Behave as one of the introduction's proxies, 1.0, 2.0 or 3.0, to the letter: torn and empty poems are kept and sent
    #[arg(long, value_name = "VERSION", value_parser = parse_like)]
    pub(super) like: Option<Like>,
    #[command(flatten)]
    pub(super) freshness: Freshness,
    #[command(flatten)]
    pub(super) checks: Checks,
    #[command(flatten)]
    pub(super) limits: Limits,
    #[command(flatten)]
    pub(super) times: Times,
    #[command(flatten)]
    pub(super) operators: Operators,
}

/// How long poems are kept, and what is done with fetches.
#[derive(Args)]
#[command(next_help_heading = "Keeping poems")]
pub(super) struct Freshness {
    /// How long a poem is fresh, give or take a twentieth; or forever
    #[arg(long, value_name = "DURATION", default_value = "forever", value_parser = parse_ttl, allow_hyphen_values = true)]
    pub(super) ttl: Ttl,
    /// How long after that it is still sent, while a new one is fetched (stale-while-revalidate)
    #[arg(long, visible_alias = "stale-while-revalidate", value_name = "DURATION", default_value = "0", value_parser = parse_duration, allow_hyphen_values = true)]
    pub(super) swr: Duration,
    /// How long after that it is still sent when no new one can be had (stale-if-error)
    #[arg(long, visible_alias = "stale-if-error", value_name = "DURATION", default_value = "0", value_parser = parse_duration, allow_hyphen_values = true)]
    pub(super) sie: Duration,
    /// What to do when the last client of a fetch leaves: cancel, linger=DURATION, finish, or adaptive: finish what is nearly
    /// complete [default: cancel]
    #[arg(long, value_name = "POLICY", value_parser = parse_on_abandon)]
    pub(super) on_abandon: Option<OnAbandon>,
    /// What to do with a poem longer than --max-object: window: pass it on and do not keep it, or fail
    #[arg(long, value_name = "POLICY", default_value = "window", value_parser = parse_on_too_large)]
    pub(super) on_too_large: OnTooLarge,
    /// How long to remember that a poem is too long to be kept
    #[arg(long, value_name = "DURATION", default_value = "120", value_parser = parse_duration, allow_hyphen_values = true)]
    pub(super) uncacheable_ttl: Duration,
    /// How long to leave a poet alone that has failed; doubled each time; or none [default: 1]
    #[arg(long, value_name = "DURATION", value_parser = parse_back_off, allow_hyphen_values = true)]
    pub(super) back_off: Option<BackOff>,
    /// The longest such time
    #[arg(long, value_name = "DURATION", default_value = "30", value_parser = parse_time_limit, allow_hyphen_values = true)]
    pub(super) back_off_max: Duration,
}

/// Which poems are believed.
#[derive(Args)]
#[command(next_help_heading = "Believing poems")]
pub(super) struct Checks {
    /// What the clients of a poem get that seems cut off: abort: a reset, or finish: a clean end. It is not kept
    #[arg(long, value_name = "POLICY", default_value = "abort", value_parser = parse_on_suspect)]
    pub(super) on_suspect: OnSuspect,
    /// Believe an empty poem
    #[arg(long)]
    pub(super) allow_empty: bool,
    /// The fewest bytes of a poem that is believed
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub(super) min_bytes: u64,
    /// How a poem ends that is believed, as text with \n, \t, \xNN
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(super) must_end_with: Option<Ending>,
    /// Believe a poem that is the beginning of the one before
    #[arg(long)]
    pub(super) allow_shorter: bool,
    /// How many fetches must bring the same poem before it is kept for its whole time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000), allow_negative_numbers = true)]
    pub(super) confirm: u32,
    /// How long a poem is fresh that is not confirmed
    #[arg(long, value_name = "DURATION", default_value = "5", value_parser = parse_time_limit, allow_hyphen_values = true)]
    pub(super) probation: Duration,
}

/// How many, how much.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(super) struct Limits {
    /// How many clients there may be at once; the others wait
    #[arg(long, value_name = "N", default_value_t = sestina_reactor::CONNECTIONS_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    pub(super) max_clients: usize,
    /// How many of them may come from one address (IPv6: one /64); further ones are reset. Unless it is given, the machine
    /// itself has no such limit [default: 256]
    #[arg(long, value_name = "N", value_parser = parse_limit, allow_negative_numbers = true)]
    pub(super) max_clients_per_peer: Option<usize>,
    /// How many may wait for one fetch
    #[arg(long, value_name = "N", default_value_t = sestina_poetry::cache::WAITERS_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    pub(super) max_waiters: usize,
    /// How many connections to poets there may be at once
    #[arg(long, value_name = "N", default_value_t = sestina_poetry::cache::UPSTREAMS_MAX, value_parser = parse_limit, allow_negative_numbers = true)]
    pub(super) max_upstream: usize,
    /// How much memory all poems together may take
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = parse_size, allow_hyphen_values = true)]
    pub(super) max_memory: usize,
    /// How long a poem may be that is kept; a quarter of all memory at most
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = parse_size, allow_hyphen_values = true)]
    pub(super) max_object: usize,
    /// How much of a longer poem is held for its clients
    #[arg(long, value_name = "SIZE", default_value = "1M", value_parser = parse_size, allow_hyphen_values = true)]
    pub(super) window: usize,
    /// How long a client of a longer poem may be a whole window behind the fastest one
    #[arg(long, value_name = "DURATION", default_value = "5", value_parser = parse_duration, allow_hyphen_values = true)]
    pub(super) lag_grace: Duration,
    /// How much a client may say before it is cut
    #[arg(long, value_name = "SIZE", default_value = "16M", value_parser = parse_size, allow_hyphen_values = true)]
    pub(super) max_input: usize,
    /// How many bytes a second a client must take while there are any for it; 0 is no limit
    #[arg(long, value_name = "N", default_value_t = sestina_poetry::SEND_RATE_MIN, allow_negative_numbers = true)]
    pub(super) min_rate: u64,
    /// Over how long that is measured
    #[arg(long, value_name = "DURATION", default_value = "60", value_parser = parse_time_limit, allow_hyphen_values = true)]
    pub(super) rate_window: Duration,
}

/// How long a fetch may take.
#[derive(Args)]
#[command(next_help_heading = "Times of a fetch (0 is no limit)")]
pub(super) struct Times {
    /// How often a refused connection is tried again, within the connect timeout
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    pub(super) connect_retries: u32,
    /// To the connection
    #[arg(long, value_name = "DURATION", default_value = "10", value_parser = parse_duration, allow_hyphen_values = true)]
    pub(super) connect_timeout: Duration,
    /// From there to the first byte [default: 60]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, allow_hyphen_values = true)]
    pub(super) first_byte_timeout: Option<Duration>,
    /// Between two pieces of the poem [default: 60]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, allow_hyphen_values = true)]
    pub(super) idle_timeout: Option<Duration>,
    /// For the whole fetch
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = parse_duration, allow_hyphen_values = true)]
    pub(super) total_timeout: Duration,
    /// For the whole of a fetch behind a poem that is still sent [default: 300]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration, allow_hyphen_values = true)]
    pub(super) background_timeout: Option<Duration>,
}
