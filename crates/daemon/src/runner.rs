//! The program around the services: from the words of a command line to a life, and its exit status.
//!
//! Walk: [`Runner::run`] parses, chooses what to do, makes the plan (`plan.rs`), and lives it (`life.rs`).

use std::error::Error;
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use sestina_deferred::Failure;
use sestina_service::Application;

use crate::detach::Detached;
use crate::options::{RunnerOptions, refused};
use crate::orders::Order;
use crate::plan::{Plan, Times};
use crate::program::{CodeProgram, PluginProgram, Program};
use crate::serve::{Served, build};
use crate::service_maker::{ServiceMaker, UsageError};
use crate::surroundings::Surroundings;
use crate::{orders, unit, usage, words};

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
    plugins: Vec<Rc<dyn ServiceMaker>>,
    commands: Vec<(Command, CommandMain)>,
    application: Option<Rc<dyn Program>>,
}

type CommandMain = fn(&ArgMatches) -> ExitCode;

/// Runs an application that was built in code, with all options of the runner, as a program of its name.
///
/// ```no_run
/// use sestina_service::{Application, service};
///
/// fn main() -> std::process::ExitCode {
///     let mut application = Application::new("greeterd");
///     let greeter = service("greeter", |cx| async move { cx.ready(); cx.stopped().await });
///     application.add(greeter).expect("the only one of its name");
///     sestina_daemon::main(application)
/// }
/// ```
#[must_use]
pub fn main(application: Application) -> ExitCode {
    let name: &'static str = Box::leak(application.name().to_owned().into_boxed_str());
    let program = CodeProgram::new(application);
    Runner { application: Some(Rc::new(program)), ..Runner::new(name) }.main()
}

/// Why the runner ended: the words for the standard error, and the exit status.
#[derive(Debug)]
pub(crate) struct Ending {
    pub(crate) status: u8,
    pub(crate) words: Option<String>,
}

impl Runner {
    /// A program of this name, without plugins.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let (plugins, commands) = (Vec::new(), Vec::new());
        Self { name, about: "Runs services", version, plugins, commands, application: None }
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
        self.plugins.push(Rc::new(plugin));
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
        let mut surroundings = match Surroundings::read() {
            Ok(surroundings) => surroundings,
            Err(error) => return self.end("", Ending::failed(&error)),
        };
        // Before anything else is opened: a detached process leaves the terminal behind.
        let detached = match Detached::recognise(arguments, &mut surroundings) {
            Ok(detached) => detached,
            Err(error) => return self.end("", Ending::failed(&error)),
        };
        let command = self.command();
        let matches = match command.clone().try_get_matches_from(arguments) {
            Ok(matches) => matches,
            Err(error) => return usage::answer(&error, &command, arguments),
        };
        if matches.get_flag("help-reactors") {
            return self.end("", print(&refused::reactors()));
        }
        let options =
            RunnerOptions::from_arg_matches(&matches).expect("the command was made from these options");
        let subcommand = matches.subcommand();
        if let Some((name, its)) = subcommand
            && let Some((_, main)) = self.commands.iter().find(|(command, _)| command.get_name() == name)
        {
            return main(its);
        }
        let served = Served {
            name: self.name,
            version: self.version,
            arguments,
            options: &options,
            surroundings: &surroundings,
        };
        let subject = subcommand.map_or_else(String::new, |(name, _)| format!(" {name}"));
        let ending = self.answer(&served, subcommand, detached);
        self.end(&subject, ending)
    }

    fn end(&self, subject: &str, ending: Ending) -> ExitCode {
        if let Some(words) = ending.words {
            words::say(&format!("{}{subject}: {words}", self.name));
        }
        ExitCode::from(ending.status)
    }

    /// Does what the options ask for.
    fn answer(
        &self,
        served: &Served<'_>,
        subcommand: Option<(&str, &ArgMatches)>,
        detached: Option<Detached>,
    ) -> Ending {
        if let Some(order) = served.options.process.order() {
            return self.order(order, served);
        }
        let program = match self.program(served.options, subcommand) {
            Ok(Choice::Run(program)) => program,
            Ok(Choice::Print(text)) => return print(&text),
            Err(ending) => return ending,
        };
        let plan = match Plan::check(self.name, served.options, served.surroundings) {
            Ok(plan) => plan,
            Err(error) => return Ending::usage(&error.to_string()),
        };
        let process = &served.options.process;
        if process.dump_config {
            return print(&plan.dump(program.title()));
        }
        if process.check {
            return match check(&plan, &program, process.check_bind) {
                Ok(()) => print(&format!("{} {}: all is well\n", self.name, program.title())),
                Err(failure) => Ending::of(&failure),
            };
        }
        if let Some(kind) = served.options.unit.emit_unit {
            return self
                .emit_unit(kind, served, &plan, &program)
                .unwrap_or_else(|failure| Ending::of(&failure));
        }
        served.serve(plan, program, detached)
    }

    fn emit_unit(
        &self,
        kind: unit::Kind,
        served: &Served<'_>,
        plan: &Plan,
        program: &Rc<dyn Program>,
    ) -> Result<Ending, Failure> {
        build(&**program, plan)?; // asks for the sockets
        let command = self.command();
        let matches = command.clone().try_get_matches_from(served.arguments)?;
        let wanted = unit::Wanted {
            program: self.name,
            title: program.title(),
            executable: std::env::current_exe()?,
            directory: &served.surroundings.directory,
            command,
            matches,
            arguments: served.arguments,
            options: served.options,
            plan,
        };
        Ok(print(&unit::emit(&wanted, kind)?))
    }

    fn order(&self, order: Order, served: &Served<'_>) -> Ending {
        let process = &served.options.process;
        let pid_file = Plan::pid_file(self.name, served.options, served.surroundings, false);
        let times =
            Times { start: process.start_timeout, drain: process.drain_timeout, kill: process.kill_timeout };
        let report = orders::give(order, pid_file.as_deref(), times);
        // Answers go to the standard output, complaints to the standard error.
        if report.status == 0 || order == Order::Status {
            let printed = print(&format!("{}: {}\n", self.name, words::one_line(&report.text)));
            return Ending { status: report.status.max(printed.status), ..printed };
        }
        Ending { status: report.status, words: Some(report.text) }
    }

    /// The program that the command line means.
    fn program(
        &self,
        _options: &RunnerOptions,
        subcommand: Option<(&str, &ArgMatches)>,
    ) -> Result<Choice, Ending> {
        // An application file (`options.app`) comes here: `application_file` makes a `Program` of it.
        if let Some(program) = &self.application {
            return Ok(Choice::Run(Rc::clone(program)));
        }
        let Some((name, its)) = subcommand else {
            return Err(Ending::usage("the name of a plugin is missing"));
        };
        let plugin = self.plugins.iter().find(|plugin| plugin.name() == name);
        let plugin = Rc::clone(plugin.expect("the parser accepts names of plugins only"));
        Ok(match plugin.prints(its) {
            Some(text) => Choice::Print(text),
            None => Choice::Run(Rc::new(PluginProgram { plugin, options: its.clone() })),
        })
    }

    /// The definition of the command line, for manuals and completions.
    #[must_use]
    pub fn command(&self) -> Command {
        // The options come first: their own comment would take the place of the description.
        let command = RunnerOptions::augment_args(Command::new(self.name).max_term_width(80))
            .about(self.about)
            .version(self.version)
            .override_usage(format!("{} [OPTIONS] PLUGIN [PLUGIN OPTIONS]", self.name))
            .args(refused::arguments())
            .args_override_self(true)
            .arg_required_else_help(self.application.is_none())
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
}

