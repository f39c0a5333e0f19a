//! How the program ends: an exit status, and what it says.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use sestina_deferred::Failure;

use crate::application_file::FileRefused;
use crate::orders::NO_PRIVILEGE;
use crate::service_maker::UsageError;
use crate::{usage, words};

/// Why the runner ended: the words for the standard error, and the exit status.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) status: u8,
    pub(crate) words: Option<String>,
    /// What stands above them, as it is: lines of a file, with marks.
    pictures: Option<String>,
}

impl Ending {
    pub(crate) fn good() -> Self {
        Self::with_status(0)
    }

    /// Everything was said already.
    pub(crate) fn with_status(status: u8) -> Self {
        Self { status, words: None, pictures: None }
    }

    pub(crate) fn with_words(status: u8, words: String) -> Self {
        Self { status, words: Some(words), pictures: None }
    }

    pub(crate) fn usage(words: &str) -> Self {
        Self::with_words(usage::WRONG_USAGE, words.to_owned())
    }

    pub(crate) fn failed(error: &(dyn Error + 'static)) -> Self {
        Self::with_words(status_of(error), words::chain(error))
    }

    /// An application file that was not taken.
    pub(crate) fn refused(refused: &FileRefused) -> Self {
        let pictures = refused.pictures();
        Self { pictures, ..Self::with_words(refused.status(), words::chain(refused)) }
    }

    pub(crate) fn of(failure: &Failure) -> Self {
        match failure.check::<FileRefused>() {
            Some(refused) => Self::refused(refused),
            None => Self::failed(failure.error()),
        }
    }

    /// `text` on the standard output.
    pub(crate) fn printed(text: &str) -> Self {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Self::good(),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Self::with_status(1),
            Err(error) => Self::failed(&error),
        }
    }

    /// Says what is to be said, about this subject: the program, and what it was to run.
    pub(crate) fn say(self, subject: &str) -> ExitCode {
        if let Some(pictures) = self.pictures {
            words::say_raw(&pictures);
        }
        if let Some(words) = self.words {
            words::say(&format!("{subject}: {words}"));
        }
        ExitCode::from(self.status)
    }
}

/// The exit status that this failure is told by, after LSB: 2 for wrong usage, 4 for a missing privilege, else 1.
pub(crate) fn status_of(error: &(dyn Error + 'static)) -> u8 {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<UsageError>() {
            return usage::WRONG_USAGE;
        }
        if let Some(refused) = error.downcast_ref::<FileRefused>() {
            return refused.status();
        }
        let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        if error.downcast_ref::<io::Error>().is_some_and(denied) {
            return NO_PRIVILEGE;
        }
        cause = error.source();
    }
    1
}
