//! Requests of operators: a line, read into a command. No I/O.

use std::error::Error;
use std::fmt;

use super::table::shortened;
use crate::cache::Purge;

/// What is asked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Command {
    Purge(Keys, Purge),
    Refresh(String),
    Entries,
    Flights,
    Cancel(u64),
    Stats,
    Drain,
    Help,
}

/// Which keys are meant.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Keys {
    One(String),
    All,
}

/// A command, and how its answer is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Request {
    pub(crate) command: Command,
    pub(crate) json: bool,
}

/// What the commands are, for people.
pub(crate) const HELP: &[&str] = &[
    "purge KEY|--all [--soft|--hard]  soft (unless told): past its time; hard: gone, and who waits fails",
    "refresh KEY                      fetch it anew, and give out what is there meanwhile",
    "entries                          how each key stands",
    "flights                          the fetches under way",
    "cancel FLIGHT                    end a fetch: who waits for it fails",
    "stats                            what was done so far",
    "drain                            take nobody new, finish what is under way, and end",
    "help                             this list",
    "Each takes --json. A key with blanks is written as a JSON string.",
];

/// Why a line is no request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum CommandError {
    NotText,
    Empty,
    Unknown(String),
    Missing { command: &'static str, what: &'static str },
    TooMany(String),
    UnknownOption(String),
    NotWith { option: &'static str, command: &'static str },
    Contradiction(&'static str, &'static str),
    BadFlight(String),
    BadString,
}

impl fmt::Display for CommandError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotText => out.write_str("the line is not UTF-8"),
            Self::Empty => out.write_str("the line has no command: try 'help'"),
            Self::Unknown(word) => write!(out, "there is no command '{}': try 'help'", shortened(word)),
            Self::Missing { command, what } => write!(out, "'{command}' needs {what}"),
            Self::TooMany(word) => write!(out, "'{}' is one word too many", shortened(word)),
            Self::UnknownOption(word) => write!(out, "there is no option '{}'", shortened(word)),
            Self::NotWith { option, command } => write!(out, "'{command}' takes no {option}"),
            Self::Contradiction(one, other) => write!(out, "{one} and {other} do not go together"),
            Self::BadFlight(word) => write!(out, "a flight is a number, not '{}'", shortened(word)),
            Self::BadString => out.write_str("a word in quotes is written as JSON writes strings"),
        }
    }
}

impl Error for CommandError {}

/// A word of a line.
#[derive(PartialEq, Eq, Debug)]
enum Word {
    /// As it stood.
    Plain(String),
    /// It stood in quotes, and is no option whatever it looks like.
    Quoted(String),
}

impl Word {
    fn text(self) -> String {
        match self {
            Self::Plain(text) | Self::Quoted(text) => text,
        }
    }
}

/// The options of a line, whoever takes them.
#[derive(Default)]
struct Options {
    json: bool,
    all: bool,
    how: Option<Purge>,
}

impl Request {
    /// Reads a line, without its end.
    pub(crate) fn parse(line: &[u8]) -> Result<Self, CommandError> {
        let line = str::from_utf8(line).map_err(|_| CommandError::NotText)?;
        let (mut options, mut rest) = (Options::default(), Vec::new());
        for word in words(line)? {
            match word {
                Word::Plain(option) if option.starts_with('-') => options.take(option)?,
                word => rest.push(word.text()),
            }
        }
        let mut rest = rest.into_iter();
        let name = rest.next().ok_or(CommandError::Empty)?;
        let command = command(&name, rest.next(), &options)?;
        match rest.next() {
            Some(word) => Err(CommandError::TooMany(word)),
            None => Ok(Self { command, json: options.json }),
        }
    }
}

impl Options {
    fn take(&mut self, option: String) -> Result<(), CommandError> {
        let how = match &*option {
            "--json" => {
                self.json = true;
                return Ok(());
            }
            "--all" => {
                self.all = true;
                return Ok(());
            }
            "--soft" => Purge::Soft,
            "--hard" => Purge::Hard,
            _ => return Err(CommandError::UnknownOption(option)),
        };
        match self.how.replace(how) {
            Some(before) if before != how => Err(CommandError::Contradiction("--soft", "--hard")),
            _ => Ok(()),
        }
    }
}

fn command(name: &str, argument: Option<String>, options: &Options) -> Result<Command, CommandError> {
    let names = ["purge", "refresh", "entries", "flights", "cancel", "stats", "drain", "help"];
    let Some(name) = names.into_iter().find(|known| *known == name) else {
        return Err(CommandError::Unknown(name.to_owned()));
    };
    if name == "purge" {
        let keys = match (argument, options.all) {
            (Some(_), true) => return Err(CommandError::Contradiction("a key", "--all")),
            (Some(key), false) => Keys::One(key),
            (None, true) => Keys::All,
            (None, false) => return Err(CommandError::Missing { command: name, what: "a key, or --all" }),
        };
        return Ok(Command::Purge(keys, options.how.unwrap_or(Purge::Soft)));
    }
    if options.all {
        return Err(CommandError::NotWith { option: "--all", command: name });
    }
    if options.how.is_some() {
        return Err(CommandError::NotWith { option: "--soft and no --hard", command: name });
    }
    Ok(match (name, argument) {
        ("refresh", Some(key)) => Command::Refresh(key),
        ("refresh", None) => return Err(CommandError::Missing { command: name, what: "a key" }),
        ("cancel", Some(flight)) => Command::Cancel(number(&flight)?),
        ("cancel", None) => return Err(CommandError::Missing { command: name, what: "a flight's number" }),
        (_, Some(word)) => return Err(CommandError::TooMany(word)),
        ("entries", None) => Command::Entries,
        ("flights", None) => Command::Flights,
        ("stats", None) => Command::Stats,
        ("drain", None) => Command::Drain,
        (_, None) => Command::Help,
    })
}

