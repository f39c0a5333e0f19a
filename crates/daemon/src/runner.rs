//! The program around the services: from the words of a command line to what is done, and its exit status.
//!
//! Walk: [`Runner::run`] parses, chooses what to do, makes the plan (`plan.rs`), and has it served (`serve.rs`).

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};
use sestina_deferred::Failure;
use sestina_service::Application;

use crate::application_file::{self, FileProgram, Linked};
use crate::detach::{Detached, name_process};
use crate::ending::Ending;
use crate::external::External;
use crate::options::{RunnerOptions, refused};
use crate::orders::{self, Order};
use crate::plan::{Plan, Times};
use crate::program::{CodeProgram, PluginProgram, Program};
use crate::serve::{Served, build};
use crate::service_maker::ServiceMaker;
use crate::surroundings::Surroundings;
use crate::{plugins, unit, usage, words};

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
    /// Whether plugins that are programs of their own are looked for.
    discovers: bool,
}

/// Columns that the names of commands are padded to in the help.
const COMMAND_COLUMNS: usize = 11;

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

impl Runner {
    /// A program of this name, without plugins.
    #[must_use]
    pub fn new(name: &'static str) -> Self {
        let version = env!("CARGO_PKG_VERSION");
        let (plugins, commands) = (Vec::new(), Vec::new());
        Self { name, about: "Runs services", version, plugins, commands, application: None, discovers: false }
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

    /// Has plugins looked for that are programs of their own: executables named `PROGRAM-NAME`, in the folders of
    /// `--plugin-path`, then of `PROGRAM_PLUGIN_PATH` and `PATH`; as root, in those of `--plugin-path` and in
    /// `/usr/lib/PROGRAM`. They appear in the help, and the program becomes the one that is named. Only what nobody but root and
    /// the caller can change is run.
    ///
    /// Such a plugin is a program of a few lines like this one: a runner of that name with a plugin of the last part of it.
    ///
    /// ```no_run
    /// # use clap::Args;
    /// # use sestina_daemon::{Runner, plugin};
    /// # use sestina_service::task;
    /// # #[derive(Args)]
    /// # struct Options {}
    /// fn main() -> std::process::ExitCode {
    ///     Runner::new("sestina-greeter")
    ///         .with_plugin(plugin("greeter", "Greets, and rests", |_: Options, context| {
    ///             Ok(task(context.name(), |_| async { Ok(()) }))
    ///         }))
    ///         .main()
    /// }
    /// ```
    #[must_use]
    pub fn with_discovery(self) -> Self {
        Self { discovers: true, ..self }
    }

    /// Runs the program with the arguments of the process.
    #[must_use]
    pub fn main(self) -> ExitCode {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        self.run(&arguments)
    }

    /// Runs the program with these arguments, the program's own name first.
    #[must_use]
    #[expect(
        clippy::missing_panics_doc,
        reason = "the options are parsed by the command that was made from them"
    )]
    pub fn run(self, arguments: &[OsString]) -> ExitCode {
        let mut surroundings = match Surroundings::read() {
            Ok(surroundings) => surroundings,
            Err(error) => return Ending::failed(&error).say(self.name),
        };
        // Before anything else is opened: a detached process leaves the terminal behind.
        let detached = match Detached::recognise(arguments, &mut surroundings) {
            Ok(detached) => detached,
            Err(error) => return Ending::failed(&error).say(self.name),
        };
        if plugins::is_run_by_number() {
            name_process(arguments);
        }
        let command = self.command();
        let matches = match command.clone().try_get_matches_from(arguments) {
            Ok(matches) => matches,
            Err(error) if self.discovers => {
                return External { program: self.name, command: &command, surroundings: &surroundings }
                    .answer(&error, arguments);
            }
            Err(error) => return usage::answer(&error, &command, arguments),
        };
        if matches.get_flag("help-reactors") {
            return Ending::printed(&refused::reactors()).say(self.name);
        }
        let given =
            RunnerOptions::from_arg_matches(&matches).expect("the command was made from these options");
        let subcommand = matches.subcommand();
        if let Some((name, its)) = subcommand
            && let Some((_, main)) = self.commands.iter().find(|(command, _)| command.get_name() == name)
        {
            return main(its);
        }
        if let Some((name, _)) = subcommand.filter(|(name, _)| command.find_subcommand(name).is_none()) {
            let external = External { program: self.name, command: &command, surroundings: &surroundings };
            return external.run(name, &matches, arguments).say(self.name);
        }
        let subject =
            subcommand.map_or_else(|| self.name.to_owned(), |(name, _)| format!("{} {name}", self.name));
        let asked = Asked { arguments, command, matches: &matches, given, surroundings };
        self.answer(&asked, detached).say(&subject)
    }

    /// Does what the options ask for.
    fn answer(&self, asked: &Asked<'_>, detached: Option<Detached>) -> Ending {
        let order = asked.given.process.order();
        if let (Some(order), None) = (order, &asked.given.app.app) {
            return self.order(order, &asked.given, &asked.surroundings);
        }
        let (program, options) = match self.program(asked) {
            Ok(Choice::Run(program, options)) => (program, *options),
            Ok(Choice::Print(text)) => return Ending::printed(&text),
            Err(ending) => return told(detached, ending),
        };
        if let Some(order) = order {
            return self.order(order, &options, &asked.surroundings);
        }
        let plan = match Plan::check(self.name, &options, &asked.surroundings) {
            Ok(plan) => plan,
            Err(error) => return told(detached, Ending::failed(&error)),
        };
        if options.process.dump_config {
            return Ending::printed(&plan.dump(program.title()));
        }
        if options.process.check {
            return match check(&plan, &*program, options.process.check_bind) {
                Ok(()) => Ending::printed(&format!("{} {}: all is well\n", self.name, program.title())),
                Err(failure) => Ending::of(&failure),
            };
        }
        if let Some(kind) = options.unit.emit_unit {
            let units = self.units(kind, asked, &options, (&plan, &*program));
            return units.map_or_else(|failure| Ending::of(&failure), |text| Ending::printed(&text));
        }
        let served = Served {
            name: self.name,
            version: self.version,
            arguments: asked.arguments,
            options: &options,
            surroundings: &asked.surroundings,
        };
        served.serve(plan, program, detached)
    }

    /// Units of systemd for this command line.
    fn units(
        &self,
        kind: unit::Kind,
        asked: &Asked<'_>,
        options: &RunnerOptions,
        (plan, program): (&Plan, &dyn Program),
    ) -> Result<String, Failure> {
        build(program, plan)?; // asks for the sockets
        let wanted = unit::Wanted {
            program: self.name,
            title: program.title(),
            executable: std::env::current_exe()?,
            directory: &asked.surroundings.directory,
            words: unit::CommandLine {
                command: &asked.command,
                matches: asked.matches,
                arguments: asked.arguments,
            },
            options,
            plan,
        };
        Ok(unit::emit(&wanted, kind)?)
    }

    fn order(&self, order: Order, options: &RunnerOptions, surroundings: &Surroundings) -> Ending {
        let pid_file = Plan::pid_file(self.name, options, surroundings, false);
        let report = orders::give(order, pid_file.as_deref(), Times::of(&options.process));
        // Answers go to the standard output, complaints to the standard error.
        if report.status == 0 || order == Order::Status {
            let printed = Ending::printed(&format!("{}: {}\n", self.name, words::one_line(&report.text)));
            return if printed.status == 0 { Ending::with_status(report.status) } else { printed };
        }
        Ending::with_words(report.status, report.text)
    }

    /// The program that the command line means, and the options with which it runs.
    fn program(&self, asked: &Asked<'_>) -> Result<Choice, Ending> {
        let options = &asked.given;
        if options.app.describe {
            return self.description().map(Choice::Print);
        }
        if options.app.app_schema {
            return Ok(Choice::Print(application_file::schema(&self.linked(&asked.command))));
        }
        if let Some(file) = options.app.app.as_deref() {
            return self.application_file(file, asked);
        }
        if let Some(program) = &self.application {
            return Ok(Choice::Run(Rc::clone(program), Box::new(options.clone())));
        }
        let Some((name, its)) = asked.matches.subcommand() else {
            return Err(Ending::usage("the name of a plugin is missing"));
        };
        let plugin = self.plugins.iter().find(|plugin| plugin.name() == name);
        let plugin = Rc::clone(plugin.expect("the parser accepts names of plugins only"));
        Ok(match plugin.prints(its) {
            Some(text) => Choice::Print(text),
            None => Choice::Run(
                Rc::new(PluginProgram { plugin, options: its.clone() }),
                Box::new(options.clone()),
            ),
        })
    }

    /// The services of an application file; what it says of the runner goes before the command line's own words.
    fn application_file(&self, file: &Path, asked: &Asked<'_>) -> Result<Choice, Ending> {
        if let Some((plugin, _)) = asked.matches.subcommand() {
            let words = format!("an application file and the plugin '{plugin}' do not go together");
            return Err(Ending::usage(&words));
        }
        let directory = &asked.surroundings.directory;
        let program = FileProgram::load(file, directory, self.linked(&asked.command));
        let program = program.map_err(|refused| Ending::refused(&refused))?;
        let (own, rest) = asked.arguments.split_first().expect("a program has a name");
        let settings = program.settings(asked.matches);
        let line = std::iter::once(own).chain(&settings).chain(rest);
        let matches = asked.command.clone().try_get_matches_from(line);
        let matches = matches.map_err(|error| Ending::usage(&usage::problem(&error, &asked.command, &[])))?;
        let options =
            RunnerOptions::from_arg_matches(&matches).expect("the command was made from these options");
        Ok(Choice::Run(Rc::new(program), Box::new(options)))
    }

    /// What this program says of itself as a plugin of another: its name ends with that plugin's.
    fn description(&self) -> Result<String, Ending> {
        let is_it = |plugin: &&Rc<dyn ServiceMaker>| self.name.ends_with(&format!("-{}", plugin.name()));
        let plugin = self.plugins.iter().find(is_it);
        let plugin = plugin.ok_or_else(|| Ending::usage("this program is no plugin of another"))?;
        Ok(plugins::description(plugin.as_ref(), self.version))
    }

    fn linked(&self, command: &Command) -> Linked {
        Linked {
            program: self.name.to_owned(),
            prefix: self.discovers.then(|| plugins::prefix(self.name)),
            plugins: self.plugins.clone(),
            command: command.clone(),
        }
    }

    /// The definition of the command line, for manuals and completions.
    #[must_use]
    pub fn command(&self) -> Command {
        // The options come first: their own comment would take the place of the description.
        let command = RunnerOptions::augment_args(Command::new(self.name).max_term_width(80))
            .about(self.about)
            .version(self.version)
            .override_usage(format!(
                "{0} [OPTIONS] PLUGIN [PLUGIN OPTIONS]\n       {0} [OPTIONS] -y FILE",
                self.name
            ))
            .args(refused::arguments())
            .mut_args(later_wins)
            .arg_required_else_help(self.application.is_none())
            .disable_help_subcommand(true)
            .allow_external_subcommands(self.discovers)
            .external_subcommand_value_parser(clap::value_parser!(OsString))
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
                plugins::entry(command.get_name(), &about, COMMAND_COLUMNS, &mut text);
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

/// A command line, and what was found in it.
struct Asked<'a> {
    arguments: &'a [OsString],
    command: Command,
    matches: &'a ArgMatches,
    given: RunnerOptions,
    surroundings: Surroundings,
}

