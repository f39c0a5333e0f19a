//! What the runner can run: a name, options, and a service made of them.
//!
//! Tests: the documentation's examples, and the programs of this repository.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{ArgMatches, Args, Command};
use sestina_deferred::Failure;
use sestina_reactor::Endpoint;
use sestina_service::Child;

use crate::place::Place;

/// Columns of the help.
const HELP_COLUMNS: usize = 80;

/// A plugin: makes services of one kind, with options of its own. Most are made by [`plugin`].
///
/// # Order
/// [`command`](Self::command) is asked for help and for parsing, [`prints`](Self::prints) when the command line is right,
/// [`make_service`](Self::make_service) then, once for each service of this kind, and again for a changed one at a reload.
pub trait ServiceMaker {
    /// What it is called on the command line and in application files: lower case letters, digits and `-`.
    fn name(&self) -> &str;

    /// One line for the list of plugins.
    fn description(&self) -> &str;

    /// Its own options. The long names are the keys of application files.
    fn command(&self) -> Command;

    /// What is to be printed in the place of running a service, if the options ask for that: a list, say.
    fn prints(&self, options: &ArgMatches) -> Option<String> {
        let _ = options;
        None
    }

    /// Makes the service, with options that [`command`](Self::command) has accepted. Checks what can be checked, and has no effect
    /// on the outside: `--check` calls it too. Sockets are opened by the service's privileged start.
    ///
    /// # Errors
    /// [`UsageError`] if the options contradict each other (exit status 2), anything else if it cannot be (exit status 1).
    fn make_service(&self, options: &ArgMatches, context: &Context) -> Result<Child, Failure>;
}

/// A plugin whose options are a struct that derives [`clap::Args`].
///
/// ```
/// use clap::Args;
/// use sestina_daemon::{ServiceMaker, plugin};
/// use sestina_service::task;
///
/// #[derive(Args)]
/// struct Options {
///     /// Whom to greet
///     #[arg(long, default_value = "world")]
///     whom: String,
/// }
///
/// let greeter = plugin("greeter", "Greets, and rests", |options: Options, context| {
///     let whom = options.whom;
///     Ok(task(context.name(), move |_| {
///         let whom = whom.clone();
///         async move {
///             tracing::info!("good day, {whom}");
///             Ok(())
///         }
///     }))
/// });
/// assert_eq!(greeter.name(), "greeter");
/// ```
pub fn plugin<O, C, F>(name: &'static str, description: &'static str, make: F) -> Plugin<O, F>
where
    O: Args,
    C: Into<Child>,
    F: Fn(O, &Context) -> Result<C, Failure>,
{
    Plugin { name, description, examples: None, prints: |_| None, make }
}

/// What [`plugin`] makes.
pub struct Plugin<O, F> {
    name: &'static str,
    description: &'static str,
    examples: Option<&'static str>,
    prints: fn(&O) -> Option<String>,
    make: F,
}

impl<O, F> Plugin<O, F> {
    /// Sets what stands below the options in its help: examples that run as printed.
    #[must_use]
    pub fn with_examples(self, examples: &'static str) -> Self {
        Self { examples: Some(examples), ..self }
    }

    /// Sets what is printed in the place of running a service: see [`ServiceMaker::prints`].
    #[must_use]
    pub fn with_prints(self, prints: fn(&O) -> Option<String>) -> Self {
        Self { prints, ..self }
    }
}

impl<O, C, F> ServiceMaker for Plugin<O, F>
where
    O: Args,
    C: Into<Child>,
    F: Fn(O, &Context) -> Result<C, Failure>,
{
    fn name(&self) -> &str {
        self.name
    }

    fn description(&self) -> &str {
        self.description
    }

    fn command(&self) -> Command {
        // The options come first: their own comment would take the place of the description.
        let command =
            O::augment_args(Command::new(self.name).max_term_width(HELP_COLUMNS)).about(self.description);
        match self.examples {
            Some(examples) => command.after_help(examples),
            None => command,
        }
    }

    fn prints(&self, options: &ArgMatches) -> Option<String> {
        (self.prints)(&parsed(options))
    }

    fn make_service(&self, options: &ArgMatches, context: &Context) -> Result<Child, Failure> {
        Ok((self.make)(parsed(options), context)?.into())
    }
}

impl<O, F> fmt::Debug for Plugin<O, F> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Plugin({})", self.name)
    }
}

/// # Panics
/// If the matches are another command's.
fn parsed<O: Args>(options: &ArgMatches) -> O {
    O::from_arg_matches(options).expect("the command was made from these options, and has checked them")
}

/// What a plugin is told about the place where its service will live.
///
/// ```
/// use sestina_daemon::Context;
///
/// let context = Context::new("poet", "/srv/poems");
/// assert_eq!(context.name(), "poet");
/// assert_eq!(context.path("ecstasy.txt"), std::path::Path::new("/srv/poems/ecstasy.txt"));
/// ```
#[derive(Clone, Debug)]
pub struct Context {
    /// The service's path in the tree; its last part is the name.
    path: String,
    place: Place,
}

impl Context {
    /// A service of this name in a program whose relative paths begin in `directory`.
    pub fn new(name: impl Into<String>, directory: impl Into<PathBuf>) -> Self {
        Self { path: name.into(), place: Place::new(directory.into(), Vec::new()) }
    }

    pub(crate) fn in_place(path: impl Into<String>, place: &Place) -> Self {
        Self { path: path.into(), place: place.clone() }
    }

    /// What the service is called: the plugin's name, or its name in the application file.
    #[must_use]
    pub fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// The path as the program will find it: relative ones begin in the run directory.
    #[must_use]
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.place.directory().join(path)
    }

    /// With `--check`, where a file of the service is now, so that it can be looked at; `None` in a life, which looks when it starts.
    ///
    /// ```
    /// use sestina_daemon::Context;
    ///
    /// assert_eq!(Context::new("poet", ".").inspects("ecstasy.txt"), None);
    /// ```
    #[must_use]
    pub fn inspects(&self, path: impl AsRef<Path>) -> Option<PathBuf> {
        self.place.inspects(path.as_ref())
    }

    /// Where the service is to listen: as `--listen` says for its name, with its parents' names before it if it has parents in
    /// the application file, such as `poets/ecstasy`; else as usual.
    ///
    /// ```
    /// use sestina_daemon::Context;
    /// use sestina_reactor::Endpoint;
    ///
    /// let usual = Endpoint::loopback(10000);
    /// assert_eq!(Context::new("poet", ".").listen(&usual), usual);
    /// ```
    #[must_use]
    pub fn listen(&self, usual: &Endpoint) -> Endpoint {
        self.place.listen(&self.path, usual)
    }

    /// The same for a service with several sockets: `--listen SERVICE/SOCKET=ADDR`.
    #[must_use]
    pub fn listen_named(&self, socket: &str, usual: &Endpoint) -> Endpoint {
        self.place.listen(&format!("{}/{socket}", self.path), usual)
    }
}

/// Options that contradict each other: wrong usage, exit status 2.
///
/// ```
/// use sestina_daemon::UsageError;
/// use sestina_deferred::Failure;
///
/// let error = Failure::from(UsageError::new("it would fetch from itself: give the port of another poet"));
/// assert!(error.is::<UsageError>());
/// ```
#[derive(Clone, Debug)]
pub struct UsageError(String);

impl UsageError {
    /// With what is wrong, and what to do.
    pub fn new(what: impl Into<String>) -> Self {
        Self(what.into())
    }
}

impl fmt::Display for UsageError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for UsageError {}
