//! The printed tree: names, states, and what each service says about itself.
//!
//! Everything that a service says may come from outside (addresses, errors), so control characters are escaped.
//! Tests: `tests/suite/printing.rs`.

use std::fmt::{self, Write};
use std::time::Duration;

use sestina_reactor::Address;

use crate::state::{State, Step};

/// What a service, and those below it, are doing. Made by [`Tree::status`](crate::Tree::status).
///
/// Printed, it is a tree with aligned columns, a line for each service: name, state, uptime, and what there is to say.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ServiceStatus {
    /// Its name among its siblings.
    pub name: String,
    /// Its path; empty for the application.
    pub path: String,
    /// Its state.
    pub state: State,
    /// How long it has been in this state.
    pub since: Duration,
    /// How long it has been running.
    pub uptime: Option<Duration>,
    /// How often it was started again.
    pub restarts: u64,
    /// When it will be started again, while it waits for that.
    pub restart_in: Option<Duration>,
    /// How many instances there were.
    pub instances: u64,
    /// Where it listens, or to whom it is connected.
    pub addresses: Vec<Address>,
    /// Open conversations.
    pub connections: Option<usize>,
    /// What else it says about itself.
    pub note: Option<String>,
    /// Tasks that belong to it.
    pub tasks: usize,
    /// The last failure since it was added, also if it runs again.
    pub last_failure: Option<LastFailure>,
    /// Those below it, in their order.
    pub children: Vec<Self>,
}

/// A failure that was.
#[derive(Clone, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct LastFailure {
    /// How long it is ago.
    pub ago: Duration,
    /// What the service was doing.
    pub step: Step,
    /// The failure in words.
    pub text: String,
}

impl ServiceStatus {
    /// The status of the service at this path below this one; the empty path is this one.
    #[must_use]
    pub fn find(&self, path: &str) -> Option<&Self> {
        path.split('/')
            .filter(|name| !name.is_empty())
            .try_fold(self, |at, name| at.children.iter().find(|child| child.name == name))
    }

    /// This service and all below it, in order.
    #[must_use]
    pub fn all(&self) -> Vec<&Self> {
        let below = self.children.iter().flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }

    /// How many services below it run, and how many there are: the one-line summary of a tree. Parents do not count.
    #[must_use]
    pub fn running(&self) -> (usize, usize) {
        let services = self.all();
        let leaves = services.iter().filter(|status| status.children.is_empty() && !status.path.is_empty());
        let running = leaves.clone().filter(|status| status.state == State::Running).count();
        (running, leaves.count())
    }

    fn words(&self) -> String {
        let mut words = Vec::new();
        words.extend(self.addresses.iter().map(|address| escaped(&address.to_string())));
        words.extend(self.connections.map(|count| plural(count, "connection")));
        words.extend(self.note.as_deref().map(escaped));
        if self.restarts > 0 {
            words.push(plural(usize::try_from(self.restarts).unwrap_or(usize::MAX), "restart"));
        }
        words.extend(self.restart_in.map(|after| format!("starts again in {}", short(after))));
        words.extend(
            self.last_failure
                .as_ref()
                .map(|failure| format!("{} ago: {}", short(failure.ago), escaped(&failure.text))),
        );
        words.join(", ")
    }
}

/// One line of the printed tree, before it is aligned.
struct Line {
    name: String,
    state: State,
    uptime: String,
    words: String,
}

fn lines(status: &ServiceStatus, first: &str, rest: &str, out: &mut Vec<Line>) {
    out.push(Line {
        name: format!("{first}{}", escaped(&status.name)),
        state: status.state,
        uptime: status.uptime.map(short).unwrap_or_default(),
        words: status.words(),
    });
    for (index, child) in status.children.iter().enumerate() {
        let last = index + 1 == status.children.len();
        let (branch, below) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines(child, &format!("{rest}{branch}"), &format!("{rest}{below}"), out);
    }
}

impl fmt::Display for ServiceStatus {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut all = Vec::new();
        lines(self, "", "", &mut all);
        let names = all.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        let uptimes = all.iter().map(|line| line.uptime.chars().count()).max().unwrap_or(0);
        for line in all {
            let mut text =
                format!("{:names$}  {:8}  {:>uptimes$}  {}", line.name, line.state, line.uptime, line.words);
            text.truncate(text.trim_end().len());
            writeln!(out, "{text}")?;
        }
        Ok(())
    }
}

fn plural(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// `250ms`, `7s`, `2m 5s`, `3h 4m`, `5d 1h`: at most two units.
fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{}ms", time.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86400, seconds / 3600 % 24),
    }
}

/// Nothing that came from outside moves the cursor or begins a line.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if character.is_control() {
            write!(out, "{}", character.escape_default()).expect("a string takes all that is written");
        } else {
            out.push(character);
        }
    }
    out
}
