use super::*;

const CODE: &str = "//! A module.\n#![forbid(unsafe_code)]\n\nuse std::fmt;\n\n/// One.\n#[derive(Debug)]\npub struct One;\n\n\
                    impl One {\n    // spec: P14-01\n    async fn two(&self) {\n        three();\n    }\n}\n";
const TEST: &str = "program!(\"poem\").args(&[\"--loud\"]).case(\"loud\").check();";

fn read(path: &Path) -> Option<String> {
    let text = match path.to_str()? {
        "a/b.rs" => CODE,
        "a/t.rs" => "//! Beside:\n//!\n//! | a | b |\n//! |---|---|\n//!\n//! | c |\n",
        "examples/part14/expected/loud.txt" => "A POEM\n",
        "examples/part14/tests" => TEST,
        _ => return None,
    };
    Some(text.to_owned())
}

fn page(line: &str) -> String {
    filled(&format!("above\n{line}\n```rust\nold\n```\nbelow\n"), &read).unwrap_or_else(|error| error)
}

#[test]
fn a_block_becomes_what_its_line_quotes() {
    let block = |body: &str| format!("```rust\n{body}\n```\n");
    let cases = [
        ("a/b.rs#struct One", block("/// One.\n#[derive(Debug)]\npub struct One;")),
        ("a/b.rs#fn two", block("async fn two(&self) {\n    three();\n}")),
        (
            "a/b.rs#struct One + fn two",
            block("/// One.\n#[derive(Debug)]\npub struct One;\n\nasync fn two(&self) {\n    three();\n}"),
        ),
        ("a/b.rs#impl One", block("impl One {\n    async fn two(&self) {\n        three();\n    }\n}")),
    ];
    for (from, block) in cases {
        assert_eq!(
            page(&format!("<!-- from: {from} -->")),
            format!("above\n<!-- from: {from} -->\n{block}below\n")
        );
    }
    assert!(page("<!-- from: a/b.rs -->").contains("```rust\nuse std::fmt;\n"));
}

#[test]
fn a_transcript_is_what_its_test_expects() {
    let line = "<!-- run: part14 poem case=loud --loud -->";
    let block = "```console\n$ cargo run -q -p sestina-example-part14 --bin poem -- --loud\nA POEM\n```\n";
    assert_eq!(page(line), format!("above\n{line}\n{block}below\n"));
    assert_eq!(page("<!-- run: part14 poem case=loud --soft -->"), "2: no test of part14 has \"--soft\"");
    assert!(page("<!-- run: part14 song case=loud -->").contains("no test of part14 has program!(\"song\")"));
    assert!(page("<!-- run: part14 poem -->").contains("no file examples/part14/expected/poem.txt"));
}

#[test]
fn a_table_becomes_the_first_one_of_its_file() {
    let page = |table: &str| format!("above\n<!-- table: a/t.rs -->\n{table}\nbelow\n");
    let table = "| a | b |\n|---|---|\n";
    assert_eq!(filled(&page("| old |\n"), &read), Ok(page(table)));
    assert_eq!(filled(&page(""), &read), Ok(page(table)));
    assert_eq!(filled("<!-- table: a/b.rs -->\n", &read), Err("1: a/b.rs: no table".to_owned()));
}

#[test]
fn what_quotes_nothing_is_told() {
    for code in ["~~~rust\nlet a = 1;\n~~~\n", "    let a = 1;\n"] {
        assert!(filled(code, &read).is_err_and(|why| why.starts_with("1: code is fenced")), "{code}");
    }
    let outside = outside(&[Source { path: "README.md".into(), text: String::new() }]);
    assert_eq!(outside, ["../README.md: a page of the book lies in book/src"]);
    assert_eq!(page("<!-- from: a/c.rs -->"), "2: there is no file a/c.rs");
    assert_eq!(page("<!-- from: a/b.rs#fn tw -->"), "2: a/b.rs: no 'fn tw'");
    assert_eq!(page("words"), "3: a block of 'rust' says where it is from");
    assert_eq!(filled("```sh\na\n```\n", &read), Ok("```sh\na\n```\n".to_owned()));
}

#[test]
fn forgotten_pages_links_that_lead_out_and_files_that_are_gone_are_told() {
    let page = |path: &str, text: &str| Source { path: path.into(), text: text.to_owned() };
    let pages = [page("SUMMARY.md", "- [A](a.md)\n"), page("a.md", ""), page("b.md", "")];
    assert_eq!(forgotten(&pages), ["b.md: SUMMARY.md does not name it"]);
    let says = leading_out(&page("a.md", "[b](b.md#c)\n[d](../d.md)"));
    assert_eq!(says, ["a.md:2: '../d.md' leads out of the book"]);
    let says =
        missing(&page("a.md", "`spec/a`\n`spec/b`, `tokio/c` and `cli b/c`"), &|path| path == "spec/a");
    assert_eq!(says, ["a.md:2: there is no 'spec/b'"]);
}

#[test]
fn names_that_no_source_has_are_told() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.to_owned() };
    let page = source(
        "twisted.md",
        "| Twisted | here | |\n|---|---|---|\n| `callLater` | `call_later`, `call_soon(x)` | no |\n",
    );
    let said = names::unknown(&page, &[source("a.rs", "fn call_later() {}")]);
    assert_eq!(said, ["twisted.md:3: no source has 'call_soon'"]);
}

#[test]
fn commands_that_name_what_is_not_there_are_told() {
    let source = |path: &str, text: &str| Source { path: path.into(), text: text.to_owned() };
    let page = "Try `cargo test -p door --test suite`, `-p gate` and `cargo run -q --bin knock -- -p none`.\n\
                `cargo xtask ci`, `cargo xtask knit`, `cargo run -p door --example\nwindow`, `cargo xtask`\n\
                ```console\n$ SEED=0 cargo test -p door --test roof # with -p none\n```\n\
                `cargo bench -p door --bench speed`, `cargo run --bin knock -p NAME`, `cargo doc --package=gate`\n";
    let sources = [
        source("README.md", page),
        source("other.md", "`cargo test -p gate`"),
        source("door/Cargo.toml", "[package]\nname = \"door\"\n\n[[bench]]\nname = \"speed\"\n"),
        source("door/tests/suite/main.rs", ""),
        source("door/src/bin/knock.rs", ""),
    ];
    let wanted = [
        "README.md:1: cargo test -p gate: there is no package 'gate'",
        "README.md:2: cargo run -p door --example window: there is no --example 'window'",
        "README.md:2: cargo xtask knit: xtask has no command 'knit'",
        "README.md:5: cargo test -p door --test roof: there is no --test 'roof'",
        "README.md:7: cargo doc --package=gate: there is no package 'gate'",
    ];
    let wrong = commands::wrong(&sources);
    assert_eq!(wrong.iter().map(|line| line.trim_start_matches("../../")).collect::<Vec<_>>(), wanted);
}

#[test]
fn the_book_of_this_house_quotes_what_is_there() {
    assert_eq!(check(&crate::checks::root()), Ok(()));
}
