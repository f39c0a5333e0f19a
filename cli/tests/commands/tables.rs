//! What is run, and what is not.

/// A command of a page, and what is expected of it.
pub(crate) struct Row {
    /// As on the page, in one line.
    pub(crate) command: &'static str,
    /// A part of what it prints, on either output; if empty it prints nothing.
    pub(crate) says: &'static str,
    /// Its exit status.
    pub(crate) code: i32,
    /// Words of the page that stand for something, and for what.
    pub(crate) words: &'static [(&'static str, &'static str)],
    /// What a reader puts behind it: some are only beginnings.
    pub(crate) behind: &'static str,
    /// It goes on until it is stopped.
    pub(crate) is_server: bool,
    /// It leaves files where it is run, which is a folder of the test's.
    pub(crate) writes_here: bool,
    /// Cargo builds something for it that `cargo test --workspace` has not built.
    pub(crate) in_ci_only: bool,
    pub(crate) needs: Needs,
}

/// A program that is not one of ours.
pub(crate) enum Needs {
    Nothing,
    Program(&'static str),
    NotEvenInCi(&'static str),
}

impl Row {
    const fn new(command: &'static str, says: &'static str) -> Self {
        Self {
            command,
            says,
            code: 0,
            words: &[],
            behind: "",
            is_server: false,
            writes_here: false,
            in_ci_only: false,
            needs: Needs::Nothing,
        }
    }

    const fn ends_with(self, code: i32) -> Self {
        Self { code, ..self }
    }

    const fn behind(self, behind: &'static str) -> Self {
        Self { behind, ..self }
    }

    const fn words(self, words: &'static [(&'static str, &'static str)]) -> Self {
        Self { words, ..self }
    }

    const fn serves(self) -> Self {
        Self { is_server: true, ..self }
    }

    const fn writes_here(self) -> Self {
        Self { writes_here: true, ..self }
    }

    const fn in_ci_only(self) -> Self {
        Self { in_ci_only: true, ..self }
    }

    const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }
}

/// In this order. `{poet}` is the port of a poet, `{poem}` a file, `{folder}` a folder of the test's, `{programs}` the one of this build's
/// programs.
pub(crate) const RUN: &[Row] = &[
    Row::new("sestina --help", "  fastpoetry      Serves a poem, all of it at once"),
    Row::new("sestina fastpoetry --help", "Usage: sestina fastpoetry [OPTIONS] --poem <FILE>"),
    Row::new("sestina NAME --help", "Usage: sestina slowpoetry ").words(&[("NAME", "slowpoetry")]),
    Row::new("sestina transform --list", "cummingsify  small letters only"),
    Row::new("sestina transform", "Usage: sestina transform ").behind(" --help"),
    Row::new("sestina transformproxy", "Usage: sestina transformproxy ").behind(" --help"),
    Row::new("sestina poetryproxy", "Usage: sestina poetryproxy ").behind(" --help"),
    Row::new("sestina ctl", "  entries  Show how each poem stands").behind(" --help"),
    Row::new("sestina -y", "all is well").behind(" examples/part16/proxy.toml --check"),
    Row::new("sestina -n NAME [options]", " fastpoetry listening on 127.0.0.1:")
        .words(&[("NAME", "fastpoetry"), ("[options]", "--poem {poem} --port 0")])
        .serves(),
    Row::new("sestina fastpoetry --poem FILE", "")
        .words(&[("FILE", "{poem}")])
        .behind(" --port 0")
        .writes_here(),
    Row::new("sestina --status", "sestina: running, process ").writes_here(),
    Row::new("sestina --stop", "sestina: stopped, process ").writes_here(),
    Row::new("get-poetry --times", "Task 1: 653 bytes of poetry from 127.0.0.1:").behind(" {poet}"),
    Row::new("get-poetry --order given", "Science! true daughter of Old Time").behind(" {poet} {poet}"),
    Row::new("get-poetry --order stream", "Science! true daughter of Old Time").behind(" {poet} {poet}"),
    Row::new("grep -rn on_cancel crates poetry", "poetry/src/transform/client.rs:"),
    Row::new("systemctl enable --now", "--now ").behind(" --help").needs(Needs::Program("systemctl")),
    // What is built already.
    Row::new("cargo xtask spec", " more explain, draw or tell, and ask for nothing"),
    Row::new(
        "cargo xtask spec P19-04",
        "examples/part19/tests/expected.rs: a_task_sees_the_cancel_at_its_await",
    ),
    Row::new("cargo xtask book", ""),
    Row::new("cargo xtask docs", "/docs").in_ci_only(),
    Row::new("cargo run -q -p sestina-example-part14 --bin defer-11", "callback_1 got 0").in_ci_only(),
    Row::new("cargo run -q -p sestina-example-part19 --bin task-cancel-3", "5s: ROLLBACK is done")
        .in_ci_only(),
    Row::new("cargo test -p sestina-example-part14", "test three_clients_make_one_request ... ok")
        .in_ci_only(),
    Row::new("cargo nextest run", "sestina-example-part14::expected three_clients_make_one_request")
        .behind(" -p sestina-example-part14")
        .needs(Needs::NotEvenInCi("cargo-nextest"))
        .in_ci_only(),
    Row::new(
        "cargo test -p sestina-trial --test suite test_poetry",
        "test test_poetry::test_client::sim ... ok",
    )
    .in_ci_only(),
    Row::new(
        "cargo test -p stranger --test samples slow::it_takes_too_long -- --exact",
        "the test timed out: no result after 5s of virtual time",
    )
    .ends_with(101)
    .in_ci_only(),
    Row::new(
        "cargo run -p sestina-reactor-mio --example host_in_tokio",
        "10 poems came, and tokio's own task ran ",
    )
    .in_ci_only(),
    Row::new("cargo build -p sestina-example-part16-plugins", "Finished").in_ci_only(),
    Row::new("sestina NAME", "The file containing the poem")
        .words(&[("NAME", "--plugin-path {programs} poem --help")])
        .needs(Needs::Program("sestina-poem")),
    Row::new("sestina-poem -n poem --poem FILE", " poem listening on 127.0.0.1:")
        .words(&[("FILE", "{poem}")])
        .behind(" --port 0")
        .serves()
        .needs(Needs::Program("sestina-poem")),
    // What is built with optimizations, or documented.
    Row::new("cargo run --release -- demo", "holds  it ended within 6 seconds").in_ci_only(),
    Row::new("cargo run --release --", "  fastpoetry      Serves a poem").behind(" --help").in_ci_only(),
    Row::new("cargo run --release --bin get-poetry --", "Usage: get-poetry ").behind(" --help").in_ci_only(),
    Row::new("cargo install --locked --path cli", "(executables `get-poetry`, `sestina`)").in_ci_only(),
    Row::new("cargo xtask sim --seeds 100", "100 seeds from 1, 12 scenarios: everything holds").in_ci_only(),
    Row::new("cargo xtask sim --seed 7 --scenario storms", "storms: everything holds").in_ci_only(),
    Row::new("cargo doc --open -p sestina", "doc/sestina/index.html").in_ci_only(),
    Row::new("cargo doc --open -p sestina-trial", "doc/sestina_trial/index.html").in_ci_only(),
    Row::new("cargo bench -p sestina-deferred", "create + one callback + fire + drop").in_ci_only(),
    Row::new("cargo bench -p sestina-reactor", "schedule + cancel at once").in_ci_only(),
    Row::new("cargo bench -p sestina-framing", "messages of 80 bytes").in_ci_only(),
    Row::new("cargo bench -p sestina-reactor-mio", "without the crowd:").in_ci_only(),
    Row::new("cargo bench -p sestina-cli", "wall / slowest: median").in_ci_only(),
    Row::new("cargo bench -p sestina-poetry", "hits: ").in_ci_only(),
    Row::new(
        "cargo xtask bench compare bench/report bench/report/again.jsonl",
        "timers, schedule + cancel at once",
    )
    .in_ci_only(),
    // All scenarios take half an hour.
    Row::new("cargo xtask bench", "report.md").behind(" startup --quick --out {folder}/bench").in_ci_only(),
];

const TESTS_ITSELF: &str = "all tests of the workspace: this one is among them";
const OF_OTHERS: &str = "Twisted's, for whoever knows it; it stands beside ours";

/// What no test can run, and why.
pub(crate) const NOT_RUN: [(&str, &str); 6] = [
    ("cargo test --workspace", TESTS_ITSELF),
    ("cargo test", TESTS_ITSELF),
    ("cargo xtask ci", TESTS_ITSELF),
    ("trial tests", OF_OTHERS),
    ("twistd --nodaemon NAME [options]", OF_OTHERS),
    ("twistd NAME --help", OF_OTHERS),
];
