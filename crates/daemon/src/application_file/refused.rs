//! Why an application file was not taken.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::problem::Problem;
use super::source::{APPLICATION_FILE_BYTES_MAX, Source};
use crate::{usage, words};

/// Problems of one file that are told: who made more looks at these first.
const PROBLEMS_SHOWN: usize = 20;

/// The exit status of a program whose configuration is missing, as init scripts know it.
const NOT_CONFIGURED: u8 = 6;

/// Why an application file was not taken.
#[derive(Debug)]
pub(crate) enum FileRefused {
    /// It is Python, as Twisted's application files are.
    Python(PathBuf),
    /// It cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// It is a directory, a pipe, or the like.
    NoFile {
        /// What was named.
        path: PathBuf,
        /// What it is.
        what: &'static str,
    },
    /// It is longer than [`APPLICATION_FILE_BYTES_MAX`].
    TooLong(PathBuf),
    /// There are mistakes in it.
    Wrong(Mistakes),
}

/// The mistakes in an application file. Printed, each is the place, what is wrong, and the line.
pub(crate) struct Mistakes {
    source: Source,
    problems: Vec<Problem>,
}

impl FileRefused {
    pub(super) fn wrong(source: Source, mut problems: Vec<Problem>) -> Self {
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        problems.dedup();
        Self::Wrong(Mistakes { source, problems })
    }

    /// A line for each thing that is wrong, without pictures of lines: for a log.
    pub(crate) fn lines(&self) -> Vec<String> {
        match self {
            Self::Wrong(mistakes) => mistakes.lines(),
            other => vec![words::chain(other)],
        }
    }

    /// The places and lines of the mistakes, for a terminal.
    pub(crate) fn pictures(&self) -> Option<String> {
        match self {
            Self::Wrong(mistakes) => Some(mistakes.to_string()),
            _ => None,
        }
    }

    /// The exit status of a program that was given it.
    pub(crate) fn status(&self) -> u8 {
        match self {
            Self::Wrong(_) | Self::Python(_) => usage::WRONG_USAGE,
            Self::Unreadable { .. } | Self::NoFile { .. } | Self::TooLong(_) => NOT_CONFIGURED,
        }
    }
}

impl Mistakes {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.problems.len()
    }

    /// The file.
    pub(crate) fn path(&self) -> &Path {
        self.source.path()
    }

    /// `app.toml:3:10: there is no plugin 'fastpoety'`, for each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let shown = self.problems.iter().take(PROBLEMS_SHOWN);
        let mut lines: Vec<String> = shown.map(|problem| self.line(problem)).collect();
        lines.extend(self.more());
        lines
    }

    fn line(&self, problem: &Problem) -> String {
        format!("{}: {}", self.source.place(&problem.span), words::one_line(&problem.what))
    }

    fn more(&self) -> Option<String> {
        let more = self.problems.len().saturating_sub(PROBLEMS_SHOWN);
        (more > 0).then(|| format!("and {more} more"))
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in self.problems.iter().take(PROBLEMS_SHOWN) {
            write!(out, "{}\n{}", self.line(problem), self.source.excerpt(&problem.span))?;
        }
        match self.more() {
            Some(more) => writeln!(out, "{more}"),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for Mistakes {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Mistakes({:?})", self.lines())
    }
}

impl fmt::Display for FileRefused {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Python(path) => write!(
                out,
                "'{}' is a Python program, and is not run: describe the application in a TOML file \
                 ('--app-schema' says how), or in Rust",
                path.display()
            ),
            Self::Unreadable { path, .. } => {
                write!(
                    out,
                    "cannot read the application file '{}': check its path, and who may read it",
                    path.display()
                )
            }
            Self::NoFile { path, what } => {
                write!(
                    out,
                    "the application file '{}' is {what}: name a file, which a reload can read again",
                    path.display()
                )
            }
            Self::TooLong(path) => write!(
                out,
                "the application file '{}' is longer than {APPLICATION_FILE_BYTES_MAX} bytes: divide the application",
                path.display()
            ),
            Self::Wrong(mistakes) => {
                let path = mistakes.path().display();
                let plural = if mistakes.count() == 1 { "" } else { "s" };
                write!(out, "the application file '{path}' has {} mistake{plural}", mistakes.count())
            }
        }
    }
}

impl Error for FileRefused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Unreadable { source, .. } => Some(source),
            _ => None,
        }
    }
}
