//! The test that is made of a function.
//!
//! Walk: a template of plain Rust, in which words that begin with `__` stand for pieces. The function itself is moved
//! unchanged into one that prepares its arguments, so panics and errors keep its lines.
//! Invariant: user code is never copied into two places, so `both` runs one function twice.

use std::fmt::Write;

use proc_macro::{Group, Span, TokenStream, TokenTree};

use crate::error::Error;
use crate::options::{On, Options};
use crate::signature::{Function, is_word};

/// Attributes that belong to the test and not to its function.
const OF_TESTS: &[&str] = &["should_panic", "ignore"];
/// Attributes that belong to everything that is made.
const OF_ALL: &[&str] = &["cfg", "cfg_attr"];

pub(crate) fn expand(options: &Options, function: &Function, home: &str) -> Result<TokenStream, Error> {
    for (_, group) in &function.attributes {
        if group.stream().into_iter().next().is_some_and(|first| is_word(&first, "test")) {
            return Err(Error::new(group.span_open(), "this is a test already: leave `#[test]` out"));
        }
    }
    let home: TokenStream = home_of(options, home)?;
    let made = Made { options, function, home };
    match options.on.map_or(On::Sim, |(on, _)| on) {
        On::Sim => made.alone("sim"),
        On::Mio => made.alone("mio"),
        On::Both => made.both(),
    }
}

fn home_of(options: &Options, usual: &str) -> Result<TokenStream, Error> {
    let home = options.home.as_deref().unwrap_or(usual);
    home.parse().map_err(|_| Error::new(Span::call_site(), format!("`{home}` is no path")))
}

struct Made<'a> {
    options: &'a Options,
    function: &'a Function,
    home: TokenStream,
}

