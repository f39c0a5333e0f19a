//! A definition of command lines as Markdown: a chapter a program, a section a command, a table a group of options.

use clap::{Arg, Command};

const HEAD: &str = "\
# Options

<!-- Written by `cargo xtask reference` from the definitions of the command lines: change those. -->

Every option of every program, in the words of its `--help`. Durations: a plain number is seconds, or it has a unit
(`ms`, `s`, `m`, `h`, `d`). Sizes: a plain number is bytes, or it has a unit (`k`, `M`, `G`, `T`, powers of 1024). Each
program and command also has `-h` and `--help`, each program `-V` and `--version`.
";

/// The page of these programs, in this order.
pub(crate) fn page(programs: &[Command]) -> String {
    let mut page = HEAD.to_owned();
    for program in programs {
        section(&mut page, program, &[]);
    }
    page
}

/// A command, and then the commands below it.
fn section(page: &mut String, command: &Command, above: &[&str]) {
    let path: Vec<&str> = above.iter().copied().chain([command.get_name()]).collect();
    let level = "#".repeat(path.len() + 1);
    page.push_str(&format!("\n{level} {}\n", path.join(" ")));
    if let Some(about) = command.get_long_about().or_else(|| command.get_about()) {
        page.push_str(&format!("\n{}.\n", escaped(&about.to_string())));
    }
    for (heading, options) in groups(command) {
        page.push_str(&table(command, heading, &options));
    }
    if let Some(after) = command.get_after_long_help().or_else(|| command.get_after_help()) {
        page.push_str(&format!("\n```text\n{}\n```\n", after.to_string().trim_end()));
    }
    for below in command.get_subcommands() {
        section(page, below, &path);
    }
}

/// What can be given, by the headings of `--help`: first what has a place of its own, then options without a heading.
fn groups(command: &Command) -> Vec<(&str, Vec<&Arg>)> {
    let mut groups: Vec<(&str, Vec<&Arg>)> = Vec::new();
    let (placed, named): (Vec<&Arg>, Vec<&Arg>) = command
        .get_arguments()
        .filter(|option| !option.is_hide_set())
        .partition(|option| option.is_positional());
    for option in placed.into_iter().chain(named) {
        let usual = if option.is_positional() { "Arguments" } else { "Options" };
        let heading = option.get_help_heading().unwrap_or(usual);
        match groups.iter_mut().find(|group| group.0 == heading) {
            Some(group) => group.1.push(option),
            None => groups.push((heading, vec![option])),
        }
    }
    groups
}

fn table(command: &Command, heading: &str, options: &[&Arg]) -> String {
    let mut table = format!("\n| {heading} | value | default | what it does |\n|---|---|---|---|\n");
    for option in options {
        let (help, said) = help(option);
        let default = if said.is_empty() { default(option) } else { escaped(&said) };
        let told = told(command, option, &help);
        table.push_str(&format!("| {} | {} | {default} | {told} |\n", names(option), value(option)));
    }
    table
}

fn names(option: &Arg) -> String {
    let short = option.get_short_and_visible_aliases().unwrap_or_default();
    let long = option.get_long_and_visible_aliases().unwrap_or_default();
    let short = short.iter().map(|letter| format!("`-{letter}`"));
    let names: Vec<String> = short.chain(long.iter().map(|word| format!("`--{word}`"))).collect();
    if names.is_empty() { code(&pictured(option)) } else { names.join(", ") }
}

/// What follows the option's name.
fn value(option: &Arg) -> String {
    let takes_one = option.get_action().takes_values();
    if takes_one && !option.is_positional() { code(&pictured(option)) } else { String::new() }
}

fn pictured(option: &Arg) -> String {
    let names = option.get_value_names().unwrap_or_default();
    let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
    let name = if names.is_empty() { option.get_id().as_str().to_uppercase() } else { names.join(" ") };
    let is_optional = option.get_num_args().is_some_and(|count| count.min_values() == 0);
    let name = if is_optional { format!("[{name}]") } else { name };
    let is_many = option.get_num_args().is_some_and(|count| count.max_values() > names.len().max(1));
    let is_repeated = matches!(option.get_action(), clap::ArgAction::Append);
    if is_many || is_repeated { format!("{name}...") } else { name }
}

