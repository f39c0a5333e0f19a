//! The options of the log, and what follows from them.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tracing::level_filters::LevelFilter;

use super::file::{KEEP_MAX, MODE, Rotation};
use super::levels::Levels;
use super::line::Format;
use super::repeats::REPEATS;
use super::stream::Standard;
use crate::service_maker::UsageError;
use crate::size::{SizeError, parse_size};
use crate::surroundings::Surroundings;

/// Where the syslog of the machine listens.
const SYSLOG: &str = if cfg!(target_os = "macos") { "/var/run/syslog" } else { "/dev/log" };
/// The longest name of a program that RFC 3164 has room for, in bytes.
const PREFIX_BYTES_MAX: usize = 32;
/// Permissions of a file before the umask takes some away.
const FILE_MODE: u32 = 0o666;
/// What waits for a slow reader, unless somebody asks for another limit.
const BACKLOG_BYTES: usize = 1 << 20;
const HEADING: &str = "Log";

/// Where the log goes, and what is in it.
#[derive(Args, Clone, Debug)]
pub(crate) struct LogOptions {
    /// The file of the log; `-` is the standard output [default: sestina.log, in the foreground the standard error]
    #[arg(short, long, value_name = "FILE", help_heading = HEADING)]
    pub(crate) logfile: Option<PathBuf>,
    /// Send the log to the syslog in the place of a file, at /dev/log or =PATH
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = SYSLOG,
          conflicts_with = "logfile", help_heading = HEADING)]
    pub(crate) syslog: Option<PathBuf>,
    /// What the syslog calls the program
    #[arg(long, value_name = "NAME", default_value = "sestina", value_parser = parse_prefix, help_heading = HEADING)]
    pub(crate) prefix: String,
    /// The least important level that is written: error, warn, info, debug or trace, and TARGET=LEVEL for single ones,
    /// with commas between
    #[arg(long, value_name = "LEVELS", default_value = "info", help_heading = HEADING)]
    pub(crate) log_level: Levels,
    /// What a line looks like [default: text, for journald journal]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = HEADING)]
    pub(crate) log_format: Option<LogFormat>,
    /// Begin a new file when the log is this long; 0 for never
    #[arg(long, value_name = "SIZE", default_value = "1000000", value_parser = parse_size_or_none, help_heading = HEADING)]
    pub(crate) log_rotate: usize,
    /// How many old files are kept: FILE.1 is the newest
    #[arg(long, value_name = "N", default_value = "10", value_parser = parse_keep, help_heading = HEADING)]
    pub(crate) log_keep: usize,
    /// How often a line is written in a row before repetitions are only counted; 0 for always
    #[arg(long, value_name = "N", default_value_t = REPEATS, help_heading = HEADING)]
    pub(crate) log_repeats: u64,
    /// How much waits for a slow reader of the standard error or output; more is lost, and counted
    #[arg(long, value_name = "SIZE", default_value_t = BACKLOG_BYTES, value_parser = parse_size, help_heading = HEADING)]
    pub(crate) log_backlog: usize,
}

/// The names of formats on the command line.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum LogFormat {
    /// Lines for people, as twistd's
    Text,
    /// An object of JSON for each line
    Json,
    /// Text with the priorities that journald reads
    Journal,
}

/// What the log will be: checked, and nothing opened.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct LogPlan {
    pub(crate) target: Target,
    pub(crate) format: Format,
    pub(crate) levels: Levels,
    pub(crate) prefix: String,
    pub(crate) rotation: Rotation,
    pub(crate) mode: u32,
    pub(crate) repeats: u64,
    pub(crate) backlog: usize,
}

/// Where lines go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Target {
    /// To the standard output or error.
    Standard(Standard),
    /// To a file, by its absolute path.
    File(PathBuf),
    /// To the syslog that listens there.
    Syslog(PathBuf),
}

