//! The arguments of the attribute: `timeout = "5s", on = "both", seeds = 200` ...

use std::time::Duration;

use proc_macro::token_stream::IntoIter;
use proc_macro::{Ident, Literal, Span, TokenStream, TokenTree};

use crate::error::Error;
use crate::text;

/// On which drivers a test runs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum On {
    Sim,
    Mio,
    Both,
}

/// What the attribute says.
#[derive(Debug, Default)]
pub(crate) struct Options {
    pub(crate) on: Option<(On, Span)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) real_timeout: Option<Duration>,
    pub(crate) seed: Option<(u64, Span)>,
    pub(crate) seeds: Option<(u64, Span)>,
    pub(crate) faults: Option<(Literal, Span)>,
    pub(crate) skip: Option<Literal>,
    pub(crate) should_fail: Option<Literal>,
    pub(crate) fails_with: Option<(Literal, Span)>,
    pub(crate) home: Option<String>,
}

const KNOWN: &str = "timeout, real_timeout, on, seed, seeds, faults, skip, should_fail, fails_with and crate";

impl Options {
    pub(crate) fn parse(arguments: TokenStream) -> Result<Self, Error> {
        let (mut options, mut tokens) = (Self::default(), arguments.into_iter());
        let mut seen: Vec<String> = Vec::new();
        while let Some(token) = tokens.next() {
            let TokenTree::Ident(name) = token else {
                return Err(Error::new(token.span(), format!("an option is wanted here: {KNOWN}")));
            };
            let text = name.to_string();
            if seen.contains(&text) {
                return Err(Error::new(name.span(), format!("`{text}` is given twice")));
            }
            options.take(&name, value(&name, &mut tokens)?)?;
            seen.push(text);
        }
        options.check()?;
        Ok(options)
    }

    fn take(&mut self, name: &Ident, value: Literal) -> Result<(), Error> {
        let span = value.span();
        match name.to_string().as_str() {
            "timeout" => self.timeout = Some(time(&value)?),
            "real_timeout" => self.real_timeout = Some(time(&value)?),
            "seed" => self.seed = Some((number(&value)?, name.span())),
            "seeds" => match number(&value)? {
                0 => return Err(Error::new(span, "0 seeds are no test")),
                count => self.seeds = Some((count, name.span())),
            },
            "on" => {
                let on = match string(&value)?.as_str() {
                    "sim" => On::Sim,
                    "mio" => On::Mio,
                    "both" => On::Both,
                    _ => return Err(Error::new(span, "`on` is \"sim\", \"mio\" or \"both\"")),
                };
                self.on = Some((on, span));
            }
            "faults" => match string(&value)?.as_str() {
                "none" | "gentle" | "all" => self.faults = Some((value, name.span())),
                _ => return Err(Error::new(span, "`faults` is \"none\", \"gentle\" or \"all\"")),
            },
            "skip" => self.skip = Some(reason(value)?),
            "should_fail" => self.should_fail = Some(reason(value)?),
            "fails_with" => self.fails_with = Some((reason(value)?, name.span())),
            "crate" => self.home = Some(string(&value)?),
            other => {
                return Err(Error::new(name.span(), format!("`{other}` is no option; there are {KNOWN}")));
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), Error> {
        let only_simulated = [
            self.seed.as_ref().map(|(_, span)| ("seed", span)),
            self.seeds.as_ref().map(|(_, span)| ("seeds", span)),
            self.faults.as_ref().map(|(_, span)| ("faults", span)),
        ];
        if let (Some((On::Mio, _)), Some((name, span))) =
            (&self.on, only_simulated.into_iter().flatten().next())
        {
            return Err(Error::new(*span, format!("`{name}` has a meaning on the simulation only")));
        }
        if let (Some(_), Some((_, span))) = (&self.seed, &self.seeds) {
            return Err(Error::new(*span, "either `seed` or `seeds`"));
        }
        if let (None, Some((_, span))) = (&self.should_fail, &self.fails_with) {
            return Err(Error::new(*span, "`fails_with` says how a test with `should_fail` fails"));
        }
        Ok(())
    }
}

/// The literal behind `name =`, and the comma after it.
fn value(name: &Ident, tokens: &mut IntoIter) -> Result<Literal, Error> {
    let wrong = |span: Span| Error::new(span, format!("`{name}` wants a value: `{name} = ...`"));
    match tokens.next() {
        Some(TokenTree::Punct(punct)) if punct.as_char() == '=' => {}
        Some(other) => return Err(wrong(other.span())),
        None => return Err(wrong(name.span())),
    }
    let mut value = tokens.next();
    // A literal that came through `macro_rules!` stands in an invisible group.
    while let Some(TokenTree::Group(group)) = &value {
        value = group.stream().into_iter().next();
    }
    let literal = match value {
        Some(TokenTree::Literal(literal)) => literal,
        Some(other) => return Err(wrong(other.span())),
        None => return Err(wrong(name.span())),
    };
    match tokens.next() {
        None => Ok(literal),
        Some(TokenTree::Punct(punct)) if punct.as_char() == ',' => Ok(literal),
        Some(other) => Err(Error::new(other.span(), "a comma is wanted between options")),
    }
}

fn string(value: &Literal) -> Result<String, Error> {
    text::string(value).ok_or_else(|| Error::new(value.span(), "a string is wanted here"))
}

fn reason(value: Literal) -> Result<Literal, Error> {
    match string(&value)?.trim() {
        "" => Err(Error::new(value.span(), "words are wanted here")),
        _ => Ok(value),
    }
}

fn number(value: &Literal) -> Result<u64, Error> {
    text::number(value).ok_or_else(|| Error::new(value.span(), "a whole number is wanted here"))
}

fn time(value: &Literal) -> Result<Duration, Error> {
    let meant = text::time(&text::string(value).unwrap_or_else(|| value.to_string()));
    let usable = meant.filter(|time| !time.is_zero());
    usable.ok_or_else(|| Error::new(value.span(), "a time is wanted here: \"250ms\", \"5s\", \"2m\", \"1h\""))
}
