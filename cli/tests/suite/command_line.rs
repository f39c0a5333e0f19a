//! Help, and bad input: one clear line that names the thing and the fix, and the right exit status.

use std::net::TcpListener;
use std::process::Command;

use crate::common::{Program, get_poetry, path, poem_file, scratch, sestina};

/// One line on the standard error, nothing on the standard output.
#[track_caller]
fn refused(mut command: Command, arguments: &[&str], code: i32, words: &str) {
    command.args(arguments);
    let ended = Program::run(command);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.stderr);
    // Above it may stand the log of a start that failed.
    let last = ended.stderr.lines().last().unwrap_or_default();
    assert!(last.starts_with("sestina") || last.starts_with("get-poetry"), "{arguments:?}: {}", ended.stderr);
    assert!(last.contains(words), "{arguments:?}: {}", ended.stderr);
    assert!(ended.stdout.is_empty(), "{arguments:?}");
}

#[track_caller]
fn says(mut command: Command, arguments: &[&str]) -> String {
    let ended = Program::run({
        command.args(arguments);
        command
    });
    assert_eq!((ended.code, &*ended.stderr), (Some(0), ""), "{arguments:?}");
    String::from_utf8(ended.stdout).expect("help is text")
}

// spec: P16-60, P16-74
#[test]
fn the_help_lists_the_plugins_with_a_line_each() {
    let help = says(sestina(), &["--help"]);
    for (name, begins) in [
        ("fastpoetry", "Serves"),
        ("slowpoetry", "Serves"),
        ("poetryproxy", "Fetches"),
        ("transform", "Transforms"),
        ("transformproxy", "Has"),
        ("demo", "Shows"),
    ] {
        let line = help.lines().find(|line| line.split_whitespace().next() == Some(name));
        let about = line.and_then(|line| line.split_whitespace().nth(1));
        assert_eq!(about, Some(begins), "{name}: {help}");
    }
    let plugins = help.lines().skip_while(|line| *line != "Plugins:").skip(1);
    assert!(plugins.take_while(|line| !line.is_empty()).all(|line| !line.starts_with("   ")), "{help}");
    assert!(help.contains("-n, --nodaemon"), "{help}");
    assert_eq!(says(sestina(), &["--version"]), format!("sestina {}\n", env!("CARGO_PKG_VERSION")));
    assert_eq!(says(get_poetry(), &["--version"]), format!("get-poetry {}\n", env!("CARGO_PKG_VERSION")));
}

// spec: P16-59, P16-70, P16-76, REF-01
#[test]
fn each_plugin_explains_its_own_options_and_their_defaults() {
    // Lines are wrapped: what belongs together may stand on two.
    let unwrapped = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let fast = unwrapped(says(sestina(), &["fastpoetry", "--help"]));
    for words in
        ["--poem", "-p, --port", "[default: 10000]", "--iface", "[default: localhost]", "if-unread", "faster"]
    {
        assert!(fast.contains(words), "{words}: {fast}");
    }
    let slow = unwrapped(says(sestina(), &["-n", "slowpoetry", "--help"]));
    for words in
        ["--num-bytes", "[default: 10]", "--delay", "[default: 0.7]", "[default: 0]", "ms, s, m, h, d"]
    {
        assert!(slow.contains(words), "{words}: {slow}");
    }
    assert!(says(sestina(), &["poetryproxy", "--help"]).contains("[HOST:]PORT"));
    let get_poetry = unwrapped(says(get_poetry(), &["--help"]));
    assert!(
        get_poetry.starts_with("Downloads poems, all at once Usage: get-poetry [OPTIONS] <[[HOST]:]PORT>...")
    );
    for words in [
        "[default: 64M]",
        "[default: 30s]",
        "[default: 500ms]",
        "[default: cummingsify]",
        "-j, --jobs",
        "Exit status",
    ] {
        assert!(get_poetry.contains(words), "{words}: {get_poetry}");
    }
}