impl LogPlan {
    /// The log of a program that is no service: what is at least this important, on the standard error.
    pub(crate) fn simple(level: LevelFilter) -> Self {
        Self {
            target: Target::Standard(Standard::Error),
            format: Format::Text,
            levels: level.into(),
            prefix: String::new(),
            rotation: Rotation { bytes: 0, keep: 0 },
            mode: MODE,
            repeats: REPEATS,
            backlog: BACKLOG_BYTES,
        }
    }

    /// Relative paths begin where the process was started; `rundir` is the place of the log of a detached process that was
    /// not told otherwise, and `program` its name.
    ///
    /// # Errors
    /// If the options do not go together.
    pub(crate) fn check(
        program: &str,
        options: &LogOptions,
        foreground: bool,
        rundir: &Path,
        surroundings: &Surroundings,
    ) -> Result<Self, UsageError> {
        let usual = if foreground {
            Target::Standard(Standard::Error)
        } else {
            Target::File(rundir.join(format!("{program}.log")))
        };
        let target = options.target(&surroundings.directory).unwrap_or(usual);
        if !foreground && matches!(target, Target::Standard(_)) {
            return Err(UsageError::new(
                "a detached program has no standard output for its log: give --logfile a name",
            ));
        }
        Ok(Self {
            format: options.format(&target, surroundings.text("JOURNAL_STREAM"))?,
            target,
            levels: options.log_level.clone(),
            prefix: options.prefix.clone(),
            rotation: Rotation {
                bytes: u64::try_from(options.log_rotate).unwrap_or(u64::MAX),
                keep: options.log_keep,
            },
            mode: MODE,
            repeats: options.log_repeats,
            backlog: options.log_backlog,
        })
    }

    /// New files get the permissions that this umask leaves. Without one they are for their owner only.
    pub(crate) fn with_umask(self, umask: Option<u32>) -> Self {
        Self { mode: umask.map_or(MODE, |umask| FILE_MODE & !umask), ..self }
    }
}

impl LogOptions {
    /// Where the log goes, if somebody said so.
    fn target(&self, directory: &Path) -> Option<Target> {
        match (&self.syslog, &self.logfile) {
            (Some(path), _) => Some(Target::Syslog(directory.join(path))),
            (None, Some(path)) if path == "-" => Some(Target::Standard(Standard::Output)),
            (None, Some(path)) => Some(Target::File(directory.join(path))),
            (None, None) => None,
        }
    }

    fn format(&self, target: &Target, journal_stream: Option<&str>) -> Result<Format, UsageError> {
        match (self.log_format, target) {
            (Some(LogFormat::Json), _) => Ok(Format::Json),
            (Some(LogFormat::Journal), Target::Standard(_)) => Ok(Format::Journal),
            (Some(LogFormat::Journal), _) => Err(UsageError::new(
                "--log-format journal is for journald, which reads the standard error: leave out --logfile and --syslog",
            )),
            (None, Target::Standard(standard))
                if journal_stream.is_some_and(|id| standard.is_journal(id)) =>
            {
                Ok(Format::Journal)
            }
            (Some(LogFormat::Text) | None, _) => Ok(Format::Text),
        }
    }
}

fn parse_prefix(text: &str) -> Result<String, String> {
    let fits = |character: char| character.is_ascii_graphic() && !":[]".contains(character);
    match text {
        "" => Err("the name is empty".to_owned()),
        _ if !text.chars().all(fits) => Err(format!(
            "'{text}' cannot be a name in the syslog: it may have no blanks, colons and brackets"
        )),
        _ if text.len() > PREFIX_BYTES_MAX => {
            Err(format!("'{text}' is longer than {PREFIX_BYTES_MAX} bytes: the syslog has no room for it"))
        }
        _ => Ok(text.to_owned()),
    }
}

fn parse_size_or_none(text: &str) -> Result<usize, SizeError> {
    if text == "0" { Ok(0) } else { parse_size(text) }
}

fn parse_keep(text: &str) -> Result<usize, String> {
    let keep = text.parse().ok().filter(|keep| *keep <= KEEP_MAX);
    keep.ok_or_else(|| format!("'{text}' is no number of files: give one from 0 to {KEEP_MAX}"))
}
