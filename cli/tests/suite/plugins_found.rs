//! Plugins that are programs of their own: found, listed, and run with all that was said.

use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;

use crate::common::daemon::is_root;
use crate::common::plugins::{self, Plugins};
use crate::common::{Ended, Program, path};

/// A plugin that says what it is, counts how often it was asked, and says how it was run.
fn good(plugins: &Plugins, name: &str, description: &str) {
    let asked = plugins.0.join("asked");
    let answer = plugins::answer(name, description);
    let asked = format!("echo {name} >> {}; {answer}; exit", asked.display());
    let does = format!("case $1 in --describe) {asked};; esac\nprintf '%s\\n' \"$$\" \"$@\"; exit 7");
    plugins.script(name, &does);
}

#[track_caller]
fn listed(plugins: &Plugins) -> String {
    help(Program::run(plugins.command(&["--help"])))
}

#[track_caller]
fn help(ended: Ended) -> String {
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    String::from_utf8(ended.stdout).expect("help is text")
}

// spec: P16-60, P16-62, P16-68, P16-74
#[test]
fn they_are_listed_by_name_with_what_they_say_of_themselves() {
    let plugins = Plugins::new();
    good(&plugins, "zebra", "Runs in stripes");
    good(
        &plugins,
        "ant",
        "Carries things that are heavier than itself, and does so for a very long time without a rest",
    );
    fs::write(plugins.0.join("plugins/sestina-ant.bak"), "").expect("it is ours");
    fs::write(plugins.0.join("plugins/sestina-ANT"), "").expect("it is ours");
    let help = listed(&plugins);
    let list = help.split("Plugins that are programs of their own:\n").nth(1).expect("there is a list");
    let list = list.split("\n\n").next().expect("it ends");
    assert_eq!(
        list,
        "  ant    Carries things that are heavier than itself, and does so for a very\n         long time without a rest\n  \
         zebra  Runs in stripes"
    );
    assert!(help.lines().all(|line| line.chars().count() <= 80), "{help}");
}

// spec: P16-64
#[test]
fn the_program_becomes_the_plugin_with_all_options() {
    let plugins = Plugins::new();
    good(&plugins, "ant", "Carries");
    for rest in [&["-n", "--logfile", "-", "ant", "--port", "1", "-x"][..], &["ant", "--help"], &["ant"]] {
        let child = plugins.command(rest).stdout(std::process::Stdio::piped()).spawn().expect("it starts");
        let pid = child.id();
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(7), "its exit status is the plugin's");
        let said = String::from_utf8(output.stdout).expect("it is text");
        let (pid, folder) = (pid.to_string(), plugins.0.join("plugins"));
        let expected = [&[pid.as_str(), "--plugin-path", path(&folder)][..], rest].concat();
        assert_eq!(said.lines().collect::<Vec<_>>(), expected);
    }
    let odd = std::ffi::OsString::from_vec(b"caf\xe9".to_vec());
    let mut command = plugins.command(&["ant"]);
    command.arg(odd);
    assert!(Program::run(command).stdout.ends_with(b"caf\xe9\n"), "words need not be text");
}

#[test]
fn a_mistyped_name_is_told_what_was_meant() {
    let plugins = Plugins::new();
    good(&plugins, "antelope", "Runs");
    for (given, words) in [
        ("antelpe", "there is no plugin 'antelpe': did you mean 'antelope'?"),
        ("fastpoety", "there is no plugin 'fastpoety': did you mean 'fastpoetry'?"),
        ("xyzzy", "transformproxy, antelope"),
    ] {
        let ended = Program::run(plugins.command(&["-n", given, "--port", "1"]));
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(words) && ended.stderr.lines().count() == 1, "{}", ended.stderr);
    }
}

#[test]
fn a_name_that_is_taken_is_shown_as_shadowed() {
    let plugins = Plugins::new();
    good(&plugins, "fastpoetry", "Pretends");
    good(&plugins, "demo", "Pretends");
    good(&plugins, "ant", "The first");
    let second = plugins.0.join("second");
    fs::create_dir(&second).expect("it is ours");
    fs::copy(plugins.0.join("plugins/sestina-ant"), second.join("sestina-ant")).expect("it is ours");
    let mut command = plugins.command(&["--plugin-path", path(&second), "--help"]);
    command.env("HOME", "/nowhere");
    let help = help(Program::run(command));
    let unwrapped = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(unwrapped.contains("fastpoetry [shadowed by the 'fastpoetry' that is built in: /"), "{help}");
    assert!(unwrapped.contains("demo [shadowed by the 'demo' that is built in: /"), "{help}");
    assert!(unwrapped.contains("ant The first ant [shadowed by /"), "{help}");
    assert_eq!(plugins.0.read("asked"), "ant\n", "who is not run is not asked");
    let ended = Program::run(plugins.command(&["fastpoetry", "--help"]));
    assert!(String::from_utf8_lossy(&ended.stdout).contains("--poem"), "the built-in one is run");
}

