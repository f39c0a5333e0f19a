//! The grammar of endpoints: cutting a text into its arguments, and taking them apart with errors that point.

use std::error::Error;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// The units of times, the longer names first.
const SECONDS: [(&str, f64); 5] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0), ("d", 86400.0)];

/// Why a text is no endpoint, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EndpointError {
    text: String,
    problem: ArgumentError,
}

/// Why an argument of an endpoint cannot be used; becomes an [`EndpointError`].
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ArgumentError {
    /// Counted in characters, from 1.
    position: usize,
    message: String,
}

impl EndpointError {
    pub(crate) fn new(text: &str, problem: ArgumentError) -> Self {
        Self { text: text.to_owned(), problem }
    }

    /// The character that the error is about, counted from 1.
    #[must_use]
    pub fn position(&self) -> usize {
        self.problem.position
    }

    /// The text, and below it a caret at the character: two lines for a terminal.
    ///
    /// ```
    /// let error = "tcp:poetry".parse::<sestina_reactor::Endpoint>().unwrap_err();
    /// assert_eq!(error.pointed(), "tcp:poetry\n    ^");
    /// ```
    #[must_use]
    pub fn pointed(&self) -> String {
        format!("{}\n{:>2$}", self.text, '^', self.problem.position)
    }
}

impl fmt::Display for EndpointError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ArgumentError { position, message } = &self.problem;
        write!(out, "{message} (at character {position} of '{}')", self.text)
    }
}

impl Error for EndpointError {}

/// One argument: its key, if it has one, its value, and where both begin.
#[derive(Clone, Debug, Default)]
pub struct Argument {
    key: Option<String>,
    value: String,
    position: usize,
    value_position: usize,
}

impl Argument {
    /// The text before the first `=`, if there is one.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The value, with escapes and brackets taken away.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// An error that points at this argument: at its key, if it has one.
    #[must_use]
    pub fn error(&self, message: impl Into<String>) -> ArgumentError {
        ArgumentError { position: self.position, message: message.into() }
    }

    /// An error that points at this argument's value, behind its key.
    #[must_use]
    pub fn value_error(&self, message: impl Into<String>) -> ArgumentError {
        ArgumentError { position: self.value_position, message: message.into() }
    }

    /// The value as a port.
    ///
    /// # Errors
    /// If it is no number from 0 to 65535.
    pub fn port(&self) -> Result<u16, ArgumentError> {
        let digits = !self.value.is_empty() && self.value.bytes().all(|byte| byte.is_ascii_digit());
        let port = self.value.parse().ok().filter(|_| digits);
        port.ok_or_else(|| {
            self.value_error(format!("a port is a number from 0 to 65535, not '{}'", self.value))
        })
    }

    /// The value as a number.
    ///
    /// # Errors
    /// If it is none.
    pub fn number(&self) -> Result<u32, ArgumentError> {
        self.value
            .parse()
            .map_err(|_| self.value_error(format!("{} is a number, not '{}'", self.name(), self.value)))
    }

    /// The value as a time: a number of seconds, or with `ms`, `s`, `m`, `h` or `d` behind it; fractions are fine.
    ///
    /// # Errors
    /// If it is none, or negative.
    pub fn seconds(&self) -> Result<Duration, ArgumentError> {
        let unit = SECONDS.iter().find_map(|(unit, seconds)| Some((self.value.strip_suffix(unit)?, seconds)));
        let (number, unit) = unit.unwrap_or((&self.value, &1.0));
        let plain = number.starts_with(|first: char| first.is_ascii_digit() || first == '.');
        let seconds = number.parse::<f64>().ok().filter(|_| plain);
        seconds.and_then(|number| Duration::try_from_secs_f64(number * unit).ok()).ok_or_else(|| {
            self.value_error(format!(
                "{} is a number of seconds, or a number with ms, s, m, h or d, not '{}'",
                self.name(),
                self.value
            ))
        })
    }

    /// The value as an IP address.
    ///
    /// # Errors
    /// If it is none.
    pub fn ip(&self) -> Result<IpAddr, ArgumentError> {
        self.value.parse().map_err(|_| self.value_error(format!("'{}' is not an IP address", self.value)))
    }

    fn name(&self) -> String {
        self.key.as_ref().map_or_else(|| "this argument".to_owned(), |key| format!("'{key}'"))
    }
}

