//! What the command line said, word for word: touches no file, no clock, no socket.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Command, ValueEnum, ValueHint};
use sestina_poetry::Order;

use crate::address::Poet;
use sestina_daemon::duration::parse_time_limit;
use sestina_daemon::size::parse_size;

pub(crate) const NAME: &str = "get-poetry";

const AFTER_HELP: &str = "\
Examples:
  get-poetry 10000                         one poem: its bytes and nothing else
  get-poetry 10001 10002 localhost:10003   several, each when it is whole
  get-poetry --order stream 10001 10002    in this order, as soon as possible
  get-poetry '[::1]:10000' > poem.txt      an IPv6 address is in brackets
  get-poetry --race 10001 10002            one poem from whoever is faster
  get-poetry -o poems --json 10001 10002   into files, and a report on each
  get-poetry --transform 10000 10001       in small letters, by a service

On a terminal, characters that would control it are shown instead of sent.
Durations: a plain number is seconds (0.7), or it has a unit: ms, s, m, h, d.
Sizes: a plain number is bytes, or it has a unit: k, M, G, T (powers of 1024).
A server that dies looks like one that is done, if its system closes the
connection politely; a reset, a silence and a limit that passed are told.
Exit status: 0 if all poems arrived, 1 if one did not or could not be printed,
2 for wrong usage, 130 after SIGINT, 143 after SIGTERM, 141 if the reader of the
standard output went away.";

/// The definition of the command line: for the parser, `--help`, the completions and the manual.
#[must_use]
pub fn command() -> Command {
    // The options come first: the comment of a group would take the place of the description.
    Options::augment_args(Command::new(NAME).max_term_width(80))
        .about("Downloads poems, all at once")
        .long_about(None)
        .version(env!("CARGO_PKG_VERSION"))
        .arg_required_else_help(true)
        .after_help(AFTER_HELP)
}

#[derive(Args)]
pub(crate) struct Options {
    /// The poets; without a host they are on 127.0.0.1. A UNIX socket is unix:PATH
    #[arg(value_name = "[[HOST]:]PORT", required = true, allow_negative_numbers = true, value_hint = ValueHint::Hostname)]
    pub(crate) poets: Vec<Poet>,
    #[command(flatten)]
    pub(crate) printing: Printing,
    #[command(flatten)]
    pub(crate) showing: Showing,
    #[command(flatten)]
    pub(crate) transforming: Transforming,
    #[command(flatten)]
    pub(crate) limits: Limits,
}

/// Where poems go, and in which order.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Printing {
    /// When to print which poem; without this, each when it is whole
    #[arg(long, value_enum, value_name = "ORDER", hide_possible_values = true, help = ORDER_HELP)]
    pub(crate) order: Option<PrintOrder>,
    /// Print nothing before all are done
    #[arg(long)]
    pub(crate) collect: bool,
    /// All serve the same poem: print the first that is whole, and cancel the others
    #[arg(long, conflicts_with_all = ["order", "collect"])]
    pub(crate) race: bool,
    /// Print a line of JSON for each download, instead of its poem
    #[arg(long)]
    pub(crate) json: bool,
    /// Save each poem in this folder instead of printing it, as HOST-PORT.txt; it has that name when it is whole. A file
    /// that exists is left alone, and nothing is downloaded then
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) output_dir: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long, requires = "output_dir")]
    pub(crate) force: bool,
}

const ORDER_HELP: &str = "When to print which poem: 'completion' (each when it is whole), 'given' (all at the end, in the \
    order of the command line) or 'stream' (in that order, each byte as soon as possible) [default: completion]";

/// In which order poems are printed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub(crate) enum PrintOrder {
    /// Each poem when it is whole
    Completion,
    /// All at the end, in the order of the command line
    Given,
    /// In the order of the command line, each byte as soon as possible
    Stream,
}

impl PrintOrder {
    pub(crate) fn order(self) -> Order {
        match self {
            Self::Completion => Order::Completion,
            Self::Given => Order::Given,
            Self::Stream => Order::Stream,
        }
    }
}

/// What is told on the standard error.
#[derive(Args)]
#[command(next_help_heading = "Messages")]
pub(crate) struct Showing {
    /// Tell each piece that arrives
    #[arg(long)]
    pub(crate) trace: bool,
    /// Tell how long each poem took, and all of them
    #[arg(long)]
    pub(crate) times: bool,
    /// Tell nothing but failures: no progress, no summary, no retries
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

/// Who changes the poems on the way.
#[derive(Args)]
#[command(next_help_heading = "Transform")]
pub(crate) struct Transforming {
    /// Have each poem transformed by the service there; if that fails it is printed as it is, which is no failure
    #[arg(long, value_name = "[HOST:]PORT", allow_hyphen_values = true, value_hint = ValueHint::Hostname)]
    pub(crate) transform: Option<Poet>,
    /// The transform to ask for
    #[arg(long, value_name = "NAME", default_value = "cummingsify", requires = "transform")]
    pub(crate) xform: String,
}

/// How long, how much, how often.
#[derive(Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct Limits {
    /// How long each download may take as a whole, with its retries
    #[arg(long, value_name = "DURATION", value_parser = parse_time_limit, allow_hyphen_values = true)]
    pub(crate) timeout: Option<Duration>,
    /// How long a poet may send nothing [default: as long as it likes]
    #[arg(long, value_name = "DURATION", value_parser = parse_time_limit, allow_hyphen_values = true)]
    pub(crate) idle_timeout: Option<Duration>,
    /// How long connecting may take, name and all addresses included
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_time_limit, allow_hyphen_values = true)]
    pub(crate) connect_timeout: Duration,
    /// How often a download that fails is tried again; it goes on where it was if a part is printed already, and fails if
    /// the poem is another one by then
    #[arg(long, value_name = "NUMBER", default_value = "0", value_parser = parse_retries, allow_hyphen_values = true)]
    pub(crate) retries: u32,
    /// The wait before the first retry; it doubles each time, up to 30 seconds
    #[arg(long, value_name = "DURATION", default_value = "500ms", value_parser = parse_time_limit, allow_hyphen_values = true)]
    pub(crate) retry_delay: Duration,
    /// How long a poem may be
    #[arg(long, value_name = "SIZE", default_value = "64M", value_parser = parse_size, allow_hyphen_values = true)]
    pub(crate) max_bytes: usize,
    /// How much may be held in memory until it is printed: poets wait, or fail if that would not help
    #[arg(long, value_name = "SIZE", default_value = "1G", value_parser = parse_size, allow_hyphen_values = true)]
    pub(crate) max_held: usize,
    /// How many downloads happen at once [default: what the limit on open descriptors allows]
    #[arg(short, long, value_name = "NUMBER", value_parser = parse_jobs, allow_hyphen_values = true)]
    pub(crate) jobs: Option<usize>,
}

/// More retries than this are a slip of the finger.
const RETRIES_MAX: u32 = 1_000;

fn parse_retries(text: &str) -> Result<u32, String> {
    let retries = text.parse().ok().filter(|retries| *retries <= RETRIES_MAX);
    retries.ok_or_else(|| format!("'{text}' is no number of retries: give one from 0 to {RETRIES_MAX}"))
}

fn parse_jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse().ok().filter(|jobs| *jobs > 0);
    jobs.ok_or_else(|| format!("'{text}' is no number of downloads: the smallest is 1"))
}