#[test]
fn without_arguments_the_help_comes_on_the_standard_error() {
    for command in [sestina(), get_poetry()] {
        let ended = Program::run(command);
        assert_eq!(ended.code, Some(2));
        assert!(ended.stderr.contains("Usage:") && ended.stdout.is_empty(), "{}", ended.stderr);
    }
}

// spec: P16-64, P16-72
#[test]
fn wrong_usage_of_sestina_is_two() {
    let poem = poem_file("fascination");
    let fast = |more: &[&'static str]| [&["fastpoetry", "--poem", path(&poem)], more].concat();
    let slow = |more: &[&'static str]| [&["slowpoetry", "--poem", path(&poem)], more].concat();
    let cases: Vec<(Vec<&str>, &str)> = vec![
        (vec!["fastpoety"], "there is no plugin 'fastpoety': did you mean 'fastpoetry'?"),
        (vec!["nonsense"], "there is no plugin 'nonsense': there are fastpoetry, slowpoetry, poetryproxy"),
        (vec!["-n"], "the name of a plugin is missing"),
        (vec!["--wrong", "fastpoetry"], "there is no option '--wrong'"),
        (vec!["fastpoetry"], "--poem <FILE> is missing"),
        (vec!["fastpoetry", "--poem"], "--poem <FILE> needs a value"),
        (fast(&["-n"]), "'-n' belongs before the name of the plugin"),
        (fast(&["--prot", "1"]), "there is no option '--prot': did you mean '--port'?"),
        (fast(&["extra"]), "'extra' is one argument too many"),
        (fast(&["--port", "70000"]), "--port: a port is a number from 0 to 65535, not '70000'"),
        (fast(&["--port", "x"]), "--port: a port is a number from 0 to 65535, not 'x'"),
        (fast(&["--port", "-1"]), "--port: a port is a number from 0 to 65535, not '-1'"),
        (fast(&["--port", ""]), "--port: a port is a number from 0 to 65535, not ''"),
        (fast(&["--port", "1", "--port", "2"]), "--port <PORT> is given twice"),
        (fast(&["--iface", "eth0"]), "--iface: 'eth0' is no address of an interface: give localhost"),
        (fast(&["--iface", ""]), "--iface: '' is no address of an interface"),
        (fast(&["--drain", "never"]), "--drain: 'never' is not one of always, if-unread"),
        (slow(&["--delay", "soon"]), "--delay: 'soon' is no duration: give seconds, like 0.7"),
        (slow(&["--delay", "NaN"]), "--delay: 'NaN' is no duration"),
        (slow(&["--delay", "-1"]), "--delay: '-1' is negative"),
        (slow(&["--delay", "5w"]), "unknown unit 'w': there are ms, s, m, h and d"),
        (slow(&["--delay", "99999999999999999999"]), "is too long"),
        (slow(&["--num-bytes", "0"]), "--num-bytes: '0' is no number of bytes: the smallest is 1"),
        (vec!["poetryproxy"], "<[HOST:]PORT> is missing"),
        (vec!["poetryproxy", "host:"], "'host:' has no port: write HOST:PORT"),
        (vec!["poetryproxy", "a:b:c"], "'a:b:c' has too many colons"),
        (vec!["poetryproxy", "::1:80"], "an IPv6 address in brackets"),
        (vec!["poetryproxy", "0"], "nobody can be reached at port 0"),
        (vec!["poetryproxy", "two words:1"], "'two words' is no host"),
        (vec!["poetryproxy", "10000"], "it would fetch from itself at 127.0.0.1:10000"),
        (vec!["poetryproxy", "-p", "7", "localhost:7"], "it would fetch from itself at localhost:7"),
        (vec!["demo", "now"], "'now' is one argument too many"),
        (
            vec!["-n", "--control", "x", "poetryproxy", "1"],
            "'--control' belongs behind the name of the plugin",
        ),
        (vec!["evil\u{1b}[2J\nname"], "there is no plugin 'evil\\u{1b}[2J\\nname'"),
    ];
    for (arguments, words) in cases {
        refused(sestina(), &arguments, 2, words);
    }
}

#[test]
fn poems_that_are_none_are_one() {
    let (empty, locked) = (scratch("empty"), scratch("locked"));
    std::fs::write(&empty, b"").unwrap();
    std::fs::write(&locked, b"a poem").unwrap();
    std::fs::set_permissions(&locked, std::os::unix::fs::PermissionsExt::from_mode(0o0)).unwrap();
    for plugin in ["fastpoetry", "slowpoetry"] {
        let serve = |poem: &str, words: &str| {
            refused(sestina(), &["-n", plugin, "--poem", poem, "--port", "0"], 1, words)
        };
        serve("no/such/poem.txt", "no/such/poem.txt': check the path");
        serve(env!("CARGO_MANIFEST_DIR"), "is a directory: give a file with one poem in it");
        serve(path(&empty), "is empty: give a file with at least one byte");
        if std::fs::read(&locked).is_err() {
            serve(path(&locked), "no permission to read the poem");
        }
        if cfg!(target_os = "linux") {
            // Unreadable for everybody, and here the whole chain of reasons must be on the line.
            serve("/proc/self/mem", "cannot read the poem '/proc/self/mem': Input/output error");
        }
    }
    std::fs::remove_file(empty).unwrap();
    std::fs::remove_file(locked).unwrap();
}

#[test]
fn a_port_in_use_and_an_address_of_another_machine_are_one() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let poem = poem_file("science");
    let words = format!("127.0.0.1:{port} is already in use: take another port, or 0 for a free one");
    refused(sestina(), &["-n", "fastpoetry", "--poem", path(&poem), "--port", &port], 1, &words);
    refused(sestina(), &["-n", "slowpoetry", "--poem", path(&poem), "--port", &port], 1, &words);
    refused(sestina(), &["-n", "poetryproxy", "--port", &port, "1"], 1, &words);
    let elsewhere = ["-n", "fastpoetry", "--poem", path(&poem), "--port", "0", "--iface", "192.0.2.1"];
    refused(sestina(), &elsewhere, 1, "192.0.2.1:0 is not an address of this machine");
}

// spec: REF-06
#[test]
fn wrong_usage_of_get_poetry_is_two_and_downloads_nothing() {
    let cases: [(&[&str], &str); 29] = [
        (&["x"], "a port is a number from 1 to 65535, not 'x'"),
        (&["10000", "70000"], "a port is a number from 1 to 65535, not '70000'"),
        (&["host:"], "'host:' has no port: write HOST:PORT"),
        (&["a:b:c"], "'a:b:c' has too many colons"),
        (&["0"], "nobody can be reached at port 0"),
        (&["-1"], "not '-1'"),
        (&["unix:"], "'unix:' has no path: write unix:PATH"),
        (&["--wrong", "1"], "there is no option '--wrong'"),
        (&["--tiemout", "1", "1"], "there is no option '--tiemout': did you mean '--timeout'?"),
        (&["--trace"], "<[[HOST]:]PORT>... is missing"),
        (&["--timeout", "0", "1"], "--timeout: '0' is no time at all"),
        (&["--timeout", "soon", "1"], "--timeout: 'soon' is no duration"),
        (&["--idle-timeout", "-1", "1"], "--idle-timeout: '-1' is negative"),
        (&["--connect-timeout", "5w", "1"], "--connect-timeout: '5w' has the unknown unit 'w'"),
        (&["--retries", "-1", "1"], "--retries: '-1' is no number of retries: give one from 0 to 1000"),
        (&["--retries", "1001", "1"], "is no number of retries"),
        (&["--retry-delay", "", "1"], "--retry-delay: '' is no duration"),
        (&["--max-bytes", "many", "1"], "--max-bytes: 'many' is no size: give a number of bytes"),
        (&["--max-bytes", "0", "1"], "--max-bytes: '0' is nothing at all"),
        (&["--max-held", "9999999999999T", "1"], "--max-held: '9999999999999T' is more than"),
        (&["--jobs", "0", "1"], "--jobs: '0' is no number of downloads: the smallest is 1"),
        (&["--order", "alphabet", "1"], "--order: 'alphabet' is not one of completion, given, stream"),
        (&["--order", "givn", "1"], "is not one of completion, given, stream: did you mean 'given'?"),
        (&["--order", "stream", "--collect", "1"], "--collect prints nothing until all are done"),
        (&["--race", "--order", "given", "1"], "--race and --order <ORDER> do not go together"),
        (&["--transform", "host", "1"], "--transform: a port is a number from 1 to 65535, not 'host'"),
        (&["--xform", "cummingsify", "1"], "--transform <[HOST:]PORT> is missing"),
        (&["--force", "1"], "--output-dir <DIR> is missing"),
        (&["--trace", "--trace", "1"], "--trace is given twice"),
    ];
    for (arguments, words) in cases {
        refused(get_poetry(), arguments, 2, words);
    }
}

/// Names from files are bytes, and need not be text.
#[cfg(target_os = "linux")]
#[test]
fn names_that_are_no_text_are_named_all_the_same() {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::OsStr::from_bytes(b"poem-\xff");
    let mut command = sestina();
    command.args(["-n", "fastpoetry", "--port", "0", "--poem"]).arg(name);
    refused(command, &[], 1, "poem-\u{fffd}'");
    let mut command = get_poetry();
    command.arg(name);
    refused(command, &[], 2, "not valid UTF-8");
}

/// A pipe that nobody writes to holds the start up; a signal ends it all the same.
#[test]
fn a_start_that_waits_for_its_poem_can_be_interrupted() {
    let pipe = scratch("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::from_bits_truncate(0o600)).unwrap();
    let mut command = sestina();
    command.args(["-n", "fastpoetry", "--port", "0", "--poem", path(&pipe)]);
    let mut program = Program::start(command);
    program.wait_for_line(|line| line.contains("starting fastpoetry"));
    program.signal(rustix::process::Signal::TERM);
    let ended = program.wait();
    assert_eq!((ended.code, ended.signal), (Some(0), None), "{}", ended.stderr);
    std::fs::remove_file(pipe).unwrap();
}

/// No example is cut into two lines because it is too long.
#[test]
fn each_example_of_get_poetry_has_a_line_of_its_own() {
    let mut program = get_poetry();
    program.arg("--help");
    let help = String::from_utf8(Program::start(program).wait().stdout).expect("help is text");
    let examples: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Examples:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .collect();
    assert!(examples.len() > 5, "{help}");
    for example in examples {
        assert!(example.starts_with("  get-poetry "), "{example}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_help_that_cannot_be_written_is_told() {
    for mut program in [sestina(), get_poetry()] {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("it is there");
        let ended = program.arg("--help").stdout(full).output().expect("it runs");
        let told = String::from_utf8_lossy(&ended.stderr);
        assert!(told.contains("cannot write to the standard output: No space left"), "{told}");
        assert_eq!(ended.status.code(), Some(1));
    }
}

#[test]
fn no_help_is_wider_than_a_terminal() {
    let plugins = ["fastpoetry", "slowpoetry", "poetryproxy", "transform", "transformproxy", "demo", "ctl"];
    let mut helps: Vec<_> = plugins.iter().map(|plugin| (sestina(), vec![*plugin, "--help"])).collect();
    helps.extend([(sestina(), vec!["--help"]), (get_poetry(), vec!["--help"])]);
    for (mut program, arguments) in helps {
        program.args(&arguments);
        let help = String::from_utf8(Program::start(program).wait().stdout).expect("help is text");
        let widest = help.lines().max_by_key(|line| line.chars().count()).expect("help has lines");
        assert!(widest.chars().count() <= 80, "{arguments:?}: {widest}");
    }
}