/// What a command line means.
enum Choice {
    Run(Rc<dyn Program>, Box<RunnerOptions>),
    Print(String),
}

/// A detached process that ends before it has begun says why: what was good when the command looked, a moment ago, is not.
fn told(detached: Option<Detached>, mut ending: Ending) -> Ending {
    if let Some(detached) = detached {
        let words = ending.words.take(); // the command says them, on the same standard error
        detached.failed(ending.status, words.as_deref().unwrap_or_default());
    }
    ending
}

/// Of an option of the runner that is given twice, the later one counts: so a script may add to what it was given.
fn later_wins(argument: Arg) -> Arg {
    match argument.get_action() {
        ArgAction::Set | ArgAction::SetTrue => {
            let name = argument.get_id().clone();
            argument.overrides_with(name)
        }
        _ => argument,
    }
}

/// Makes everything and starts nothing; with `bind`, binds the ports and lets go of them again.
fn check(plan: &Plan, program: &dyn Program, bind: bool) -> Result<(), Failure> {
    let application = build(program, plan)?;
    if !bind {
        return Ok(());
    }
    let reactor = sestina_reactor_mio::reactor()?;
    let tree = application.attach(&reactor)?;
    reactor.run_until(tree.privileged_start())
}

impl std::fmt::Debug for Runner {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plugins: Vec<&str> = self.plugins.iter().map(|plugin| plugin.name()).collect();
        write!(out, "Runner({}, {plugins:?})", self.name)
    }
}
