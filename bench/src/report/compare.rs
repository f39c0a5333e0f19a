//! Two runs beside each other: do their ratios agree?

use std::fmt::Write;

use super::Recorded;
use crate::targets::TARGETS;

/// A table, and whether all ratios that both have agree.
///
/// # Errors
/// If there is nothing to compare: no ratio is in both, or only one of them is a quick run.
pub(crate) fn compare(one: &Recorded, other: &Recorded) -> Result<(String, bool), String> {
    let [is_quick, is_quick_too] = [one, other].map(|run| run.about["quick"] == true);
    if is_quick != is_quick_too {
        return Err("one of them is a quick run, the other is not".to_owned());
    }
    let (mut text, mut agree, mut compared) = (String::new(), true, 0);
    writeln!(text, "{:>7} {:>7} {:>7} {:>7}", "first", "second", "apart", "at most").ok();
    for target in TARGETS {
        let medians =
            [one, other].map(|run| target.verdict(&run.figures).map(|verdict| verdict.ratio.median));
        let [Some(first), Some(second)] = medians else {
            writeln!(text, "{:>31}  {}", "not in both", target.what()).ok();
            continue;
        };
        let apart = (first / second).max(second / first) - 1.0;
        let fine = apart <= target.tolerance;
        agree &= fine;
        compared += 1;
        let mark = if fine { ' ' } else { '!' };
        let [apart, tolerance] = [apart, target.tolerance].map(|part| format!("{:.1} %", part * 100.0));
        writeln!(text, "{first:>7.3} {second:>7.3} {apart:>7} {tolerance:>7}{mark} {}", target.what()).ok();
    }
    if compared == 0 { Err("no ratio is in both of them".to_owned()) } else { Ok((text, agree)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figure::Figures;
    use crate::report::tests::recorded;

    #[test]
    fn runs_agree_within_five_percent() {
        let one = recorded();
        let (text, agree) = compare(&one, &one).expect("both have it");
        assert!(agree && text.contains("0.0 %") && text.contains("not in both"), "{text}");
        for (factor, expected) in [(1.04, true), (1.07, false)] {
            let mut figures = Figures::default();
            for figure in one.figures.iter().cloned() {
                let scale = if figure.peer == "sestina" { factor } else { 1.0 };
                let rounds = figure.rounds.iter().map(|value| value * scale).collect();
                figures.push(crate::figure::Figure { rounds, ..figure });
            }
            let other = Recorded { about: one.about.clone(), figures };
            assert_eq!(compare(&one, &other).expect("both have it").1, expected, "{factor}");
        }
    }

    #[test]
    fn nothing_in_common_is_no_agreement() {
        let (one, nothing) = (recorded(), Recorded { figures: Figures::default(), ..recorded() });
        assert_eq!(compare(&one, &nothing).expect_err("no figures"), "no ratio is in both of them");
        let mut quick = recorded();
        quick.about["quick"] = true.into();
        assert!(compare(&one, &quick).is_err());
    }

    /// The run that the README quotes, and the one that was made right after it.
    #[test]
    fn the_committed_runs_agree() {
        let report = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("report");
        let runs = ["figures.jsonl", "again.jsonl"].map(|name| Recorded::read(&report.join(name)));
        let [Ok(one), Ok(again)] = runs else { panic!("both are committed: {runs:?}") };
        let advice = "a run of your own is in bench/report? git restore bench/report";
        let (text, agree) = compare(&one, &again).expect(advice);
        assert!(agree && !text.contains("not in both"), "{advice}\n{text}");
    }
}
