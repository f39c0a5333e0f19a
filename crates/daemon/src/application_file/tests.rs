//! Files against what is read in them, and files against the mistakes that are told.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use clap::{Args, Command, FromArgMatches};
use sestina_deferred::Failure;
use sestina_service::{Child, task};

use super::change::{Change, changes};
use super::making::Making;
use super::plan::{KindPlan, Plan};
use super::program::Linked;
use super::reader::{Vocabulary, read};
use super::refused::FileRefused;
use super::schema::schema;
use super::source::Source;
use crate::options::{RunnerOptions, refused};
use crate::place::Place;
use crate::service_maker::{Context, ServiceMaker, UsageError, plugin};

#[derive(Args)]
struct Options {
    /// Whom to greet
    whom: String,
    /// The file
    #[arg(long)]
    file: Option<std::path::PathBuf>,
    #[arg(short, long, default_value = "80")]
    port: u16,
    #[arg(long)]
    again: bool,
    #[arg(short = 'x', action = clap::ArgAction::Count)]
    exclamations: u8,
    #[arg(long, value_parser = crate::duration::parse_duration)]
    every: Option<Duration>,
    #[arg(long, conflicts_with = "again")]
    once: bool,
    #[arg(long)]
    word: Vec<String>,
    /// Named like a key of the file's own
    #[arg(long)]
    restart: Option<String>,
    #[arg(long, value_parser = ["loud", "soft"])]
    voice: Option<String>,
}

fn make(options: Options, context: &Context) -> Result<Child, Failure> {
    if options.whom == "nobody" {
        return Err(UsageError::new("nobody cannot be greeted").into());
    }
    Ok(task(context.name(), |_| async { Ok(()) }))
}

fn plugins() -> Vec<Rc<dyn ServiceMaker>> {
    vec![Rc::new(plugin("greeter", "Greets", make))]
}

fn command() -> Command {
    RunnerOptions::augment_args(Command::new("sestina")).args_override_self(true)
}

fn plan(text: &str) -> Result<Plan, FileRefused> {
    let (plugins, command) = (plugins(), command());
    let (program, prefix, file) = ("sestina", Some("sestina-"), Path::new("app.toml"));
    let words = Vocabulary { program, prefix, file, plugins: &plugins, command: &command };
    read(&Source::of_text("app.toml", text), &words)
}

/// The mistakes, without the name of the file.
#[track_caller]
fn mistakes(text: &str) -> Vec<String> {
    let refused = match plan(text) {
        Err(refused) => refused,
        Ok(plan) => panic!("it was taken: {plan:?}"),
    };
    let line = |line: String| line.strip_prefix("app.toml:").unwrap_or(&line).to_owned();
    refused.lines().into_iter().map(line).collect()
}

fn arguments(text: &str) -> Vec<String> {
    let plan = plan(&format!("[services.g]\nplugin = \"greeter\"\n{text}")).expect("it is right");
    let KindPlan::Service(service) = &plan.top.children[0].kind else { panic!("it is a service") };
    service.arguments.iter().map(|word| word.to_str().expect("it was text").to_owned()).collect()
}