/// The arguments of one endpoint, to be taken one by one; what is left over is an error.
#[derive(Debug)]
pub struct Arguments {
    kind: String,
    left: Vec<Argument>,
    end: usize,
}

impl Arguments {
    /// Cuts a text at its colons and takes escapes and brackets away.
    pub(crate) fn parse(text: &str) -> Result<Self, ArgumentError> {
        let mut fields = split(text)?;
        let kind = fields.remove(0);
        let name = kind.key.map_or_else(|| kind.value.clone(), |key| format!("{key}={}", kind.value));
        Ok(Self { kind: name.to_ascii_lowercase(), left: fields, end: text.chars().count() + 1 })
    }

    /// What stands before the first colon, in lower case.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Takes the next argument without a key.
    pub fn next_plain(&mut self) -> Option<Argument> {
        let at = self.left.iter().position(|argument| argument.key.is_none())?;
        Some(self.left.remove(at))
    }

    /// Takes the argument with this key.
    ///
    /// # Errors
    /// If there are two.
    pub fn named(&mut self, key: &str) -> Result<Option<Argument>, ArgumentError> {
        let Some(at) = self.left.iter().position(|argument| argument.key.as_deref() == Some(key)) else {
            return Ok(None);
        };
        let argument = self.left.remove(at);
        match self.left.iter().find(|other| other.key.as_deref() == Some(key)) {
            Some(second) => Err(second.error(format!("'{key}' is given twice"))),
            None => Ok(Some(argument)),
        }
    }

    /// An error that points behind the last character: something is missing.
    #[must_use]
    pub fn missing(&self, what: &str) -> ArgumentError {
        ArgumentError { position: self.end, message: format!("{what} is missing") }
    }

    /// Nothing may be left. `keys` are those that this kind knows, for the message.
    ///
    /// # Errors
    /// If something is.
    pub fn finish(self, keys: &str) -> Result<(), ArgumentError> {
        let Some(extra) = self.left.first() else { return Ok(()) };
        Err(match &extra.key {
            Some(key) => extra.error(format!("a {} endpoint has no '{key}': there are {keys}", self.kind)),
            None => extra.error(format!("'{}' is one argument too many", extra.value)),
        })
    }

    /// An error that points at the kind.
    pub(crate) fn unknown_kind(&self, known: &str) -> ArgumentError {
        let message = format!("'{}' is no kind of endpoint: there are {known}", self.kind);
        ArgumentError { position: 1, message }
    }
}

fn split(text: &str) -> Result<Vec<Argument>, ArgumentError> {
    let mut fields = Vec::new();
    let mut field = Argument { position: 1, value_position: 1, ..Argument::default() };
    let mut characters = text.chars().zip(1..);
    let mut bracket = None;
    let mut closed = false;
    while let Some((character, position)) = characters.next() {
        if std::mem::take(&mut closed) && character != ':' {
            let message = "a bracket ends its argument: a colon or nothing comes after it".to_owned();
            return Err(ArgumentError { position, message });
        }
        match character {
            '\\' => match characters.next() {
                Some((escaped, _)) => field.value.push(escaped),
                None => {
                    let message = "the text ends after a backslash".to_owned();
                    return Err(ArgumentError { position, message });
                }
            },
            '[' if field.value.is_empty() && bracket.is_none() => bracket = Some(position),
            ']' if bracket.is_some() => (bracket, closed) = (None, true),
            ':' if bracket.is_none() => {
                let (position, value_position) = (position + 1, position + 1);
                let next = Argument { position, value_position, ..Argument::default() };
                fields.push(std::mem::replace(&mut field, next));
            }
            '=' if field.key.is_none() && bracket.is_none() => {
                field.key = Some(std::mem::take(&mut field.value));
                field.value_position = position + 1;
            }
            other => field.value.push(other),
        }
    }
    if let Some(position) = bracket {
        return Err(ArgumentError { position, message: "this bracket is not closed".to_owned() });
    }
    fields.push(field);
    Ok(fields)
}

/// A value as it must be written in an endpoint: Twisted's `quoteStringArgument`, and beyond it `=` and `[`.
#[must_use]
pub fn quote_argument(value: &str) -> String {
    let mut quoted = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '\\' | ':' | '=' | '[') {
            quoted.push('\\');
        }
        quoted.push(character);
    }
    quoted
}
