//! Options of the process: where it runs, as whom, how it starts and ends, and orders to one that runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::parse;
use crate::duration::parse_duration;
use crate::orders::Order;

/// What the process is to be.
#[derive(Args, Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct ProcessOptions {
    /// Stay in the foreground, with the log on the standard error. So it is anyway under systemd and as process 1
    #[arg(short, long, help_heading = PROCESS)]
    pub(crate) nodaemon: bool,
    /// Detach, whatever the surroundings say
    #[arg(short = 'D', long, conflicts_with = "nodaemon", help_heading = PROCESS)]
    pub(crate) daemon: bool,
    /// Change to this directory before anything is started [default: .]
    #[arg(short = 'd', long, value_name = "DIR", help_heading = PROCESS)]
    pub(crate) rundir: Option<PathBuf>,
    /// The file that holds the process's number and its lock; empty for none [default: sestina.pid, none in the foreground]
    #[arg(long, value_name = "FILE", value_parser = parse::path_or_nothing(), help_heading = PROCESS)]
    pub(crate) pidfile: Option<PathBuf>,
    /// The permissions that new files do not get, octal [default: 077 if detached]
    #[arg(long, value_name = "MASK", value_parser = parse::umask, help_heading = PROCESS)]
    pub(crate) umask: Option<u32>,
    /// Start without the environment: only PATH, LANG, LC_ALL and TZ remain. Detached programs only
    #[arg(long, help_heading = PROCESS)]
    pub(crate) env_clear: bool,
    /// How many descriptors may be open, at most what the system allows [default: all that it allows]
    #[arg(long, value_name = "N", value_parser = parse::count, help_heading = PROCESS)]
    pub(crate) nofile: Option<u64>,
    /// How large a core file may be, in bytes; 0 for none [default: as the system says]
    #[arg(long, value_name = "N", value_parser = parse::limit_or_none, help_heading = PROCESS)]
    pub(crate) core: Option<u64>,

    /// Serve as this user: a name or a number
    #[arg(short, long, value_name = "USER", help_heading = IDENTITY)]
    pub(crate) uid: Option<String>,
    /// Serve as this group: a name or a number [default: the group of the user]
    #[arg(short, long, value_name = "GROUP", help_heading = IDENTITY)]
    pub(crate) gid: Option<String>,
    /// Keep the additional groups of whoever starts it; by default they are the user's own, or none
    #[arg(long, help_heading = IDENTITY)]
    pub(crate) keep_groups: bool,
    /// Make this directory the root, once sockets are open; relative paths of services begin there
    #[arg(long, value_name = "DIR", help_heading = IDENTITY)]
    pub(crate) chroot: Option<PathBuf>,
    /// Whether programs that it starts may gain privileges: yes forbids it [default: yes with --uid, else no]
    #[arg(long, value_name = "YES|NO", value_parser = parse::yes_or_no, num_args = 0..=1, require_equals = true,
          default_missing_value = "yes", help_heading = IDENTITY)]
    pub(crate) no_new_privs: Option<bool>,
    /// Keep this capability when privileges are given up, such as net_bind_service
    #[arg(long, value_name = "NAME", help_heading = IDENTITY)]
    pub(crate) keep_cap: Vec<String>,

    /// How long the start may take, all services together
    #[arg(long, value_name = "DURATION", default_value = "30", value_parser = parse_duration, allow_hyphen_values = true, help_heading = LIFE)]
    pub(crate) start_timeout: Duration,
    /// How long open conversations may go on when it ends
    #[arg(long, value_name = "DURATION", default_value = "30", value_parser = parse_duration, allow_hyphen_values = true, help_heading = LIFE)]
    pub(crate) drain_timeout: Duration,
    /// How long each service may take to stop, after that
    #[arg(long, value_name = "DURATION", default_value = "10", value_parser = parse_duration, allow_hyphen_values = true, help_heading = LIFE)]
    pub(crate) kill_timeout: Duration,
    /// Check everything, start nothing
    #[arg(short = 't', long, help_heading = LIFE)]
    pub(crate) check: bool,
    /// With --check: also see whether the ports are free
    #[arg(long, requires = "check", help_heading = LIFE)]
    pub(crate) check_bind: bool,
    /// Print what would be done with all these options, and end
    #[arg(long, help_heading = LIFE)]
    pub(crate) dump_config: bool,

    /// Have a service listen somewhere else: NAME is the service, ADDR is PORT, HOST:PORT, an endpoint such as unix:PATH,
    /// fd:N, or systemd:NAME
    #[arg(long, value_name = "NAME=ADDR", value_parser = parse::listen, help_heading = SOCKETS)]
    pub(crate) listen: Vec<parse::Listen>,
    /// How many connections a port has at once; others wait
    #[arg(long, value_name = "N", value_parser = parse::connections, help_heading = SOCKETS)]
    pub(crate) max_connections: Option<usize>,
    /// How many connections a port has at once from one peer; further ones are refused
    #[arg(long, value_name = "N", value_parser = parse::connections, help_heading = SOCKETS)]
    pub(crate) max_per_peer: Option<usize>,

    /// End the one that runs, wait for its end
    #[arg(long, group = "order", help_heading = ORDERS)]
    pub(crate) stop: bool,
    /// Say whether one runs: exit status 0 if so, 3 if not
    #[arg(long, group = "order", help_heading = ORDERS)]
    pub(crate) status: bool,
    /// Have the one that runs read its application file and its poems again
    #[arg(long, group = "order", help_heading = ORDERS)]
    pub(crate) reload: bool,
    /// Have the one that runs open its log again, after it was moved away
    #[arg(long, group = "order", help_heading = ORDERS)]
    pub(crate) reopen: bool,
}

impl ProcessOptions {
    /// The order to a process that runs, if one is given.
    pub(crate) fn order(&self) -> Option<Order> {
        let orders = [
            (self.stop, Order::Stop),
            (self.status, Order::Status),
            (self.reload, Order::Reload),
            (self.reopen, Order::Reopen),
        ];
        orders.into_iter().find(|(given, _)| *given).map(|(_, order)| order)
    }
}

const PROCESS: &str = "Process";
const IDENTITY: &str = "Identity";
const LIFE: &str = "Start and stop";
const SOCKETS: &str = "Sockets";
const ORDERS: &str = "Orders to one that runs, found by its pid file";
