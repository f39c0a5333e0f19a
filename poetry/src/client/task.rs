//! One download: what it has so far, and how it ended.

use std::sync::Arc;
use std::time::Duration;

use sestina_deferred::{CancelHandle, Failure, Resolver};
use sestina_reactor::{ConnHandle, ConnectError, Endpoint, Time};
use sha2::{Digest, Sha256};

use super::merge::Again;
use super::options::FetchOptions;
use super::repeat::Repeat;
use crate::fetch::FetchError;

/// How a download ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The number of the download, from 0.
    pub task: usize,
    /// The poet, in the words of the endpoint.
    pub peer: Arc<str>,
    /// How many bytes of the poem came.
    pub received: usize,
    /// How often it was tried; 0 if it never had its turn.
    pub attempts: u32,
    /// From the start to the first byte, if one came.
    pub first_byte: Option<Duration>,
    /// From the start to the end.
    pub total: Duration,
    /// The hash of what came, if [`FetchOptions::with_sha256`](super::FetchOptions::with_sha256) asked for it.
    pub sha256: Option<[u8; 32]>,
    /// Why there is no whole poem: a [`FetchError`], a [`ConnectError`], or what it was cancelled because of.
    pub result: Result<(), Failure>,
}

/// How far a download is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub enum Progress {
    /// Others come first.
    Waiting,
    /// It has this many bytes.
    Running(usize),
    /// It has ended.
    Ended,
}

/// The state of one download. Invariant: `connection` is there while bytes may come.
pub(super) struct Task {
    pub(super) poet: Endpoint,
    pub(super) peer: Arc<str>,
    pub(super) canceller: Option<CancelHandle>,
    pub(super) connection: Option<ConnHandle>,
    /// The consumer wants no more of it for now.
    pub(super) is_held: bool,
    /// Waits for the consumer to say how to go on.
    pub(super) again: Option<Resolver<Again>>,
    pub(super) received: usize,
    pub(super) attempts: u32,
    pub(super) started: Option<Time>,
    pub(super) first_byte: Option<Time>,
    pub(super) is_over: bool,
    /// The hash of what came so far, if somebody needs it.
    digest: Option<Sha256>,
    copy: Copy,
}

/// What is kept for the transform service.
enum Copy {
    /// Nothing: it is not asked.
    Unwanted,
    /// What came so far, and how much it may be.
    Kept(Vec<u8>, usize),
    /// Nothing any more: the service would not read it.
    TooLong,
}

impl Task {
    pub(super) fn new(poet: Endpoint, options: &FetchOptions) -> Self {
        let transform = options.transform.as_ref();
        let copy_max = transform.map(|(service, name)| service.bytes_max().saturating_sub(name.len() + 1));
        Self {
            peer: poet.peer_name().into(),
            poet,
            canceller: None,
            connection: None,
            is_held: false,
            again: None,
            received: 0,
            attempts: 0,
            started: None,
            first_byte: None,
            is_over: false,
            digest: options.needs_digest().then(Sha256::new),
            copy: copy_max.map_or(Copy::Unwanted, |limit| Copy::Kept(Vec::new(), limit)),
        }
    }

    /// Another attempt begins. Gives what it has to repeat, if it is to go on where the last one ended.
    pub(super) fn begin(&mut self, again: Again) -> Option<Repeat> {
        self.attempts += 1;
        match (again, &mut self.digest) {
            (Again::Continue, Some(digest)) => Some(Repeat::new(self.received, digest.clone())),
            (Again::Afresh | Again::Continue, digest) => {
                *digest = digest.take().map(|_| Sha256::new());
                self.received = 0;
                if let Copy::Kept(copy, _) = &mut self.copy {
                    copy.clear();
                }
                None
            }
        }
    }

    pub(super) fn take(&mut self, bytes: &[u8], now: Time) {
        self.first_byte.get_or_insert(now);
        self.received += bytes.len();
        if let Some(digest) = &mut self.digest {
            digest.update(bytes);
        }
        if let Copy::Kept(copy, limit) = &mut self.copy {
            copy.extend_from_slice(bytes);
            if copy.len() > *limit {
                self.copy = Copy::TooLong;
            }
        }
    }

    /// What was kept for the transform service; if it would be too long, how long it is.
    pub(super) fn take_copy(&mut self) -> Result<Vec<u8>, usize> {
        match std::mem::replace(&mut self.copy, Copy::Unwanted) {
            Copy::Kept(copy, _) => Ok(copy),
            Copy::Unwanted => Ok(Vec::new()),
            Copy::TooLong => Err(self.received),
        }
    }

    pub(super) fn progress(&self) -> Progress {
        match (self.is_over, self.started) {
            (true, _) => Progress::Ended,
            (false, None) => Progress::Waiting,
            (false, Some(_)) => Progress::Running(self.received),
        }
    }

    pub(super) fn outcome(
        &mut self,
        task: usize,
        now: Time,
        with_sha256: bool,
        result: Result<(), Failure>,
    ) -> Outcome {
        let since = |then: Option<Time>, now: Time| then.map(|then| now - then);
        let digest = self.digest.take().filter(|_| with_sha256);
        Outcome {
            task,
            peer: Arc::clone(&self.peer),
            received: self.received,
            attempts: self.attempts,
            first_byte: self.first_byte.and_then(|at| since(self.started, at)),
            total: since(self.started, now).unwrap_or_default(),
            sha256: digest.map(|digest| digest.finalize().into()),
            result,
        }
    }
}

/// Whether another attempt may end differently.
pub(super) fn is_passing(failure: &Failure) -> bool {
    if let Some(error) = failure.check::<FetchError>() {
        use FetchError as E;
        return matches!(error, E::Reset { .. } | E::TimedOut { .. } | E::Empty { .. } | E::Lost { .. });
    }
    failure.check::<ConnectError>().is_some_and(|error| {
        use ConnectError as E;
        !matches!(error, E::Cancelled | E::NoProtocol(_) | E::BadPath(_) | E::NotForConnecting(_))
    })
}