fn default(option: &Arg) -> String {
    let defaults = option.get_default_values();
    if !defaults.is_empty() && option.get_action().takes_values() {
        let defaults: Vec<String> = defaults.iter().map(|value| code(&value.to_string_lossy())).collect();
        return defaults.join(" ");
    }
    if option.is_required_set() { "must be given".to_owned() } else { String::new() }
}

/// The help, and the default where that is told in words at its end, because it is no value.
fn help(option: &Arg) -> (String, String) {
    let help =
        option.get_long_help().or_else(|| option.get_help()).map(ToString::to_string).unwrap_or_default();
    let told = help.trim_end().strip_suffix(']').and_then(|help| help.rsplit_once("[default: "));
    let told = told.map(|(help, default)| (help.to_owned(), default.to_owned()));
    told.unwrap_or((help, String::new()))
}

/// The help, the values to choose from, and what the option does not go with.
fn told(command: &Command, option: &Arg, help: &str) -> String {
    let mut told = vec![escaped(help)];
    if option.get_action().takes_values() && !option.is_hide_possible_values_set() {
        let choices: Vec<String> = option.get_possible_values().iter().filter_map(choice).collect();
        if !choices.is_empty() {
            told.push(format!("One of {}", choices.join(", ")));
        }
    }
    let rivals: Vec<String> =
        command.get_arg_conflicts_with(option).iter().map(|rival| names(rival)).collect();
    if !rivals.is_empty() {
        told.push(format!("Not together with {}", rivals.join(", ")));
    }
    told.retain(|sentence| !sentence.is_empty());
    told.join(". ")
}

fn choice(value: &clap::builder::PossibleValue) -> Option<String> {
    if value.is_hide_set() {
        return None;
    }
    let help = value.get_help().map(|help| format!(" ({})", escaped(&help.to_string())));
    Some(format!("{}{}", code(value.get_name()), help.unwrap_or_default()))
}

/// As one line, with nothing in it that Markdown would take for markup of its own.
fn escaped(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.replace('\\', "\\\\").replace('|', "\\|").replace('<', "\\<").replace('*', "\\*")
}

fn code(text: &str) -> String {
    format!("`{}`", text.replace('|', "\\|"))
}

#[cfg(test)]
mod tests {
    use clap::ArgAction;

    use super::*;

    fn command() -> Command {
        let number = Arg::new("number").short('n').long("number").value_name("N").default_value("7");
        let shape = Arg::new("shape").long("shape").value_parser(["round", "square"]);
        let flat = Arg::new("flat").long("flat").action(ArgAction::SetTrue).conflicts_with("shape");
        let below = Command::new("below").about("Under|it").after_help("Example:\n  top below");
        let group = Arg::new("late")
            .help("How late [default: never]")
            .long("late")
            .action(ArgAction::Append)
            .help_heading("Times");
        let hidden = Arg::new("hidden").long("hidden").hide(true);
        Command::new("top")
            .about("Stands")
            .args([group, number.help("How many\n  there <are>"), shape, flat.help("No height"), hidden])
            .arg(Arg::new("place").required(true).help("Where"))
            .subcommand(below)
    }

    #[test]
    fn a_program_becomes_a_chapter_and_a_group_of_options_a_table() {
        let page = page(&[command()]);
        let wanted = "
## top

Stands.

| Arguments | value | default | what it does |
|---|---|---|---|
| `PLACE` |  | must be given | Where |

| Times | value | default | what it does |
|---|---|---|---|
| `--late` | `LATE...` | never | How late |

| Options | value | default | what it does |
|---|---|---|---|
| `-n`, `--number` | `N` | `7` | How many there \\<are> |
| `--shape` | `SHAPE` |  | One of `round`, `square` |
| `--flat` |  |  | No height. Not together with `--shape` |

### top below

Under\\|it.

```text
Example:
  top below
```
";
        assert_eq!(page.strip_prefix(HEAD), Some(wanted));
    }
}
