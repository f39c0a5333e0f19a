//! The command line of `sestina ctl`, and the line of the protocol that it means.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::json;

use sestina_daemon::duration::parse_time_limit;

#[derive(Args)]
pub(super) struct Arguments {
    /// The service's control socket: a path, with or without unix: before it
    #[arg(value_name = "SOCKET", value_parser = parse_socket)]
    pub(super) socket: PathBuf,
    /// Answer with JSON, on one line
    #[arg(long, global = true)]
    pub(super) json: bool,
    /// How long the whole conversation may take
    #[arg(long, global = true, value_name = "DURATION", default_value = "10", value_parser = parse_time_limit, allow_hyphen_values = true)]
    pub(super) timeout: Duration,
    #[command(subcommand)]
    command: Asked,
}

#[derive(Subcommand)]
enum Asked {
    /// Have a poem fetched again when somebody wants it
    Purge {
        /// The upstream's name
        #[arg(
            value_name = "KEY",
            required_unless_present = "all",
            conflicts_with = "all",
            allow_hyphen_values = true
        )]
        key: Option<String>,
        /// Every upstream
        #[arg(long)]
        all: bool,
        /// It is past its time: still sent where stale poems are, and who waits goes on waiting; the default
        #[arg(long, conflicts_with = "hard")]
        soft: bool,
        /// It is gone, and who waits for it fails
        #[arg(long)]
        hard: bool,
    },
    /// Fetch a poem anew now; what is there is sent meanwhile
    Refresh {
        /// The upstream's name
        #[arg(value_name = "KEY", allow_hyphen_values = true)]
        key: String,
    },
    /// Show how each poem stands
    Entries,
    /// Show the fetches under way
    Flights,
    /// End a fetch: who waits for it fails
    Cancel {
        /// Its number, as 'flights' shows it
        #[arg(value_name = "FLIGHT", value_parser = parse_flight, allow_negative_numbers = true)]
        flight: u64,
    },
    /// Show what was done so far
    Stats,
    /// Take nobody new, serve those who are there, and end
    Drain,
}

fn parse_socket(text: &str) -> Result<PathBuf, String> {
    match text.strip_prefix("unix:").unwrap_or(text) {
        "" => Err("the path is empty".to_owned()),
        path => Ok(path.into()),
    }
}

fn parse_flight(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| format!("a flight is a number, not '{text}'"))
}

impl Arguments {
    /// What is asked, as a line. Names are written as JSON strings, whatever is in them.
    pub(super) fn request(&self) -> String {
        let mut line = match &self.command {
            Asked::Purge { key, hard, .. } => {
                let keys = key.as_ref().map_or_else(|| "--all".to_owned(), |key| json!(key).to_string());
                format!("purge {keys} {}", if *hard { "--hard" } else { "--soft" })
            }
            Asked::Refresh { key } => format!("refresh {}", json!(key)),
            Asked::Entries => "entries".to_owned(),
            Asked::Flights => "flights".to_owned(),
            Asked::Cancel { flight } => format!("cancel {flight}"),
            Asked::Stats => "stats".to_owned(),
            Asked::Drain => "drain".to_owned(),
        };
        if self.json {
            line.push_str(" --json");
        }
        line.push('\n');
        line
    }
}

#[cfg(test)]
mod tests {
    use clap::FromArgMatches;

    use super::Arguments;

    #[test]
    fn a_command_line_becomes_a_line_of_the_protocol() {
        let cases = [
            (&["s", "entries"][..], "entries\n"),
            (&["--json", "s", "flights"], "flights --json\n"),
            (&["s", "stats", "--json"], "stats --json\n"),
            (&["unix:s", "purge", "a b"], "purge \"a b\" --soft\n"),
            (&["s", "purge", "--all", "--hard"], "purge --all --hard\n"),
            (&["s", "purge", "--soft", "--", "--all"], "purge \"--all\" --soft\n"),
            (&["s", "refresh", "a\n\"b\""], "refresh \"a\\n\\\"b\\\"\"\n"),
            (&["s", "cancel", "7"], "cancel 7\n"),
            (&["s", "drain"], "drain\n"),
        ];
        for (words, line) in cases {
            let words = ["ctl"].iter().chain(words);
            let matches = super::super::command().try_get_matches_from(words).expect(line);
            let arguments = Arguments::from_arg_matches(&matches).expect(line);
            assert_eq!((&*arguments.request(), arguments.socket.to_str()), (line, Some("s")));
        }
    }
}