impl Made<'_> {
    /// One test of the function's name.
    fn alone(&self, driver: &str) -> Result<TokenStream, Error> {
        let prepare = self.prepare("__prepare", driver == "mio")?;
        let test = self.test(driver, self.is_simulated()?)?;
        let pieces = [
            ("__attributes", self.attributes(|_| true)),
            ("__ignored", self.ignored()?),
            ("__name", name(self)),
            ("__prepare_function", prepare),
            ("__test", test),
            ("__home", self.home.clone()),
        ];
        fill(
            "#[::core::prelude::v1::test] __ignored __attributes
             fn __name() {
                 __prepare_function
                 const TEST: __home::runtime::Test = __test;
                 __home::runtime::run(&TEST, __prepare)
             }",
            &pieces,
        )
    }

    /// A module of the function's name, with a test for each driver.
    fn both(&self) -> Result<TokenStream, Error> {
        let pieces = [
            ("__of_all", self.attributes(|name| OF_ALL.contains(&name))),
            ("__of_tests", self.attributes(|name| OF_TESTS.contains(&name))),
            ("__of_function", self.attributes(|name| !OF_TESTS.contains(&name))),
            ("__ignored", self.ignored()?),
            ("__name", name(self)),
            ("__prepare_function", self.prepare(&self.function.name.to_string(), true)?),
            ("__simulated", self.test("sim", parse("false")?)?),
            ("__real", self.test("mio", parse("false")?)?),
            ("__home", self.home.clone()),
        ];
        fill(
            "__of_function
             __prepare_function
             __of_all
             mod __name {
                 #[::core::prelude::v1::test] __ignored __of_tests
                 fn sim() {
                     const TEST: __home::runtime::Test = __simulated;
                     __home::runtime::run(&TEST, super::__name)
                 }
                 #[::core::prelude::v1::test] __ignored __of_tests
                 fn mio() {
                     const TEST: __home::runtime::Test = __real;
                     __home::runtime::run(&TEST, super::__name)
                 }
             }",
            &pieces,
        )
    }

    /// The function that prepares the arguments, with the user's inside. Its variables have names that hardly a test has.
    fn prepare(&self, called: &str, on_real_driver: bool) -> Result<TokenStream, Error> {
        let (mut set_up, mut checks, mut list) = (TokenStream::new(), TokenStream::new(), String::new());
        for (number, argument) in self.function.arguments.iter().enumerate() {
            let pieces = [("__type", argument.clone()), ("__home", self.home.clone())];
            let line = format!("let argument_{number} = __home::runtime::set_up::<__type>(&trial_0).await?;");
            set_up.extend(fill(&line, &pieces)?);
            if on_real_driver {
                let check = "const { __home::runtime::must_not_be_simulated::<__type>() };";
                checks.extend(fill(check, &pieces)?);
            }
            write!(list, "argument_{number},").expect("a string takes every text");
        }
        let start = if self.function.is_async { "run_future" } else { "run_now" };
        let mut start: TokenStream = parse(start)?;
        start = at(start, self.function.result_span);
        let pieces = [
            ("__function", self.function.item.clone()),
            ("__called", parse(called)?),
            ("__checks", checks),
            ("__set_up", set_up),
            ("__start", start),
            ("__name", name(self)),
            ("__list", parse(&list)?),
            ("__home", self.home.clone()),
        ];
        fill(
            "fn __called(trial_0: __home::Trial) -> __home::runtime::Prepared {
                 __function
                 __checks
                 ::std::boxed::Box::pin(async move {
                     let _ = &trial_0;
                     __set_up
                     let start: __home::runtime::Start =
                         ::std::boxed::Box::new(move || __home::runtime::__start(__name(__list)));
                     ::core::result::Result::Ok(start)
                 })
             }",
            &pieces,
        )
    }

    /// What the harness has to know.
    fn test(&self, driver: &str, is_conducted: TokenStream) -> Result<TokenStream, Error> {
        let (options, function) = (self.options, self.function);
        let time = |time: Option<std::time::Duration>| match time {
            Some(time) => format!("Some(::core::time::Duration::from_micros({}u64))", time.as_micros()),
            None => "None".to_owned(),
        };
        let words = |words: Option<&proc_macro::Literal>| match words {
            Some(words) => format!("Some({words})"),
            None => "None".to_owned(),
        };
        let own = function.name.to_string();
        let own =
            if matches!(options.on, Some((On::Both, _))) { driver } else { own.trim_start_matches("r#") };
        let (seed, seeds) = match (options.seed, options.seeds) {
            (Some((seed, _)), _) => (seed, 1),
            (None, seeds) => (0, seeds.map_or(1, |(count, _)| count)),
        };
        let faults = options.faults.as_ref().map(|(words, _)| words);
        let text = format!(
            "__home::runtime::Test {{
                 path: ::core::concat!(::core::module_path!(), \"::\", {own:?}),
                 file: ::core::file!(), line: {}usize,
                 package: ::core::option_env!(\"CARGO_PKG_NAME\"),
                 is_simulated: {}, is_conducted: __conducted,
                 timeout: {}, real_timeout: {},
                 seed: {seed}u64, seeds: {seeds}u64, faults: {},
                 should_fail: {}, fails_with: {},
             }}",
            function.name.span().line(),
            driver == "sim",
            time(options.timeout),
            time(options.real_timeout),
            words(faults),
            words(options.should_fail.as_ref()),
            words(options.fails_with.as_ref().map(|(words, _)| words)),
        );
        fill(&text, &[("__home", self.home.clone()), ("__conducted", is_conducted)])
    }

    /// Whether an argument is the simulation itself: `false || <Type>::SIMULATED || ..`
    fn is_simulated(&self) -> Result<TokenStream, Error> {
        let mut question = parse("false")?;
        for argument in &self.function.arguments {
            let pieces = [("__type", argument.clone()), ("__home", self.home.clone())];
            question.extend(fill("|| <__type as __home::Fixture>::SIMULATED", &pieces)?);
        }
        Ok(question)
    }

    fn ignored(&self) -> Result<TokenStream, Error> {
        match &self.options.skip {
            Some(reason) => parse(&format!("#[{} = {reason}]", OF_TESTS[1])),
            None => Ok(TokenStream::new()),
        }
    }

    /// The attributes whose name is wanted.
    fn attributes(&self, wanted: impl Fn(&str) -> bool) -> TokenStream {
        let mut chosen = TokenStream::new();
        for (hash, group) in &self.function.attributes {
            let name = group.stream().into_iter().next().map(|first| first.to_string());
            if wanted(&name.unwrap_or_default()) {
                chosen.extend([TokenTree::from(hash.clone()), TokenTree::from(group.clone())]);
            }
        }
        chosen
    }
}

fn name(made: &Made<'_>) -> TokenStream {
    TokenTree::from(made.function.name.clone()).into()
}

fn at(tokens: TokenStream, span: Span) -> TokenStream {
    let spanned = tokens.into_iter().map(|mut token| {
        token.set_span(token.span().located_at(span));
        token
    });
    spanned.collect()
}

fn parse(text: &str) -> Result<TokenStream, Error> {
    text.parse()
        .map_err(|error| Error::new(Span::call_site(), format!("the harness wrote {text:?}: {error}")))
}

/// The template with its words replaced.
fn fill(template: &str, pieces: &[(&str, TokenStream)]) -> Result<TokenStream, Error> {
    Ok(replace(parse(template)?, pieces))
}

fn replace(tokens: TokenStream, pieces: &[(&str, TokenStream)]) -> TokenStream {
    let mut filled = TokenStream::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => {
                let mut whole = Group::new(group.delimiter(), replace(group.stream(), pieces));
                whole.set_span(group.span());
                filled.extend([TokenTree::from(whole)]);
            }
            TokenTree::Ident(word) => {
                let text = word.to_string();
                match pieces.iter().find(|(name, _)| *name == text) {
                    Some((_, piece)) => filled.extend(piece.clone()),
                    None => filled.extend([TokenTree::from(word)]),
                }
            }
            other => filled.extend([other]),
        }
    }
    filled
}