/// What a command line means.
enum Choice {
    Run(Rc<dyn Program>),
    Print(String),
}

impl Ending {
    pub(crate) fn success() -> Self {
        Self { status: 0, words: None }
    }

    pub(crate) fn usage(words: &str) -> Self {
        Self { status: usage::WRONG_USAGE, words: Some(words.to_owned()) }
    }

    pub(crate) fn failed(error: &(dyn Error + 'static)) -> Self {
        Self { status: status_of(error), words: Some(words::chain(error)) }
    }

    pub(crate) fn of(failure: &Failure) -> Self {
        Self::failed(failure.error())
    }
}

/// The exit status that this failure is told by, after LSB: 2 for wrong usage, 4 for a missing privilege, else 1.
pub(crate) fn status_of(error: &(dyn Error + 'static)) -> u8 {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<UsageError>() {
            return usage::WRONG_USAGE;
        }
        let denied = |error: &io::Error| error.kind() == io::ErrorKind::PermissionDenied;
        if error.downcast_ref::<io::Error>().is_some_and(denied) {
            return orders::NO_PRIVILEGE;
        }
        cause = error.source();
    }
    1
}

/// Makes everything and starts nothing; with `bind`, binds the ports and lets go of them again.
fn check(plan: &Plan, program: &Rc<dyn Program>, bind: bool) -> Result<(), Failure> {
    let application = build(&**program, plan)?;
    if !bind {
        return Ok(());
    }
    let reactor = sestina_reactor_mio::reactor()?;
    let tree = application.attach(&reactor)?;
    reactor.run_until(tree.privileged_start())
}

fn print(text: &str) -> Ending {
    match io::stdout().lock().write_all(text.as_bytes()) {
        Ok(()) => Ending { status: 0, words: None },
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ending { status: 1, words: None },
        Err(error) => Ending::failed(&error),
    }
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plugins: Vec<&str> = self.plugins.iter().map(|plugin| plugin.name()).collect();
        write!(out, "Runner({}, {plugins:?})", self.name)
    }
}
