//! What will be done: whoever holds a [`Plan`] has arguments that go together.

use std::error::Error;
use std::fmt;

use sestina_poetry::{FetchOptions, Merge, Order, TransformClient};
use sestina_reactor::Endpoint;

use super::arguments::{Limits, Options, PrintOrder, Printing, Showing};
use super::store::{Store, StoreError};
use crate::address::Poet;
use sestina_daemon::usage::WRONG_USAGE;

/// Descriptors that are not for downloads: the standard streams, the poller, the resolver's sockets.
const DESCRIPTORS_RESERVED: u64 = 64;
/// Descriptors of one download: its connection, and another one while two addresses of a name are tried.
const DESCRIPTORS_PER_DOWNLOAD: u64 = 2;
/// More at once than this is of no use to anybody, and each costs memory.
const JOBS_MAX: u64 = 100_000;

/// What goes to the standard output.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Content {
    Poems,
    Reports,
    /// The poems are saved instead.
    Nothing,
}

pub(super) struct Plan {
    pub(super) poets: Vec<Endpoint>,
    pub(super) fetch: FetchOptions,
    pub(super) merge: Merge,
    pub(super) content: Content,
    pub(super) store: Option<Store>,
    pub(super) showing: Showing,
    pub(super) is_race: bool,
    /// Bytes are printed before their poem is whole.
    pub(super) is_streaming: bool,
    pub(super) max_held: usize,
    /// What the user should know before it begins.
    pub(super) note: Option<String>,
}

impl Plan {
    /// # Errors
    /// If the arguments do not go together, or there is no place for the files.
    pub(super) fn check(options: Options, descriptors: u64) -> Result<Self, PlanError> {
        let Options { poets, printing, showing, transforming, limits } = options;
        if printing.collect && printing.order == Some(PrintOrder::Stream) {
            return Err(PlanError::CollectedStream);
        }
        let poets: Vec<Endpoint> = poets.iter().map(Poet::endpoint).collect();
        let content = match &printing {
            Printing { json: true, .. } => Content::Reports,
            Printing { output_dir: Some(_), .. } => Content::Nothing,
            _ => Content::Poems,
        };
        let is_transformed = transforming.transform.is_some();
        let order = order(&printing, content);
        let merge = merge(&printing, &limits, order, poets.len());
        let merge = if is_transformed { merge.whole_poems_only() } else { merge };
        let (jobs, note) = jobs(&limits, descriptors, printing.output_dir.is_some());
        let mut fetch = fetch(&limits, jobs);
        if printing.json {
            fetch = fetch.with_sha256();
        }
        if let Some(service) = &transforming.transform {
            let mut service = TransformClient::new(service.endpoint().with_timeout(limits.connect_timeout));
            if let Some(timeout) = limits.timeout {
                service = service.with_time_max(timeout);
            }
            fetch = fetch.with_transform(service, transforming.xform);
        }
        let store =
            printing.output_dir.map(|folder| Store::open(folder, printing.force, &poets)).transpose()?;
        Ok(Self {
            is_streaming: order == Order::Stream && content == Content::Poems && !is_transformed,
            poets,
            fetch,
            merge,
            content,
            store,
            showing,
            is_race: printing.race,
            max_held: limits.max_held,
            note,
        })
    }
}

fn order(printing: &Printing, content: Content) -> Order {
    match printing.order {
        Some(order) => order.order(),
        None if printing.race && content == Content::Poems => Order::First,
        None => Order::Completion,
    }
}

fn merge(printing: &Printing, limits: &Limits, order: Order, poets: usize) -> Merge {
    let merge = Merge::new(order, poets).with_held_bytes_max(limits.max_held);
    let merge = if printing.collect { merge.collecting() } else { merge };
    let is_alone = poets == 1 || order == Order::First;
    if is_alone { merge } else { merge.ending_lines() }
}

fn fetch(limits: &Limits, jobs: usize) -> FetchOptions {
    let fetch = FetchOptions::default()
        .with_jobs(jobs)
        .with_bytes_max(limits.max_bytes)
        .with_connect_max(limits.connect_timeout)
        .with_retries(limits.retries)
        .with_back_off(limits.retry_delay);
    let fetch = match limits.timeout {
        Some(timeout) => fetch.with_timeout(timeout),
        None => fetch,
    };
    match limits.idle_timeout {
        Some(idle) => fetch.with_idle_max(idle),
        None => fetch,
    }
}

/// How many at once, and what to say if that is not what was asked for.
fn jobs(limits: &Limits, descriptors: u64, with_files: bool) -> (usize, Option<String>) {
    let each = DESCRIPTORS_PER_DOWNLOAD + u64::from(with_files);
    let possible = (descriptors.saturating_sub(DESCRIPTORS_RESERVED) / each).clamp(1, JOBS_MAX);
    let possible = usize::try_from(possible).unwrap_or(1);
    match limits.jobs {
        Some(jobs) if jobs > possible => {
            let note = format!(
                "--jobs: {possible} at once instead of {jobs}: {descriptors} descriptors may be open (ulimit -n)"
            );
            (possible, Some(note))
        }
        Some(jobs) => (jobs, None),
        None => (possible, None),
    }
}

/// Why there is no plan.
#[derive(Debug)]
pub(super) enum PlanError {
    CollectedStream,
    Store(StoreError),
}

impl PlanError {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::CollectedStream => WRONG_USAGE,
            Self::Store(_) => 1,
        }
    }
}

impl From<StoreError> for PlanError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CollectedStream => out.write_str(
                "--collect prints nothing until all are done, and --order stream as soon as possible: take \
                 --order given",
            ),
            Self::Store(error) => error.fmt(out),
        }
    }
}

impl Error for PlanError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::CollectedStream => None,
            Self::Store(error) => error.source(),
        }
    }
}
