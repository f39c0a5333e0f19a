//! The program around the plugins: options of the runner, the name of a plugin, options of the plugin.

use std::cell::RefCell;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;

use clap::{ArgMatches, Args, Command};
use sestina_deferred::{Cancelled, Failure};
use sestina_reactor::Reactor;
use sestina_reactor_mio::MioDriver;
use sestina_service::{Application, Child};
use tracing::level_filters::LevelFilter;

use crate::service_maker::{Context, ServiceMaker, UsageError};
use crate::{descriptors, logs, usage, words};

/// The runner's own options: they come before the name of the plugin.
#[derive(Args)]
struct RunnerOptions {
    /// Stay in the foreground, with the log on the standard error
    #[arg(short, long)]
    nodaemon: bool,
}

/// A program that runs services: its name, its plugins, and commands beside them.
///
/// ```no_run
/// use clap::Args;
/// use sestina_daemon::{Runner, plugin};
/// use sestina_service::task;
///
/// #[derive(Args)]
/// struct Options {}
///
/// fn main() -> std::process::ExitCode {
///     Runner::new("greeterd")
///         .with_plugin(plugin("greeter", "Greets, and rests", |_: Options, context| {
///             Ok(task(context.name(), |_| async { Ok(()) }))
///         }))
///         .main()
/// }
/// ```
pub struct Runner {
    name: &'static str,
    about: &'static str,
    version: &'static str,
    plugins: Vec<Box<dyn ServiceMaker>>,
    commands: Vec<(Command, CommandMain)>,
}

type CommandMain = fn(&ArgMatches) -> ExitCode;

impl Runner {
    /// A program of this name, without plugins.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        Self { name, about: "Runs services", version, plugins: Vec::new(), commands: Vec::new() }
    }

    /// Sets the first line of the help.
    #[must_use]
    pub fn with_about(self, about: &'static str) -> Self {
        Self { about, ..self }
    }

    /// Sets the version that `--version` says.
    #[must_use]
    pub fn with_version(self, version: &'static str) -> Self {
        Self { version, ..self }
    }

    /// Adds a plugin below the others.
    #[must_use]
    pub fn with_plugin(mut self, plugin: impl ServiceMaker + 'static) -> Self {
        self.plugins.push(Box::new(plugin));
        self
    }

    /// Adds a command that is no service: it runs in the foreground, without the runner's options.
    #[must_use]
    pub fn with_command(mut self, command: Command, main: CommandMain) -> Self {
        self.commands.push((command, main));
        self
    }

    /// Runs the program with the arguments of the process.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the runner is the program")]
    pub fn main(self) -> ExitCode {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        self.run(&arguments)
    }

    /// Runs the program with these arguments, the program's own name first.
    #[must_use]
    pub fn run(self, arguments: &[OsString]) -> ExitCode {
        let command = self.command();
        let matches = match command.clone().try_get_matches_from(arguments) {
            Ok(matches) => matches,
            Err(error) => return usage::answer(&error, &command, arguments),
        };
        let Some((name, options)) = matches.subcommand() else {
            unreachable!("the parser demands the name of a plugin");
        };
        if let Some((_, main)) = self.commands.iter().find(|(command, _)| command.get_name() == name) {
            return main(options);
        }
        match self.plugins.iter().find(|plugin| plugin.name() == name) {
            Some(plugin) => self.serve(plugin.as_ref(), options),
            None => unreachable!("the parser accepts names of plugins only"),
        }
    }

    /// The definition of the command line, for manuals and completions.
    #[must_use]
    pub fn command(&self) -> Command {
        // The options come first: their own comment would take the place of the description.
        let command = RunnerOptions::augment_args(Command::new(self.name).max_term_width(80))
            .about(self.about)
            .version(self.version)
            .override_usage(format!("{} [OPTIONS] PLUGIN [PLUGIN OPTIONS]", self.name))
            .subcommand_required(true)
            .arg_required_else_help(true)
            .disable_help_subcommand(true)
            .subcommand_value_name("PLUGIN")
            .subcommand_help_heading("Plugins")
            .after_help(self.after_help());
        let commands = self.commands.iter().map(|(command, _)| command.clone().hide(true));
        command.subcommands(self.plugins.iter().map(|plugin| plugin.command())).subcommands(commands)
    }

    fn after_help(&self) -> String {
        let name = self.name;
        let mut text = String::new();
        if !self.commands.is_empty() {
            text.push_str("Commands:\n");
            for (command, _) in &self.commands {
                let about = command.get_about().map(ToString::to_string).unwrap_or_default();
                text.push_str(&format!("  {:11}  {about}\n", command.get_name()));
            }
            text.push('\n');
        }
        text.push_str(&format!(
            "'{name} PLUGIN --help' shows a plugin's own options. SIGINT and SIGTERM end a\nservice cleanly.\n\
             Exit status: 0 for a clean end, 1 if it failed, 2 for wrong usage."
        ));
        text
    }

    fn serve(&self, plugin: &dyn ServiceMaker, options: &ArgMatches) -> ExitCode {
        let fail = |exit_code: u8, error: &(dyn Error + 'static)| {
            words::say(&format!("{} {}: {}", self.name, plugin.name(), words::chain(error)));
            ExitCode::from(exit_code)
        };
        if let Some(text) = plugin.prints(options) {
            return match io::stdout().lock().write_all(text.as_bytes()) {
                Ok(()) => ExitCode::SUCCESS,
                Err(error) => fail(1, &error),
            };
        }
        let service = match plugin.make_service(options, &Context::new(plugin.name(), ".")) {
            Ok(service) => service,
            Err(failure) if failure.is::<UsageError>() => return fail(usage::WRONG_USAGE, failure.error()),
            Err(failure) => return fail(1, failure.error()),
        };
        logs::begin(LevelFilter::INFO);
        match live(plugin.name(), service) {
            Ok(()) => ExitCode::SUCCESS,
            Err(failure) => fail(1, failure.error()),
        }
    }
}

/// Starts the service, and ends it when a signal comes.
fn live(name: &str, service: Child) -> Result<(), Failure> {
    let descriptors = descriptors::raise_limit();
    let reactor = Reactor::new(Box::new(MioDriver::new()?));
    reactor.stop_on_signals()?;
    let mut application = Application::new(name);
    application.add(service)?;
    let tree = application.attach(&reactor)?;
    let (title, told, stopper) = (name.to_owned(), Rc::new(RefCell::new(None)), reactor.clone());
    let tell = Rc::clone(&told);
    let life = reactor.spawn(async move {
        tree.start().await?;
        for service in tree.status().all() {
            for address in &service.addresses {
                tracing::info!(target: "sestina", "{title} listening on {address}");
            }
        }
        tracing::info!(target: "sestina", "{descriptors}");
        tree.failed().await
    });
    life.add_errback(move |failure| {
        *tell.borrow_mut() = Some(failure);
        stopper.stop();
        Ok::<(), Failure>(())
    })
    .ignore_errors();
    reactor.run()?;
    if let Some(failure) = told.take().filter(|failure| !failure.is::<Cancelled>()) {
        return Err(failure);
    }
    tracing::info!(target: "sestina", "{name} stopped");
    Ok(())
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plugins: Vec<&str> = self.plugins.iter().map(|plugin| plugin.name()).collect();
        write!(out, "Runner({}, {plugins:?})", self.name)
    }
}