// spec: P16-59, P16-65, P16-66, P16-70, P16-72
#[test]
fn keys_are_the_long_options_and_values_are_what_would_stand_behind_them() {
    let cases = [
        ("whom = 'you'", vec!["--", "you"]),
        ("port = 8_080\nwhom = 'you'", vec!["--port=8080", "--", "you"]),
        ("port = '81'\nwhom = 'you'", vec!["--port=81", "--", "you"]),
        ("whom = 'you'\nfile = '-x'", vec!["--file=-x", "--", "you"]),
        ("whom = '--help'", vec!["--", "--help"]),
        ("whom = 'you'\nagain = true", vec!["--again", "--", "you"]),
        ("whom = 'you'\nagain = false\nonce = true", vec!["--once", "--", "you"]),
        ("whom = 'you'\nexclamations = 2", vec!["-x", "-x", "--", "you"]),
        ("whom = 'you'\nevery = 0.7", vec!["--every=0.7", "--", "you"]),
        ("whom = 'you'\nevery = '2m'", vec!["--every=2m", "--", "you"]),
        ("whom = 'you'\nword = ['a', 'b=c']", vec!["--word=a", "--word=b=c", "--", "you"]),
        ("whom = 'you'\nword = 'a'", vec!["--word=a", "--", "you"]),
        ("whom = 5", vec!["--", "5"]),
        (
            "whom = 'you'\noptions = { restart = 'x' }\nrestart = 'transient'",
            vec!["--restart=x", "--", "you"],
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(arguments(text), expected, "{text}");
    }
}

// spec: P16-20, P16-22
#[test]
#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
fn every_mistake_is_told_with_its_line_and_column() {
    let service = "[services.g]\nplugin = 'greeter'\n";
    let cases = [
        ("", vec!["1:1: there are no services: begin one with [services.NAME] and its plugin"]),
        ("[services]", vec!["1:1: there are no services: begin one with [services.NAME] and its plugin"]),
        ("a = ", vec!["1:5: string values must be quoted, expected literal string"]),
        (
            "[services.g]\nwhom = 'x'",
            vec!["1:11: the service 'g' needs the key 'plugin', or services of its own"],
        ),
        ("[services]\ng = 1", vec!["2:5: takes a table, and this is a whole number"]),
        (
            "[services.g]\nplugin = 'greter'",
            vec![
                "2:10: there is no plugin 'greter': did you mean 'greeter'?; a plugin that is a program of its own has its \
                 own files: run 'sestina-greter -y app.toml'",
            ],
        ),
        (service, vec!["1:11: 'greeter' needs the key 'whom'"]),
        (
            &format!("{service}whome = 'x'\nport = -1\nagain = 1\nvoice = 'lout'"),
            vec![
                "3:1: there is no key 'whome' here: did you mean 'whom'?",
                "4:8: port: -1 is not in 0..=65535",
                "5:9: again: takes true or false, and this is a whole number",
                "6:9: voice: 'lout' is not one of loud, soft: did you mean 'loud'?",
            ],
        ),
        (
            &format!("{service}whom = 'x'\nagain = true\nonce = true"),
            vec!["4:1: 'again' and 'once' do not go together"],
        ),
        (
            &format!("{service}whom = ['x']"),
            vec!["3:8: whom: takes one value, not a list: a text in quotation marks"],
        ),
        (
            &format!("{service}whom = 0x5"),
            vec!["3:8: whom: write it with decimal digits, or as a text in quotation marks"],
        ),
        (
            &format!("{service}whom = 1979-05-27"),
            vec!["3:8: whom: takes a text in quotation marks, and this is a date"],
        ),
        (&format!("{service}whom = 'x'\noptions = {{ whom = 'y' }}"), vec!["4:13: 'whom' is given twice"]),
        (
            &format!("{service}whom = 'x'\nexclamations = 1001"),
            vec!["4:16: exclamations: this is a count: at most 1000"],
        ),
        (
            &format!("{service}whom = 'x'\nlimits = {{ begin = 1 }}"),
            vec!["4:12: there is no key 'begin' here: there are start, drain, stop"],
        ),
        (
            &format!(
                "{service}whom = 'x'\n[supervision]\nstrategy = 'all'\nbackoff = {{ first = 5, max = '1s' }}"
            ),
            vec![
                "5:12: 'all' is not one of one-for-one, one-for-all, rest-for-one",
                "6:11: the first pause is longer than the longest",
            ],
        ),
        (
            &format!(
                "{service}whom = 'x'\n[runner]\ncheck = true\nlogfile = 'x'\numask = 0o77\nstart-timeout = 'x'"
            ),
            vec![
                "5:1: '--check' is for the command line alone",
                "6:1: 'logfile' belongs into the table [log]",
                "7:9: umask: write it with decimal digits, or as a text in quotation marks",
            ],
        ),
        (
            &format!("{service}whom = 'x'\n[runner]\numask = '9'\nnodaemon = true\ndaemon = true"),
            vec!["5:9: umask: '9' is no mask: give up to three octal digits, such as 027"],
        ),
        (
            &format!("{service}whom = 'x'\n[runner]\nnodaemon = true\ndaemon = true"),
            vec!["5:1: 'nodaemon' and 'daemon' do not go together"],
        ),
    ];
    for (text, expected) in cases {
        let told = mistakes(text);
        for (told, expected) in told.iter().zip(&expected) {
            assert!(told.starts_with(*expected), "{text}\n{told}\n{expected}");
        }
        assert!(told.len() >= expected.len(), "{text}: {told:?}");
    }
}

#[test]
fn what_a_plugin_says_against_its_options_is_told_with_the_line_too() {
    let plan =
        plan("[services.a]\nplugin='greeter'\nwhom='x'\n[services.b]\nplugin='greeter'\nwhom='nobody'")
            .unwrap();
    let making = Making { plugins: &plugins(), place: &Place::new(".".into(), Vec::new()) };
    let problems = making.application(&plan).map(drop).expect_err("it cannot be");
    let source = Source::of_text("app.toml", "[services.a]\nplugin='greeter'\nwhom='x'\n[services.b]\n");
    let lines = FileRefused::wrong(source, problems).lines();
    assert_eq!(lines, ["app.toml:4:11: nobody cannot be greeted"]);
}

#[test]
fn a_file_that_is_made_to_be_expensive_is_refused_in_time() {
    let deep = format!("[services.{}]", vec!["a"; 100_000].join("."));
    let nested = format!("a = {}", "[".repeat(500_000));
    let wide = "a=1\n".repeat(200_000);
    let long = format!("a = \"{}", "x".repeat(1_000_000));
    for text in [deep, nested, wide, long] {
        let told = mistakes(&text);
        assert!(!told.is_empty() && told.len() <= 21, "{}", told.len());
        assert!(told.iter().all(|line| line.len() < 1_000));
    }
}

fn change(old: &str, new: &str) -> Vec<String> {
    let read = |text: &str| plan(text).expect("it is right").top;
    let told = |change: Change| match change {
        Change::Remove { path } => format!("-{path}"),
        Change::Add { parent, name, was_there } => {
            let sign = if was_there { "~" } else { "+" };
            format!("{sign}{parent}/{name}")
        }
        Change::Limits { path } => format!("limits {path}"),
        Change::Restart { path } => format!("restart {path}"),
        Change::Group { path } => format!("group {path}"),
        Change::Order { path } => format!("order {path}"),
    };
    changes(&read(old), &read(new)).into_iter().map(told).collect()
}

#[test]
fn only_what_differs_is_changed() {
    let one = |name: &str, rest: &str| format!("[services.{name}]\nplugin='greeter'\nwhom='x'\n{rest}\n");
    let (a, b) = (one("a", ""), one("b", ""));
    let nothing: [&str; 0] = [];
    let with_comment = format!("# a comment\n{a}\n\n{b}");
    assert_eq!(change(&format!("{a}{b}"), &with_comment), nothing);
    assert_eq!(change(&a, &format!("{a}{b}")), ["+/b"]);
    assert_eq!(change(&format!("{a}{b}"), &b), ["-a"]);
    assert_eq!(change(&format!("{a}{b}"), &format!("{}{b}", one("a", "port = 81"))), ["-a", "~/a"]);
    assert_eq!(change(&format!("{a}{b}"), &format!("{b}{a}")), ["order "]);
    assert_eq!(change(&a, &one("a", "limits = { start = 1 }")), ["limits a"]);
    assert_eq!(change(&a, &one("a", "restart = 'transient'")), ["restart a"]);
    assert_eq!(change(&a, &format!("{a}[supervision]\nrestarts-max = 5")), ["group "]);
    let (x, y) = (one("g.services.x", ""), one("g.services.y", ""));
    assert_eq!(change(&format!("{x}{a}"), &format!("{x}{a}{y}")), ["+g/y"]);
    assert_eq!(
        change(&format!("{x}{y}"), &format!("[services.g]\nstop-together = true\n{y}")),
        ["-g/x", "group g"]
    );
    assert_eq!(change(&x, &one("g", "")), ["-g", "~/g"]);
}

#[test]
fn the_schema_has_every_key_of_every_table() {
    let command = command().args(refused::arguments());
    let linked = Linked { program: "sestina".into(), prefix: None, plugins: plugins(), command };
    let schema: serde_json::Value = serde_json::from_str(&schema(&linked)).expect("it is JSON");
    let greeter = &schema["$defs"]["plugin-greeter"];
    assert_eq!(greeter["properties"]["plugin"]["const"], "greeter");
    assert_eq!(greeter["properties"]["whom"]["description"], "Whom to greet");
    assert_eq!(greeter["properties"]["port"]["maximum"], 65535);
    assert_eq!(greeter["properties"]["port"]["default"], 80);
    assert_eq!(greeter["properties"]["voice"]["enum"], serde_json::json!(["loud", "soft"]));
    assert_eq!(greeter["properties"]["again"]["type"], "boolean");
    assert_eq!(greeter["properties"]["file"]["type"], "string");
    for key in super::reader::TOP {
        assert!(schema["properties"][key].is_object(), "{key}");
    }
    assert!(schema["properties"]["runner"]["properties"]["nodaemon"].is_object());
    assert!(schema["properties"]["runner"]["properties"]["reactor"].is_object());
    for never in ["check", "spew", "profile", "logger"] {
        assert!(schema["properties"]["runner"]["properties"][never].is_null(), "{never}");
    }
    assert!(schema["properties"]["log"]["properties"]["logfile"].is_object());
}

#[test]
fn the_options_of_the_test_are_those_of_its_plugin() {
    let matches =
        plugins()[0].command().try_get_matches_from(["greeter", "you"]).expect("the rest is optional");
    let options = Options::from_arg_matches(&matches).expect("they are its own");
    assert_eq!((options.whom.as_str(), options.port), ("you", 80));
    assert!(options.file.is_none() && options.every.is_none() && options.voice.is_none());
    assert!(options.word.is_empty() && options.restart.is_none() && !options.again && !options.once);
    assert_eq!(options.exclamations, 0);
}
