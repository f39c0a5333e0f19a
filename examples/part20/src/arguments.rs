//! The client's words: those of the original, and one option for each exercise.

use sestina_reactor::Endpoint;

/// What is said when the words make no sense.
pub const USAGE: &str = "\
Usage: erlang-client [--quiet] [--times] [--in-order] [hostname]:port ...

Downloads a poem from each server, all at the same time. A port alone is one on
this machine. Poems are printed at the end, the last one first.

  --quiet     Say nothing on the way (exercise 20.2)
  --times     Say how long each download took (exercise 20.3)
  --in-order  Print the poems in the order of the servers (exercise 20.4)
";

/// What is to be done.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// At least one.
    pub servers: Vec<Endpoint>,
    /// Say nothing on the way.
    pub quiet: bool,
    /// Say how long each download took.
    pub times: bool,
    /// Print the poems in the order of the servers.
    pub in_order: bool,
}

impl Arguments {
    /// Reads them; `None` if they make no sense.
    pub fn parse(words: impl IntoIterator<Item = String>) -> Option<Self> {
        let mut arguments = Self::default();
        for word in words {
            match word.as_str() {
                "--quiet" => arguments.quiet = true,
                "--times" => arguments.times = true,
                "--in-order" => arguments.in_order = true,
                word => arguments.servers.push(server(word)?),
            }
        }
        (!arguments.servers.is_empty()).then_some(arguments)
    }
}

/// `[hostname]:port`, or a port alone.
fn server(word: &str) -> Option<Endpoint> {
    let (host, port) = word.rsplit_once(':').unwrap_or(("", word));
    let port = port.parse().ok()?;
    Some(if host.is_empty() { Endpoint::loopback(port) } else { Endpoint::tcp(host, port) })
}
