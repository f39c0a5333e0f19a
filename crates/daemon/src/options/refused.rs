//! Options of twistd that are not to be had here, and those that are accepted without effect. Each says why in one line.

use clap::{Arg, ArgAction};

/// Long and short name, whether a value follows, and why not.
type Refused = (&'static str, Option<char>, bool, &'static str);

const REFUSED: &[Refused] = &[
    (
        "debug",
        Some('b'),
        false,
        "there is no debugger inside: run it with -n under one, or send SIGQUIT for what it is busy with",
    ),
    ("profile", Some('p'), true, "profile the process from outside, with perf or samply: it has all symbols"),
    ("profiler", None, true, "profile the process from outside, with perf or samply: it has all symbols"),
    ("savestats", None, false, "profile the process from outside, with perf or samply: it has all symbols"),
    (
        "spew",
        None,
        false,
        "nobody reads a line for every line that runs: --log-level trace tells what happens",
    ),
    (
        "encrypted",
        Some('e'),
        false,
        "there are no pickled applications, so none are encrypted: --python FILE takes a TOML file",
    ),
    (
        "source",
        Some('s'),
        true,
        "there are no applications as source text of Python: --python FILE takes a TOML file",
    ),
    ("file", Some('f'), true, "there are no pickled applications: --python FILE takes a TOML file"),
    (
        "euid",
        None,
        false,
        "privileges that can be had back are not given up: --uid gives up all, --keep-cap keeps some",
    ),
    (
        "logger",
        None,
        true,
        "it names a function of Python: --log-format chooses the form, and a program's own subscriber is set in its code",
    ),
];

/// What `--reactor` takes.
const REACTORS: &[(&str, &str)] = &[("mio", "epoll on Linux, kqueue on macOS and the BSDs")];

/// The arguments that the command line knows only to say that it does not have them, and `--no_save`.
pub(crate) fn arguments() -> Vec<Arg> {
    let refused = REFUSED.iter().map(|(long, short, has_value, why)| {
        let why: &'static str = why;
        let argument = Arg::new(*long)
            .long(*long)
            .hide(true)
            .action(ArgAction::Set)
            .value_parser(move |_: &str| Err::<String, String>(why.to_owned()));
        let argument = if *has_value {
            argument.num_args(0..=1).default_missing_value("")
        } else {
            argument.num_args(0).default_missing_value("")
        };
        match short {
            Some(short) => argument.short(*short),
            None => argument,
        }
    });
    let reactor = Arg::new("reactor")
        .short('r')
        .long("reactor")
        .value_name("NAME")
        .help("The reactor; there is one, mio")
        .help_heading("Process")
        .value_parser(reactor);
    let no_save = Arg::new("no_save")
        .short('o')
        .long("no_save")
        .action(ArgAction::SetTrue)
        .help("Accepted, without effect: nothing is saved at the end")
        .help_heading("Process");
    let help_reactors = Arg::new("help-reactors")
        .long("help-reactors")
        .action(ArgAction::SetTrue)
        .exclusive(true)
        .help("List the reactors, and end")
        .help_heading("Process");
    refused.chain([reactor, no_save, help_reactors]).collect()
}

/// What `--help-reactors` prints.
pub(crate) fn reactors() -> String {
    REACTORS.iter().fold(String::new(), |text, (name, about)| format!("{text}    {name:17}{about}\n"))
}

fn reactor(text: &str) -> Result<String, String> {
    match REACTORS.iter().find(|(name, _)| *name == text) {
        Some(_) => Ok(text.to_owned()),
        None => Err(format!("there is no reactor '{text}', only mio, which waits as the system does best")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::Command;

    #[test]
    fn each_refused_option_says_why() {
        let command = Command::new("x").args(arguments());
        for (long, _, _, why) in REFUSED {
            let error =
                command.clone().try_get_matches_from(["x", &format!("--{long}")]).expect_err("it is refused");
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
