use super::*;

/// A list with these rows, and at most one that is open.
fn list(rows: &str) -> Source {
    let head =
        "Open rows, at most: 1.\n\n| id | kind | state | claim | rule or place |\n|---|---|---|---|---|\n";
    Source { path: LIST.into(), text: format!("{head}{rows}\n") }
}

fn test(citation: &str) -> Source {
    let text = format!("#[test]\nfn it_does() {{\n    {citation}\n    assert!(true);\n}}\n");
    Source { path: "a/tests/b.rs".into(), text }
}

fn broken(sources: &[Source]) -> Vec<String> {
    judge(sources).map_or_else(|error| vec![error], |verdict| verdict.broken)
}

fn only(rows: &str) -> String {
    broken(&[list(rows), test("// spec: P14-01")]).join("; ")
}

#[test]
fn a_list_that_agrees_with_the_tests_is_fine() {
    let page = Source { path: "book/a.md".into(), text: "# Two words\n".to_owned() };
    let rows = "| P14-01 | core | shown | it fires | |\n\
                | P14-02 | program | told | it is told | book/a.md#two-words |\n\
                | P14-03 | exercise | differs | it waits | it does not wait |\n\
                | P14-04 | core | open | later | |\n\
                | P14-05 | explanation | | a picture | |";
    let sources = [list(rows), test("// spec: P14-01, P14-03"), page];
    assert_eq!(broken(&sources), [""; 0]);
    let report = judge(&sources).unwrap().report;
    for said in [
        "5 claims, 2 citations",
        "shown    1",
        "differs    1",
        "told    1",
        "open    1",
        "told: P14-02",
        "open: P14-04",
    ] {
        assert!(report.contains(said), "{said}: {report}");
    }
}

#[test]
fn one_claim_is_shown_with_its_tests() {
    let rows = "| P14-01 | core | shown | it fires | |\n| P14-02 | core | open | later | |";
    let sources = [list(rows), test("// spec: P14-01")];
    let said = "| P14-02 | core | open | later | |\n  no test cites it\n\
                | P14-01 | core | shown | it fires | |\n  a/tests/b.rs: it_does\n";
    assert_eq!(shown(&sources, &["P14-02", "P14-01"]), Ok(said.to_owned()));
    assert_eq!(shown(&sources, &["P14-03"]), Err("spec/claims.md has no claim 'P14-03'".to_owned()));
}

#[test]
fn rows_without_a_state_and_states_without_what_they_need_are_told() {
    let cases = [
        ("| P14-01 | core | | it fires | |", "has no state"),
        ("| P14-01 | core | done | it fires | |", "'done' is no state"),
        ("| P14-01 | wish | shown | it fires | |", "'wish' is no kind"),
        ("| P14-01 | core | shown | | |", "claims nothing"),
        ("| P14-01 | core | differs | it fires | |", "in a sentence"),
        ("| P14-01 | core | shown | it fires | but late |", "is it `differs`?"),
        ("| P14-01 | core | told | it fires | |", "FILE#HEADING"),
        ("| P14-01 | core | told | it fires | book/none.md#a |", "no place 'book/none.md#a'"),
        ("| P14-01 | explanation | shown | it fires | |", "has no state, this one has 'shown'"),
        ("| P14-01 | core | shown |", "five cells"),
        ("| P14-02 | core | shown | it fires | |", "stands where P14-01 should"),
        ("| P1401 | core | shown | it fires | |", "is no id"),
    ];
    for (row, why) in cases {
        assert!(only(row).contains(why), "{row}: {}", only(row));
    }
    assert!(
        only("| P14-01 | core | shown | a | |\n| P14-01 | core | shown | a | |").contains("P14-02 should")
    );
}

#[test]
fn shown_and_differs_need_a_test_that_cites_them() {
    let rows = "| P14-01 | core | open | a | |\n| P14-02 | core | shown | b | |\n| P14-03 | core | differs | c | d |";
    let said = only(rows);
    assert!(
        said.contains("P14-02: no test cites it") && said.contains("P14-03: no test cites our rule"),
        "{said}"
    );
}

#[test]
fn more_open_rows_than_allowed_are_told() {
    let rows = "| P14-01 | core | open | a | |\n| P14-02 | core | open | b | |";
    assert_eq!(only(rows), "2 rows are open; the list allows 1");
    let without = Source { path: LIST.into(), text: "| P14-01 | core | shown | a | |".to_owned() };
    assert!(broken(&[without])[0].contains("Open rows, at most: NUMBER"));
}

#[test]
fn citations_of_what_is_not_claimed_or_outside_of_tests_are_told() {
    let row = "| P14-01 | core | shown | a | |";
    let said = |citation: &str| broken(&[list(row), test("// spec: P14-01"), test(citation)]).join("; ");
    assert_eq!(said("// spec: P14-02"), "a/tests/b.rs: it_does: cites P14-02, which is not in the list");
    assert!(said("// spec: P14-01, with a difference").contains("'with a difference' is no id"));
    assert!(said("// spec: P14-1").contains("'P14-1' is no id"));

    let text = "fn helper() {\n    // spec: P14-01\n}\n".to_owned();
    let helper = Source { path: "a/src/lib.rs".into(), text };
    assert!(broken(&[list(row), helper])[0].contains("a/src/lib.rs:2: the citation belongs to no test"));
}

#[test]
fn a_citation_belongs_to_the_test_around_it_or_below_it() {
    let cases = [
        "// spec: P14-01\n#[test]\nfn a_name() {}\n",
        "/// Words.\n// spec: P14-01\n#[sestina_trial::test(\n    on = \"both\",\n)]\nasync fn a_name() {}\n",
        "mod tests {\n    fn helper() {}\n\n    #[test]\n    // spec: P14-01\n    fn a_name() {}\n}\n",
        "#[test]\nfn a_name() {\n    fn inner() {\n        1;\n    }\n    // spec: P14-01\n    inner();\n}\n",
        "#[test]\nfn a_name() {\n    // spec: P14-01\n    fn inner() {}\n}\n",
        "#[test]\nfn a_name(\n    x: u8,\n) {\n    if x == 1 {\n    } else {\n        // spec: P14-01\n    }\n}\n",
        "#[test]\nfn a_name() {\n    assert!(true);\x20// spec: P14-01\n}\n", // our own text is read too
        "proptest! {\n    #[test]\n    fn a_name(x in 0..1) {\n        // spec: P14-01\n    }\n}\n",
    ];
    for text in cases {
        let mut cited = citations::Citations::default();
        cited.read(&Source { path: "a.rs".into(), text: text.to_owned() });
        assert_eq!(
            cited.tests.get("P14-01"),
            Some(&vec!["a.rs: a_name".to_owned()]),
            "{text}{:?}",
            cited.wrong
        );
    }
}

#[test]
fn the_list_of_this_house_agrees_with_its_tests() {
    assert_eq!(check(&crate::checks::root()), Ok(()));
}
