//! The options of the log, and what follows from them.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::file::{KEEP_MAX, MODE, Rotation};
use super::levels::Levels;
use super::line::Format;
use super::repeats::REPEATS;
use super::stream::Standard;
use crate::service_maker::UsageError;
use crate::size::{SizeError, parse_size};

/// Where the syslog of the machine listens.
const SYSLOG: &str = if cfg!(target_os = "macos") { "/var/run/syslog" } else { "/dev/log" };
/// The longest name of a program that RFC 3164 has room for, in bytes.
const PREFIX_BYTES_MAX: usize = 32;
/// Permissions of a file before the umask takes some away.
const FILE_MODE: u32 = 0o666;
const HEADING: &str = "Log";

/// Where the log goes, and what is in it.
#[derive(Args, Clone, Debug)]
pub struct LogOptions {
    /// The file of the log; `-` is the standard output [default: sestina.log, in the foreground the standard error]
    #[arg(short, long, value_name = "FILE", help_heading = HEADING)]
    pub logfile: Option<PathBuf>,
    /// Send the log to the syslog in the place of a file, at /dev/log or =PATH
    #[arg(long, value_name = "PATH", num_args = 0..=1, require_equals = true, default_missing_value = SYSLOG,
          conflicts_with = "logfile", help_heading = HEADING)]
    pub syslog: Option<PathBuf>,
    /// What the syslog calls the program
    #[arg(long, value_name = "NAME", default_value = "sestina", value_parser = parse_prefix, help_heading = HEADING)]
    pub prefix: String,
    /// The least important level that is written: error, warn, info, debug or trace, and TARGET=LEVEL for single ones,
    /// with commas between
    #[arg(long, value_name = "LEVELS", default_value = "info", help_heading = HEADING)]
    pub log_level: Levels,
    /// What a line looks like [default: text, for journald journal]
    #[arg(long, value_name = "FORMAT", value_enum, help_heading = HEADING)]
    pub log_format: Option<LogFormat>,
    /// Begin a new file when the log is this long; 0 for never
    #[arg(long, value_name = "SIZE", default_value = "1000000", value_parser = parse_size_or_none, help_heading = HEADING)]
    pub log_rotate: usize,
    /// How many old files are kept: FILE.1 is the newest
    #[arg(long, value_name = "N", default_value = "10", value_parser = parse_keep, help_heading = HEADING)]
    pub log_keep: usize,
    /// How often a line is written in a row before repetitions are only counted; 0 for always
    #[arg(long, value_name = "N", default_value_t = REPEATS, help_heading = HEADING)]
    pub log_repeats: u64,
    /// How much waits for a slow reader of the standard error or output; more is lost, and counted
    #[arg(long, value_name = "SIZE", default_value = "1M", value_parser = parse_size, help_heading = HEADING)]
    pub log_backlog: usize,
}

/// The names of formats on the command line.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum LogFormat {
    /// Lines for people, as twistd's
    Text,
    /// An object of JSON for each line
    Json,
    /// Text with the priorities that journald reads
    Journal,
}

/// Where the program is, as far as the log cares.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Where relative paths begin, itself absolute: the root may become another directory later.
    pub directory: &'a Path,
    /// The file if none was asked for; `None` for the standard error.
    pub file: Option<&'a Path>,
    /// The variable JOURNAL_STREAM.
    pub journal_stream: Option<&'a OsStr>,
    /// The umask, if one was asked for: new files get what it leaves. Otherwise they are for their owner only.
    pub umask: Option<u32>,
}

/// Options that were checked: how a log will be.
///
/// ```
/// use clap::{Args, Command, FromArgMatches};
/// use sestina_daemon::logs::{LogOptions, Place, Target};
/// use std::path::Path;
///
/// let command = LogOptions::augment_args(Command::new("poet"));
/// let matches = command.try_get_matches_from(["poet", "--logfile", "poet.log"]).expect("these are its options");
/// let options = LogOptions::from_arg_matches(&matches).expect("these are its options");
/// let place = Place { directory: Path::new("/srv"), file: None, journal_stream: None, umask: None };
/// let settings = options.settings(&place).expect("they go together");
/// assert_eq!(settings.target(), &Target::File("/srv/poet.log".into()));
/// ```
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
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
#[non_exhaustive]
pub enum Target {
    /// To the standard output or error.
    Standard(Standard),
    /// To a file, by its absolute path.
    File(PathBuf),
    /// To the syslog that listens there.
    Syslog(PathBuf),
}

impl LogOptions {
    /// What follows from the options in this place.
    ///
    /// # Errors
    /// If they do not go together.
    pub fn settings(&self, place: &Place<'_>) -> Result<Settings, UsageError> {
        let target = self.target(place)?;
        Ok(Settings {
            format: self.format(&target, place)?,
            target,
            levels: self.log_level.clone(),
            prefix: self.prefix.clone(),
            rotation: Rotation {
                bytes: u64::try_from(self.log_rotate).unwrap_or(u64::MAX),
                keep: self.log_keep,
            },
            mode: place.umask.map_or(MODE, |umask| FILE_MODE & !umask),
            repeats: self.log_repeats,
            backlog: self.log_backlog,
        })
    }

    fn target(&self, place: &Place<'_>) -> Result<Target, UsageError> {
        if let Some(path) = &self.syslog {
            return Ok(Target::Syslog(place.directory.join(path)));
        }
        match self.logfile.as_deref() {
            Some(path) if path == "-" => Ok(Target::Standard(Standard::Output)),
            Some(path) if path.as_os_str().is_empty() => {
                Err(UsageError::new("--logfile is empty: give the name of a file, or - for the standard output"))
            }
            Some(path) => Ok(Target::File(place.directory.join(path))),
            None => Ok(place.file.map_or(Target::Standard(Standard::Error), |file| {
                Target::File(place.directory.join(file))
            })),
        }
    }

    fn format(&self, target: &Target, place: &Place<'_>) -> Result<Format, UsageError> {
        let is_journal = |standard: Standard| place.journal_stream.is_some_and(|id| standard.is_journal(id));
        match (self.log_format, target) {
            (Some(LogFormat::Json), _) => Ok(Format::Json),
            (Some(LogFormat::Journal) | None, Target::Standard(standard)) if is_journal(*standard) => Ok(Format::Journal),
            (Some(LogFormat::Journal), Target::Standard(_)) => Ok(Format::Journal),
            (Some(LogFormat::Journal), _) => Err(UsageError::new(
                "--log-format journal is for journald, which reads the standard error: leave out --logfile and --syslog",
            )),
            (Some(LogFormat::Text) | None, _) => Ok(Format::Text),
        }
    }
}

impl Settings {
    /// Where lines go.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// What a line looks like.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The least important levels that are written.
    #[must_use]
    pub fn levels(&self) -> &Levels {
        &self.levels
    }
}

fn parse_prefix(text: &str) -> Result<String, String> {
    let fits = |character: char| character.is_ascii_graphic() && !":[]".contains(character);
    match text {
        "" => Err("the name is empty".to_owned()),
        _ if !text.chars().all(fits) => {
            Err(format!("'{text}' cannot be a name in the syslog: it may have no blanks, colons and brackets"))
        }
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