// spec: P16-75
#[test]
fn they_are_asked_again_only_when_their_files_have_changed() {
    let plugins = Plugins::new();
    good(&plugins, "ant", "Carries");
    good(&plugins, "bee", "Hums");
    assert!(listed(&plugins).contains("Carries"));
    assert!(listed(&plugins).contains("Carries"));
    let asked = plugins.0.read("asked");
    let mut names: Vec<&str> = asked.lines().collect();
    names.sort_unstable(); // they are asked at the same time
    assert_eq!(names, ["ant", "bee"]);
    good(&plugins, "ant", "Carries more");
    assert!(listed(&plugins).contains("Carries more"));
    assert_eq!(plugins.0.read("asked"), format!("{asked}ant\n"));
    let cache = plugins.0.join("home/.cache/sestina");
    assert_eq!(fs::read_dir(&cache).expect("it is there").count(), 1, "nothing is left behind");
    assert_eq!(fs::metadata(&cache).expect("it is there").permissions().mode() & 0o777, 0o700);
    fs::write(cache.join("plugins.json"), "{\"version\":1,\"plugins\":[{}, 5").expect("it is ours");
    assert!(listed(&plugins).contains("Hums"), "a broken cache is none");
    assert_eq!(plugins.0.read("asked").lines().count(), 5);
}

// spec: P16-75
#[test]
fn a_cache_that_cannot_be_written_or_is_not_ours_does_no_harm() {
    let plugins = Plugins::new();
    good(&plugins, "ant", "Carries");
    let home = plugins.0.join("home");
    let told = |home: &str| {
        let mut command = plugins.command(&["--help"]);
        command.env("HOME", home);
        assert!(help(Program::run(command)).contains("Carries"), "{home}");
    };
    for home in ["/nowhere", "", "relative", "/dev/null", "/proc"] {
        told(home);
    }
    fs::set_permissions(&home, PermissionsExt::from_mode(0o777)).expect("it is ours");
    told(path(&home));
    assert!(!home.join(".cache").exists(), "others could exchange what is there");
    fs::set_permissions(&home, PermissionsExt::from_mode(0o755)).expect("it is ours");
    fs::write(home.join(".cache"), "a file").expect("it is ours");
    told(path(&home));
    assert_eq!(plugins.0.read("asked").lines().count(), 7);
}

#[test]
fn empty_and_relative_entries_are_no_folders() {
    let plugins = Plugins::new();
    good(&plugins, "ant", "Carries");
    let mut command = plugins.0.sestina(&["--plugin-path", ":.:plugins:./plugins::", "ant"]);
    command.current_dir(plugins.0.join("plugins")).env("PATH", ":.:").env("SESTINA_PLUGIN_PATH", ".");
    let ended = Program::run(command);
    assert_eq!(ended.code, Some(2), "{}", ended.stderr);
    assert_eq!(plugins.0.read("asked"), "");
}

#[test]
fn root_does_not_look_where_the_environment_says_and_others_do() {
    let plugins = Plugins::new();
    good(&plugins, "ant", "Carries");
    let folder = plugins.0.join("plugins");
    for variable in ["PATH", "SESTINA_PLUGIN_PATH"] {
        let mut command = plugins.0.sestina(&["ant"]);
        command.env(variable, format!("/nowhere:{}", folder.display()));
        let expected = if rustix::process::geteuid().is_root() { Some(2) } else { Some(7) };
        assert_eq!(Program::run(command).code, expected, "{variable}");
    }
    if is_root("looking as another user") {
        use std::os::unix::process::CommandExt;
        for variable in ["PATH", "SESTINA_PLUGIN_PATH"] {
            let mut command = plugins.0.sestina(&["ant"]);
            command.env(variable, format!("/nowhere:{}", folder.display())).uid(65534).gid(65534);
            let ended = Program::run(command);
            assert_eq!(ended.code, Some(7), "{variable}: {}", ended.stderr);
        }
    }
}

#[test]
fn it_is_asked_with_nothing_of_ours_in_its_hands() {
    let plugins = Plugins::new();
    let said = plugins.0.join("said");
    let looks = format!(
        "(tr '\\0' '\\n' < /proc/$$/environ; echo arguments \"$@\"; pwd; readlink /proc/$$/fd/0 /proc/$$/fd/2) \
         > {}",
        said.display()
    );
    plugins.script("ant", &format!("{looks}\n{}", plugins::answer("ant", "Carries")));
    let mut command = plugins.command(&["--help"]);
    command.env("SECRET", "1").env("LD_PRELOAD", "");
    assert!(help(Program::run(command)).contains("Carries"));
    let said = plugins.0.read("said");
    assert_eq!(said, "arguments --describe\n/\n/dev/null\n/dev/null\n");
}

#[test]
fn a_program_that_is_a_plugin_describes_itself_and_the_runner_does_not() {
    let ended = Program::run(Plugins::new().command(&["--describe"]));
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("no plugin of another"), "{}", ended.stderr);
}
