//! What the README says about speed, made from the figures, so that it never says anything else.

use std::fmt::Write;

use super::Recorded;
use crate::targets::TARGETS;

/// A Markdown paragraph and a table.
pub(crate) fn quote(recorded: &Recorded) -> String {
    let run = &recorded.about["run"];
    let word = |name: &str| run[name].as_str().unwrap_or("unknown").to_owned();
    let mut text = String::new();
    writeln!(
        text,
        "Medians of the ratios in each of {} rounds of one run of `cargo xtask bench` ({}, {} CPUs, {}, {}; server and generator on one CPU).\n\
         CPU is that of the server for one operation; smaller is better, but for rates.\n",
        recorded.about["rounds"], word("processor"), run["cpus"], word("kernel"), word("date"),
    ).ok();
    writeln!(text, "| ours / theirs | ratio | smallest..largest |\n|---|---:|---:|").ok();
    for target in TARGETS {
        if let Some(verdict) = target.verdict(&recorded.figures) {
            let ratio = verdict.ratio;
            writeln!(
                text,
                "| {} | {:.2} | {:.2}..{:.2} |",
                target.what(),
                ratio.median,
                ratio.min,
                ratio.max
            )
            .ok();
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::report::tests::recorded;

    #[test]
    fn a_quote_has_what_was_measured_and_nothing_else() {
        let text = quote(&recorded());
        assert!(text.contains("a processor") && text.contains("sestina / tokio | 1.05 |"), "{text}");
        assert!(!text.contains("Twisted"), "{text}");
    }

    /// The README's table stands between two comments, and is what the committed figures say.
    #[test]
    fn the_readme_quotes_the_committed_run() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bench lies in the repository");
        let readme = std::fs::read_to_string(root.join("README.md")).expect("there is a README");
        let (_, rest) =
            readme.split_once("<!-- cargo xtask bench quote -->\n").expect("the README quotes a run");
        let (quoted, _) = rest.split_once("<!-- end of quote -->").expect("a quote has an end");
        let committed = Recorded::read(&root.join("bench/report")).expect("what is quoted is committed");
        assert_eq!(
            quoted.trim(),
            quote(&committed).trim(),
            "a run of your own is in bench/report? git restore bench/report; a new one to commit? cargo xtask bench quote"
        );
    }
}
