//! The README's test is one that a stranger's crate runs: `stranger/tests/samples.rs`.

const README: &str = include_str!("../../../README.md");
const SAMPLES: &str = include_str!("../stranger/tests/samples.rs");

#[test]
fn the_readme_shows_a_test_that_a_stranger_runs() {
    let blocks = README.split("```rust,ignore\n").skip(1);
    let shown: Vec<&str> = blocks.filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(shown.len(), 1, "one block of code that the README itself cannot run");
    let test = shown[0].split("#[sestina::test]").nth(1).expect("it shows a test");
    let lines = |text: &str| {
        text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
    };
    assert!(lines(SAMPLES).contains(&lines(test)), "{test}");
}