fn number(word: &str) -> Result<u64, CommandError> {
    let digits = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let number = word.parse().ok().filter(|_| digits);
    number.ok_or_else(|| CommandError::BadFlight(word.to_owned()))
}

/// The words of a line, between blanks.
fn words(line: &str) -> Result<Vec<Word>, CommandError> {
    let mut words = Vec::new();
    let mut rest = line.trim_matches(is_blank);
    while !rest.is_empty() {
        let end = if rest.starts_with('"') {
            let mut strings = serde_json::Deserializer::from_str(rest).into_iter::<String>();
            let Some(Ok(text)) = strings.next() else { return Err(CommandError::BadString) };
            words.push(Word::Quoted(text));
            strings.byte_offset()
        } else {
            let end = rest.find(is_blank).unwrap_or(rest.len());
            words.push(Word::Plain(rest[..end].to_owned()));
            end
        };
        let behind = &rest[end..];
        rest = behind.trim_start_matches(is_blank);
        if !behind.is_empty() && rest.len() == behind.len() {
            return Err(CommandError::BadString); // something stands right behind the quotes
        }
    }
    Ok(words)
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn parsed(line: &str) -> Command {
        let request = Request::parse(line.as_bytes()).unwrap_or_else(|error| panic!("{line}: {error}"));
        assert!(!request.json);
        request.command
    }

    #[test]
    fn every_command_is_read() {
        let one = |key: &str| Keys::One(key.to_owned());
        let cases = [
            ("purge ecstasy", Command::Purge(one("ecstasy"), Purge::Soft)),
            ("purge ecstasy --hard", Command::Purge(one("ecstasy"), Purge::Hard)),
            ("purge --soft ecstasy --soft", Command::Purge(one("ecstasy"), Purge::Soft)),
            ("purge --all --hard", Command::Purge(Keys::All, Purge::Hard)),
            ("refresh 127.0.0.1:10001", Command::Refresh("127.0.0.1:10001".to_owned())),
            ("entries", Command::Entries),
            ("  flights\t\r", Command::Flights),
            ("cancel 7", Command::Cancel(7)),
            ("stats", Command::Stats),
            ("drain", Command::Drain),
            ("help", Command::Help),
        ];
        for (line, command) in cases {
            assert_eq!(parsed(line), command, "{line}");
        }
        let request = Request::parse(b"--json stats").expect("the option may stand anywhere");
        assert_eq!(request, Request { command: Command::Stats, json: true });
    }

    #[test]
    fn a_key_may_be_anything_in_quotes() {
        let key = "two words\n\"--all\" \u{1b}[2J é";
        let line = format!("refresh {}", serde_json::json!(key));
        assert_eq!(parsed(&line), Command::Refresh(key.to_owned()));
        assert_eq!(parsed("refresh \"--json\""), Command::Refresh("--json".to_owned()));
        assert_eq!(parsed("refresh \"\""), Command::Refresh(String::new()));
        for line in ["refresh \"a", "refresh \"a\"b", "refresh \"\\x\"", "refresh \"a\"\"b\""] {
            assert_eq!(Request::parse(line.as_bytes()), Err(CommandError::BadString), "{line}");
        }
    }

    #[test]
    fn everything_else_is_told_what_is_wrong() {
        let cases = [
            ("", "no command"),
            ("   ", "no command"),
            ("--json", "no command"),
            ("Purge x", "no command 'Purge'"),
            ("purge", "needs a key, or --all"),
            ("purge a b", "'b' is one word too many"),
            ("purge a --all", "do not go together"),
            ("purge a --soft --hard", "do not go together"),
            ("purge a --force", "no option '--force'"),
            ("entries --all", "'entries' takes no --all"),
            ("drain --hard", "'drain' takes no --soft and no --hard"),
            ("refresh", "needs a key"),
            ("cancel", "needs a flight's number"),
            ("cancel x", "a flight is a number, not 'x'"),
            ("cancel +1", "a flight is a number"),
            ("cancel 99999999999999999999", "a flight is a number"),
            ("stats now", "'now' is one word too many"),
        ];
        for (line, words) in cases {
            let error = Request::parse(line.as_bytes()).expect_err(line).to_string();
            assert!(error.contains(words), "{line}: {error}");
        }
        assert_eq!(Request::parse(b"stats \xff"), Err(CommandError::NotText));
    }
}
